"""A small world to try requests in: three deployments of one emulated provider each, and a clock of our own."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Literal, get_args

from llm_router import Environment
from llm_router.diagnostics import SpecError
from llm_router.engine.answer import Answer
from llm_router.engine.driving.drive import Ended, advance, advance_async
from llm_router.engine.effects import Effect, Emit
from llm_router.engine.job import Job
from llm_router.engine.loading import NotLoaded, Origin, loaded
from llm_router.engine.request import serve
from llm_router.errors import ProviderError, RouterError
from llm_router.messages import ChatRequest, JsonFormat, StreamEvent, Tool
from llm_router.policy.hints import Hints
from llm_router.testing.clock import VirtualClock
from llm_router.testing.emulator import Emulator
from llm_router.testing.performer import Performer

KEY = "sk-planted-0123456789abcdef"


def spec_of(case: Mapping[str, Any], address: str = "http://127.0.0.1:9") -> dict[str, Any]:
    """The spec of a case: `use` (default: a, then b, then c), each deployment at a provider of its own."""
    names, kind = case.get("names", ["a", "b", "c"]), case.get("kind", {"kind": "openai-compatible"})
    providers = {
        f"at-{name}": {**kind, "base_url": f"{address}/{name}/v1", "api_key": case.get("key", KEY)}
        for name in {case.get("at", {}).get(name, name) for name in names}
    }
    deployments = {
        name: {
            "provider": f"at-{case.get('at', {}).get(name, name)}",
            "model": name,
            **case.get("facts", {}).get(name, {}),
        }
        for name in names
    }
    rule = {"name": "only", "use": case.get("use", names)}
    return {"version": 1, "providers": providers, "deployments": deployments, "rules": [rule], **case.get("spec", {})}


def script_of(case: Mapping[str, Any]) -> dict[str, Any]:
    """What the emulator answers: each deployment by its wire name."""
    return dict(case.get("given", {}))


def request_of(case: Mapping[str, Any]) -> ChatRequest:
    """What is asked: the case's text, with its schema, if any, and its tools, one of which must be called."""
    request = ChatRequest.of(case.get("text", "why is the sky blue?"))
    schema, tools = case.get("schema"), case.get("tools", {})
    return replace(
        request,
        response_format=None if schema is None else JsonFormat(schema),
        tools=tuple(Tool(name, name, parameters) for name, parameters in tools.items()),
        tool_choice="required" if tools else None,
    )


Driver = Literal["thread", "task"]
"""Which of the two drivers steps the script."""
DRIVERS: tuple[Driver, ...] = get_args(Driver)


@dataclass(slots=True)
class Seen:
    """What a caller and a provider saw of one request. `gaps` are the seconds between the provider's requests."""

    answer: Answer | None = None
    error: RouterError | None = None
    emitted: list[StreamEvent] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    elapsed_s: float = 0.0

    @property
    def outcome(self) -> str:
        """Who answered, or the failure class of the error, or its name where it has none."""
        if self.answer is not None:
            return self.answer.deployment
        return self.error.failure if isinstance(self.error, ProviderError) else type(self.error).__name__


class World:
    """One router's worth of state; requests are made one after the other."""

    def __init__(self, case: Mapping[str, Any]) -> None:
        self.clock = VirtualClock()
        self.emulator = Emulator(script_of(case), clock=self.clock)
        self.performer = Performer(self.emulator, self.clock)
        made = loaded(Origin.of_mapping(spec_of(case)), Environment())
        if isinstance(made, NotLoaded):
            raise SpecError(made.diagnostics, {"<spec>": made.text})
        self.program, self.wiring = made.program, made.wiring
        self._case = case

    def ask(self, *, stream: bool = False, number: int = 1, driver: Driver = "thread") -> Seen:
        """Make the request of the case."""
        before, began = len(self.emulator.log), self.clock.monotonic()
        hints = Hints.read(self._case.get("hints", {}), self.program)
        job = Job(self.program, self.wiring, request_of(self._case), hints, f"request-{number}", stream)
        seen = Seen()
        try:
            seen.answer = self._drive(job, seen) if driver == "thread" else asyncio.run(self._drive_async(job, seen))
        except RouterError as error:
            seen.error = error
        log = self.emulator.log[before:]
        seen.asked = [entry.model or "?" for entry in log]
        seen.gaps = [later.time - entry.time for entry, later in pairwise(log)]
        seen.elapsed_s = self.clock.monotonic() - began
        return seen

    def _drive(self, job: Job, seen: Seen) -> Answer:
        script = serve(job)
        while True:
            pause = advance(script, self.perform)
            if isinstance(pause, Ended):
                return pause.value
            if isinstance(pause, Emit):
                seen.emitted.append(pause.event)

    async def _drive_async(self, job: Job, seen: Seen) -> Answer:
        script = serve(job)
        while True:
            pause = await advance_async(script, self._perform_async, _nothing_is_left)
            if isinstance(pause, Ended):
                return pause.value
            if isinstance(pause, Emit):
                seen.emitted.append(pause.event)

    async def _perform_async(self, effect: Effect[Any]) -> Any:
        """Perform an effect in virtual time, and let the loop have its turn."""
        await asyncio.sleep(0)
        return self.performer(effect)

    def perform(self, effect: Effect[Any]) -> Any:
        """Perform an effect in virtual time."""
        return self.performer(effect)


def _nothing_is_left(rest: Coroutine[Any, Any, None]) -> None:
    """Nobody cancels here, so no rest of a script is ever to be run."""
    rest.close()
    raise AssertionError("nobody cancelled")
