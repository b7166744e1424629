"""A store that goes away while requests come: what the spec says holds, it is told once, and its return is noticed."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis
from typing_extensions import override

from llm_router import Environment, Router
from llm_router.engine.events import Event, StoreFailed, StoreRecovered
from llm_router.errors import StoreDown, Unavailable
from llm_router.policy.charges import budget_account
from llm_router.state.accounts import Accounts
from llm_router.state.frames import frame
from llm_router.state.memory import MemoryStore
from llm_router.state.reach import QUIET_S, Reach
from llm_router.testing import Emulator, Say, serve
from tests.router.ways import until
from tests.state.stores import require

NOW = 1_795_089_600.0


@dataclass
class Server:
    """A Redis of the test's own, which it may stop and start again."""

    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        with redis.Redis.from_url(self.url) as client:
            until(partial(self._answers, client))

    def _answers(self, client: redis.Redis) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, "the test's own redis-server doesn't start"
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.process = None


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that runs."""
    require("redis")
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server is installed here to be stopped")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    running = Server(port)
    running.start()
    try:
        yield running
    finally:
        running.stop()


def spec(state: object, **changes: Any) -> dict[str, Any]:
    """One deployment with a price."""
    return {
        "version": 1,
        "deployments": {"only": {"provider": "openai", "model": "m", "price": {"input": 1, "output": 1}}},
        "rules": [{"use": "only"}],
        "state": state,
        **changes,
    }


BUDGET = {"budgets": [{"name": "small", "amount": "5 USD", "every": "day"}]}
WARNED = {"budgets": [{"name": "small", "amount": "5 USD", "every": "day", "when_spent": "warn"}]}
LIMIT = {"limits": [{"name": "few", "requests": 100, "every": "1h"}]}

DECLARED: Mapping[str, tuple[str | None, Mapping[str, Any], str]] = {
    "a budget is closed without a word": (None, BUDGET, "refused"),
    "a budget that only warns is open": (None, WARNED, "answered"),
    "a limit is open without a word": (None, LIMIT, "answered"),
    "neither limit nor budget is open": (None, {}, "answered"),
    "a budget may be open": ("open", BUDGET, "answered"),
    "a limit may be closed": ("closed", LIMIT, "refused"),
    "all may be closed": ("closed", {}, "refused"),
}


@contextmanager
def routed(said: str | None, url: str, changes: Mapping[str, Any]) -> Iterator[tuple[Router, Emulator, list[Event]]]:
    """A router on the store, and what its observer hears."""
    state = url if said is None else {"url": url, "fail": said}
    heard: list[Event] = []
    emulator = Emulator({"*": Say("hello", delay_s=0.05)})
    environment = Environment({}, Path())
    with serve(emulator) as address:
        environment = Environment({}, Path(), emulator=address)
        with Router.from_spec(spec(state, **changes), environment=environment, observers=[heard.append]) as router:
            yield router, emulator, heard


def outcome(router: Router) -> str:
    try:
        return "answered" if router.chat("hi").text else "empty"
    except Unavailable as error:
        said = "nothing is spent without the store, which can't be reached" in str(error)
        return "refused" if said else repr(error)


@pytest.mark.parametrize("case", DECLARED)
def test_without_its_store_a_request_goes_on_or_is_refused_as_declared(case: str, server: Server) -> None:
    said, changes, expected = DECLARED[case]
    with routed(said, server.url, changes) as (router, emulator, _):
        assert outcome(router) == "answered"
        server.stop()
        assert [outcome(router), outcome(router)] == [expected] * 2
        assert len(emulator.log) == (3 if expected == "answered" else 1)


def test_what_was_asked_without_the_store_is_charged_once_it_is_back(server: Server) -> None:
    with routed("open", server.url, BUDGET) as (router, emulator, _):
        server.stop()
        answers = [router.chat(f"{number}") for number in range(3)]
        server.start()
        router._loaded.wiring.accounts.reach._failed_at -= QUIET_S  # as if a second had passed
        answers.append(router.chat("and now"))
        total = router.spend().total
        account = budget_account(router.program.budgets[0])
        level = router._loaded.wiring.accounts.store.levels(
            {account.key: frame(account.window, "UTC", time.time())}, now=time.time()
        )[account.key]
    assert len(emulator.log) == total.requests == 4
    assert total.cost == level.settled == sum(answer.cost.known for answer in answers) > 0


def test_what_is_owed_is_paid_when_the_router_is_closed(server: Server) -> None:
    with routed("open", server.url, LIMIT) as (router, _, _):
        server.stop()
        paid = router.chat("one").cost.known
        server.start()
    with routed("open", server.url, LIMIT) as (router, _, _):
        assert router.spend().total.cost == paid > 0


def test_the_first_failure_is_told_once_and_so_is_the_return(server: Server) -> None:
    with routed("open", server.url, BUDGET) as (router, _, heard):
        server.stop()
        for _ in range(4):
            assert outcome(router) == "answered"
        told = [event for event in heard if isinstance(event, StoreFailed | StoreRecovered)]
        assert len(told) == 1
        assert f"the store `redis://127.0.0.1:{server.port}` can't be reached" in str(told[0])
        server.start()
        router._loaded.wiring.accounts.reach._failed_at -= QUIET_S  # as if a second had passed
        assert outcome(router) == "answered"
        assert [event for event in heard if isinstance(event, StoreFailed | StoreRecovered)][1:] == [
            StoreRecovered(f"redis://127.0.0.1:{server.port}")
        ]


def test_a_store_that_goes_while_answers_are_under_way_takes_none_of_them(server: Server) -> None:
    with routed(None, server.url, BUDGET) as (router, _, heard):
        stream = router.stream("hi")
        first = next(stream)
        server.stop()
        assert [first, *stream]
        assert stream.answer.text == "hello"
        assert sum(isinstance(event, StoreFailed) for event in heard) == 1


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_no_loop_waits_for_a_store_that_is_silent(monkeypatch: pytest.MonkeyPatch, *, stream: bool) -> None:
    """The store is silent until the loop that asks it ends its connection, which a loop that waits can't."""
    monkeypatch.setattr("llm_router.state.redis.TIMEOUT_S", 30.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.setblocking(False)
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        with routed("open", url, BUDGET) as (router, _, heard):
            asyncio.run(asked_beside(router, silent, stream=stream))
    (failed,) = [event for event in heard if isinstance(event, StoreFailed)]
    assert "timeout" not in str(failed).lower()


async def asked_beside(router: Router, silent: socket.socket, *, stream: bool) -> None:
    """Ask, in a loop that ends the connections of the silent store itself, once they have said something."""

    async def end() -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, _ = await loop.sock_accept(silent)
            with connection:
                await loop.sock_recv(connection, 1)

    ending = asyncio.create_task(end())
    if stream:
        async with router.astream("hi") as events:
            async for _ in events:
                pass
    else:
        await router.achat("hi")
    await router.aclose()
    ending.cancel()


@dataclass
class Failing(MemoryStore):
    """A store that can be reached or not, and counts how often it is asked."""

    down: bool = True
    asked: int = field(default=0)

    def __post_init__(self) -> None:
        MemoryStore.__init__(self)

    @override
    def levels(self, frames: Mapping[str, Any], *, now: float) -> Mapping[str, Any]:
        self.asked += 1
        if self.down:
            raise StoreDown("fake://here", "gone")
        return super().levels(frames, now=now)


def test_a_store_that_just_failed_is_left_alone_for_a_moment() -> None:
    store = Failing()
    accounts = Accounts(store)
    for tenth in range(10):
        with pytest.raises(StoreDown, match="the store `fake://here` can't be reached: gone"):
            accounts.standings({}, NOW + tenth * QUIET_S / 10)
    assert store.asked == 1
    store.down = False
    assert accounts.standings({}, NOW + 2 * QUIET_S) == {}
    assert [accounts.reach.news(), accounts.reach.news(), accounts.reach.news()] == [
        ("down", "the store `fake://here` can't be reached: gone"),
        ("up", "fake://here"),
        None,
    ]


def test_what_was_reserved_is_settled_even_in_that_moment() -> None:
    reach = Reach()
    with pytest.raises(StoreDown), reach.asking(NOW):
        raise StoreDown("fake://here")
    with reach.asking(NOW, urgent=True):
        pass
    assert not reach.down


@pytest.mark.parametrize("said", [None, "open"])
def test_a_file_that_cannot_be_written_is_a_store_that_is_down(said: str | None, tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with routed(said, f"sqlite:{path}", BUDGET) as (router, _, heard):
        assert outcome(router) == "answered"
        accounts = router._loaded.wiring.accounts
        accounts.store.close()
        for each in tmp_path.iterdir():
            each.unlink()
        path.mkdir()
        assert outcome(router) == ("refused" if said is None else "answered")
        assert sum(isinstance(event, StoreFailed) for event in heard) == 1
