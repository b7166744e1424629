"""Numbers as people read them: as many digits as help, never more. Units stay on the line of their number."""

from __future__ import annotations

from llm_router.units import PICODOLLARS_PER_DOLLAR

NBSP = "\u00a0"
_SCALES = ((1e9, "B"), (1e6, "M"), (1e3, "k"))


def money(picodollars: float) -> str:
    """US dollars: whole from 1,000 on, with cents from a dime on, two digits that count below."""
    usd = picodollars / PICODOLLARS_PER_DOLLAR
    if usd == 0:
        return "0"
    if abs(usd) >= 999.995:
        return f"{usd:,.0f}"
    if abs(usd) >= 0.095:
        return f"{usd:.2f}"
    if abs(usd) < 0.0000005:
        return "<0.000001"
    return f"{float(f'{usd:.1e}'):.7f}".rstrip("0")


def axis_money(picodollars: float) -> str:
    """A round amount of US dollars, on an axis: `0.25`, `5`, `1.5k`."""
    usd = picodollars / PICODOLLARS_PER_DOLLAR
    return brief(usd) if usd >= 0.01 else f"{usd:.9f}".rstrip("0").rstrip(".")


def whole(number: float) -> str:
    """`1,234,567`."""
    return f"{number:,.0f}"


def counted(number: int, thing: str) -> str:
    """`1 request`, `12 requests`."""
    return f"{whole(number)} {thing}{'' if number == 1 else 's'}"


def brief(number: float) -> str:
    """`950`, `12.3k`, `4.56M`: three digits that count."""
    for scale, word in _SCALES:
        if abs(number) >= scale * 0.9995:
            return _digits(number / scale) + word
    return _digits(number)


def seconds(duration: float | None) -> str:
    """`85 ms`, `1.4 s`, `2.5 min`; a dash for what nobody measured."""
    if duration is None:
        return "–"
    if duration < 0.9995:
        return f"{duration * 1000:.0f}{NBSP}ms"
    return f"{_digits(duration)}{NBSP}s" if duration < 120 else f"{_digits(duration / 60)}{NBSP}min"


def share(part: float, of: float) -> str:
    """`12 %`, `0.4 %`; a dash of nothing."""
    if not of:
        return "–"
    percent = 100 * part / of
    if 0 < percent < 0.1:
        return f"<0.1{NBSP}%"
    return f"{percent:.1f}{NBSP}%" if 0 < percent < 9.95 else f"{percent:.0f}{NBSP}%"


def change(now: float, before: float) -> str:
    """`+12 %`, `−3 %`, `×4.2`; nothing where there was nothing."""
    if not before:
        return ""
    ratio = now / before
    if ratio >= 3:
        return f"×{_digits(ratio)}"
    percent = round(100 * (ratio - 1))
    return f"±0{NBSP}%" if percent == 0 else f"{'+' if percent > 0 else '−'}{abs(percent)}{NBSP}%"


def _digits(number: float) -> str:
    """Three digits that count, without trailing zeros."""
    decimals = 0 if abs(number) >= 99.95 else 1 if abs(number) >= 9.995 else 2
    text = f"{number:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
