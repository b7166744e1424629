"""What caps requests and tokens: on a provider, on a deployment, and by name at the top."""

from __future__ import annotations

from typing import ClassVar

from llm_router.spec.constraints import ExactlyOne, LimitHasWindow
from llm_router.spec.periods import Every, FixedCount, FixedDuration, Per
from llm_router.spec.section import Constraint, Section, key
from llm_router.spec.types import Coverage, Duration, Name


class LimitSpec(Section):
    """A cap on requests or tokens in a window, or on requests under way."""

    constraints: ClassVar[tuple[Constraint, ...]] = (
        ExactlyOne(
            ("requests", "tokens", "concurrent"),
            "a limit",
            "write `{requests: 30, every: 1m}`, `{tokens: 14400, every: 1m}` or `{concurrent: 4}`",
        ),
        LimitHasWindow(),
    )

    requests: FixedCount | None = key("The most requests in the window.", 30)
    tokens: FixedCount | None = key("The most tokens in the window, input and output.", 14400, "100k")
    concurrent: FixedCount | None = key("The most requests under way at once; it has no window.", 4)
    every: Every | None = key("Windows that follow each other: `day`, `week`, `month` or a duration.", "1m", "day")
    within: FixedDuration | None = key("A window that ends now.", "1m")
    wait: Duration | None = key("How long a request waits for it before the next is asked.", "5s", default="0s")


class NamedLimitSpec(LimitSpec):
    """A limit on what it describes, counted apart for each user, session or value of metadata."""

    name: Name = key("What it is called; budgets share the names.", "each-tenant", required=True)
    for_: Coverage | None = key(
        "What it counts: features of the request, and `provider`, `deployment`, `model`, `rule`. Default: everything.",
        {"provider": "openai"},
        alias="for",
    )
    per: Per | None = key("What is counted apart: `user`, `session` or `metadata.key`.", "user", "metadata.tenant")
