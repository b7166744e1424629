"""The order of one request, under a clock of our own: what is asked, for how long, and what the caller sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from llm_router.errors import ProviderError
from llm_router.messages import Assembly
from tests.engine.world import DRIVERS, KEY, Driver, Seen, World

CASES: list[Mapping[str, Any]] = yaml.safe_load(Path(__file__).with_name("cases").joinpath("requests.yaml").read_text())


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_caller_and_the_providers_see_what_the_case_says(
    case: Mapping[str, Any], stream: bool, driver: Driver
) -> None:
    world = World(case)
    for number in range(case.get("before", 0)):
        world.ask(stream=stream, number=number, driver=driver)
    seen = world.ask(stream=stream, driver=driver)
    expected = {**case["expect"], **(case.get("streamed", {}) if stream else {})}
    assert (seen.asked, seen.outcome) == (expected["asked"], expected["outcome"]), seen.error
    _check_time(seen, expected)
    _check_error(seen, expected)
    _check_stream(seen, stream=stream)


def _check_time(seen: Seen, expected: Mapping[str, Any]) -> None:
    elapsed = expected.get("elapsed")
    if isinstance(elapsed, list):
        least, most = elapsed
        assert least <= seen.elapsed_s <= most
    elif elapsed is not None:
        assert seen.elapsed_s == pytest.approx(elapsed)


def _check_error(seen: Seen, expected: Mapping[str, Any]) -> None:
    if seen.error is None:
        return
    assert expected.get("message", "") in str(seen.error)
    assert KEY not in str(seen.error)
    assert isinstance(seen.error, ProviderError)
    assert [report.deployment for report in seen.error.attempts] == seen.asked
    assert seen.error.retry_after_s == expected.get("retry_after", seen.error.retry_after_s)
    assert bool(seen.error.partial_text) or not expected.get("partial")


def _check_stream(seen: Seen, *, stream: bool) -> None:
    """A stream spells the answer once, and nothing but it; a broken one spells the error's partial text."""
    assembly = Assembly()
    for event in seen.emitted:
        assembly.add(event)
    if not stream:
        assert not seen.emitted
    elif seen.answer is not None:
        spelt = assembly.response()
        signed = replace(spelt.message, deployment=seen.answer.deployment)  # who wrote it, the router says
        assert replace(spelt, message=signed) == seen.answer.response
    else:
        assert isinstance(seen.error, ProviderError)
        assert assembly.text == seen.error.partial_text
        assert assembly.finish_reason is None
