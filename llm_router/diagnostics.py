"""What is wrong with a spec, as values: code, severity, message, place, help. Rendered as text, JSON and SARIF.

Codes are stable and by stage: LR1xx reading, LR2xx structure, LR3xx names, LR4xx lint, LR5xx compile.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from llm_router.errors import RouterError

Severity = Literal["error", "warning"]

_COLOURS: Mapping[str, str] = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m", "place": "\x1b[1m", "mark": "\x1b[36m"}
_RESET = "\x1b[0m"
_SECRET = re.compile(
    r"(api_keys?[\"']?\s*:\s*[\[\"'\s]*)((?!\$|os\.environ)[^\s\"',}\]]{8,})|(://[^\s/:@]*:)([^\s/@]+)(?=@)"
)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of a file. Lines and columns (in characters) count from 1; the end is exclusive."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Related:
    """A second place that matters to a diagnostic, and why."""

    message: str
    span: Span


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: `message` says what is wrong, `help` what to do, `related` where else to look."""

    code: str
    severity: Severity
    message: str
    span: Span
    help: str = ""
    related: tuple[Related, ...] = ()


class SpecError(RouterError, ValueError):
    """A spec doesn't compile; `diagnostics` are all that was found, in the order of their places."""

    def __init__(self, diagnostics: Iterable[Diagnostic], sources: Mapping[str, str] | None = None) -> None:
        self.diagnostics = in_order(diagnostics)
        super().__init__(render_text(self.diagnostics, sources or {}))


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Each diagnostic once, by place, then code."""
    return tuple(sorted(dict.fromkeys(diagnostics), key=lambda found: (found.span, found.code, found.message)))


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether any of them stops a spec."""
    return any(diagnostic.severity == "error" for diagnostic in diagnostics)


def closest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that was probably meant: one rule for every "did you mean"."""
    plain = {_plain(candidate): candidate for candidate in candidates}
    if _plain(word) in plain:
        return plain[_plain(word)]
    near = difflib.get_close_matches(_plain(word), plain, n=1, cutoff=0.65)
    return plain[near[0]] if near else None


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """A help line that proposes the closest candidate, or lists them where none is close."""
    known = tuple(dict.fromkeys(candidates))
    near = closest(word, known)
    if near is not None:
        return f"did you mean `{near}`?"
    if len(known) == 1:
        return f"expected `{known[0]}`"
    return f"expected one of {', '.join(f'`{candidate}`' for candidate in known)}" if known else ""


def render_text(
    diagnostics: Sequence[Diagnostic], sources: Mapping[str, str] | None = None, *, colour: bool = False
) -> str:
    """Findings as people read them: place, code and message; the line with its words marked; help.

    `sources` maps files to their texts; a file that isn't among them is named without its line.
    """
    lines = {file: text.splitlines() for file, text in (sources or {}).items()}
    return "\n".join(_render(found, lines.get(found.span.file, []), colour) for found in diagnostics)


def render_json(diagnostics: Sequence[Diagnostic]) -> str:
    """`{"diagnostics": [...]}`, one object each, for programs."""
    return json.dumps({"diagnostics": [_flat(found) for found in diagnostics]}, indent=2, ensure_ascii=False)


def render_sarif(diagnostics: Sequence[Diagnostic], *, version: str = "") -> str:
    """SARIF 2.1.0, for code scanning."""
    driver: dict[str, object] = {
        "name": "llm-router",
        "rules": [{"id": code} for code in sorted({found.code for found in diagnostics})],
    }
    if version:
        driver["version"] = version
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "results": [_result(found) for found in diagnostics],
            }
        ],
    }
    return json.dumps(log, indent=2, ensure_ascii=False)


def _plain(word: str) -> str:
    return word.casefold().replace("_", "-").replace(" ", "-")


def _paint(text: str, kind: str, colour: bool) -> str:
    return f"{_COLOURS[kind]}{text}{_RESET}" if colour else text


def _render(found: Diagnostic, lines: Sequence[str], colour: bool) -> str:
    label = _paint(f"{found.severity}[{found.code}]", found.severity, colour)
    head = f"{_paint(_place(found.span), 'place', colour)}: {label}: {found.message}"
    notes = [_note(found.span, "help", found.help)] if found.help else []
    notes += [_note(found.span, "note", f"{other.message}, {_place(other.span)}") for other in found.related]
    return "\n".join([head, *_excerpt(found.span, lines, colour), *notes]) + "\n"


def _place(span: Span) -> str:
    return f"{span.file}:{span.line}:{span.column}"


def _note(span: Span, kind: str, text: str) -> str:
    return f"{' ' * len(str(span.line))} = {kind}: {text}"


def _excerpt(span: Span, lines: Sequence[str], colour: bool) -> list[str]:
    """The span's first line with a mark below its words. Tabs keep their width; a key written out doesn't show."""
    if not 1 <= span.line <= len(lines):
        return []
    line = _SECRET.sub(_masked, lines[span.line - 1])
    end = span.end_column if span.end_line == span.line else len(line) + 1
    before = "".join("\t" if character == "\t" else " " for character in line[: span.column - 1])
    mark = _paint("^" * max(1, min(end, len(line) + 1) - span.column), "mark", colour)
    margin = " " * len(str(span.line))
    return [f"{margin} |", f"{span.line} | {line}", f"{margin} | {before}{mark}"]


def _masked(match: re.Match[str]) -> str:
    """What stands before a secret, and as many dots as it has characters."""
    shown, secret = (match[1], match[2]) if match[2] is not None else (match[3], match[4])
    return shown + "•" * len(secret)


def _flat(found: Diagnostic) -> dict[str, object]:
    span = found.span
    return {
        "code": found.code,
        "severity": found.severity,
        "message": found.message,
        "help": found.help,
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def _result(found: Diagnostic) -> dict[str, object]:
    text = f"{found.message}\n{found.help}" if found.help else found.message
    result: dict[str, object] = {
        "ruleId": found.code,
        "level": found.severity,
        "message": {"text": text},
        "locations": [{"physicalLocation": _location(found.span)}],
    }
    if found.related:
        result["relatedLocations"] = [
            {"physicalLocation": _location(other.span), "message": {"text": other.message}} for other in found.related
        ]
    return result


def _location(span: Span) -> dict[str, object]:
    return {
        "artifactLocation": {"uri": span.file.replace("\\", "/")},
        "region": {
            "startLine": span.line,
            "startColumn": span.column,
            "endLine": span.end_line,
            "endColumn": span.end_column,
        },
    }
