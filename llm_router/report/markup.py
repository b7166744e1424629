"""HTML and SVG as text. Escaping happens here alone: what isn't `Html` already is escaped where it enters."""

from __future__ import annotations

import html
from collections.abc import Iterable

_VOID = frozenset({"meta", "link", "col", "br"})


class Html(str):
    """Text that is markup."""

    __slots__ = ()


def tag(kind: str, /, *children: str, **attributes: str | float | None) -> Html:
    """An element. Names of attributes are written `stroke_width`, `class_`; what is `None` is left out."""
    said = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{html.escape(_text(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    if kind in _VOID:
        return Html(f"<{kind}{said}>")
    return Html(f"<{kind}{said}>{join(children)}</{kind}>")


def join(children: Iterable[str], between: str = "") -> Html:
    """Several pieces as one."""
    return Html(between.join(child if isinstance(child, Html) else html.escape(child) for child in children))


def name(text: str, absent: str = "none") -> Html:
    """A name that somebody else chose: whatever direction it runs in, the text around it stays as it is."""
    return tag("bdi", text, class_="name") if text else tag("i", absent, class_="absent")


def _text(value: str | float) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return str(value)
