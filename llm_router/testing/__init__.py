"""For tests: an emulator of the providers, faults to inject, a clock, and the runner of a spec's own `tests:`.

with serve(Emulator({"gpt-4o": ["rate_limit", "ok"]})) as url:
    ...                                  # an OpenAI base URL is url + "/v1", Ollama's is url
"""

from llm_router.testing.emulator import Emulator, LogEntry
from llm_router.testing.faults import FAULTS, Fault
from llm_router.testing.reply import Asked, Pause, Reply
from llm_router.testing.script import Call, On, Say
from llm_router.testing.server import serve

__all__ = ["FAULTS", "Asked", "Call", "Emulator", "Fault", "LogEntry", "On", "Pause", "Reply", "Say", "serve"]
