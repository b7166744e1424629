"""A stream that breaks gives the same text and the same failure, wherever the network cut its bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from llm_router.engine.driving.drive import Ended, advance
from llm_router.engine.effects import Close, Effect, Emit, Lost, Now, Open, Read, Reply, WallTime
from llm_router.engine.results import Answered, Failed
from llm_router.engine.serving.attempt import Mode, Trial, attempt
from llm_router.messages import StreamEvent
from llm_router.policy.program import Timeouts
from llm_router.wire.codec import HttpRequest
from llm_router.wire.dialects import CODECS

CASES: list[Mapping[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("cases").joinpath("broken_streams.yaml").read_text()
)
TYPES = {"ollama": "application/x-ndjson"}


def came(case: Mapping[str, Any], pieces: Sequence[bytes], mode: Mode) -> tuple[object, tuple[StreamEvent, ...]]:
    """How an attempt ended that was given these pieces, and what it passed on."""
    steps: Iterator[bytes] = iter(pieces)
    emitted: list[StreamEvent] = []

    def read() -> bytes:
        piece = next(steps, b"")
        if not piece and case.get("reset"):
            raise Lost("reset by the provider")
        return piece

    def perform(effect: Effect[Any]) -> Any:
        match effect:
            case Now() | WallTime():
                return 0.0
            case Open():
                return Reply(200, {"content-type": TYPES.get(case["dialect"], "text/event-stream")}, None)
            case Read():
                return read()
            case Close():
                return None
            case _:
                raise TypeError(effect)

    request = HttpRequest("POST", "http://127.0.0.1:9", {}, b"{}")
    timeouts = Timeouts(connect_s=5, first_token_s=10, stall_s=15, total_s=120)
    script = attempt(Trial(request, CODECS[case["dialect"]], mode, timeouts, 0.0, 300.0))
    while not isinstance(pause := advance(script, perform), Ended):
        assert isinstance(pause, Emit)
        emitted.append(pause.event)
    return pause.value, tuple(emitted)


def body_of(case: Mapping[str, Any]) -> bytes:
    text: str = case["stream"]
    return (text.removesuffix("\n") if case.get("unclosed") else text).encode()


@pytest.mark.parametrize("mode", ["passed", "held"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_a_broken_stream_ends_alike_wherever_it_is_cut(case: Mapping[str, Any], mode: Mode) -> None:
    body = body_of(case)
    result, emitted = came(case, [body], mode)
    for cut in range(1, len(body)):
        assert came(case, [body[:cut], body[cut:]], mode) == (result, emitted), cut
    assert came(case, [bytes([byte]) for byte in body], mode) == (result, emitted)


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_what_came_before_the_failure_is_not_lost(case: Mapping[str, Any]) -> None:
    result, emitted = came(case, [body_of(case)], "passed")
    if "failure" in case:
        assert isinstance(result, Failed)
        assert result.failure.kind == case["failure"]
        assert (result.partial.text if result.partial else "") == case["text"]
        assert result.committed == bool(case["text"])
        assert "".join(getattr(event, "text", "") for event in emitted) == case["text"]
    else:
        assert isinstance(result, Answered)
        assert result.response.text == case["text"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_what_is_held_back_is_no_commitment(case: Mapping[str, Any]) -> None:
    result, emitted = came(case, [body_of(case)], "held")
    assert emitted == ()
    if isinstance(result, Failed):
        assert not result.committed
        assert (result.partial.text if result.partial else "") == case["text"]
