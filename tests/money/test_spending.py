"""The ledger as it is read: spans, groups, filters, the usual; calls from outside; old entries."""

from __future__ import annotations

import datetime
import sqlite3
import time
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from llm_router import Environment, RequestError, Router
from llm_router.engine.accounting.spans import earlier, span_of
from llm_router.errors import QuotaExhausted
from llm_router.messages import Usage
from llm_router.state.entry import Entry
from llm_router.state.sqlite import SqliteStore
from llm_router.testing import Emulator, Say, serve
from tests.engine.world import spec_of

SPANS: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("spans.yaml").read_text())
DOLLAR = 10**12
DAY_S = 86_400
USAGE = Usage(input=100_000, output=10_000)
FACTS = {"a": {"price": {"input": 1, "output": 2}}, "b": {"price": {"input": 10, "output": 20}}, "c": {}}
SPEC = {
    "timezone": "Europe/Berlin",
    "metadata": {"team": "text"},
    "settings": {"max_output_tokens": 100},
    "state": {"url": "sqlite:ledger.db"},
    "fallback": {"after": {"unavailable": {"retry": 0}}},
}


@pytest.fixture
def address() -> Iterator[str]:
    with serve(Emulator({"*": Say("so", usage=USAGE)})) as running:
        yield running


def routed(address: str, folder: Path, **spec: Any) -> Router:
    """A router whose ledger lies in the folder."""
    whole = spec_of({"facts": FACTS, "spec": {**SPEC, **spec}}, address)
    return Router.from_spec(whole, environment=Environment(directory=folder))


@pytest.mark.parametrize(
    "case", SPANS, ids=lambda case: f"{case.get('period') or case.get('since') or 'today'} {case['now']}"
)
def test_spans_are_those_of_the_timezone(case: Mapping[str, Any]) -> None:
    zone = ZoneInfo(case["zone"])
    said = (case.get("period"), case.get("since"), case.get("until"), zone, _local(case["now"], zone))
    if "refused" in case:
        with pytest.raises(RequestError, match=case["refused"]):
            span_of(*said)
        return
    span = span_of(*said)
    before = earlier(span, zone)
    assert [span.since, span.until] == [_local(each, zone) for each in case["span"]]
    assert [before[0].since, before[0].until] == [_local(each, zone) for each in case["before"]]
    assert len(before) == 4


def _local(said: Any, zone: ZoneInfo) -> float:
    moment = said if isinstance(said, datetime.datetime) else datetime.datetime.fromisoformat(str(said))
    return moment.replace(tzinfo=zone).timestamp()


def test_groups_filters_and_sums(address: str, tmp_path: Path) -> None:
    with routed(address, tmp_path) as router:
        router.chat("hi", user="ada", tags=["x", "y"], metadata={"team": "search"}, session="s")
        router.chat("hi", user="bob", model="b", run="r")
        router.chat("hi", user="bob", model="c")
        whole = router.spend(by="deployment")
        of_bob = router.spend("week", by=("user", "model"), where={"user": "bob", "deployment": ["b", "c"]})
        by = {name: [each.key[0] for each in router.spend(by=name).groups] for name in ("tag", "metadata.team", "run")}
        hours = router.spend(by="hour").groups
    assert whole.total.usd == Decimal("1.32")
    assert (whole.total.requests, whole.total.unknown, whole.total.average_usd) == (3, 1, Decimal("0.44"))
    assert [(each.key, each.usd) for each in whole.groups] == [
        (("b",), Decimal("1.2")),
        (("a",), Decimal("0.12")),
        (("c",), Decimal(0)),
    ]
    assert [each.key for each in of_bob.groups] == [("bob", "b"), ("bob", "c")]
    assert by == {"tag": ["", "x", "y"], "metadata.team": ["", "search"], "run": ["r", ""]}
    assert len(hours) in (1, 2)


@pytest.mark.parametrize("said", [{"by": "colour"}, {"by": "metadata.colour"}, {"where": {"usr": "x"}}])
def test_what_the_ledger_doesnt_know_is_refused(address: str, tmp_path: Path, said: Any) -> None:
    with routed(address, tmp_path) as router, pytest.raises(RequestError, match="the ledger knows no"):
        router.spend(**said)


def test_the_usual_is_the_mean_of_spans_with_requests(address: str, tmp_path: Path) -> None:
    now = time.time()
    with routed(address, tmp_path) as router:
        for days, dollars in ((0.5, 3), (1.5, 1), (3.5, 2)):
            at = datetime.datetime.fromtimestamp(now - days * DAY_S, datetime.UTC)
            router.record(deployment="a", cost=f"{dollars} USD", at=at)
        spending = router.spend(since="24h", usual=True)
    assert spending.usual is not None
    assert (spending.usual.previous.cost, spending.usual.cost, spending.usual.spans) == (DOLLAR, 3 * DOLLAR // 2, 2)
    assert (spending.usual.requests, spending.against_usual) == (Fraction(1), Fraction(2))


RECORDED: list[tuple[dict[str, Any], str | None]] = [
    ({"deployment": "b", "usage": {"input": 1000, "output": 100}}, "0.012"),
    ({"deployment": "c", "usage": {"input": 1000, "output": 100}}, None),
    ({"deployment": "c", "cost": "0.25 USD"}, "0.25"),
    ({"provider": "openai", "model": "gpt-4o", "usage": Usage(input=1000, output=100)}, "0.0035"),
    ({"provider": "somewhere", "model": "x", "usage": Usage(input=1000, output=100)}, None),
    ({"provider": "somewhere", "model": "x", "cost": Decimal("0.5")}, "0.5"),
]


@pytest.mark.parametrize(("said", "usd"), RECORDED)
def test_calls_from_outside_are_in_the_ledger(address: str, tmp_path: Path, said: Any, usd: str | None) -> None:
    with routed(address, tmp_path) as router:
        cost = router.record({"user": "ada", "metadata": {"team": "search"}}, **said)
        (found,) = router.spend(by=("outcome", "user", "metadata.team")).groups
    assert cost.usd == (None if usd is None else Decimal(usd))
    assert (found.key, found.requests, found.unknown) == (("recorded", "ada", "search"), 1, usd is None)
    assert found.usd == Decimal(usd or 0)


WRONG: list[tuple[Mapping[str, object], dict[str, Any], str]] = [
    ({}, {}, "a call is made somewhere"),
    ({}, {"provider": "openai"}, "a call is made somewhere"),
    ({}, {"deployment": "nobody"}, "no deployment `nobody`"),
    ({}, {"deployment": "a", "model": "x"}, "the spec says provider and model of `a`"),
    ({}, {"deployment": "a", "cost": "3 EUR"}, "`3 EUR` is not an amount of money"),
    ({}, {"deployment": "a", "cost": 0.5}, "`0.5` is no cost"),
    ({}, {"deployment": "a", "usage": {"inputs": 3}}, "`inputs` is no kind of token"),
    ({}, {"deployment": "a", "usage": {"input": -3}}, "`input` is a count of tokens"),
    ({}, {"deployment": "a", "at": datetime.datetime(2026, 1, 1)}, "`at` has no timezone"),
    ({"task": "code"}, {"deployment": "a"}, "`task` says nothing of a call that was made"),
]


@pytest.mark.parametrize(("hints", "said", "message"), WRONG)
def test_what_cant_be_recorded_is_refused(
    address: str, tmp_path: Path, hints: Mapping[str, object], said: Any, message: str
) -> None:
    with routed(address, tmp_path) as router:
        with pytest.raises(RequestError, match=message):
            router.record(hints, **said)
        assert router.spend().total.attempts == 0


def test_a_recorded_call_charges_its_budgets_and_isnt_stopped_by_them(address: str, tmp_path: Path) -> None:
    budgets = [
        {"name": "of-ada", "amount": "1 USD", "every": "day", "for": {"user": "ada"}},
        {"name": "of-b", "amount": "9 USD", "every": "day", "for": {"deployment": "b"}},
    ]
    with routed(address, tmp_path, budgets=budgets) as router:
        router.record({"user": "ada"}, deployment="a", cost="5 USD")
        with pytest.raises(QuotaExhausted):
            router.chat("hi", user="ada")
        assert router.chat("hi", user="bob").deployment == "a"


def test_entries_older_than_keep_are_dropped_and_their_totals_kept(address: str, tmp_path: Path) -> None:
    old = time.time() - 10 * DAY_S
    store = SqliteStore(tmp_path / "ledger.db")
    store.record(Entry(old, "old", deployment="a", cost=DOLLAR, basis="reported", session="s"))
    store.close()
    with routed(address, tmp_path, ledger={"keep": "3d"}) as router:
        router.chat("hi")
    with routed(address, tmp_path) as router:
        assert router.spend(since="30d", by="deployment").groups[0].usd == Decimal("1.12")
    with sqlite3.connect(tmp_path / "ledger.db") as db:
        kept = db.execute("SELECT decision_id FROM ledger").fetchall()
    db.close()
    assert ("old",) not in kept
    assert len(kept) == 1


@pytest.mark.parametrize("kept", [True, False])
def test_prompts_are_in_the_ledger_only_where_the_spec_says_so(address: str, tmp_path: Path, kept: bool) -> None:
    with routed(address, tmp_path, ledger={"keep_prompts": kept}) as router:
        router.chat("my secret question", metadata={"team": "search"})
    store = SqliteStore(tmp_path / "ledger.db")
    (entry,) = store.entries(0, time.time() + 1)
    store.close()
    assert entry.prompt == ("user: my secret question" if kept else None)
    assert entry.metadata == {"team": "search"}
