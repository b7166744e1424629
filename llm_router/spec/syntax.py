"""What a YAML syntax error means: the library's complaint, and what was probably meant, from the line itself.

The library names the place where it gave up, seldom the mistake. So the lines around that place are looked at
with a table of what people write.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import yaml

from llm_router.diagnostics import Diagnostic, Span


@dataclass(frozen=True, slots=True)
class _Slip:
    """What people write that isn't YAML. The group `at` of the pattern is what is marked.

    `only` is a part of the library's own complaint, where the line alone can't tell.
    """

    code: str
    pattern: re.Pattern[str]
    message: str
    help: Callable[[re.Match[str]], str]
    only: str = ""


def _list_of_words(match: re.Match[str]) -> str:
    words = re.findall(r"\"([^\"]*)\"|'([^']*)'", match["at"])
    return f"write a list, first choice first: `{match['key']}: [{', '.join(a or b for a, b in words)}]`"


def _condition(match: re.Match[str]) -> str:
    contained = re.fullmatch(r"[\"'](.*?)[\"'] +in +([\w.-]+)", match["at"].strip())
    if contained:
        return f'write `if: {contained[2]} has "{contained[1]}"`'
    written = match["at"].strip()
    if written.startswith("'"):
        plain = written.removeprefix("'").removesuffix("'").replace("'", '"')
        return f"write texts in double quotes, and nothing around the whole: `if: {plain}`"
    return f"put the whole condition in single quotes: `if: '{written}'`"


_SLIPS: tuple[_Slip, ...] = (
    _Slip(
        "LR104",
        re.compile(r"^ *(?P<at>\t+)"),
        "a tab can't indent YAML",
        lambda _: "indent with spaces",
    ),
    _Slip(
        "LR110",
        re.compile(r"(?P<key>if): *(?P<at>(?:\"[^\"]*\"|'[^']*') *\S.*)$"),
        "a quoted text ends at its second quote: `{at}` isn't one value",
        _condition,
    ),
    _Slip(
        "LR110",
        re.compile(
            r"(?P<key>[\w-]+): *(?P<at>(?:\"[^\"]*\"|'[^']*')(?: *(?:or|and|then|,|\|\|?|&&) *(?:\"[^\"]*\"|'[^']*'))+)"
        ),
        "`{at}` isn't one value",
        _list_of_words,
    ),
    _Slip(
        "LR122",
        re.compile(r"(?P<at>(?<![\"'])\{\{[^}]*\}\})"),
        "`{at}` is a template, and nothing fills it in",
        lambda _: 'features of a request stand by their names, what varies otherwise is `"${env:NAME}"`',
    ),
    _Slip(
        "LR111",
        re.compile(r"[{\[,].*?(?<![\"'\w])(?P<at>\$\{[^}]*\}?)"),
        "`{at}` can't stand between braces or brackets without quotes",
        lambda match: f'write `"{match["at"]}"`',
    ),
    _Slip(
        "LR113",
        re.compile(r"^\s*(?:- +)?(?P<at>[a-z_]+:)(?![/\s])\S.*$"),
        "a space is missing after `{at}`",
        lambda match: f"write `{match['at']} …`",
        only="expected ':'|mapping values|expected key|block mapping",
    ),
    _Slip(
        "LR112",
        re.compile(r"(?:^|[\s\[{,])(?P<at>[@%`][^\s,\]}]*)"),
        "`{at}` begins with a character that YAML keeps for itself",
        lambda match: f'write `"{match["at"]}"`, in quotes',
        only="cannot start any token|directive",
    ),
    _Slip(
        "LR112",
        re.compile(r"(?:^|[\s\[{,])(?P<at>\*[^\s,\]}]*)"),
        "`{at}` reads as the alias of something, and nothing is named so",
        lambda match: f'if it is text, write `"{match["at"]}"`, in quotes',
        only="alias",
    ),
    _Slip(
        "LR112",
        re.compile(r"(?:^|[\s\[{,])(?P<at>[|>][^\s].*)"),
        "`{at}` reads as the beginning of a block of text",
        lambda match: f"if it is text, write `'{match['at']}'`, in quotes",
        only="block scalar",
    ),
    _Slip(
        "LR110",
        re.compile(r"[:\-\[{,] +(?P<at>(?:\"[^\"]*\"|'[^']*') +[^\s#,\]}:].*)$"),
        "a quoted text ends at its second quote: `{at}` isn't one value",
        lambda match: f"put all of it in quotes, of the other kind if it has some: `'{match['at'].strip()}'`",
    ),
    _Slip(
        "LR121",
        re.compile(r"^\s*(?:- +)*(?P<at>[\w.-]+)\s*$"),
        "`{at}` is neither a key with a value nor an entry of a list",
        lambda match: f"write `{match['at']}: …`, or `- {match['at']}` in a list",
        only="expected ':'|expected key",
    ),
    _Slip(
        "LR119",
        re.compile(r"^\s*(?:- +)*[\w.-]+: +(?P<at>[^\"'{\[#][^#]*?: .*)$"),
        "`{at}` has a colon of its own",
        lambda match: f'if it is text, put it in quotes: `"{match["at"].strip()}"`',
        only="mapping values",
    ),
)

_OPENERS: Mapping[str, str] = {"[": "]", "{": "}", '"': '"', "'": "'"}


def explain(error: yaml.YAMLError, text: str, file: str) -> Diagnostic:
    """The diagnostic of a text that the YAML library can't read."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return Diagnostic("LR101", "error", "this is not YAML", Span(file, 1, 1, 1, 1), "see https://yaml.org")
    problem = f"{error.context or ''} {error.problem or ''}"
    lines = text.split("\n")
    at = min(error.problem_mark.line, len(lines) - 1)
    if "another document" in problem or "single document" in problem:
        return Diagnostic(
            "LR105",
            "error",
            "a second document begins here",
            _line(file, lines, at),
            "a spec is one document: one file each",
        )
    near = [at, *([error.context_mark.line] if error.context_mark else []), _line_before(lines, at)]
    for number in dict.fromkeys(min(line, len(lines) - 1) for line in near):
        found = _slip(lines[number], number, problem, file)
        if found:
            return found
    return _unclosed(error, lines, file) or _unbalanced(text, file) or _generic(error, lines, file, at)


def _slip(line: str, number: int, problem: str, file: str) -> Diagnostic | None:
    for slip in _SLIPS:
        match = slip.pattern.search(line)
        if match and (not slip.only or re.search(slip.only, problem)):
            start, end = match.span("at")
            span = Span(file, number + 1, start + 1, number + 1, end + 1)
            message = slip.message.format(at=match["at"].strip())
            return Diagnostic(slip.code, "error", message, span, slip.help(match))
    return None


def _unclosed(error: yaml.MarkedYAMLError, lines: list[str], file: str) -> Diagnostic | None:
    """The bracket or quote that was opened and not closed, if that is what happened."""
    mark = error.context_mark
    opener = lines[mark.line][mark.column : mark.column + 1] if mark and mark.line < len(lines) else ""
    if mark is None or opener not in _OPENERS or not opener:
        return None
    span = Span(file, mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 2)
    advice = f"close it with `{_OPENERS[opener]}`; between its entries stand commas"
    return Diagnostic(
        "LR114", "error", f"the `{opener}` that opens here is not closed where it should be", span, advice
    )


_PARTS = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:''|[^'])*'|(?<!\S)#.*|[\[\]{}]")


def _unbalanced(text: str, file: str) -> Diagnostic | None:
    """The bracket that closes nothing, or the last one that stays open."""
    opened: list[re.Match[str]] = []
    for part in _PARTS.finditer(text):
        if part[0] in _OPENERS:
            opened.append(part)
        elif part[0] in ("]", "}") and not (opened and _OPENERS[opened.pop()[0]] == part[0]):
            return _bracket(part, text, file, "closes nothing", "take it out, or open it before")
    if not opened:
        return None
    closing = f"close it with `{_OPENERS[opened[-1][0]]}`; between its entries stand commas"
    return _bracket(opened[-1], text, file, "that opens here is not closed", closing)


def _bracket(part: re.Match[str], text: str, file: str, state: str, help: str) -> Diagnostic:
    line, column = text.count("\n", 0, part.start()) + 1, part.start() - text.rfind("\n", 0, part.start())
    return Diagnostic("LR114", "error", f"the `{part[0]}` {state}", Span(file, line, column, line, column + 1), help)


def _generic(error: yaml.MarkedYAMLError, lines: list[str], file: str, at: int) -> Diagnostic:
    problem = error.problem or ""
    if re.search(
        "expected key|'-' indicator|block end|block mapping|block sequence|mapping values|expected <block", problem
    ):
        advice = "align it with the entries that it belongs to, with spaces"
        return Diagnostic(
            "LR120", "error", "the indentation of this line fits nothing above it", _line(file, lines, at), advice
        )
    return Diagnostic(
        "LR101", "error", f"this is not YAML: {problem or 'it ends too early'}", _line(file, lines, at), ""
    )


def _line(file: str, lines: list[str], at: int) -> Span:
    """The words of one line."""
    line = lines[at]
    start = len(line) - len(line.lstrip())
    return Span(file, at + 1, start + 1, at + 1, max(len(line.rstrip()), start) + 1)


def _line_before(lines: list[str], at: int) -> int:
    """The nearest line above that says something; the line itself where there is none."""
    return next((number for number in range(at - 1, -1, -1) if lines[number].strip()), at)
