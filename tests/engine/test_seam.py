"""An answer that goes on: what was said already is cut, nothing new is lost, wherever its text is cut into pieces."""

from __future__ import annotations

import random

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from llm_router.engine.serving.seam import Seam, is_no_chance

TWICE = "One two three. One two three."
SAID = "The sky is blue because sunlight is scat"

TABLE: list[tuple[str, str, str, str]] = [
    ("goes straight on", SAID, "tered by the air.", "tered by the air."),
    ("goes on with a space", "The sky is blue", " because of the air", " because of the air"),
    ("says all of it again", SAID, SAID + "tered by the air.", "tered by the air."),
    ("says all of it again, after a line", SAID, "\n\n" + SAID + "tered.", "tered."),
    ("says its end again", SAID, "because sunlight is scattered.", "tered."),
    ("says the broken word again", "It is scat", "scattered.", "tered."),
    ("says only all of it again", SAID, SAID, ""),
    ("stops in the middle of saying it again", SAID, SAID[:20], ""),
    ("says one letter of a text again that is all there is", "I", "I think", " think"),
    ("says a text again that repeats itself", TWICE, TWICE + " Four.", " Four."),
    ("begins again and departs", SAID, "The sky is blue due to the air.", "due to the air."),
    ("uses a word twice that may stand twice", "I know that", " that is so", " that is so"),
    ("goes on with a rule of dashes", "|------------", "------------|", "------------|"),
    ("goes on with zeros", "0000000000000000", "0000000000000000000", "000"),
    ("goes on with a short end", "passion, pas", "sion", "sion"),
    ("goes on after nothing", "", "The sky", "The sky"),
    ("says nothing", SAID, "", ""),
    ("says white space", SAID, "\n", "\n"),
]


@pytest.mark.parametrize(("how", "before", "new", "left"), TABLE, ids=[row[0] for row in TABLE])
def test_what_was_said_again_is_cut(how: str, before: str, new: str, left: str) -> None:
    assert joined(before, new) == left
    assert joined(before, *new) == left


def joined(before: str, *pieces: str, trimmed: str = "") -> str:
    seam = Seam(before, trimmed=trimmed)
    return "".join([*(seam.feed(piece) for piece in pieces), seam.end()])


WORDS = st.lists(st.sampled_from(["the", "sky", "is", " ", " ", "\n", "blue", "!", "a", "0"]), max_size=30).map("".join)
TEXTS = st.text(max_size=60) | WORDS


def pieces(text: str, seed: int) -> list[str]:
    chance = random.Random(seed)
    cuts = sorted(chance.sample(range(len(text) + 1), min(len(text), chance.randint(0, 6))))
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@given(TEXTS, TEXTS, st.integers(0, 5))
@example("the sky is blue", "the sky is ", 0)
def test_it_is_the_same_wherever_the_text_is_cut(before: str, new: str, seed: int) -> None:
    assert joined(before, *pieces(new, seed)) == joined(before, new)


@given(TEXTS, TEXTS)
def test_nothing_is_made_up_and_nothing_new_is_lost(before: str, new: str) -> None:
    left = joined(before, new)
    assert new.endswith(left)
    cut = new[: len(new) - len(left)].strip()
    assert cut in before


@given(TEXTS, TEXTS, st.sampled_from(["", "\n", "  "]), st.integers(0, 5))
def test_an_answer_that_begins_again_is_cut_to_its_new_part(before: str, rest: str, space: str, seed: int) -> None:
    assume(before.strip())
    left = joined(before, *pieces(space + before.lstrip() + rest, seed))
    assert left == rest
    assert (before + left).endswith(before.lstrip() + rest)


ENDS = st.sampled_from(["sunlight is scat", "the sky is blue!", "def f(x):\n    ret"])


@given(TEXTS, ENDS, TEXTS, st.integers(0, 5))
def test_an_end_that_is_no_chance_is_never_said_twice(before: str, end: str, rest: str, seed: int) -> None:
    assert is_no_chance(end)
    left = joined(before + end, *pieces(end + rest, seed))
    assert (end + rest).endswith(left)
    assert len(left) <= len(rest)


@given(TEXTS, st.sampled_from([" ", "\n", "\n\n", "\n  "]), TEXTS)
def test_white_space_that_was_not_shown_may_come_again(before: str, space: str, rest: str) -> None:
    assume(before and not before[-1].isspace() and rest and not rest[0].isspace())
    untouched = joined(before + space, rest)
    assume(untouched == rest and joined(before + space, space + rest) == space + rest)
    assert joined(before + space, space + rest, trimmed=space) == rest
