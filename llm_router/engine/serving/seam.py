"""Where the text of an answer that goes on begins to be new.

Who is asked to go on from a text often says some of it again: all of it, its end, or the word in which it broke off.
That is cut, and nothing else. What counts as said again:

- all of the text before (that cut is always right: what the reader then has is the new answer itself)
- an end of it that is too long and too varied to be chance
- its last word, if the new text begins with it without a space: "the" + "the sky"
- a beginning that is long and varied, from which the new answer then departs; whole words of it are cut

White space before it doesn't count. As long as the new text may still turn out to be said again, it is held back.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile

LEAST = 12
"""Characters of an end or a beginning that is no chance …"""

VARIED = 5
"""… if so many different ones are among them: rules of dashes, zeros and laughter are often gone on with."""


class Seam:
    """Gives the new part of a text that goes on from `before`, as it comes.

    `trimmed` is white space at the end of `before` that was not shown to who goes on: it may begin with it.
    """

    def __init__(self, before: str, *, trimmed: str = "") -> None:
        self._before = before
        self._trimmed = trimmed
        self._held = ""
        self._decided = not before
        self._starts: list[int] | None = None

    def feed(self, text: str) -> str:
        """What of the text so far is known to be new and wasn't given yet."""
        if self._decided:
            return text
        self._held += text
        begun = self._held.lstrip()
        if not begun or self._open(begun):
            return ""
        return self._decide(begun)

    def end(self) -> str:
        """What is left when nothing more comes."""
        if self._decided:
            return ""
        begun = self._held.lstrip()
        self._open(begun)
        again = begun and self._before.lstrip().startswith(begun) and is_no_chance(begun)
        rest = self._decide(begun)
        return "" if again else rest

    def _open(self, begun: str) -> bool:
        """Whether the text agrees with what was said before so far, and more must come to tell."""
        starts = self._candidates(begun) if self._starts is None else self._starts
        self._starts = [start for start in starts if self._agrees(start, begun)]
        return any(len(self._before) - start > len(begun) for start in self._starts)

    def _candidates(self, begun: str) -> Iterable[int]:
        """Places in what was said before from which on it may be said again."""
        before, shown = self._before, len(self._before) - len(self._before.lstrip())
        least = _last_no_chance(before)
        fixed = {shown, *([] if self._held != begun else _last_word(before))}
        return (place for place in range(len(before)) if place in fixed or place <= least)

    def _agrees(self, start: int, begun: str) -> bool:
        if len(self._before) - start > len(begun):
            return self._before.startswith(begun, start)
        return begun.startswith(self._before[start:])

    def _decide(self, begun: str) -> str:
        self._decided = True
        whole = [start for start in self._starts or () if len(self._before) - start <= len(begun)]
        if whole:
            return begun[len(self._before) - min(whole) :]
        shared = _shared_words(self._before.lstrip(), begun)
        if is_no_chance(shared):
            return begun[len(shared) :]
        return self._held[_overlap(self._trimmed, self._held) :]


def is_no_chance(text: str) -> bool:
    """Whether nobody says this twice by chance."""
    return len(text) >= LEAST and len(set(text)) >= VARIED


def _last_no_chance(text: str) -> int:
    """The last place from which on the text is no chance; -1 where there is none."""
    place, seen = len(text), set[str]()
    while place > 0 and not (len(text) - place >= LEAST and len(seen) >= VARIED):
        place -= 1
        seen.add(text[place])
    return place if is_no_chance(text[place:]) else -1


def _last_word(text: str) -> list[int]:
    """Where the word begins in which the text stops; nothing if it is short, or no word."""
    start = len(text)
    while start > 0 and text[start - 1].isalpha():
        start -= 1
    is_word = start == 0 or not (text[start - 1].isalnum() or text[start - 1] in "_'’-")
    return [start] if is_word and len(text) - start >= 3 else []


def _shared_words(before: str, begun: str) -> str:
    """The beginning that both have, without a word that only one of them goes on with."""
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, begun, strict=False)))
    return before[: max((place + 1 for place in range(shared) if before[place].isspace()), default=0)]


def _overlap(end: str, text: str) -> int:
    """How much of an end the text begins with."""
    return next((size for size in range(len(end), 0, -1) if text.startswith(end[-size:])), 0)
