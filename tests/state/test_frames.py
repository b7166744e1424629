"""Windows as buckets: what counts now, and when it no longer does."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_router.policy.program import Window
from llm_router.state.frames import BUCKETS, UNDER_WAY, frame
from llm_router.state.memory import MemoryStore
from llm_router.state.store import NEVER, Blocked, Claim, Reserved
from tests.state.stores import NOW, opening

ZONES = ("UTC", "Europe/Berlin", "America/Sao_Paulo", "America/St_Johns", "America/Havana", "Asia/Kathmandu")
WINDOWS = st.one_of(
    st.sampled_from([Window("day"), Window("week"), Window("month")]),
    st.builds(Window, st.sampled_from(["duration", "rolling"]), st.sampled_from([0.1, 1, 7, 60, 3600, 86_400, 1e7])),
)
INSTANTS = st.floats(5e8, 4e9) | st.integers(500_000, 4_000_000).map(lambda number: number * 900.0)


def instant(text: str, zone: str) -> float:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("kind", "zone", "now", "ends"),
    [
        ("day", "UTC", "2026-11-19T12:00", "2026-11-20T00:00"),
        ("day", "UTC", "2026-11-19T00:00", "2026-11-20T00:00"),
        ("day", "Europe/Berlin", "2026-03-29T00:30", "2026-03-30T00:00"),
        ("day", "Europe/Berlin", "2026-10-25T12:00", "2026-10-26T00:00"),
        ("day", "America/Sao_Paulo", "2018-11-03T12:00", "2018-11-04T01:00"),
        ("week", "UTC", "2026-11-19T12:00", "2026-11-23T00:00"),
        ("week", "UTC", "2026-11-23T00:00", "2026-11-30T00:00"),
        ("month", "Europe/Berlin", "2026-12-31T23:59", "2027-01-01T00:00"),
        ("month", "UTC", "2028-02-29T00:00", "2028-03-01T00:00"),
    ],
)
def test_calendar_windows_end_at_local_midnight(kind: str, zone: str, now: str, ends: str) -> None:
    made = frame(Window(kind), zone, instant(now, zone))  # type: ignore[arg-type]  # a word of the table
    assert made.ends == instant(ends, zone)
    assert made.newest == made.oldest
    assert frame(Window(kind), zone, made.ends).newest == made.newest + 1  # type: ignore[arg-type]  # as above


def test_a_day_of_25_hours_is_one_day() -> None:
    began = instant("2026-10-25T00:00", "Europe/Berlin")
    days = {frame(Window("day"), "Europe/Berlin", began + hour * 3600).newest for hour in range(25)}
    assert len(days) == 1
    assert frame(Window("day"), "Europe/Berlin", began + 25 * 3600).newest not in days


def test_durations_count_from_the_epoch() -> None:
    assert frame(Window("duration", 3600), "Asia/Kathmandu", 7200.0).ends == 10_800
    assert frame(Window("duration", 3600), "UTC", 7199.9).newest == 1


def test_what_is_under_way_has_no_window() -> None:
    assert frame(None, "UTC", NOW) is UNDER_WAY


@given(WINDOWS, st.sampled_from(ZONES), INSTANTS)
def test_a_window_ends_after_now_and_a_charge_made_now_counts_until_then(window: Window, zone: str, now: float) -> None:
    made = frame(window, zone, now)
    assert made.ends > now
    assert made.end_of(made.newest) == made.ends
    assert frame(window, zone, made.ends).oldest > made.newest


@given(st.sampled_from([0.1, 1, 60, 86_400, 1e7]), INSTANTS, st.floats(0, 1))
def test_a_rolling_window_counts_what_was_charged_within_it_and_little_more(
    length: float, now: float, share: float
) -> None:
    window = Window("rolling", length)
    charged = frame(window, "UTC", now - length * share)
    assert charged.newest >= frame(window, "UTC", now).oldest
    assert charged.ends <= now - length * share + length * (1 + 1 / BUCKETS) + 1e-5


@given(
    WINDOWS,
    st.sampled_from(ZONES),
    INSTANTS,
    st.lists(st.tuples(st.integers(0, 60), st.floats(0, 0.4), st.booleans()), max_size=12),
    st.integers(1, 120),
)
def test_at_the_instant_told_a_blocked_claim_fits(
    window: Window, zone: str, now: float, charges: list[tuple[int, float, bool]], amount: int
) -> None:
    store = MemoryStore()
    length = window.length_s or 86_400.0
    for taken, step, settles in charges:
        now += step * length
        made = store.reserve([Claim("a", taken, 100, frame(window, zone, now))], opening(), now=now, expires=NEVER)
        if settles and isinstance(made, Reserved):
            store.settle(made.ticket, {}, None, now=now)
    blocked = store.reserve([Claim("a", amount, 100, frame(window, zone, now))], opening(), now=now, expires=NEVER)
    if amount > 100:
        assert blocked == Blocked("a", NEVER)
    elif isinstance(blocked, Blocked) and blocked.until is not None:
        assert blocked.until > now
        early = max(now, blocked.until - 1e-4)
        claim = Claim("a", amount, 100, frame(window, zone, early))
        assert isinstance(store.reserve([claim], opening(), now=early, expires=NEVER), Blocked)
        again = Claim("a", amount, 100, frame(window, zone, blocked.until))
        assert isinstance(store.reserve([again], opening(), now=blocked.until, expires=NEVER), Reserved)
    elif isinstance(blocked, Blocked):
        assert store.levels({"a": frame(window, zone, now)}, now=now)["a"].settled + amount <= 100
