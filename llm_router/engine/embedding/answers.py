"""What a request for vectors gives back, and the search among a few of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import reduce
from operator import add, mul
from typing import TYPE_CHECKING, NamedTuple

from typing_extensions import override

from llm_router.engine.accounting.bill import RequestCost
from llm_router.errors import RequestError
from llm_router.messages import Usage

if TYPE_CHECKING:
    from llm_router.engine.answer import Answer
    from llm_router.policy.decision import Decision
    from llm_router.wire.embedding import Vector


class Near(NamedTuple):
    """A text that is near: its place in the call, from 0, and the cosine of the angle to it, 1 being the same way."""

    place: int
    similarity: float


@dataclass(frozen=True, slots=True)
class Embeddings:
    """One vector for each text of a call, in the texts' order.

    `answers` tells of each batch how it came about; one batch may have been answered by another deployment than the
    rest, always by the same model.
    """

    vectors: tuple[Vector, ...] = field(repr=False)
    answers: tuple[Answer, ...] = field(repr=False)

    @override
    def __repr__(self) -> str:
        return f"<Embeddings: {len(self.vectors)} vectors of {self.dimensions} dimensions by {self.deployment!r}>"

    @property
    def vector(self) -> Vector:
        """The first vector: of the text, where the call had one."""
        return self.vectors[0]

    @property
    def dimensions(self) -> int:
        """How many numbers each vector has."""
        return len(self.vectors[0])

    @property
    def deployment(self) -> str:
        """Who answered the first batch."""
        return self.answers[0].deployment

    @property
    def decision(self) -> Decision:
        """Who could be asked for the first batch, and why nobody else."""
        return self.answers[0].decision

    @property
    def model(self) -> str | None:
        """The name that the provider of the first batch says it served."""
        return self.answers[0].model

    @property
    def usage(self) -> Usage:
        """Tokens of all batches, as the providers reported them; a kind that one of them didn't report isn't known."""
        return reduce(_sum, (answer.usage for answer in self.answers))

    @property
    def cost(self) -> RequestCost:
        """What all batches cost together, over all their attempts."""
        return reduce(add, (answer.cost for answer in self.answers), RequestCost())

    def nearest(self, vector: Sequence[float], k: int = 5) -> tuple[Near, ...]:
        """The at most `k` texts whose vectors point most nearly the same way, the nearest first.

        By cosine, so lengths don't matter; of equally near ones the earlier comes first. Every vector is looked at:
        for some thousands of texts that is quick, for more there are indexes. Raises RequestError for a vector of
        another number of dimensions, and for what is none.
        """
        if isinstance(vector, Embeddings | str):
            raise RequestError(
                f"`{type(vector).__name__}` is no vector", help="pass one, as `router.embed(text).vector`"
            )
        if len(vector) != self.dimensions:
            message = f"the vector has {len(vector)} dimensions, and these have {self.dimensions}"
            raise RequestError(message, help="compare vectors of one model only")
        length = _length(vector)
        found = (Near(place, _cosine(vector, length, each)) for place, each in enumerate(self.vectors))
        return tuple(sorted(found, key=lambda near: (-near.similarity, near.place))[: max(0, k)])


def _cosine(one: Sequence[float], length: float, other: Vector) -> float:
    """The cosine between two vectors, 0 where one has no length."""
    lengths = length * _length(other)
    cosine = sum(map(mul, one, other)) / lengths if lengths else 0.0
    return max(-1.0, min(1.0, cosine))


def _length(vector: Sequence[float]) -> float:
    return math.sqrt(sum(map(mul, vector, vector)))


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(**{each.name: _plus(getattr(one, each.name), getattr(other, each.name)) for each in fields(Usage)})


def _plus(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other
