"""What an answer says that it cost: all its attempts, exactly, in all four ways to ask, and while it streams."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from llm_router import ProviderError, RequestError, track
from llm_router.messages import ChatRequest, JsonFormat, TextDelta, Usage
from llm_router.testing import Say, emulated_providers
from tests.router.ways import WAYS, Way, emulated

REQUEST = ChatRequest.of("why is the sky blue?")
PRICES = {
    "a": {"price": {"input": 10, "output": 20}},
    "b": {"price": {"input": 1, "output": 2, "cache_read": 0.5}},
    "c": {},
}
SPEC = {"settings": {"max_output_tokens": 100}, "fallback": {"after": {"unavailable": {"retry": 0}}}}
USAGE = Usage(input=1000, output=100)


def case(given: Mapping[str, Any], **spec: Any) -> dict[str, Any]:
    return {"facts": PRICES, "spec": {**SPEC, **spec}, "given": given}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize(
    ("given", "usd", "basis"),
    [
        ({"a": Say("so", usage=USAGE)}, "0.012", "reported"),
        ({"a": "unavailable", "b": Say("so", usage=USAGE)}, "0.0012", "reported"),
        ({"a": "unavailable", "b": Say("so", usage=Usage(1000, 100, cache_read=400))}, "0.001", "reported"),
        ({"a": "unavailable", "b": "unavailable", "c": Say("so", usage=USAGE)}, None, "unknown"),
    ],
    ids=["the first", "the second, as refusals are free", "with a cache", "without a price"],
)
def test_an_answer_says_what_it_cost(way: Way, given: Mapping[str, Any], usd: str | None, basis: str) -> None:
    with emulated(case(given)) as (router, _):
        answer = way(router, REQUEST, {}).answer
    assert answer is not None
    assert (answer.cost.usd, answer.cost.basis) == (None if usd is None else Decimal(usd), basis)
    told: Any = answer.routing()
    assert (told["cost"]["usd"], told["cost"]["basis"]) == (usd, basis)
    assert told["attempts"][-1]["cost_usd"] == usd
    assert f"cost: {usd} USD" in answer.explain() if usd else "cost: unknown" in answer.explain()


def test_kinds_add_up_to_the_cost() -> None:
    with emulated(case({"a": "unavailable", "b": Say("so", usage=Usage(1000, 100, cache_read=400))})) as (router, _):
        cost = router.chat(REQUEST).cost
    assert cost.by_kind == {"input": Decimal("0.0006"), "output": Decimal("0.0002"), "cache_read": Decimal("0.0002")}


def test_an_answer_that_didnt_fit_is_paid_as_well() -> None:
    request = ChatRequest.of("say it")
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    spec = {"fallback": {"after": {"invalid_output": {"retry": 1}}}}
    given = {"a": [Say("no json", usage=USAGE), Say('{"n": 1}', usage=USAGE)]}
    with emulated(case(given, **spec)) as (router, _):
        answer = router.chat(_with_schema(request, schema))
    assert [report.cost for report in answer.attempts] == [12 * 10**9, 12 * 10**9]
    assert answer.cost.usd == Decimal("0.024")


def _with_schema(request: ChatRequest, schema: dict[str, Any]) -> ChatRequest:
    return ChatRequest(request.messages, response_format=JsonFormat(schema))


def test_a_stream_that_broke_off_is_an_upper_bound() -> None:
    given = {"a": "cut", "b": Say("and so on", usage=USAGE)}
    with emulated(case(given)) as (router, _), router.stream(REQUEST) as stream:
        for _event in stream:
            pass
        cost = stream.answer.cost
    assert cost.basis == "reserved"
    assert cost.reserved > 0
    assert cost.known == cost.reserved + sum(each.cost or 0 for each in stream.answer.attempts[1:])


def test_the_running_figure_ends_at_the_cost() -> None:
    given = {"a": Say("word " * 40, usage=Usage(1000, 45))}
    with emulated(case(given)) as (router, _), router.stream(REQUEST) as stream:
        seen = [stream.cost_so_far for event in stream if isinstance(event, TextDelta)]
        assert stream.cost_so_far == stream.answer.cost.usd == Decimal("0.0109")
    known = [each for each in seen if each is not None]
    assert len(known) == len(seen) > 10
    assert known == sorted(known)
    assert known[0] < known[-1]


def test_no_price_no_running_figure() -> None:
    with emulated({"use": "c", "spec": SPEC, "given": {}}) as (router, _), router.stream(REQUEST) as stream:
        assert {stream.cost_so_far for _ in stream} == {None}


def test_estimates_come_before_the_call() -> None:
    with emulated(case({})) as (router, emulator):
        a, b, c = router.estimate("why is the sky blue?")
        assert not emulator.log
    assert (a.deployment, a.output_tokens, a.output_cap) == ("a", 100, 100)
    assert a.cost == a.input_tokens * 10_000_000 + 100 * 20_000_000
    assert a.cost_bound == a.input_tokens_bound * 10_000_000 + 100 * 20_000_000
    assert (b.usd or 0) < (a.usd or 0)
    assert (c.cost, c.usd, c.usd_bound) == (None, None, None)


def test_elsewhere_says_what_was_saved() -> None:
    with emulated(case({"a": "unavailable", "b": Say("so", usage=USAGE)})) as (router, _):
        answer = router.chat(REQUEST)
        at_a, at_c, at_gpt = router.elsewhere(answer, "a", "c", "openai:gpt-4o")
        assert [each.name for each in router.elsewhere(answer)] == ["a", "c"]
        with pytest.raises(RequestError, match="neither a deployment nor"):
            router.elsewhere(answer, "nobody")
    assert (at_a.usd, at_a.saved) == (Decimal("0.012"), Fraction(9, 10))
    assert (at_c.usd, at_c.saved) == (None, None)
    assert at_gpt.usd == Decimal("0.0035")


UNFIT = [Say("no", usage=USAGE)]
REPAIRED = {"after": {"invalid_output": {"retry": 3}}}
AGAIN = {"after": {"connection_lost": {"retry": 5}}, "max_attempts": 6}


@pytest.mark.parametrize(
    ("way", "given", "fallback", "most"),
    [
        ("chat", UNFIT, REPAIRED, "0.03 USD"),
        ("achat", UNFIT, REPAIRED, "0.03 USD"),
        *((way, ["cut"], AGAIN, "0.025 USD") for way in WAYS),
    ],
)
def test_max_cost_holds_over_all_attempts(way: str, given: Any, fallback: Mapping[str, Any], most: str) -> None:
    """A request's bound is some 0.0103 USD, so that two attempts fit and a third doesn't."""
    request = _with_schema(REQUEST, {"type": "object", "required": ["n"]}) if given is UNFIT else REQUEST
    made = {"use": "a", "facts": PRICES, "spec": {**SPEC, "fallback": fallback}, "given": {"a": given}}
    with emulated(made) as (router, emulator):
        seen = WAYS[way](router, request, {"max_cost": most})
        spent = router.spend("today").total
    assert isinstance(seen.error, ProviderError)
    assert len(emulator.log) == 2
    assert spent.usd <= Decimal(most.removesuffix(" USD"))


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_hedge_that_would_pass_max_cost_isnt_made(way: Way) -> None:
    spec = {**SPEC, "fallback": {"hedge": {"after": "1ms", "extra_cost": "100%"}}}
    facts = dict.fromkeys(("a", "b"), PRICES["a"])
    made = {"use": ["a", "b"], "facts": facts, "spec": spec}
    slow, silent = Say("so", delay_s=0.1), "silence"
    for most, given, asked in (("0.015 USD", slow, {"a"}), ("0.03 USD", silent, {"a", "b"})):
        with emulated({**made, "given": {"a": given}}) as (router, emulator):
            assert way(router, REQUEST, {"max_cost": most}).answer is not None
        assert {entry.model for entry in emulator.log} | {"a"} == asked


def test_vectors_cost_too() -> None:
    spec = """\
version: 1
rules: [{use: "openai:gpt-4o-mini"}]
embeddings: {docs: {use: openai:text-embedding-3-small, batch: 2}}
"""
    with emulated_providers(variables={}) as providers, providers.router(spec) as router, track() as spend:
        found = router.embed(["one", "two", "three"])
    assert len(found.answers) == spend.total.requests == 2
    assert found.usage.input
    assert found.cost.usd == Decimal(found.usage.input) * Decimal("0.02") / 1_000_000 == spend.usd
