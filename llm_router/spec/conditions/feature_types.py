"""The closed tables of features: what a condition may speak of, and of which type each is.

There are two tables for one machinery: `Declarations` make the features of a request, which rules and guards read;
`Placement` makes those of a deployment, which a guard's `only` and `never` read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Literal, TypeAlias

from typing_extensions import override

Kind: TypeAlias = Literal["boolean", "number", "text", "word", "set"]
"""`word` is one of a closed list, `text` any string, `set` several words."""

MetadataKind: TypeAlias = Literal["boolean", "number", "text", "word"]
Literals: TypeAlias = bool | int | float | str

COSTS = ("low", "medium", "high")
SPEEDS = ("slow", "normal", "fast", "critical")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ALIASES: Mapping[str, str] = MappingProxyType({"budget": "cost"})

RANKS: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        feature: MappingProxyType({word: rank for rank, word in enumerate(words)})
        for feature, words in (("cost", COSTS), ("speed", SPEEDS), ("weekday", WEEKDAYS))
    }
)
"""The ordered features: the rank of each of their words."""


@dataclass(frozen=True, slots=True)
class FeatureType:
    """What values a feature takes.

    `words` are all values of a `word`, or all members of a `set`; empty means any text. `whole` numbers have no
    fraction; `low` and `high` bound a number, both included. `hint` features are said by the caller and compared by
    index; `private` ones never show their value. An `always` feature is never absent; with `absent` set, that value
    stands in, so that it is never absent either. A `share` is written in percent and compared as a fraction.
    """

    kind: Kind
    words: tuple[str, ...] = ()
    whole: bool = False
    low: int | None = None
    high: int | None = None
    hint: bool = False
    private: bool = False
    always: bool = False
    absent: Literals | None = None
    share: bool = False

    @property
    def may_be_absent(self) -> bool:
        """Whether a request can come without it."""
        return not self.always and self.absent is None


@dataclass(frozen=True, slots=True)
class MetadataType:
    """One declared metadata key; `words` belong to the kind `word`, `absent` stands in for a missing value."""

    kind: MetadataKind
    words: tuple[str, ...] = ()
    absent: Literals | None = None

    def feature_type(self) -> FeatureType:
        """The type of `metadata.<key>`."""
        return FeatureType(self.kind, self.words, hint=True, private=True, absent=self.absent)


@dataclass(frozen=True, slots=True)
class Declarations:
    """What a spec declares about requests.

    No `tasks` means that none were declared, so any word is one. `capabilities`, where given, are all that a
    condition may ask for. Of `budgets` the share that is gone may be asked.
    """

    tasks: tuple[str, ...] = ()
    metadata: Mapping[str, MetadataType] = field(default_factory=dict, hash=False)
    capabilities: tuple[str, ...] = ()
    budgets: tuple[str, ...] = ()

    def features(self) -> dict[str, FeatureType]:
        """The table of a request's features, in the order of the documentation; `env.<NAME>` isn't listed."""
        hints = {
            "task": FeatureType("word" if self.tasks else "text", self.tasks, hint=True),
            **_HINTS,
            "capability": FeatureType("set", self.capabilities, hint=True),
        }
        metadata = {f"metadata.{key}": declared.feature_type() for key, declared in self.metadata.items()}
        spent = {f"spent.{name}": _SHARE for name in self.budgets}
        return {**hints, **metadata, **_COMPUTED, **spent}


@dataclass(frozen=True, slots=True)
class Covering(Declarations):
    """What `for` of a budget or limit ranges over: a request, and who is asked under which rule."""

    providers: tuple[str, ...] = ()
    deployments: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()

    def attempt(self) -> dict[str, FeatureType]:
        """The features that only an attempt has; what the caller names or a failure leads to is under no rule."""
        return {
            "provider": FeatureType("word" if self.providers else "text", self.providers, always=True),
            "deployment": FeatureType("word" if self.deployments else "text", self.deployments, always=True),
            "model": FeatureType("text", always=True),
            "rule": FeatureType("word" if self.rules else "text", self.rules),
        }

    @override
    def features(self) -> dict[str, FeatureType]:
        return {**self.attempt(), **Declarations.features(self)}


@dataclass(frozen=True, slots=True)
class Placement:
    """What a guard's `only` and `never` range over: the names of the spec, and the keys of all labels."""

    providers: tuple[str, ...] = ()
    deployments: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    def features(self) -> dict[str, FeatureType]:
        """The table of a deployment's features."""
        return {
            "provider": FeatureType("word" if self.providers else "text", self.providers, always=True),
            "deployment": FeatureType("word" if self.deployments else "text", self.deployments, always=True),
            "model": FeatureType("text", always=True),
            "local": FeatureType("boolean", always=True),
            **{f"labels.{key}": FeatureType("text") for key in self.labels},
        }


_COUNT = FeatureType("number", whole=True, low=0, always=True)
_FLAG = FeatureType("boolean", always=True)
_SHARE = FeatureType("number", low=0, always=True, share=True)

_HINTS: Mapping[str, FeatureType] = {
    "cost": FeatureType("word", COSTS, hint=True),
    "speed": FeatureType("word", SPEEDS, hint=True),
    "requested_model": FeatureType("text", hint=True),
    "user": FeatureType("text", hint=True, private=True),
    "session": FeatureType("text", hint=True),
    "run": FeatureType("text", hint=True),
    "tags": FeatureType("set", hint=True),
}

_COMPUTED: Mapping[str, FeatureType] = {
    "input_tokens": _COUNT,
    "max_output_tokens": FeatureType("number", whole=True, low=0),
    "messages": _COUNT,
    "text": FeatureType("text", private=True),
    "transcript": FeatureType("text", private=True),
    "has_images": _FLAG,
    "has_files": _FLAG,
    "has_tools": _FLAG,
    "wants_json": _FLAG,
    "stream": _FLAG,
    "hour": FeatureType("number", whole=True, low=0, high=23, always=True),
    "weekday": FeatureType("word", WEEKDAYS, always=True),
}

_VARIABLE = FeatureType("text")


@lru_cache(maxsize=64)
def features_of(declarations: Declarations | Placement) -> Mapping[str, FeatureType]:
    """The closed table that conditions under these declarations may read, by feature name."""
    return MappingProxyType(declarations.features())


def feature_type(name: str, declarations: Declarations | Placement) -> FeatureType | None:
    """The type of one feature, aliases and `env.<NAME>` included; `None` where there is no such feature."""
    if name.startswith("env.") and isinstance(declarations, Declarations):
        return _VARIABLE if len(name) > len("env.") else None
    return features_of(declarations).get(ALIASES.get(name, name))
