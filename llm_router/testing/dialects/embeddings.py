"""The providers' embedding APIs as they speak: one dialect for each, that tells errors as its chats do.

Vectors are made from the words of a text, at length 1: the same text has the same vector everywhere, texts that share
words are near to each other, and a shorter vector is the beginning of a longer one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import shake_256

from typing_extensions import override

from llm_router.catalog.cards import card_named
from llm_router.errors import FailureClass
from llm_router.messages import ChatResponse, Json, JsonObject
from llm_router.testing.dialects.dialect import Dialect, House, Moment, json_reply, read_object
from llm_router.testing.faults import Fault
from llm_router.testing.question import Problem, Question, Rejected, estimate_tokens
from llm_router.testing.reply import Asked, Reply

UNKNOWN_DIMENSIONS = 64
"""How many numbers the vectors of a model have that no card tells of."""

_MIDDLE = 127.5
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may have: texts, and tokens of all of them together, where that is bounded."""

    texts: int | None = None
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """How one API is asked and answers.

    `path` finds its requests; its group `model` names the model, where a path does. `keys` are the headers that may
    hold one; without any, none is wanted. `read` gives the question of a body, with as many `dimensions` as are asked
    for (0: none), and raises Rejected for what isn't accepted. `limits` are those of the kind of provider that a path
    names; `too_many` says that they were passed. `write` gives the reply.
    """

    name: str
    path: re.Pattern[str]
    keys: Callable[[str], tuple[str, ...]]
    read: Callable[[str, str, JsonObject, frozenset[str]], Question]
    limits: Callable[[str], Limits]
    too_many: Callable[[Limits, Question], Problem]
    write: Callable[[Question, list[tuple[float, ...]], Moment], Json]


@dataclass(frozen=True, slots=True)
class Embeddings(Dialect):
    """The embeddings of one API; `voice` is the dialect that tells its errors."""

    form: Form
    voice: Dialect

    @property
    @override
    def name(self) -> str:
        """The dialect's own name."""
        return self.form.name

    @override
    def claims(self, path: str) -> bool:
        """Its address under any base path."""
        return self.form.path.search(path) is not None

    @override
    def other(self, asked: Asked, house: House) -> Reply | None:
        """A wrong method."""
        return None if asked.method == "POST" else self.problem(self.status_problem(405, "method not allowed"))

    @override
    def question(self, asked: Asked, house: House) -> Question:
        """What is to be embedded. Raises Rejected with the first thing that is wrong with it."""
        path = asked.path.partition("?")[0]
        body = read_object(self.status_problem(400, "the body is no JSON object"), asked.body)
        found = self.form.path.search(path)
        assert found is not None
        self._check_key(asked, house, self.form.keys(path))
        question = self.form.read(path, found.groupdict().get("model") or "", body, house.also)
        for problem in self._broken(question, house, self.form.limits(path)):
            raise Rejected(problem)
        told = (house.dimensions.get(name or "") for name in (question.deployment, question.model))
        return replace(question, own_dimensions=next(filter(None, told), own_dimensions(question.model)))

    @override
    def answer(self, question: Question, response: ChatResponse, moment: Moment) -> Reply:
        """A vector for each text."""
        dimensions = question.dimensions or question.own_dimensions
        vectors = [vector_of(text, dimensions) for text in question.texts]
        return json_reply(200, self.form.write(question, vectors, moment))

    @override
    def problem(self, problem: Problem) -> Reply:
        """The error with its status."""
        return self.voice.problem(problem)

    @override
    def frame(self, problem: Problem) -> bytes:
        """The error as an event of a stream, which no embedding is."""
        return self.voice.frame(problem)

    @override
    def status_problem(self, status: int, message: str) -> Problem:
        """An error that says no more than its status."""
        return self.voice.status_problem(status, message)

    @override
    def failure(self, kind: FailureClass, question: Question, fault: Fault) -> Problem:
        """How the provider says a failure class."""
        return self.voice.failure(kind, question, fault)

    def _check_key(self, asked: Asked, house: House, headers: tuple[str, ...]) -> None:
        said = (asked.headers.get(name, "").rpartition(" ")[2] for name in headers)
        key = next((value for value in said if value), "")
        if headers and (not key or (house.keys is not None and key not in house.keys)):
            raise Rejected(self._failure("authentication", ""))

    def _broken(self, question: Question, house: House, limits: Limits) -> Iterator[Problem]:
        """What is still wrong with a request of the right shape."""
        if house.models is not None and {question.model, f"{question.model}:latest"}.isdisjoint(house.models):
            yield self._failure("not_found", question.model)
        if not all(question.texts):
            yield self.status_problem(400, "input cannot be an empty string")
        if len(question.texts) > (limits.texts or math.inf) or question.input_tokens > (limits.tokens or math.inf):
            yield self.form.too_many(limits, question)
        card = card_named(question.model)
        longest = max(map(estimate_tokens, question.texts))
        if card is not None and card.vectors is not None and card.context is not None and longest > card.context:
            yield self._failure("context_length", question.model)
        if question.dimensions and card and card.vectors and not card.vectors.can_have(question.dimensions):
            message = f"{question.dimensions} is no number of dimensions that {question.model} can have"
            yield self.status_problem(400, message)

    def _failure(self, kind: FailureClass, model: str) -> Problem:
        return self.voice.failure(kind, Question(self.name, model), Fault(kind))


def own_dimensions(model: str) -> int:
    """How many numbers a model's vectors have where nobody asks for others."""
    card = card_named(model) or card_named(_OLLAMA.get(model.partition(":")[0], model))
    return card.vectors.dimensions if card is not None and card.vectors is not None else UNKNOWN_DIMENSIONS


_OLLAMA: Mapping[str, str] = {
    "nomic-embed-text": "nomic-embed-text-v1.5",
    "mxbai-embed-large": "mxbai-embed-large-v1",
    "all-minilm": "all-minilm-l6-v2",
}
"""What models are called by Ollama, where that isn't their name."""


def vector_of(text: str, dimensions: int) -> tuple[float, ...]:
    """The vector of a text: of its words, whatever their case; of its characters where it has no word."""
    words = _WORD.findall(text.lower()) or [text]
    sums = [math.fsum(column) for column in zip(*(_direction(word, dimensions) for word in words), strict=True)]
    length = math.sqrt(math.fsum(number * number for number in sums)) or 1.0
    return tuple(number / length for number in sums)


@lru_cache(maxsize=4096)
def _direction(word: str, dimensions: int) -> tuple[float, ...]:
    digest = shake_256(word.encode("utf-8", "surrogatepass")).digest(dimensions)
    return tuple(byte - _MIDDLE for byte in digest)


def tokens_of(texts: Iterable[str]) -> int:
    """A plausible count of all tokens."""
    return sum(map(estimate_tokens, texts))
