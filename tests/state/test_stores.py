"""What every store keeps: one suite for all of them."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from llm_router.catalog.price import Cost
from llm_router.messages import Usage
from llm_router.state.entry import Entry
from llm_router.state.store import NEVER, Blocked, Frame, Level, Reserved, Store
from llm_router.state.totals import Query, Total
from tests.state.stores import DAY, NOW, claim, opening

FULL = Entry(
    at=NOW + 0.125,
    decision_id="d1",
    program_hash="p",
    rule="code",
    provider="openai",
    deployment="gpt",
    model="gpt-4o",
    served="gpt-4o-2024",
    attempt=2,
    outcome="failed",
    failure="timeout",
    usage=Usage(input=5, output=0, cache_read=3),
    cost=2**60,
    cost_by_kind=Cost(input=2**60),
    basis="reported",
    first_token_s=0.25,
    duration_s=1.5,
    user="ü\u2028",
    session="s",
    run="r",
    tags=("x", "y"),
    metadata={"team": "search", "n": 0.5, "pii": True},
    framework_run_id="f",
    mark="hedge",
    saved=12,
    prompt="why?",
)


def reserved(store: Store, *claims: object, now: float = NOW, expires: float = NOW + 60) -> str:
    made = store.reserve(claims, opening(), now=now, expires=expires)  # type: ignore[arg-type]  # claims, shortened
    assert isinstance(made, Reserved), made
    return made.ticket


def level(store: Store, account: str = "a", frame: Frame = DAY, now: float = NOW) -> Level:
    return store.levels({account: frame}, now=now)[account]


def ledger(store: Store) -> list[Entry]:
    return list(store.entries(-math.inf, math.inf))


def test_what_is_reserved_counts_until_it_is_settled_to_what_it_came_to(store: Store) -> None:
    ticket = reserved(store, claim(60))
    assert level(store) == Level(0, 60)
    assert store.reserve([claim(41)], opening(), now=NOW, expires=NOW + 60) == Blocked("a", None)
    store.settle(ticket, {"a": 10}, replace(FULL, outcome="ok"), now=NOW)
    assert level(store) == Level(10, 0)
    assert ledger(store) == [replace(FULL, outcome="ok")]
    reserved(store, claim(90))


def test_settling_twice_charges_once(store: Store) -> None:
    ticket = reserved(store, claim(60))
    for _ in range(2):
        store.settle(ticket, {"a": 10}, FULL, now=NOW)
    store.settle("unknown", {"a": 10}, FULL, now=NOW)
    assert level(store) == Level(10, 0)
    assert ledger(store) == [FULL]


def test_a_release_charges_nothing_and_appends_nothing(store: Store) -> None:
    store.settle(reserved(store, claim(60)), {"a": 0}, None, now=NOW)
    assert level(store) == Level()
    assert ledger(store) == []


def test_an_account_that_settling_does_not_name_is_charged_in_full(store: Store) -> None:
    store.settle(reserved(store, claim(60), claim(7, account="b")), {"a": 1}, None, now=NOW)
    assert store.levels({"a": DAY, "b": DAY}, now=NOW) == {"a": Level(1, 0), "b": Level(7, 0)}


def test_more_than_was_reserved_is_charged_too(store: Store) -> None:
    store.settle(reserved(store, claim(60)), {"a": 130}, None, now=NOW)
    assert level(store) == Level(130, 0)


def test_all_claims_are_made_or_none(store: Store) -> None:
    reserved(store, claim(90, account="b"))
    assert isinstance(store.reserve([claim(60), claim(20, account="b")], opening(), now=NOW, expires=NOW), Blocked)
    assert store.levels({"a": DAY, "b": DAY}, now=NOW) == {"a": Level(), "b": Level(0, 90)}


def test_a_reservation_without_claims_is_one(store: Store) -> None:
    reserved(store)
    assert store.sweep(now=NOW + 60) == 1
    assert [entry.outcome for entry in ledger(store)] == ["lost"]


def test_settled_charges_stand_in_the_way_until_their_window_ends(store: Store) -> None:
    store.settle(reserved(store, claim(60)), {}, None, now=NOW)
    reserved(store, claim(10))
    assert store.reserve([claim(50)], opening(), now=NOW, expires=NOW + 60) == Blocked("a", DAY.ends)
    tomorrow = Frame(DAY.newest + 1, DAY.newest + 1, DAY.ends + 86_400, 86_400.0)
    assert level(store, frame=tomorrow) == Level()
    reserved(store, claim(100, frame=tomorrow))


def test_a_claim_above_its_capacity_never_fits(store: Store) -> None:
    reserved(store, claim(100, account="b"))
    claims = [claim(1, account="b"), claim(101)]
    assert store.reserve(claims, opening(), now=NOW, expires=NOW + 60) == Blocked("a", NEVER)


def test_of_several_obstacles_the_one_that_lasts_is_told(store: Store) -> None:
    store.settle(reserved(store, claim(100), claim(100, account="c")), {}, None, now=NOW)
    reserved(store, claim(100, account="b"))
    soon = Frame(DAY.newest, DAY.newest, NOW + 5, 86_400.0)
    claims = [claim(1, account="b"), claim(1, account="c", frame=soon), claim(1)]
    assert store.reserve(claims, opening(), now=NOW, expires=NOW + 60) == Blocked("a", DAY.ends)


def test_what_is_held_counts_only_while_it_is_open(store: Store) -> None:
    tickets = [reserved(store, claim(1, 2, "h", held=True)) for _ in range(2)]
    assert store.reserve([claim(1, 2, "h", held=True)], opening(), now=NOW, expires=NOW) == Blocked("h", None)
    store.settle(tickets[0], {"h": 1}, None, now=NOW)
    assert level(store, "h") == Level(0, 1)
    assert store.sweep(now=NOW + 60) == 1
    assert level(store, "h") == Level()


def test_what_nobody_settled_is_charged_in_full_and_told_as_lost(store: Store) -> None:
    reserved(store, claim(60))
    assert level(store, now=NOW + 59.9) == Level(0, 60)
    assert level(store, now=NOW + 60) == Level(60, 0)
    assert ledger(store) == [opening(outcome="lost")]
    assert store.sweep(now=NOW + 60) == 0


def test_reserving_settles_what_has_expired(store: Store) -> None:
    ticket = reserved(store, claim(1, 1, "h", held=True), claim(60))
    reserved(store, claim(1, 1, "h", held=True), now=NOW + 60, expires=NOW + 99)
    store.settle(ticket, {"a": 0}, FULL, now=NOW + 61)
    assert level(store) == Level(60, 0)
    assert [entry.outcome for entry in ledger(store)] == ["lost"]


def test_amounts_are_exact_to_the_last_picodollar(store: Store) -> None:
    capacity = 2**62
    ticket = reserved(store, claim(capacity - 1, capacity))
    reserved(store, claim(1, capacity))
    assert store.reserve([claim(1, capacity)], opening(), now=NOW, expires=NOW) == Blocked("a", None)
    store.settle(ticket, {"a": capacity - 3}, None, now=NOW)
    assert level(store) == Level(capacity - 3, 1)
    assert isinstance(store.reserve([claim(3, capacity)], opening(), now=NOW, expires=NOW), Blocked)
    reserved(store, claim(2, capacity))


def test_no_claim_is_below_zero_and_none_asks_one_account_twice(store: Store) -> None:
    for claims in ([claim(-1)], [claim(1), claim(2)]):
        with pytest.raises(ValueError, match="claim"):
            store.reserve(claims, opening(), now=NOW, expires=NOW)


def test_threads_never_pass_a_capacity(store: Store) -> None:
    def ask(number: int) -> bool:
        made = store.reserve([claim(3), claim(1, 1000, "b")], opening(number), now=NOW, expires=NOW + 60)
        if isinstance(made, Reserved) and number % 2:
            store.settle(made.ticket, {"a": 3}, opening(number, outcome="ok", cost=3), now=NOW)
        return isinstance(made, Reserved)

    with ThreadPoolExecutor(8) as pool:
        granted = sum(pool.map(ask, range(80)))
    assert granted == 33
    counted = level(store)
    assert counted.settled + counted.open == 99
    assert counted.settled == 3 * len(ledger(store))


def test_an_entry_comes_back_as_it_was(store: Store) -> None:
    plain = Entry(NOW, "d0")
    for entry in (FULL, plain, plain):
        store.record(entry)
    assert ledger(store) == [plain, plain, FULL]
    assert list(store.entries(NOW, NOW + 0.125)) == [plain, plain]


@pytest.mark.parametrize("text", ["\x00", "\ud800", "\\u0000", '"', "'; --", "%s", "\U0001f600"])
def test_whatever_people_are_called_is_kept(store: Store, text: str) -> None:
    store.record(Entry(NOW, "d0", user=text, tags=(text,), metadata={text: text}))
    assert len(ledger(store)) == 1


def test_records_are_changed_only_by_whom_they_were_seen(store: Store) -> None:
    assert store.swap("health", "a", 0, "x|1")
    assert not store.swap("health", "a", 0, "y")
    assert not store.swap("health", "a", 2, "y")
    assert store.swap("health", "a", 1, "y|2")
    assert store.load("health") == {"a": (2, "y|2")}
    assert store.load("other") == {}


def test_the_first_who_asks_is_told_so_once(store: Store) -> None:
    assert [store.once("k", until=NOW + 5, now=NOW) for _ in range(2)] == [True, False]
    assert store.once("other", until=NOW + 5, now=NOW)
    assert not store.once("k", until=NOW + 9, now=NOW + 4.9)
    assert store.once("k", until=NOW + 9, now=NOW + 5)


def test_a_value_is_kept_until_it_expires_or_is_purged(store: Store) -> None:
    for key in ("a*b", "a*c", "axd"):
        store.put(key, b"\x00" + key.encode(), expires=NOW + 5, now=NOW)
    assert store.get("a*b", now=NOW + 4.9) == b"\x00a*b"
    assert store.get("a*b", now=NOW + 5) is None
    assert store.get("none", now=NOW) is None
    store.put("a*b", b"new", expires=NOW + 9, now=NOW)
    assert store.get("a*b", now=NOW + 5) == b"new"
    assert store.purge("a*") == 2
    assert store.get("axd", now=NOW) is not None
    assert store.purge() == 1


ALL = ("requests", "sums", "bins")


def totals(store: Store, *group: str, **changes: object) -> dict[tuple[str, ...], Total]:
    query = replace(Query(NOW - 86_400, NOW + 86_400, group), **changes)  # type: ignore[arg-type]  # fields of Query
    return {total.key: total for total in store.totals(query)}


def fill(store: Store) -> None:
    shared = {"user": "u", "first_token_s": 0.25, "duration_s": 0.5, "basis": "reported"}
    for entry in (
        opening(1, at=NOW, provider="p", outcome="failed", cost=3, usage=Usage(input=7), tags=("x", "y"), **shared),
        opening(1, at=NOW + 1, provider="q", attempt=2, outcome="ok", cost=5, usage=Usage(input=1, output=2), **shared),
        opening(2, at=NOW + 2, provider="p", outcome="ok", cost=None, metadata={"n": 0.5, "b": True, "t": "w"}),
        opening(3, at=NOW + 3, provider="p", outcome="cached", cost=0, saved=9, basis="free", tags=("y",)),
        opening(4, at=NOW - 43_300, outcome="lost", cost=11),
    ):
        store.record(entry)


def test_sums_are_of_what_was_asked_for(store: Store) -> None:
    fill(store)
    total = totals(store, numbers=ALL)[()]
    assert (total.requests, total.attempts, total.failures, total.lost, total.cached) == (4, 4, 1, 1, 1)
    assert (total.cost, total.unknown, total.reserved, total.saved) == (19, 1, 11, 9)
    outcomes = {key: (each.failures, each.lost, each.cached) for (key,), each in totals(store, "outcome").items()}
    assert outcomes == {"ok": (0, 0, 0), "failed": (1, 0, 0), "lost": (0, 1, 0), "cached": (0, 0, 1)}
    assert (total.usage.input, total.usage.output, total.usage.reasoning) == (8, 2, 0)
    assert (total.duration.count, total.duration.sum_s, total.first_token.sum_s) == (1, 0.5, 0.25)
    assert total.duration.percentile(0.5) == pytest.approx(0.5, rel=0.2)


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        (("provider",), {("",): 1, ("p",): 3, ("q",): 1}),
        (("tag",), {("",): 3, ("x",): 1, ("y",): 2}),
        (("day",), {("2026-11-18",): 1, ("2026-11-19",): 3}),
        (("hour",), {("2026-11-18T23",): 1, ("2026-11-19T12",): 3}),
        (("metadata.n",), {("",): 3, ("0.5",): 1}),
        (("metadata.b",), {("",): 3, ("true",): 1}),
        (("metadata.t", "user"), {("", ""): 2, ("", "u"): 1, ("w", ""): 1}),
        (("outcome",), {("cached",): 1, ("failed",): 1, ("lost",): 1, ("ok",): 2}),
    ],
)
def test_requests_are_counted_in_groups(
    store: Store, group: tuple[str, ...], expected: dict[tuple[str, ...], int]
) -> None:
    fill(store)
    assert {key: total.requests for key, total in totals(store, *group, numbers=ALL).items()} == expected


@pytest.mark.parametrize("size", [1, 50_000])
def test_a_request_counts_once_in_each_group_wherever_its_attempts_fall(
    store: Store, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llm_router.state.sql.SLICE", size)
    for attempt, (seconds, provider) in enumerate(((-1, "p"), (1, "q"), (2, "q")), 1):
        store.record(opening(1, at=NOW + seconds, provider=provider, attempt=attempt, cost=1))
    store.record(opening(2, at=NOW - 2, provider="q", cost=1))

    def requests(*group: str, numbers: tuple[str, ...]) -> dict[str, int]:
        return {"".join(key): total.requests for key, total in totals(store, *group, numbers=numbers).items()}

    assert requests(numbers=("requests",)) == {"": 2}
    assert requests("hour", numbers=("requests",)) == {"2026-11-19T11": 2, "2026-11-19T12": 1}
    assert requests("hour", numbers=("begun", "sums")) == {"2026-11-19T11": 2, "2026-11-19T12": 0}
    assert requests("provider", numbers=("requests", "sums")) == {"p": 1, "q": 2}
    assert requests("provider", numbers=("begun",)) == {"p": 1, "q": 1}
    costs = totals(store, "provider", numbers=("cost",))
    assert {key: total.cost for (key,), total in costs.items()} == {"p": 1, "q": 3}


@pytest.mark.parametrize(
    ("filters", "costs"),
    [
        ({"provider": ("p", "q")}, 8),
        ({"tag": ("y",)}, 3),
        ({"tag": ("",)}, 16),
        ({"user": ("",)}, 11),
        ({"metadata.t": ("",), "day": ("2026-11-19",)}, 8),
        ({"provider": ()}, 0),
    ],
)
def test_filters_choose_entries(store: Store, filters: dict[str, tuple[str, ...]], costs: int) -> None:
    fill(store)
    assert totals(store, filters=filters)[()].cost == costs


def test_days_are_those_of_the_time_zone(store: Store) -> None:
    fill(store)
    assert set(totals(store, "day", timezone="Europe/Berlin")) == {("2026-11-19",)}
    assert ("2026-11-19T17",) in totals(store, "hour", timezone="Asia/Kolkata")


def test_an_empty_ledger_sums_to_nothing(store: Store) -> None:
    assert store.totals(Query(-math.inf, math.inf)) == [Total()]
    assert list(store.totals(Query(-math.inf, math.inf, ("day",)))) == []


def test_pruning_keeps_the_daily_totals_of_whole_days(store: Store) -> None:
    fill(store)
    before = totals(store, "day", "provider", numbers=ALL)
    assert store.prune(NOW) == 1
    assert len(ledger(store)) == 4
    assert store.prune(NOW + 86_400) == 4
    store.record(opening(9, at=NOW, provider="p", outcome="ok", cost=100))
    assert store.prune(NOW + 86_400) == 1
    after = totals(store, "day", "provider", numbers=ALL)
    assert ledger(store) == []
    assert after["2026-11-19", "p"].cost == before["2026-11-19", "p"].cost + 100
    assert after["2026-11-19", "q"] == before["2026-11-19", "q"]
    assert after["2026-11-18", ""] == before["2026-11-18", ""]
    assert totals(store, filters={"provider": ("q",)})[()].cost == 5
    assert set(totals(store, "session")) == {("",)}


def test_nothing_to_group_by_is_refused() -> None:
    with pytest.raises(ValueError, match="`colour`"):
        Query(0, 1, ("colour",))
