"""One request as it was called, with everything that is taken then and not when it is first driven."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from llm_router.engine.accounting.meter import Meter
from llm_router.engine.wiring import Wiring
from llm_router.messages import ChatRequest
from llm_router.policy.hints import Hints
from llm_router.policy.program import Program


@dataclass(frozen=True, slots=True)
class Job:
    """One request, and the program that it began with. `given` are features that the caller states by name.

    `meter` runs while the request does.
    """

    program: Program
    wiring: Wiring
    request: ChatRequest
    hints: Hints
    request_id: str
    stream: bool = False
    given: Mapping[str, object] | None = None
    meter: Meter = field(default_factory=Meter, repr=False, compare=False)
