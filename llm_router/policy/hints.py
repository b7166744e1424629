"""What a caller says about one request, validated against the program that will decide on it.

An unknown hint or value is an error of the request, never a condition that quietly doesn't hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NoReturn, TypeAlias, TypeVar

from llm_router.diagnostics import did_you_mean
from llm_router.errors import RequestError
from llm_router.spec.conditions.feature_types import COSTS, SPEEDS, MetadataType
from llm_router.units import UnitError, parse_duration, parse_money

if TYPE_CHECKING:
    from llm_router.policy.program import Program

CostHint = Literal["low", "medium", "high"]
SpeedHint = Literal["slow", "normal", "fast", "critical"]
MetadataValue: TypeAlias = bool | int | float | str
Amount = TypeVar("Amount", int, float)

_ALIASES = {"budget": "cost"}
_COSTS: Mapping[str, CostHint] = {"low": "low", "medium": "medium", "high": "high"}
_SPEEDS: Mapping[str, SpeedHint] = {"slow": "slow", "normal": "normal", "fast": "fast", "critical": "critical"}


@dataclass(frozen=True, slots=True)
class Hints:
    """What the caller said; `None` and empty are unsaid. `max_cost` is in picodollars, `timeout_s` in seconds.

    `fresh` wants an answer that was not given before, and keeps it for nobody.
    `metadata` holds the keys that the spec declares, flattened by dots, with values of the declared type.
    `framework_run_id` is no caller's word, but the framework's name for the call, for the ledger.
    """

    task: str | None = None
    cost: CostHint | None = None
    speed: SpeedHint | None = None
    capability: frozenset[str] = frozenset()
    model: str | None = None
    provider: str | None = None
    prefer: tuple[str, ...] = ()
    max_cost: int | None = None
    timeout_s: float | None = None
    user: str | None = field(default=None, repr=False)
    session: str | None = field(default=None, repr=False)
    run: str | None = None
    tags: frozenset[str] = frozenset()
    fresh: bool = False
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict, repr=False)
    framework_run_id: str | None = None

    @classmethod
    def read(cls, said: Mapping[str, object], program: Program) -> Hints:
        """The hints that `said` spells, by the keywords of a call; `None` is unsaid.

        `budget` is read as `cost`; `timeout` is a duration as text or a number of seconds; `max_cost` is text with its
        unit. Raises RequestError at the first mistake.
        """
        stated = {_ALIASES.get(key, key): value for key, value in said.items() if value is not None}
        for key in stated:
            if key not in HINTS:
                _refuse_key(key)
        return cls(
            task=_one_of("task", _text("task", stated), program.tasks),
            cost=_COSTS.get(_one_of("cost", _text("cost", stated), COSTS) or ""),
            speed=_SPEEDS.get(_one_of("speed", _text("speed", stated), SPEEDS) or ""),
            capability=frozenset(_all_of("capability", _texts("capability", stated), program.capabilities)),
            model=_text("model", stated),
            provider=_one_of("provider", _text("provider", stated), tuple(program.providers)),
            prefer=_all_of("prefer", _texts("prefer", stated), _names(program)),
            max_cost=_money(stated.get("max_cost")),
            timeout_s=_seconds(stated.get("timeout")),
            user=_text("user", stated),
            session=_text("session", stated),
            run=_text("run", stated),
            tags=frozenset(_texts("tags", stated)),
            fresh=_flag("fresh", stated),
            metadata=dict(_metadata(stated.get("metadata"), program.declarations.metadata)),
        )


HINTS = (
    "task",
    "cost",
    "speed",
    "capability",
    "model",
    "provider",
    "prefer",
    "max_cost",
    "timeout",
    "user",
    "session",
    "run",
    "tags",
    "metadata",
    "fresh",
)
"""The keywords of a call that are hints; `budget` is another word for `cost`."""


def _refuse_key(key: str) -> NoReturn:
    if key == "max_retries":
        raise RequestError(
            "`max_retries` can't be set on a call", help="the spec says what follows a failure: `fallback` has `after`"
        )
    raise RequestError(f"unknown hint `{key}`", help=did_you_mean(key, HINTS))


def _text(hint: str, stated: Mapping[str, object]) -> str | None:
    value = stated.get(hint)
    if value is None or isinstance(value, str):
        return value
    raise RequestError(f"the hint `{hint}` must be text, not {_kind(value)}")


def _flag(hint: str, stated: Mapping[str, object]) -> bool:
    value = stated.get(hint, False)
    if isinstance(value, bool):
        return value
    raise RequestError(f"the hint `{hint}` must be True or False, not {_kind(value)}")


def _texts(hint: str, stated: Mapping[str, object]) -> tuple[str, ...]:
    value = stated.get(hint, ())
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list | tuple | set | frozenset) and all(isinstance(item, str) for item in value):
        return tuple(sorted(value)) if isinstance(value, set | frozenset) else tuple(value)
    raise RequestError(f"the hint `{hint}` must be a list of words, not {_kind(value)}")


def _one_of(hint: str, value: str | None, known: Iterable[str]) -> str | None:
    """The value, checked against the words that are known; where none are, any will do."""
    words = tuple(known)
    if value is not None and words and value not in words:
        raise RequestError(f"`{value}` is no known value of the hint `{hint}`", help=did_you_mean(value, words))
    return value


def _all_of(hint: str, values: tuple[str, ...], known: Iterable[str]) -> tuple[str, ...]:
    words = tuple(known) if values else ()
    for value in values:
        _one_of(hint, value, words)
    return values


def _names(program: Program) -> Iterator[str]:
    """Yields whatever `prefer` may name."""
    yield from program.members
    yield from program.pools
    yield from program.providers
    for deployment in program.deployments.values():
        yield from (deployment.name, deployment.model, f"{deployment.provider.name}:{deployment.model}")


def _money(value: object) -> int | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise RequestError(f"`max_cost` must be text with its unit, not {_kind(value)}", help='write `"0.25 USD"`')
    return _parsed("max_cost", parse_money, value)


def _seconds(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, str):
        value = _parsed("timeout", parse_duration, value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RequestError(f"`timeout` must be a duration, not {_kind(value)}", help='write `"30s"`, or seconds')
    if not value > 0:
        raise RequestError("`timeout` must be longer than nothing")
    return float(value)


def _parsed(hint: str, parse: Callable[[str], Amount], text: str) -> Amount:
    try:
        return parse(text)
    except UnitError as error:
        raise RequestError(f"the hint `{hint}`: {error.message}", help=error.help) from None


def _metadata(value: object, declared: Mapping[str, MetadataType]) -> Iterator[tuple[str, MetadataValue]]:
    """Yields the declared keys with their values; all others pass unheeded, because frameworks add many."""
    if value is None:
        return
    if not isinstance(value, Mapping):
        raise RequestError(f"the hint `metadata` must be a mapping, not {_kind(value)}")
    for key, kind in declared.items():
        found = _at(value, key)
        if found is not None:
            yield key, _typed(key, found, kind)


def _at(tree: Mapping[object, object], key: str) -> object:
    """What stands under a key, itself or reached by its dots; `None` where nothing does."""
    if key in tree:
        return tree[key]
    head, dot, rest = key.partition(".")
    below = tree.get(head) if dot else None
    return _at(below, rest) if isinstance(below, Mapping) else None


def _typed(key: str, value: object, declared: MetadataType) -> MetadataValue:
    """The value as declared. INVARIANT: no message says the value itself."""
    match declared.kind:
        case "boolean" if isinstance(value, bool):
            return value
        case "number" if isinstance(value, int | float) and not isinstance(value, bool):
            return value
        case "text" if isinstance(value, str):
            return value
        case "word" if isinstance(value, str) and value in declared.words:
            return value
    wanted = f"one of {', '.join(f'`{word}`' for word in declared.words)}" if declared.words else declared.kind
    raise RequestError(
        f"`metadata.{key}` is not of its declared type",
        help=f"the spec declares {wanted}; the call has {'another word' if declared.words else _kind(value)}",
    )


def _kind(value: object) -> str:
    kinds = {bool: "a boolean", int: "a number", float: "a number", str: "text", list: "a list", dict: "a mapping"}
    return kinds.get(type(value), f"a {type(value).__name__}")
