"""A deployment that goes up and down doesn't storm, and the last word on it is true."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_router.alerts.calm import QUIET_S, Calm
from llm_router.alerts.notice import Notice

Word = Literal["deployment_down", "deployment_up", "authentication_failed", "budget_spent"]
DOWN: Word = "deployment_down"
UP: Word = "deployment_up"


def notice(word: Word, subject: str = "gpt") -> Notice:
    return Notice(word, word, 0.0, {}, subject)


def told(changes: list[tuple[float, Word | None]]) -> list[tuple[float, str]]:
    """When what was told, of changes at these instants; where there is none, something else happened."""
    now, said = [0.0], list[tuple[float, str]]()
    calm = Calm(lambda: now[0])
    for instant, word in changes:
        now[0] = instant
        if word is not None and calm.admits(notice(word)):
            said.append((instant, word))
        said += [(instant, each.event) for each in calm.due()]
    return said


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param([(0, DOWN), (60, UP)], [(0, DOWN), (60, UP)], id="an outage"),
        pytest.param([(0, DOWN), (1, UP), (2, DOWN), (3, UP)], [(0, DOWN), (1, UP)], id="flapping that ends well"),
        pytest.param([(0, DOWN), (1, UP), (2, DOWN), (300, None)], [(0, DOWN), (1, UP), (300, DOWN)], id="ends badly"),
        pytest.param([(0, DOWN), (1, UP), (2, DOWN), (299, None)], [(0, DOWN), (1, UP)], id="not before its time"),
        pytest.param([(0, DOWN), (1, UP), (400, DOWN)], [(0, DOWN), (1, UP), (400, DOWN)], id="a second outage"),
        pytest.param(
            [(0, DOWN), (1, UP), (2, DOWN), (300, None), (301, UP)],
            [(0, DOWN), (1, UP), (300, DOWN), (301, UP)],
            id="up after a late down",
        ),
        pytest.param(
            [(0, "authentication_failed"), (9, "authentication_failed"), (300, "authentication_failed")],
            [(0, "authentication_failed"), (300, "authentication_failed")],
            id="a key that is refused",
        ),
    ],
)
def test_what_is_told_when(changes: list[tuple[float, Word | None]], expected: list[tuple[float, str]]) -> None:
    assert told(changes) == expected


def test_subjects_are_told_apart_and_what_has_none_is_always_told() -> None:
    calm = Calm(lambda: 0.0)
    assert [calm.admits(notice(DOWN, name)) for name in ("a", "b", "a")] == [True, True, False]
    assert [calm.admits(notice("budget_spent", "")) for _ in range(2)] == [True, True]


@given(st.lists(st.floats(0.1, 200), max_size=60))
def test_however_it_flaps_few_are_told_and_the_last_is_true(pauses: list[float]) -> None:
    now, changes = 0.0, list[tuple[float, Word | None]]()
    for number, pause in enumerate(pauses):
        now += pause
        changes.append((now, UP if number % 2 else DOWN))
    said = told([*changes, (now + QUIET_S, None)])
    for word in (DOWN, UP):
        instants = [instant for instant, each in said if each == word]
        assert all(later - earlier >= QUIET_S - 1e-6 for earlier, later in pairwise(instants))
    if changes:
        assert said[-1][1] == changes[-1][1]
