"""Money, durations, token counts and shares: as people write them, and as exact values.

Money is a whole number of picodollars, so sums never drift; durations are seconds; counts are whole; shares are
fractions. The patterns are the grammar: the JSON Schema of the spec is made of the same ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import overload

PICODOLLARS_PER_DOLLAR = 10**12
TOKENS_PER_PRICE = 10**6
"""Prices are written in USD per million tokens."""

DURATION_PATTERN = r"[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h|d)"
COUNT_PATTERN = r"[0-9]+|[0-9]+(?:\.[0-9]{1,3})?k|[0-9]+(?:\.[0-9]{1,6})?M"
MONEY_PATTERN = r"[0-9]+(?:\.[0-9]{1,12})? ?USD"
SHARE_PATTERN = r"(?:100(?:\.0+)?|[0-9]{1,2}(?:\.[0-9]+)?)%"

_MILLISECONDS: Mapping[str, int] = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_MULTIPLES: Mapping[str, int] = {"": 1, "k": 1_000, "M": 1_000_000}

_UNIT_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("msec", "msecs", "millisecond", "milliseconds"), "ms"),
    **dict.fromkeys(("sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("day", "days"), "d"),
}


class UnitError(ValueError):
    """A quantity can't be read; `message` says what is wrong with the words, `help` what to write."""

    def __init__(self, message: str, *, help: str) -> None:
        super().__init__(message)
        self.message = message
        self.help = help


def parse_duration(text: str) -> float:
    """Seconds of `500ms`, `8s`, `5m`, `1h`, `2d`. Raises `UnitError`."""
    if re.fullmatch(DURATION_PATTERN, text) is None:
        raise UnitError(f"`{text}` is not a duration", help=_duration_help(text))
    number, unit = _split(text)
    return float(Fraction(number) * _MILLISECONDS[unit] / 1000)


def parse_count(text: str | int) -> int:
    """The whole number of `32k` (32,000), `1.5M` or `4096`. Raises `UnitError`."""
    written = str(text)
    if re.fullmatch(COUNT_PATTERN, written) is None:
        raise UnitError(f"`{written}` is not a count", help=_count_help(written))
    number, unit = _split(written)
    return int(Fraction(number) * _MULTIPLES[unit])


def parse_money(text: str) -> int:
    """Picodollars of `0.25 USD`. Raises `UnitError`."""
    if re.fullmatch(MONEY_PATTERN, text) is None:
        raise UnitError(f"`{text}` is not an amount of money", help=_money_help(text))
    return int(Fraction(text.removesuffix("USD").strip()) * PICODOLLARS_PER_DOLLAR)


def parse_share(text: str) -> Fraction:
    """The fraction of `80%`: 4/5, between 0 and 1. Raises `UnitError`."""
    if re.fullmatch(SHARE_PATTERN, text) is None:
        raise UnitError(f"`{text}` is not a share", help=_share_help(text))
    return Fraction(text.removesuffix("%")) / 100


def parse_price(value: float | Decimal | str) -> int:
    """Picodollars per token of a price in USD per million tokens, exactly. Raises `UnitError`."""
    try:
        exact = Fraction(str(value)) * PICODOLLARS_PER_DOLLAR / TOKENS_PER_PRICE
    except (ValueError, ZeroDivisionError):
        raise UnitError(f"`{value}` is not a price", help="write USD per million tokens, as `2.5`") from None
    if exact < 0:
        raise UnitError(f"the price `{value}` is below zero", help="write USD per million tokens, as `2.5`")
    if exact.denominator != 1:
        written = f"{Decimal(str(value)):f}"
        raise UnitError(f"the price `{written}` is finer than can be counted", help="write at most six decimals")
    return int(exact)


def format_duration(seconds: float) -> str:
    """`90s` for 90, `5m` for 300, `500ms` for 0.5: the largest unit in which the duration is whole."""
    milliseconds = Fraction(str(seconds)) * 1000
    for unit in ("d", "h", "m", "s"):
        if milliseconds and milliseconds % _MILLISECONDS[unit] == 0:
            return f"{milliseconds // _MILLISECONDS[unit]}{unit}"
    return f"{_decimal(milliseconds)}ms" if 0 < milliseconds < 1000 else f"{_decimal(milliseconds / 1000)}s"


def format_wait(seconds: float) -> str:
    """A time to wait as people say it: `14.5s`, from two minutes on `41m27s`, then `5h12m` and `6d4h`."""
    if seconds < 120:
        return format_duration(round(seconds, 1))
    for unit, size, smaller, part in (("d", 86400, "h", 3600), ("h", 3600, "m", 60), ("m", 60, "s", 1)):
        if seconds >= size:
            whole, rest = divmod(round(seconds / part), size // part)
            return f"{whole}{unit}{rest}{smaller}" if rest else f"{whole}{unit}"
    raise AssertionError(seconds)


def format_count(count: int) -> str:
    """`32k` for 32,000, `1.5M` for 1,500,000, `4096` where nothing shorter says the same."""
    for unit, digits in (("M", 1), ("k", 1)):
        number = Fraction(count, _MULTIPLES[unit])
        if count >= _MULTIPLES[unit] and (number * 10**digits).denominator == 1:
            return f"{_decimal(number)}{unit}"
    return str(count)


def format_money(picodollars: int) -> str:
    """`0.25 USD`, exactly, with as many decimals as it takes."""
    return f"{_decimal(Fraction(picodollars, PICODOLLARS_PER_DOLLAR))} USD"


def to_usd(picodollars: int) -> Decimal:
    """US dollars, exactly, without trailing zeros."""
    return Decimal(_decimal(Fraction(picodollars, PICODOLLARS_PER_DOLLAR)))


@overload
def format_usd(picodollars: int) -> str: ...
@overload
def format_usd(picodollars: int | None) -> str | None: ...
def format_usd(picodollars: int | None) -> str | None:
    """`0.25`: US dollars as a text of exact decimals; `None` for what isn't known."""
    return None if picodollars is None else _decimal(Fraction(picodollars, PICODOLLARS_PER_DOLLAR))


def format_price(picodollars: int) -> str:
    """`2.5` for 2,500,000 picodollars a token: USD per million tokens, exactly."""
    return _decimal(Fraction(picodollars * TOKENS_PER_PRICE, PICODOLLARS_PER_DOLLAR))


def format_share(share: Fraction) -> str:
    """`80%` for 4/5; at most four decimals."""
    return f"{_decimal(round(share * 100, 4))}%"


def _split(text: str) -> tuple[str, str]:
    """Number and unit of a quantity that is known to be well-formed."""
    number = text.rstrip("abcdefghijklmnopqrstuvwxyzM")
    return number, text[len(number) :]


def _decimal(number: Fraction) -> str:
    """Decimal digits without trailing zeros."""
    whole = Decimal(number.numerator) / Decimal(number.denominator)
    text = f"{whole:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _duration_help(text: str) -> str:
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)", text)
    if match is None:
        return "write a number and a unit: `500ms`, `8s`, `5m`, `1h` or `2d`"
    number, word = match.groups()
    if not word:
        return f"say the unit: `{number}s` for seconds, `{number}ms` for milliseconds"
    unit = _UNIT_WORDS.get(word.lower(), word.lower())
    return f"write `{number}{unit}`" if unit in _MILLISECONDS else "the units are `ms`, `s`, `m`, `h` and `d`"


def _count_help(text: str) -> str:
    match = re.fullmatch(r"([0-9][0-9_, ]*(?:\.[0-9]+)?)\s*([kKmM]?)", text)
    if match is None:
        return "write a whole number, as `4096`, `32k` or `1.5M`"
    number = re.sub(r"[_, ]", "", match[1])
    unit = match[2].lower().replace("m", "M")
    proposal = f"{number}{unit}"
    exact = re.fullmatch(COUNT_PATTERN, proposal) is not None
    return f"write `{proposal}`" if exact else "write a whole number, as `4096` or `32k`"


def _money_help(text: str) -> str:
    match = re.search(r"[0-9]+(?:\.[0-9]{1,12})?", text)
    foreign = re.search(r"EUR|GBP|€|£|¥", text)
    if foreign:
        return f"amounts are in US dollars, as `{match[0] if match else '0.25'} USD`"
    return f"write `{match[0]} USD`" if match else "write an amount in US dollars, as `0.25 USD`"


def _share_help(text: str) -> str:
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*%?", text)
    if match is None:
        return "write a percentage between `0%` and `100%`"
    number = Fraction(match[1])
    percent = number * 100 if number <= 1 and "%" not in text and "." in text else number
    return f"write `{_decimal(percent)}%`" if percent <= 100 else "write a percentage between `0%` and `100%`"
