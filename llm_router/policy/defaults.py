"""What holds where a spec is silent: the numbers of the language, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType

from llm_router.errors import FailureClass
from llm_router.policy.program import After, Fallback, Timeouts, Wait

TIMEOUTS = Timeouts(connect_s=5.0, first_token_s=10.0, stall_s=15.0, total_s=120.0)

PATIENT_FIRST_TOKEN_S = 60.0
"""The first token of a model that reasons, or of one that this machine may have to load first."""

FALLBACK = Fallback(enabled=True, deadline_s=300.0, on_break="continue")

HEDGE_SHARE = Fraction(1, 20)
"""What hedges may add at most to what is spent."""

CACHE_ENTRIES = 10_000

SPARE_ATTEMPTS = 2
"""`max_attempts` is the number of candidates and these."""

OUTPUT_CAP = 4_000
"""Output tokens at most, where a cost is to be bounded and nobody said how long the answer may be."""

EXPECTED_OUTPUT = 500
"""Output tokens of an ordinary answer, for estimates."""

_PLAIN = After(retry=0, wait=Wait(), next="any", longest_wait_s=0.0)
_STOP = After(retry=0, wait=Wait(), next="stop", longest_wait_s=0.0)
_OUT = After(retry=0, wait=Wait(), next="any", cooldown_s=300.0, longest_wait_s=0.0)

AFTER: Mapping[FailureClass, After] = MappingProxyType(
    {
        "rate_limit": After(retry=0, wait=Wait(), next="any", longest_wait_s=20.0),
        "quota_exhausted": _OUT,
        "unavailable": After(retry=1, wait=Wait(), next="any", longest_wait_s=0.0),
        "timeout": _PLAIN,
        "authentication": _OUT,
        "permission": _OUT,
        "not_found": _OUT,
        "context_length": After(retry=0, wait=Wait(), next="larger-context", longest_wait_s=0.0),
        "content_filter": _STOP,
        "bad_request": _STOP,
        "invalid_output": After(retry=1, wait=Wait(), next="any", longest_wait_s=0.0),
    }
)
"""What follows each class of failure; the children of `unavailable` follow their parent."""
