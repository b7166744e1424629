"""Where the passes of the compiler write what is wrong; they go on, so that everything is said at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from llm_router.diagnostics import Diagnostic
from llm_router.spec.conditions.literals import BUDGET, LABEL_KEY, METADATA_KEY, WORD
from llm_router.spec.prune import Lost
from llm_router.spec.source import Path, Source

UNKNOWN_NAME = "LR301"
TWICE = "LR302"
NO_DEFAULT_MODEL = "LR303"
UNKNOWN_PROVIDER = "LR304"
BARE_MODEL = "LR305"
CYCLE = "LR306"
UNKNOWN_CARD = "LR307"
UNKNOWN_TASK = "LR308"
UNKNOWN_ZONE = "LR309"
BAD_ABSENT = "LR310"
NO_ORGANIZATION = "LR501"
NOT_FREE = "LR502"
HARD_BELOW = "LR503"
UNKNOWN_STORE = "LR504"
NO_CHOICE = "LR505"
NO_EMBEDDING_API = "LR531"
NOT_AN_EMBEDDING_MODEL = "LR532"
ANOTHER_MODEL = "LR533"
UNKNOWN_MODEL = "LR534"
NO_SUCH_DIMENSIONS = "LR535"
TOO_MANY_TEXTS = "LR536"
EMBEDDING_IN_USE = "LR537"

_NAMES = frozenset({"providers", "deployments", "pools"})
_RESTS_ON: Mapping[str, frozenset[str]] = {
    UNKNOWN_NAME: _NAMES,
    NO_DEFAULT_MODEL: _NAMES,
    UNKNOWN_PROVIDER: _NAMES,
    BARE_MODEL: _NAMES,
    UNKNOWN_TASK: frozenset({"tasks"}),
    METADATA_KEY: frozenset({"metadata"}),
    BUDGET: frozenset({"budgets"}),
    LABEL_KEY: _NAMES,
    WORD: _NAMES | {"tasks", "metadata"},
}
"""The sections without which an error says nothing."""
_OF_FACTS = frozenset(
    {
        NOT_FREE,
        HARD_BELOW,
        NO_EMBEDDING_API,
        NOT_AN_EMBEDDING_MODEL,
        ANOTHER_MODEL,
        UNKNOWN_MODEL,
        NO_SUCH_DIMENSIONS,
        TOO_MANY_TEXTS,
        EMBEDDING_IN_USE,
    }
)
"""What follows from facts of deployments, budgets or embeddings: any of them may be among what was lost."""
_INDEPENDENT = frozenset({TWICE, CYCLE, UNKNOWN_CARD, UNKNOWN_ZONE})
"""What is wrong whatever else the file says."""
_QUOTED = re.compile("`([^`]*)`")
_NO_LETTER = re.compile(r"[\W_]")


@dataclass(frozen=True, slots=True)
class Report:
    """Diagnostics about one source, in the order in which they were found."""

    source: Source
    found: list[Diagnostic] = field(default_factory=list)

    def error(self, code: str, path: Path, message: str, help: str = "", *, at_key: bool = False) -> None:
        """Note what stops the spec, at the value of `path` or at its key."""
        span = self.source.key_span(path) if at_key else self.source.span(path)
        self.found.append(Diagnostic(code, "error", message, span, help))

    def add(self, diagnostic: Diagnostic) -> None:
        """Note what somebody else found."""
        self.found.append(diagnostic)

    def more_errors(self, lost: Lost) -> Iterator[Diagnostic]:
        """Yields the errors that are none for lack of what was lost: a part that couldn't be read declared it."""
        words = {_letters(word) for word in lost.words}
        torn = {self.source.span(path) for path in self.source.torn}
        for each in self.found:
            echo = bool(lost.sections & _RESTS_ON.get(each.code, frozenset()) or words & set(_about(each)))
            echo = echo or each.code in _OF_FACTS
            if each.severity == "error" and each.span not in torn and (each.code in _INDEPENDENT or not echo):
                yield each


def _about(diagnostic: Diagnostic) -> Iterator[str]:
    """Yields the words that a message quotes, whole and between dots and colons."""
    for quoted in _QUOTED.findall(diagnostic.message):
        yield from map(_letters, (quoted, *re.split("[.:]", quoted)))


def _letters(word: str) -> str:
    """A word by its letters alone: who writes `My Model` where a name belongs may say `my-model` elsewhere."""
    return _NO_LETTER.sub("", word.casefold()) or word
