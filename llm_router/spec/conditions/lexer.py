"""The words of an expression: names, values, operators, brackets, each with its place in the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

TokenKind: TypeAlias = Literal["name", "number", "text", "sign", "end"]


@dataclass(frozen=True, slots=True)
class Token:
    """One word. `start` and `end` count characters of the expression; `value` is what it means."""

    kind: TokenKind
    text: str
    start: int
    end: int
    value: object = None


@dataclass(frozen=True, slots=True)
class Fault:
    """A stretch of the expression that can't be read, and what to do about it."""

    message: str
    start: int
    end: int
    help: str = ""


_WORDS = re.compile(
    r"""\s+
    |(?P<number>-?(?:\d[\d_]*(?:\.\d+)?|\.\d+)(?:[A-Za-z%]+(?![\w.]))?)
    |(?P<name>[A-Za-z_](?:[\w-]|\.(?=[\w]))*)
    |(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<unclosed>["'].*)
    |(?P<curly>[“”„«][^“”»]*[“”»])
    |(?P<sign>==|!=|<=|>=|=>|=<|=~|!~|&&|\|\||[-+*/%<>=!()\[\],&|{}:;.?$~^@#`])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = re.compile(r"\\(.)", re.DOTALL)
_CONTROLS: Mapping[str, str] = {"n": "\n", "t": "\t"}


def tokenize(text: str, report: Callable[[Fault], None]) -> tuple[Token, ...]:
    """The tokens of an expression, an `end` last; what is no word is reported and left out."""
    tokens: list[Token] = []
    place = 0
    while place < len(text):
        match = _WORDS.match(text, place)
        if match is None:
            report(Fault(f"`{text[place]}` means nothing here", place, place + 1))
            place += 1
            continue
        place = match.end()
        if match.lastgroup in _FAULTS:
            report(_FAULTS[match.lastgroup](match))
        if match.lastgroup is not None:
            tokens.append(_token(match))
    return (*tokens, Token("end", "", len(text), len(text)))


def _unclosed(match: re.Match[str]) -> Fault:
    """An open quote takes the rest of the expression with it."""
    quote = match[0][0]
    return Fault(f"the text that begins here has no closing `{quote}`", match.start(), match.end(), f"add `{quote}`")


def _curly(match: re.Match[str]) -> Fault:
    advice = f'write `"{match[0][1:-1]}"`'
    return Fault(f"`{match[0]}` is in curly quotes", match.start(), match.end(), advice)


_FAULTS: Mapping[str | None, Callable[[re.Match[str]], Fault]] = {"unclosed": _unclosed, "curly": _curly}


def _token(match: re.Match[str]) -> Token:
    text = match[0]
    match match.lastgroup:
        case "number":
            return Token("number", text, match.start(), match.end(), _number(text))
        case "text":
            return Token("text", text, match.start(), match.end(), _ESCAPES.sub(_unescape, text[1:-1]))
        case "unclosed":
            return Token("text", text, match.start(), match.end(), text[1:].strip())
        case "curly":
            return Token("text", text, match.start(), match.end(), text[1:-1])
        case "name":
            return Token("name", text, match.start(), match.end(), text)
        case _:
            return Token("sign", text, match.start(), match.end(), text)


def _unescape(match: re.Match[str]) -> str:
    return _CONTROLS.get(match[1], match[1])


def _number(text: str) -> object:
    """A plain number as itself, one with a unit as its text."""
    if re.fullmatch(r"-?\d{1,18}", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?\d{0,18}\.\d{1,18}", text) else text
