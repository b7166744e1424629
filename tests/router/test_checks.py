"""The thread that checks: there where the spec wants it, gone with its router, begun anew in a child process."""

from __future__ import annotations

import gc
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llm_router import Environment, Router
from llm_router.engine.events import DeploymentChecked, Event
from tests.router.ways import emulated

ILL = {"failures": 1, "cooldown": "10m"}
FALLBACK = {"after": {"unavailable": {"retry": 0}}}
NAME = "llm-router checks"


def running() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == NAME]


@pytest.fixture(autouse=True)
def none_is_left() -> Iterator[None]:
    """Let the threads of a test end before the next begins."""
    yield
    for thread in running():
        thread.join(60)
    assert running() == []


def spec(every: str | None) -> dict[str, Any]:
    health = ILL if every is None else {**ILL, "check_every": every}
    return {"version": 1, "health": health, "rules": [{"use": "ollama:x"}]}


def test_a_deployment_that_is_back_is_found_by_a_check() -> None:
    checked = threading.Event()

    def hear(event: Event) -> None:
        if isinstance(event, DeploymentChecked):
            assert (event.deployment, event.verdict) == ("a", "up")
            checked.set()

    case = {
        "given": {"a": ["unavailable", "ok"]},
        "spec": {"health": {**ILL, "check_every": "20ms"}, "fallback": FALLBACK},
    }
    with emulated(case, observers=[hear]) as (router, emulator):
        assert router.chat("hello").deployment == "b"
        assert checked.wait(60)
        answer = router.chat("hello")
        assert (answer.deployment, answer.attempts[0].admitted_as) == ("a", "probe")
        assert {entry.path for entry in emulator.log if entry.method == "GET"} == {"/a/v1/models"}
        assert router.status().deployments[0].state == "ok"


def test_no_thread_is_made_where_no_checks_are_wanted() -> None:
    with Router.from_spec(spec(None), environment=Environment()):
        assert running() == []


def test_the_thread_ends_when_the_router_is_closed() -> None:
    with Router.from_spec(spec("1h"), environment=Environment()):
        (thread,) = running()
        assert thread.daemon
    thread.join(60)
    assert not thread.is_alive()


def test_the_thread_ends_when_the_router_is_garbage() -> None:
    router = Router.from_spec(spec("10ms"), environment=Environment())
    (thread,) = running()
    del router
    gc.collect()
    thread.join(60)
    assert not thread.is_alive()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_child_process_begins_its_own() -> None:
    with Router.from_spec(spec("1h"), environment=Environment()) as router:
        child = os.fork()
        if child == 0:
            before = len(running())
            router.explain("hello")
            os._exit(0 if (before, len(running())) == (0, 1) else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_program_that_wants_checks_no_more_ends_them(tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(json.dumps(spec(None)))
    with Router.from_spec(spec("10ms"), environment=Environment()) as router:
        (thread,) = running()
        router.reload(file)
        thread.join(60)
        assert not thread.is_alive()
