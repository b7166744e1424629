"""The kinds of scalars that keys of a spec take, as annotations: `Duration`, `Money`, `Name`, …

Quantities carry their units and are exact: durations in seconds, money in picodollars, prices in picodollars per token.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from math import ceil
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeAlias, get_args

from llm_router.catalog.providers import CUSTOM, CUSTOM_NAME_PATTERN, PROVIDERS
from llm_router.diagnostics import closest, did_you_mean
from llm_router.messages import ReasoningEffort, Thinking
from llm_router.spec.habits import CREDENTIAL, NAME_IN_USE, TRUTHS
from llm_router.spec.refs import REFERENCE_PATTERN, Reference
from llm_router.spec.scalars import (
    BAD_NAME,
    INEXACT,
    NO_UNIT,
    NOTHING,
    OUT_OF_RANGE,
    STANDS_FOR,
    UNKNOWN_WORD,
    WRONG_TYPE,
    WRONG_UNIT,
    Scalar,
    Unreadable,
    shown,
    wrong_type,
)
from llm_router.units import (
    COUNT_PATTERN,
    DURATION_PATTERN,
    MONEY_PATTERN,
    PICODOLLARS_PER_DOLLAR,
    SHARE_PATTERN,
    TOKENS_PER_PRICE,
    UnitError,
    parse_count,
    parse_duration,
    parse_money,
    parse_price,
    parse_share,
)

LEAST_PRICE = 0.001
"""USD per million tokens below which a price is taken for one per token, however fine: the linter says so."""

RESERVED = ("any", "none", "order", "auto", "refuse", "stop")
NAME_PATTERN = r"[a-z][a-z0-9_-]*"
PLACE_PATTERN = rf"[^\s:/,]+|{NAME_PATTERN}:(?!\S*\$\{{)\S+"
METADATA_PATTERN = r"[A-Za-z_][A-Za-z0-9_.-]*"

_NOT_TEMPLATE = rf"(?![\s\S]*\{{\{{)(?:[^$]|\$(?!\{{)|{REFERENCE_PATTERN})*"
_ADDRESS = r"(?:https?://(?![:/])|(?![a-z][a-z0-9+.-]*:/|:?/))[^\s/?#@${}]+(?:/[^\s?#${}]*)?"
_FIXED = r"(?![\s\S]*\{\{)(?:[^$]|\$(?!\{))*"
_CREDENTIAL = rf"(?!os\.environ|\$[A-Za-z_])(?:[^\s$\{{\}}]|\$(?!\{{)|{REFERENCE_PATTERN})+"


def _pattern(grammar: str) -> str:
    return f"^(?:{grammar})$"


def _text(noun: str, grammar: str = "", explain: Callable[[str], Unreadable] | None = None) -> Callable[[object], str]:
    """A reader of texts of a grammar."""
    pattern = re.compile(grammar) if grammar else None

    def read(value: object) -> str:
        if not isinstance(value, str):
            advice = f'write `"{shown(value).strip("`")}"`, in quotes' if isinstance(value, (bool, int, float)) else ""
            raise wrong_type(noun, value, advice)
        if not value:
            raise Unreadable(WRONG_TYPE, f"expected {noun}, found empty text", "write it, or take the key out")
        if pattern is not None and pattern.fullmatch(value) is None:
            raise explain(value) if explain else Unreadable(WRONG_TYPE, f"`{value}` is not {noun}")
        return str(value)

    return read


def _text_schema(grammar: str = "") -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string", "minLength": 1}
    return {**schema, "pattern": _pattern(grammar)} if grammar else schema


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    truth = TRUTHS.get(str(value).lower()) if isinstance(value, (str, int)) else None
    raise wrong_type("`true` or `false`", value, f"write `{truth}`" if truth else "write `true` or `false`")


def _number(noun: str, low: float, high: float | None = None, *, whole: bool = False) -> Callable[[object], Any]:
    """A reader of numbers from `low` to `high`."""
    bounds = f"of at least {low:g}" if high is None else f"between {low:g} and {high:g}"

    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            plain = isinstance(value, str) and re.fullmatch(r"[0-9.]+", value)
            raise wrong_type(noun, value, f"write `{value}`, without quotes" if plain else f"write {noun} {bounds}")
        if whole and value != int(value):
            raise Unreadable(WRONG_TYPE, f"expected {noun}, found {shown(value)}", f"write {noun} {bounds}")
        if value < low or (high is not None and value > high):
            raise Unreadable(OUT_OF_RANGE, f"{shown(value)} is out of range", f"write {noun} {bounds}")
        return int(value) if whole else value

    return read


def _numeric(noun: str, low: float, high: float | None = None, *, whole: bool = False, late: bool = True) -> Scalar:
    schema: dict[str, Any] = {"type": "integer" if whole else "number", "minimum": low}
    if high is not None:
        schema["maximum"] = high
    return Scalar(noun, _number(noun, low, high, whole=whole), schema, late=late, typed=True)


def _duration(value: object) -> float:
    return parse_duration(_quantity("a duration", value, "s"))


def _money(value: object) -> int:
    return parse_money(_quantity("an amount of money", value, " USD"))


def _share(value: object) -> Fraction:
    return parse_share(_quantity("a share", value, "%"))


def _quantity(noun: str, value: object, unit: str) -> str:
    """The text of a quantity. A bare number lacks its unit."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        number = round(value * 100, 6) if unit == "%" and 0 < value <= 1 else value
        raise Unreadable(NO_UNIT, f"{shown(value)} has no unit", f"write `{number:g}{unit}`, if that is meant")
    if not isinstance(value, str):
        raise wrong_type(noun, value)
    return value


def _positive(read: Callable[[object], float]) -> Callable[[object], float]:
    def read_positive(value: object) -> float:
        amount = read(value)
        if amount <= 0:
            raise Unreadable(OUT_OF_RANGE, f"{shown(value)} is out of range", "write more than zero")
        return amount

    return read_positive


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise wrong_type("a count", value)
    if isinstance(value, float) and value != int(value):
        raise Unreadable(WRONG_TYPE, f"expected a whole number, found {shown(value)}", "write `4096`, `32k` or `1.5M`")
    count = parse_count(value if isinstance(value, str) else str(int(value)))
    if count < 1:
        raise Unreadable(OUT_OF_RANGE, f"{shown(value)} is out of range", "write at least 1")
    return count


def _effort(value: object) -> object:
    """A word, or a budget in tokens; what is neither is spoken of as a word."""
    counted = isinstance(value, int | float) or (isinstance(value, str) and value[:1].isdigit())
    return _count(value) if counted and not isinstance(value, bool) else _EFFORT.read(value)


def _amount(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise wrong_type("a price in USD per million tokens", value, "write a number, as `2.5`")
    if value < 0:
        raise Unreadable(OUT_OF_RANGE, f"{shown(value)} is out of range", "write at least 0")
    if 0 < value < LEAST_PRICE:
        return ceil(Fraction(str(value)) * PICODOLLARS_PER_DOLLAR / TOKENS_PER_PRICE)
    try:
        return parse_price(value)
    except UnitError as error:
        raise Unreadable(INEXACT, error.message, error.help) from None


def _united(read: Callable[[object], Any]) -> Callable[[object], Any]:
    """The reader, with the errors of units as ours."""

    def read_unit(value: object) -> Any:
        try:
            return read(value)
        except UnitError as error:
            raise Unreadable(WRONG_UNIT, error.message, error.help) from None

    return read_unit


def _quantities(noun: str, read: Callable[[object], Any], grammar: str, *, late: bool = True) -> Scalar:
    return Scalar(noun, _united(read), {"type": "string", "pattern": _pattern(grammar)}, late=late)


def words(
    noun: str,
    known: tuple[str, ...],
    *,
    later: tuple[str, ...] = (),
    help: str = "",
    late: bool = False,
    habits: Mapping[str, str] = MappingProxyType({}),
) -> Scalar:
    """A scalar that is one of a closed list; `later` are those that a coming version will take.

    `help` is what to write where no word is close, instead of the list; `habits` are other systems' words for ours.
    """

    def read(value: object) -> str:
        if isinstance(value, str) and value in known:
            return str(value)
        if isinstance(value, str) and value in later:
            raise Unreadable("LR211", f"`{value}` is not part of this version", did_you_mean("", known))
        if isinstance(value, (dict, list)) or value is None:
            raise wrong_type(noun, value, help or did_you_mean("", known))
        meant = habits.get(str(value), str(value))
        near = closest(meant, known) is not None
        advice = did_you_mean(meant, known) if near or not help else help
        raise Unreadable(UNKNOWN_WORD, f"{shown(value)} is not {noun}", advice)

    return Scalar(noun, read, {"type": "string", "enum": list(known)}, late=late)


def _bad_name(value: str) -> Unreadable:
    if value in RESERVED:
        return Unreadable(BAD_NAME, f"`{value}` has a meaning of its own and can't be a name", "choose another name")
    plain = re.sub(r"[^a-z0-9_-]+", "-", value.lower()).strip("-")
    advice = (
        f"write `{plain}`" if re.fullmatch(NAME_PATTERN, plain) else "write lower case letters, digits, `-` and `_`"
    )
    return Unreadable(BAD_NAME, f"`{value}` is not a name", advice)


def _bad_place(value: str) -> Unreadable:
    return Unreadable(
        BAD_NAME, f"`{value}` names nobody", "write the name of a deployment or pool, or `provider:model`"
    )


def _bad_key(value: str) -> Unreadable:
    advice = "write letters, digits, `_`, `-` and `.`"
    return Unreadable(BAD_NAME, f"`{value}` is not a key of metadata", advice)


def _bad_address(value: str) -> Unreadable:
    """INVARIANT: what stands before an `@` may be a password, and is not said."""
    if "@" in value:
        return Unreadable(WRONG_TYPE, "an address holds no user and no password", "write the key as `api_key`")
    if "?" in value:
        return Unreadable(WRONG_TYPE, "an address holds no parameters", "write them as `query: {name: value}`")
    return Unreadable(WRONG_TYPE, f"`{value}` is not an address", "write `https://`, the host and the path")


def _bad_reference(value: str) -> Unreadable:
    return Unreadable("LR214", f"`{value}` can't be read", "references are `${env:NAME}`, `${env:NAME:-default}`")


def _credential(value: object) -> Reference:
    """A key is always a `Reference`, so that no `repr` shows it."""
    if isinstance(value, Reference):
        value = value.text
    return Reference(_text(CREDENTIAL, _CREDENTIAL, _bad_credential)(value))


def _bad_credential(_: str) -> Unreadable:
    return Unreadable("LR214", "this can't be a key", 'write `"${env:NAME}"`, the variable that holds the key')


def _mapping(noun: str, help: str = "") -> Callable[[object], object]:
    """A reader of mappings that stay as they are."""

    def read(value: object) -> object:
        if not isinstance(value, dict):
            raise wrong_type(noun, value, help)
        if not value:
            raise Unreadable(NOTHING, f"expected {noun}, found an empty one", "write it, or take the key out")
        return value

    return read


_NAME_GRAMMAR = rf"(?!(?:{'|'.join(RESERVED)})$){NAME_PATTERN}"
POSITIVE = r"(?=.*[1-9])"
"""Before a pattern of quantities: none of those that are zero."""

Text: TypeAlias = Annotated[
    str | Reference, Scalar("text", _text("text", _NOT_TEMPLATE, _bad_reference), _text_schema(_NOT_TEMPLATE))
]
FixedText: TypeAlias = Annotated[
    str, Scalar("text", _text("text", _FIXED, _bad_reference), _text_schema(_FIXED), late=False)
]
Address: TypeAlias = Annotated[
    str | Reference, Scalar("an address", _text("an address", _ADDRESS, _bad_address), _text_schema(_ADDRESS))
]
Prose: TypeAlias = Annotated[str | Reference, Scalar("text", _text("text"), _text_schema())]
Word: TypeAlias = Annotated[
    str, Scalar("a word", _text("a word", _FIXED, _bad_reference), _text_schema(_FIXED), late=False)
]
Flag: TypeAlias = Annotated[bool | Reference, Scalar("`true` or `false`", _flag, {"type": "boolean"}, typed=True)]
Name: TypeAlias = Annotated[
    str, Scalar("a name", _text("a name", _NAME_GRAMMAR, _bad_name), _text_schema(_NAME_GRAMMAR), late=False)
]
Place: TypeAlias = Annotated[
    str, Scalar(NAME_IN_USE, _text(NAME_IN_USE, PLACE_PATTERN, _bad_place), _text_schema(PLACE_PATTERN), late=False)
]
MetadataName: TypeAlias = Annotated[
    str,
    Scalar(
        "a key of metadata",
        _text("a key of metadata", METADATA_PATTERN, _bad_key),
        _text_schema(METADATA_PATTERN),
        raw=True,
    ),
]
NameKey: TypeAlias = Annotated[
    str, Scalar("a name", _text("a name", _NAME_GRAMMAR, _bad_name), _text_schema(_NAME_GRAMMAR), raw=True)
]
TextKey: TypeAlias = Annotated[str, Scalar("text", _text("text"), _text_schema(), raw=True)]
PlaceKey: TypeAlias = Annotated[
    str, Scalar(NAME_IN_USE, _text(NAME_IN_USE, PLACE_PATTERN, _bad_place), _text_schema(PLACE_PATTERN), raw=True)
]
Credential: TypeAlias = Annotated[Reference, Scalar(CREDENTIAL, _credential, _text_schema(_CREDENTIAL), raw=True)]


def _kind() -> Scalar:
    """A kind of the catalogue, or `custom:` and the name of a codec that is registered where the spec is run."""
    rows, pattern = words("a kind of provider", tuple(PROVIDERS)), f"{CUSTOM}{CUSTOM_NAME_PATTERN}"

    def read(value: object) -> object:
        if not isinstance(value, str) or not value.startswith(CUSTOM):
            return _known_kind(rows, value)
        if re.fullmatch(pattern, value):
            return value
        advice = f"write `{CUSTOM}` and a codec's name: lower case letters, digits, `-` and `_`"
        raise Unreadable(BAD_NAME, f"`{value}` names no codec", advice)

    schema = {"anyOf": [dict(rows.schema), {"type": "string", "pattern": _pattern(pattern)}]}
    return Scalar(rows.noun, read, schema, late=False)


def _known_kind(rows: Scalar, value: object) -> object:
    """A kind of the catalogue. Where no other word is close, a codec of one's own is proposed too."""
    try:
        return rows.read(value)
    except Unreadable as error:
        if not error.help.startswith("expected one of"):
            raise
        raise Unreadable(error.code, error.message, f"{error.help}, or `{CUSTOM}` and a codec of your own") from None


Kind: TypeAlias = Annotated[str, _kind()]

Duration: TypeAlias = Annotated[float | Reference, _quantities("a duration", _duration, DURATION_PATTERN)]
PositiveDuration: TypeAlias = Annotated[
    float | Reference, _quantities("a duration", _positive(_duration), f"{POSITIVE}(?:{DURATION_PATTERN})")
]
Money: TypeAlias = Annotated[int | Reference, _quantities("an amount of money", _money, MONEY_PATTERN)]
Share: TypeAlias = Annotated[Fraction, _quantities("a share", _share, SHARE_PATTERN, late=False)]
Count: TypeAlias = Annotated[
    int | Reference,
    Scalar(
        "a count",
        _united(_count),
        {
            "anyOf": [
                {"type": "integer", "minimum": 1},
                {"type": "string", "pattern": f"^{POSITIVE}(?:{COUNT_PATTERN})$"},
            ]
        },
        typed=True,
    ),
]
_EFFORT = words("an effort", get_args(ReasoningEffort))
Effort: TypeAlias = Annotated[
    Thinking | Reference,
    Scalar(
        "an effort",
        _united(_effort),
        {
            "anyOf": [
                {"type": "integer", "minimum": 1},
                {"type": "string", "pattern": f"^{POSITIVE}(?:{COUNT_PATTERN})$"},
                {"type": "string", "enum": list(get_args(ReasoningEffort))},
            ]
        },
        typed=True,
    ),
]
Amount: TypeAlias = Annotated[
    int | Reference, Scalar("a price in USD per million tokens", _amount, {"type": "number", "minimum": 0}, typed=True)
]
Quality: TypeAlias = Annotated[float | Reference, _numeric("a number", 0, 100)]
Rate: TypeAlias = Annotated[float | Reference, _numeric("a number", 0.001)]
Factor: TypeAlias = Annotated[float | Reference, _numeric("a number", 1)]
Temperature: TypeAlias = Annotated[float | Reference, _numeric("a number", 0, 2)]
Probability: TypeAlias = Annotated[float | Reference, _numeric("a number", 0, 1)]
Whole: TypeAlias = Annotated[int | Reference, _numeric("a whole number", 0, whole=True)]
Positive: TypeAlias = Annotated[int | Reference, _numeric("a whole number", 1, whole=True)]
RawMapping: TypeAlias = Annotated[
    dict[str, Any], Scalar("a mapping", _mapping("a mapping"), {"type": "object"}, raw=True)
]
Free: TypeAlias = Annotated[
    Literal["free"], words("a price", ("free",), help="write `free`, or `{input: 2.5, output: 10}`")
]


def _version(value: object) -> int:
    if value == 1 and not isinstance(value, bool):
        return 1
    raise Unreadable("LR213", f"this version of the language is not known: {shown(value)}", "write `version: 1`")


def _value(value: object) -> object:
    if isinstance(value, (dict, list)) or value is None or value == "":
        raise wrong_type("one value", value)
    if isinstance(value, str) and "${" in value:
        raise _bad_reference(value)
    return value


Version: TypeAlias = Annotated[Literal[1], Scalar("the language's version", _version, {"const": 1}, raw=True)]
Value: TypeAlias = Annotated[
    bool | int | float | str,
    Scalar(
        "one value",
        _value,
        {"type": ["boolean", "number", "string"], "minLength": 1, "pattern": r"^(?:[^$]|\$(?!\{))*$"},
        late=False,
        typed=True,
    ),
]
_WHEN_HELP = "write `when: {task: code}`, or `if:` with an expression"
_PLACEMENT_HELP = "write `{labels.region: eu}`, or `{local: true}`"

When: TypeAlias = Annotated[
    dict[str, Any],
    Scalar(
        "a condition",
        _mapping("a condition", _WHEN_HELP),
        {STANDS_FOR: "when"},
        raw=True,
    ),
]
Coverage: TypeAlias = Annotated[
    dict[str, Any],
    Scalar(
        "a condition",
        _mapping("a condition", "write `{provider: openai}`, or `{task: code}`"),
        {STANDS_FOR: "coverage"},
        raw=True,
    ),
]
Placement: TypeAlias = Annotated[
    dict[str, Any],
    Scalar(
        "a condition",
        _mapping("a condition", _PLACEMENT_HELP),
        {STANDS_FOR: "placement"},
        raw=True,
    ),
]
