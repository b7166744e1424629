"""For tests: an emulator of the providers, faults to inject, a clock, and the runner of a spec's own `tests:`.

with serve(Emulator({"gpt-4o": ["rate_limit", "ok"]})) as url:
    ...                                  # an OpenAI base URL is url + "/v1", Ollama's is url
"""

from llm_router.testing.case_names import check_cases
from llm_router.testing.cases import CaseResult, iter_cases, run_cases
from llm_router.testing.clock import VirtualClock
from llm_router.testing.emulator import Emulator, LogEntry
from llm_router.testing.faults import FAULTS, Fault
from llm_router.testing.performer import Performer
from llm_router.testing.reply import Asked, Pause, Reply
from llm_router.testing.script import Call, On, Say
from llm_router.testing.server import serve

__all__ = [
    "FAULTS",
    "Asked",
    "Call",
    "CaseResult",
    "Emulator",
    "Fault",
    "LogEntry",
    "On",
    "Pause",
    "Performer",
    "Reply",
    "Say",
    "VirtualClock",
    "check_cases",
    "iter_cases",
    "run_cases",
    "serve",
]
