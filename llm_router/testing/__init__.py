"""For tests: an emulator of the providers, faults to inject, a clock, and the runner of a spec's own `tests:`.

    with emulated_providers({"gpt-4o": ["rate_limit", "ok"]}) as providers, providers.router("router.yaml") as router:
        assert router.chat("hello").deployment == "gpt"

    with serve(Emulator()) as url:
        ...                                  # for any client: OpenAI's base URL is url + "/v1", Ollama's is url

Names are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llm_router.testing.case_names import check_cases
    from llm_router.testing.cases import CaseResult, iter_cases, run_cases
    from llm_router.testing.clock import VirtualClock
    from llm_router.testing.codec_kit import check_codec
    from llm_router.testing.codec_replies import Recorded, RecordedError
    from llm_router.testing.emulation import Providers, emulated, emulated_providers
    from llm_router.testing.emulator import Emulator, LogEntry
    from llm_router.testing.faults import FAULTS, Fault
    from llm_router.testing.performer import Performer
    from llm_router.testing.question import Question
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
    "Providers",
    "Question",
    "Recorded",
    "RecordedError",
    "Reply",
    "Say",
    "VirtualClock",
    "check_cases",
    "check_codec",
    "emulated",
    "emulated_providers",
    "iter_cases",
    "run_cases",
    "serve",
]

_HOMES = {
    "case_names": ("check_cases",),
    "cases": ("CaseResult", "iter_cases", "run_cases"),
    "clock": ("VirtualClock",),
    "codec_kit": ("check_codec",),
    "codec_replies": ("Recorded", "RecordedError"),
    "emulation": ("Providers", "emulated", "emulated_providers"),
    "emulator": ("Emulator", "LogEntry"),
    "faults": ("FAULTS", "Fault"),
    "performer": ("Performer",),
    "question": ("Question",),
    "reply": ("Asked", "Pause", "Reply"),
    "script": ("Call", "On", "Say"),
    "server": ("serve",),
}
_HOME = {name: f"llm_router.testing.{home}" for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
