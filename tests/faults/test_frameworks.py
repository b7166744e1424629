"""Every fault at every entry point of both frameworks, over sockets: what comes out, what was asked, what is told."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from langchain.agents.middleware._retry import default_retry_on

from llm_router.engine.events import AttemptFinished, Event
from llm_router.errors import ProviderError
from tests.faults.entrances import ENTRANCES, LANGCHAIN, STREAMED
from tests.faults.matrix import ANSWER, FRAMEWORKS, SCHEMA, Cell, cells
from tests.router.ways import emulated

CELLS = list(cells(quick=True))
SHORTLY = {"wait": {"first": "1ms"}}
NEVER_AGAIN = {"longest_wait": "0s", "wait": {"first": "1000h", "longest": "1000h"}}
"""However slow the machine, the pause after a limit is longer than the test."""
QUICK = {"fallback": {"after": {"unavailable": SHORTLY, "invalid_output": SHORTLY, "rate_limit": NEVER_AGAIN}}}
FORM = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}


@dataclass(frozen=True, slots=True)
class Came:
    """What came of one call: the text, the error by the framework's name for it, who was asked, and what is told."""

    text: str
    error: str
    asked: list[str | None]
    told: list[str]


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_every_entry_point_shows_what_the_cell_says(cell: Cell) -> None:
    entrances = [name for name in ENTRANCES if (name in STREAMED) == cell.streamed]
    with ThreadPoolExecutor(len(entrances)) as threads:
        came = dict(zip(entrances, threads.map(partial(_entered, cell), entrances), strict=True))
    assert came == {name: _expected(cell, name, came[name]) for name in entrances}


def _entered(cell: Cell, entrance: str) -> Came:
    case = cell.case()
    heard: list[Event] = []
    pieces: list[str] = []
    error: Exception | None = None
    quick = {**case, "spec": {**case["spec"], **QUICK}, "facts": _quick_facts(cell, case["facts"])}
    with emulated(quick, observers=[heard.append]) as (router, emulator):
        try:
            ENTRANCES[entrance](router, pieces, {"response_format": FORM} if cell.structured else {})
        except Exception as raised:
            error = raised
            _check_error(cell, entrance, raised, "".join(pieces))
    reports = [event.report for event in heard if isinstance(event, AttemptFinished)]
    told = [f"{each.failure or each.outcome} {each.cost_basis} {each.mark}".strip() for each in reports]
    return Came("".join(pieces), _name(entrance, error), [entry.deployment for entry in emulator.log], told)


def _quick_facts(cell: Cell, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Who is to run out of time does so soon; the others have all they need, however slow the machine."""
    return {name: {**each, **(cell.soon if name in cell.faulty else {})} for name, each in facts.items()}


def _check_error(cell: Cell, entrance: str, error: Exception, text: str) -> None:
    """It is the router's own error as well, with all attempts, and carries what came of the text."""
    assert isinstance(error, ProviderError), repr(error)
    assert not isinstance(error, RuntimeError)
    assert error.failure == cell.failure
    assert len(error.attempts) == len(cell.told)
    assert text == error.partial_text * cell.streamed
    assert bool(error.partial_text) == (cell.expected["text"] == "some")
    if entrance in LANGCHAIN:
        assert default_retry_on(error) is FRAMEWORKS[cell.failure]["again"]


def _name(entrance: str, error: Exception | None) -> str:
    """What the framework knows the error by: its own nearest class in LangChain, ours in LlamaIndex."""
    if error is None:
        return ""
    known = "langchain_core" if entrance in LANGCHAIN else "llm_router"
    return next(kind.__name__ for kind in type(error).__mro__ if kind.__module__.startswith(known))


def _expected(cell: Cell, entrance: str, came: Came) -> Came:
    framework = "langchain" if entrance in LANGCHAIN else "llama_index"
    fails = "caller" not in cell.expected
    names: Mapping[str, Any] = FRAMEWORKS.get(cell.failure, {})
    whole = not fails and not cell.structured
    asked = list(cell.expected["asked"].split())
    return Came(ANSWER if whole else came.text, names[framework] if fails else "", asked, cell.told)
