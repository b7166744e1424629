"""What one process finds out of a provider spares the others: two routers that share nothing but a store."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from llm_router import Environment, Router
from llm_router.errors import ProviderError
from llm_router.state.facts import Facts
from llm_router.state.memory import MemoryStore
from llm_router.state.opening import open_store
from llm_router.state.shared_health import KIND, PROBE_LEASE_S, REFRESH_S, SharedHealth
from llm_router.testing import Emulator, serve
from tests.engine.world import World
from tests.state.stores import SHARED, url_of

NOW = 1_795_089_600.0


@pytest.fixture(params=SHARED)
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty store that processes share."""
    with url_of(request.param, tmp_path) as url:
        yield url


def spec(state: str, **changes: Any) -> dict[str, Any]:
    """Two deployments, the first of which is always asked first; one failure makes it cool."""
    return {
        "version": 1,
        "deployments": {
            "a": {"provider": "openai", "model": "a", "price": "free"},
            "b": {"provider": "groq", "model": "b", "price": "free"},
        },
        "rules": [{"use": ["a", "b"]}],
        "health": {"failures": 1, "cooldown": "1h"},
        "fallback": {"after": {"unavailable": {"retry": 0}}},
        "state": state,
        **changes,
    }


def router(state: str, address: str, **changes: Any) -> Router:
    return Router.from_spec(spec(state, **changes), environment=Environment({}, Path(), emulator=address))


def asked(emulator: Emulator) -> list[str | None]:
    return [entry.deployment for entry in emulator.log]


def test_who_finds_a_provider_down_spares_the_others(state: str) -> None:
    emulator = Emulator({"a": "unavailable"})
    with serve(emulator) as address, router(state, address) as one, router(state, address) as other:
        assert one.chat("hi").deployment == "b"
        assert other.chat("hi").deployment == "b"
        assert asked(emulator) == ["a", "b", "b"]
        assert {each.deployment: each.state for each in other.status().deployments} == {"a": "cooling", "b": "ok"}


def test_a_providers_own_time_is_kept_by_all(state: str) -> None:
    emulator = Emulator({"a": {"fault": "rate_limit", "retry_after_s": 3600}})
    with serve(emulator) as address, router(state, address) as one, router(state, address) as other:
        assert [one.chat("hi").deployment, other.chat("hi").deployment] == ["b", "b"]
        assert asked(emulator) == ["a", "b", "b"]


def test_in_memory_every_router_finds_out_for_itself() -> None:
    emulator = Emulator({"a": "unavailable"})
    with serve(emulator) as address, router("memory", address) as one, router("memory", address) as other:
        assert [one.chat("hi").deployment, other.chat("hi").deployment] == ["b", "b"]
        assert asked(emulator) == ["a", "b", "a", "b"]


def test_a_health_that_does_not_change_is_never_written(state: str) -> None:
    with serve(Emulator()) as address, router(state, address) as one:
        for _ in range(3):
            one.chat("hi")
    store = open_store(state, Path())
    assert store.load(KIND) == {}
    store.close()


@dataclass
class Counting(MemoryStore):
    """A store that counts how often records are read and written."""

    loads: int = field(default=0)
    swaps: int = field(default=0)

    def __post_init__(self) -> None:
        MemoryStore.__init__(self)

    @override
    def load(self, kind: str) -> Mapping[str, tuple[int, str]]:
        self.loads += 1
        return super().load(kind)

    @override
    def swap(self, kind: str, key: str, version: int, value: str) -> bool:
        self.swaps += 1
        return super().swap(kind, key, version, value)


COOLS = Facts(cooling_until=NOW + 15, failure="overloaded")


def test_records_are_read_once_in_a_second_however_often_they_are_wanted() -> None:
    store = Counting()
    one, other = SharedHealth(store), SharedHealth(store)
    one.tell("x", COOLS, NOW, probed=False)
    assert other.news(NOW) == {"x": COOLS}
    for tenth in range(10):
        assert other.news(NOW + tenth / 10) == {}
    assert store.loads == 1
    assert other.news(NOW + REFRESH_S) == {}
    assert store.loads == 2
    assert (one.differs("x", COOLS, NOW), other.differs("x", COOLS, NOW)) == (False, False)
    assert other.differs("x", Facts(), NOW)


def test_only_as_many_probes_are_made_at_a_time_as_may_be() -> None:
    store = MemoryStore()
    one, other = SharedHealth(store), SharedHealth(store)
    one.tell("x", COOLS, NOW, probed=False)
    assert [one.claim_probe("x", 1, NOW), other.claim_probe("x", 1, NOW), one.claim_probe("x", 1, NOW)] == [
        True,
        False,
        False,
    ]
    one.tell("x", Facts(), NOW, probed=True)
    assert other.news(NOW + 1) == {"x": Facts()}
    assert other.claim_probe("x", 1, NOW)
    assert not one.claim_probe("x", 1, NOW + PROBE_LEASE_S - 1)
    assert one.claim_probe("x", 1, NOW + PROBE_LEASE_S)


def test_of_two_who_write_at_once_none_is_lost_and_the_longest_limit_stays() -> None:
    store = MemoryStore()
    one, other = SharedHealth(store), SharedHealth(store)
    assert one.news(NOW) == other.news(NOW) == {}
    one.tell("x", Facts(limited_until=NOW + 60), NOW, probed=False)
    other.tell("x", Facts(cooling_until=NOW + 15, limited_until=NOW + 5), NOW, probed=False)
    assert one.news(NOW + 1) == {"x": Facts(cooling_until=NOW + 15, limited_until=NOW + 60)}


def test_a_record_that_nobody_can_read_says_nothing() -> None:
    store = MemoryStore()
    store.swap(KIND, "x", 0, json.dumps({"facts": {"from": "a later version"}}))
    shared = SharedHealth(store)
    assert shared.news(NOW) == {"x": Facts()}
    shared.tell("x", COOLS, NOW, probed=False)
    assert SharedHealth(store).news(NOW) == {"x": COOLS}


def test_a_probe_that_another_process_makes_is_not_made_twice(tmp_path: Path) -> None:
    with url_of("sqlite", tmp_path) as state:
        emulator = Emulator({"a": ["unavailable", "ok"]})
        changes = {"health": {"failures": 1, "cooldown": "1ms"}}
        with serve(emulator) as address, router(state, address, **changes) as one:
            assert one.chat("hi").deployment == "b"
            store = open_store(state, Path())
            elsewhere, (identity,) = SharedHealth(store), store.load(KIND)
            elsewhere.news(NOW)
            now = one.status().now
            assert elsewhere.claim_probe(identity, 1, now)
            assert one.chat("hi").deployment == "b"
            elsewhere.tell(identity, Facts(cooling_until=now), now, probed=True)
            one._loaded.wiring.accounts.health._read_at = None  # as if a second had passed
            assert one.chat("hi").deployment == "a"
            assert not json.loads(store.load(KIND)[identity][1])["facts"]["cooling_until"]
            store.close()
            assert asked(emulator) == ["a", "b", "b", "a"]


def test_when_nobody_else_is_left_one_that_others_probe_is_not_stormed(tmp_path: Path) -> None:
    with url_of("sqlite", tmp_path) as state:
        emulator = Emulator({"a": "unavailable"})
        with serve(emulator) as address, router(state, address, rules=[{"use": "a"}]) as one:
            with pytest.raises(ProviderError):
                one.chat("hi")
            store = open_store(state, Path())
            elsewhere, (identity,) = SharedHealth(store), store.load(KIND)
            elsewhere.news(NOW)
            assert elsewhere.claim_probe(identity, 1, one.status().now)
            with pytest.raises(ProviderError, match="it is being tried already"):
                one.chat("hi")
            store.close()
            assert asked(emulator) == ["a"]


def test_a_world_of_one_process_asks_no_store_about_health() -> None:
    world = World({"names": ["a"]})
    world.ask()
    assert world.wiring.accounts.store.load(KIND) == {}
