"""What is answered from the cache, by whom, and what isn't."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from llm_router import ChatRequest, Router
from llm_router.engine.events import CacheHit, Event, RequestDone
from llm_router.errors import NoCandidate, ProviderError, RequestError
from llm_router.messages import Assembly, Settings, Tool, assistant, user
from llm_router.testing import Emulator
from tests.engine.world import World
from tests.router.ways import WAYS, emulated
from tests.state.stores import KINDS, url_of

CACHE: Mapping[str, Any] = {"exact": {"keep": "1h"}}
PRICED = {name: {"price": {"input": 2.5, "output": 10}} for name in "abc"}
TEXT = "why is the sky blue?"


def spec(exact: Mapping[str, Any] = CACHE["exact"], **changes: Any) -> dict[str, Any]:
    """The case of a spec with a cache."""
    given, facts = changes.pop("given", {}), changes.pop("facts", PRICED)
    return {"spec": {"cache": {"exact": {"keep": "1h", **exact}}, **changes}, "given": given, "facts": facts}


def hits(router: Router, *calls: Mapping[str, Any], text: str = TEXT) -> list[bool]:
    """Whether each of these calls was answered from the cache."""
    return [router.chat(text, **call).cached for call in calls]


def asked(emulator: Emulator) -> list[str | None]:
    return [entry.model for entry in emulator.log]


@pytest.mark.parametrize("second", WAYS)
@pytest.mark.parametrize("first", WAYS)
def test_an_equal_request_is_paid_for_once_however_it_is_asked(first: str, second: str) -> None:
    with emulated(spec()) as (router, emulator):
        paid = WAYS[first](router, ChatRequest.of(TEXT), {})
        free = WAYS[second](router, ChatRequest.of(TEXT), {})
    assert paid.answer is not None
    assert free.answer is not None
    assert (paid.answer.cached, free.answer.cached, asked(emulator)) == (False, True, ["a"])
    assert free.answer.response == paid.answer.response
    assert (free.answer.deployment, free.answer.provider, free.answer.attempts) == ("a", "at-a", ())
    if "stream" in second:
        assembly = Assembly()
        for event in free.emitted:
            assembly.add(event)
        assert assembly.response() == paid.answer.response


def test_a_hit_takes_nobodys_turn() -> None:
    turns: dict[str, Any] = {
        "pools": {"all": {"of": ["a", "b", "c"], "balance": "round-robin"}},
        "rules": [{"use": "all"}],
    }
    with emulated(spec(**turns)) as (router, emulator):
        for text in ("one", "one", "two", "one", "one", "three", "two", "four"):
            router.chat(text)
    assert asked(emulator) == ["a", "b", "c", "a"]


def test_without_a_word_in_the_spec_nothing_is_kept() -> None:
    with emulated({}) as (router, emulator):
        assert hits(router, {}, {}) == [False, False]
        assert (router.cache_stats().hits, router.cache_stats().misses) == (0, 0)
    assert asked(emulator) == ["a", "a"]


def test_a_hit_is_told_and_written_down_with_what_it_saved() -> None:
    heard: list[Event] = []
    with emulated(spec(), observers=[heard.append]) as (router, _):
        paid, free = router.chat(TEXT), router.chat(TEXT)
        total, stats = router.spend().total, router.cache_stats()
    assert (free.cost.known, free.cost.saved) == (0, paid.cost.known)
    assert paid.cost.known > 0
    assert "answered from the cache, as a (at-a) had before; saved: " in free.explain()
    assert (free.routing()["cached"], paid.routing()["cached"]) == (True, False)
    assert (total.requests, total.attempts, total.cached) == (2, 1, 1)
    assert (total.cost, total.saved, total.usage.total) == (paid.cost.known, paid.cost.known, paid.usage.total)
    assert (stats.hits, stats.misses, stats.rate, stats.entries) == (1, 1, 0.5, 1)
    assert (stats.saved, stats.bytes > 0) == (paid.cost.known, True)
    told, done = heard[-2:]
    assert told == CacheHit(free.decision.id, "a", paid.cost.known)
    assert isinstance(done, RequestDone)
    assert (done.outcome, done.attempts, done.deployment) == ("answered", 0, "a")


BASE = ChatRequest.of(TEXT)
OTHERS = {
    "another text": ChatRequest.of("why?"),
    "another role": ChatRequest((assistant(TEXT),)),
    "one more message": ChatRequest((user(TEXT), user(TEXT))),
    "the same text in two": ChatRequest((user("why is ", "the sky blue?"),)),
    "a temperature": ChatRequest(BASE.messages, settings=Settings(temperature=0.0)),
    "a seed": ChatRequest(BASE.messages, settings=Settings(seed=1)),
    "a cap": ChatRequest(BASE.messages, settings=Settings(max_output_tokens=500)),
    "a field of the body": ChatRequest(BASE.messages, settings=Settings(extra={"user": "u"})),
    "a tool": ChatRequest(BASE.messages, (Tool("look"),)),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_another_request_is_another_key(other: ChatRequest) -> None:
    facts = {name: {"supports": ["tools"]} for name in "abc"}
    with emulated(spec(facts=facts)) as (router, _):
        assert not router.chat(BASE).cached
        assert not router.chat(other).cached
        assert router.chat(other).cached


SCOPES: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any], bool]] = {
    "its own user": ({}, {"user": "ada"}, {"user": "ada"}, True),
    "another user": ({}, {"user": "ada"}, {"user": "bob"}, False),
    "a user, then nobody": ({}, {"user": "ada"}, {}, False),
    "nobody, then a user": ({}, {}, {"user": "nobody"}, False),
    "shared": ({"share": "all"}, {"user": "ada"}, {"user": "bob"}, True),
    "an equal feature": ({"vary": ["task"]}, {"task": "x"}, {"task": "x"}, True),
    "another feature": ({"vary": ["task"]}, {"task": "x"}, {"task": "y"}, False),
    "an absent feature": ({"vary": ["tags"]}, {"tags": ["x"]}, {}, False),
    "a feature that isn't named": ({}, {"task": "x"}, {"task": "y"}, True),
}


@pytest.mark.parametrize(("exact", "first", "second", "hit"), SCOPES.values(), ids=SCOPES)
def test_answers_belong_to_their_user_and_features(
    exact: Mapping[str, Any], first: Mapping[str, Any], second: Mapping[str, Any], *, hit: bool
) -> None:
    with emulated(spec(exact)) as (router, _):
        assert hits(router, first, second) == [False, hit]


def test_an_answer_counts_only_where_its_deployment_is_allowed() -> None:
    rules = [
        {"name": "dear", "when": {"task": "dear"}, "use": ["a", "c"]},
        {"name": "set", "when": {"task": "set"}, "use": "a", "settings": {"temperature": 1}},
        {"name": "other", "use": "b"},
    ]
    guards = [{"name": "private", "when": {"tags": "private"}, "only": {"provider": "at-c"}}]
    with emulated(spec(rules=rules, guards=guards)) as (router, emulator):
        calls: tuple[dict[str, Any], ...] = (
            {"task": "dear"},
            {"task": "dear", "tags": "private"},
            {"task": "dear"},
            {},
            {},
            {"model": "b"},
        )
        assert hits(router, *calls) == [False, False, True, False, True, True]
        assert asked(emulator) == ["a", "c", "b"]
        assert hits(router, {"task": "dear"}, {"task": "set"}, {"task": "set"}) == [False, False, True]


def test_who_may_not_be_asked_gets_nothing_from_the_cache_either() -> None:
    guards = [{"name": "private", "when": {"tags": "private"}, "never": {"provider": ["at-a", "at-b", "at-c"]}}]
    with emulated(spec(guards=guards)) as (router, _):
        router.chat(TEXT)
        with pytest.raises(NoCandidate):
            router.chat(TEXT, tags="private")
        assert router.cache_stats().hits == 0


BYPASSES: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "a rule": ({"rules": [{"when": {"task": "x"}, "use": "a", "cache": "none"}, {"use": "a"}]}, {"task": "x"}),
    "a call": ({}, {"fresh": True}),
}


@pytest.mark.parametrize(("changes", "call"), BYPASSES.values(), ids=BYPASSES)
def test_who_wants_no_cache_neither_takes_nor_keeps(changes: Mapping[str, Any], call: Mapping[str, Any]) -> None:
    with emulated(spec(**changes)) as (router, emulator):
        assert hits(router, call, call, {}, call, {}) == [False, False, False, False, True]
    assert len(emulator.log) == 4


def test_fresh_is_true_or_false() -> None:
    with emulated(spec()) as (router, _), pytest.raises(RequestError, match="`fresh` must be True or False"):
        router.chat(TEXT, fresh="no")


def test_failures_are_not_kept_and_fallbacks_count_as_who_answered() -> None:
    with emulated(spec(given={"a": ["rate_limit", "ok"]})) as (router, emulator):
        first = router.chat(TEXT)
        assert (first.deployment, first.cached) == ("b", False)
        assert router.chat(TEXT).deployment == "b"
    assert asked(emulator) == ["a", "b"]


@pytest.mark.parametrize("reason", ["length", "stop"])
def test_only_answers_that_ended_by_themselves_are_kept(reason: str) -> None:
    given = {"a": {"say": "and so", "finish_reason": reason}}
    with emulated(spec(given=given)) as (router, _):
        assert hits(router, {}, {}) == [False, reason == "stop"]


def test_hits_need_no_limit_or_budget() -> None:
    changes: dict[str, Any] = {
        "budgets": [{"name": "small", "amount": "0.0024 USD", "every": "day"}],
        "limits": [{"name": "one", "requests": 1, "every": "day"}],
        "rules": [{"use": "a", "settings": {"max_output_tokens": 20}}],
    }
    with emulated(spec(**changes)) as (router, emulator):
        assert hits(router, {}, {}, {}) == [False, True, True]
        with pytest.raises(ProviderError):
            router.chat("another")
    assert asked(emulator) == ["a"]


def test_a_hit_needs_no_health() -> None:
    health = {"failures": 1, "within": "30s", "cooldown": "1h"}
    script = {"a": ["ok", "unavailable", "unavailable"]}
    with emulated(spec(given=script, rules=[{"use": "a"}], health=health)) as (router, emulator):
        router.chat(TEXT)
        with pytest.raises(ProviderError):
            router.chat("another")
        assert router.status().deployments[0].state == "cooling"
        before = len(emulator.log)
        assert router.chat(TEXT).cached
    assert len(emulator.log) == before


def test_an_answer_is_kept_as_long_as_the_spec_says() -> None:
    world = World(spec({"keep": "10m"}))
    found: list[bool] = []
    for number, pause_s in enumerate((0, 599, 2, 1)):
        world.clock.advance(pause_s)
        answer = world.ask(number=number).answer
        found.append(answer is not None and answer.cached)
    assert found == [False, True, False, True]


@pytest.mark.parametrize(("keep", "hit"), [("1m", False), ("10m", True)])
def test_a_spec_that_keeps_for_less_holds_for_what_is_there(keep: str, *, hit: bool) -> None:
    before, after = World(spec({"keep": "1h"})), World(spec({"keep": keep}))
    before.ask()
    after.wiring = before.wiring
    after.clock.advance(120)
    answer = after.ask().answer
    assert answer is not None
    assert answer.cached is hit


def test_the_cache_is_bounded_and_the_least_used_go() -> None:
    with emulated(spec({"entries": 2})) as (router, _):
        for text in ("one", "two", "one", "three"):
            router.chat(text)
        assert router.cache_stats().entries == 2
        assert [router.chat(text).cached for text in ("one", "three", "two")] == [True, True, False]


def test_the_cache_is_bounded_in_bytes() -> None:
    with emulated(spec()) as (router, _):
        router.chat("one")
        size = router.cache_stats().bytes
    with emulated(spec({"bytes": 2 * size + size // 2})) as (router, _):
        for text in ("one", "two", "six"):
            router.chat(text)
        assert router.cache_stats().entries == 2
    with emulated(spec({"bytes": size // 2})) as (router, _):
        assert [router.chat("one").cached for _ in range(2)] == [False, False]


@pytest.mark.parametrize("kind", KINDS)
def test_purging_drops_a_user_s_answers_or_all(kind: str, tmp_path: Path) -> None:
    with url_of(kind, tmp_path) as url, emulated(spec(state=url)) as (router, _):
        calls: tuple[dict[str, Any], ...] = ({"user": "ada"}, {"user": "bob"}, {})
        assert hits(router, *calls) == [False] * 3
        assert router.purge_cache("ada") == 1
        assert hits(router, *calls) == [False, True, True]
        assert router.purge_cache() == 3
        assert hits(router, *calls) == [False] * 3
