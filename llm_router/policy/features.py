"""The facts about one request that conditions, needs and ranking may see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llm_router.catalog.tokens import TokenCount
from llm_router.messages import ChatRequest, Settings
from llm_router.policy.hints import Hints

if TYPE_CHECKING:
    from llm_router.policy.program import Program

__all__ = ["Call", "Features", "Hints", "Needs", "compute"]


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it arrived: the request, its hints, its id, and the moment (`now`, seconds since the epoch)."""

    request: ChatRequest
    hints: Hints
    request_id: str
    now: float
    stream: bool = False


@dataclass(frozen=True, slots=True)
class Needs:
    """What a candidate must be able to do for this request.

    `supports` are words of the catalogue (`tools`, `images`, `files`, `audio`), `json` whether JSON is wanted,
    `capability` what must be stated, `settings` the caller's own parameters.
    """

    supports: frozenset[str] = frozenset()
    json: bool = False
    capability: frozenset[str] = frozenset()
    settings: Settings = Settings()


@dataclass(frozen=True, slots=True)
class Features:
    """One request as the policy sees it.

    `values` holds the features that the program reads, by name; an absent feature is a missing key. Their types: text
    and words `str` (`weekday` as `mon`), sets `frozenset[str]`, counts and `hour` `int`, numbers `int | float`,
    booleans `bool`.
    """

    request_id: str
    values: Mapping[str, object] = field(repr=False)
    hints: Hints
    needs: Needs
    input_tokens: TokenCount


def compute(
    program: Program, call: Call, *, variables: Mapping[str, str], given: Mapping[str, object] | None = None
) -> Features:
    """The features of `call` that `program` reads.

    `variables` is the environment for `env.<NAME>`. `given` holds features that the caller states by name, in the
    types that `Features` documents; they aren't computed.
    """
    raise NotImplementedError
