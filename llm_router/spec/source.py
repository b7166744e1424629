"""A spec's text as a plain tree, and where each key and value stands.

YAML is composed to nodes by the library and walked once by us, so that scalars are read as YAML 1.2's core schema
says: `on`, `no` and `12:30` are text, `1e3` is a number. What YAML allows and a spec doesn't (keys twice, keys that
aren't text, tags, several documents) are diagnostics. Nothing here raises.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import yaml

from llm_router.diagnostics import Diagnostic, Related, Span
from llm_router.spec.positions import Spot, positions
from llm_router.spec.syntax import explain

Plain: TypeAlias = "str | int | float | bool | list[Plain] | dict[str, Plain] | None"
Path: TypeAlias = tuple[str | int, ...]

DEEPEST = 40
LARGEST = 200_000
MOST_DIGITS = 1_000
"""Whole numbers with more aren't read: Python refuses to print them above 4,300."""

_LOADER = yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader
_MERGE = "<<"
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS: Mapping[str, bool] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_WHOLE = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SPECIAL: Mapping[str, float] = {
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf"), math.inf),
    "-.inf": -math.inf,
    ".nan": math.nan,
}
_SUSPECT = 200
_BRACKETS = re.compile(r"[\[\]{}]")
_STAIRS = re.compile(r"(?:[-?] +){20}|^ {150}", re.MULTILINE)
_NOT_PRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Source:
    """One spec file: its text, the plain tree, and the places of keys and values by path.

    `torn` are the paths at which the tree says less than the file, or something else: each has a diagnostic.
    """

    file: str
    text: str
    tree: Plain = None
    keys: Mapping[Path, Span] = field(default_factory=dict, repr=False)
    values: Mapping[Path, Span] = field(default_factory=dict, repr=False)
    torn: tuple[Path, ...] = ()

    def span(self, path: Path) -> Span:
        """Where the value at a path stands; of what isn't in the file, the nearest that it would stand in."""
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, Span(self.file, 1, 1, 1, 1))

    def key_span(self, path: Path) -> Span:
        """Where the key at the end of a path stands; the value's place where there is no key (in a list)."""
        return self.keys.get(path) or self.span(path)

    def text_span(self, path: Path, start: int, end: int) -> Span:
        """Where the characters `start` to `end` of a text value stand, whatever quotes or folds are around them."""
        whole = self.span(path)
        spots = positions(self.text, Spot(whole.line, whole.column), Spot(whole.end_line, whole.end_column))
        if not 0 <= start < len(spots):
            return whole
        first, last = spots[start], spots[min(max(end, start + 1), len(spots)) - 1]
        return Span(self.file, first.line, first.column, last.line, last.column + 1)


def at(tree: Plain, path: Path) -> Plain:
    """The value at a path of a plain tree; `None` where it leads nowhere."""
    for step in path:
        if isinstance(tree, dict) and isinstance(step, str):
            tree = tree.get(step)
        elif isinstance(tree, list) and isinstance(step, int) and step < len(tree):
            tree = tree[step]
        else:
            return None
    return tree


def read_source(text: str | bytes, file: str) -> tuple[Source, tuple[Diagnostic, ...]]:
    """The tree and places of a spec's text, and what hinders reading it. Bytes are UTF-8."""
    if isinstance(text, bytes):
        try:
            return read_source(text.decode("utf-8"), file)
        except UnicodeDecodeError as error:
            return Source(file, ""), (_undecodable(file, error),)
    text = text.removeprefix("\ufeff")
    found = _NOT_PRINTABLE.search(text)
    if found:
        return Source(file, text), (_unprintable(file, text, found),)
    return _compose(text, file)


def read_scalar(text: str) -> str | int | float | bool | None:
    """The value of an unquoted scalar by YAML 1.2's core schema; infinite where it has too many digits."""
    if text in _NULL:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _WHOLE.fullmatch(text):
        if len(text) > MOST_DIGITS:
            return -math.inf if text[0] == "-" else math.inf
        return int(text, 0) if text[:2] in ("0x", "0o") else int(text)
    if _NUMBER.fullmatch(text):
        return float(text)
    return _SPECIAL.get(text, text)


def _compose(text: str, file: str) -> tuple[Source, tuple[Diagnostic, ...]]:
    try:
        if _too_deep(text):
            advice = f"a spec needs no more than {DEEPEST} levels"
            return Source(file, text), (_fault(file, "LR108", "the file is nested too deeply", advice),)
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        return Source(file, text), (explain(error, text, file),)
    if node is None:
        advice = "the smallest spec is `version: 1` and one rule, as `rules: [{use: openai:gpt-4o-mini}]`"
        return Source(file, text), (_fault(file, "LR106", "the file says nothing", advice),)
    walk = _Walk(file, text)
    tree = walk.value(node, ())
    whole = all(each.code != "LR108" for each in walk.found)
    return Source(file, text, tree if whole else None, walk.keys, walk.values, tuple(walk.torn)), tuple(walk.found)


def _too_deep(text: str) -> bool:
    """Whether composing would go deeper than the library's recursion bears; looked into only where it might."""
    openings = itertools.accumulate(1 if bracket in "[{" else -1 for bracket in _BRACKETS.findall(text))
    if max(openings, default=0) < _SUSPECT and not _STAIRS.search(text):
        return False
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _SUSPECT:
            return True
    return False


class _Walk:
    """One walk over the nodes: fills the places and finds what a spec may not have."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.keys: dict[Path, Span] = {}
        self.values: dict[Path, Span] = {}
        self.found: list[Diagnostic] = []
        self.torn: list[Path] = []
        self._open: set[int] = set()
        self._stopped = False

    def value(self, node: yaml.Node, path: Path) -> Plain:
        """The plain value of a node, its place noted."""
        self.values[path] = span = self._span(node)
        if self._stopped or self._endless(node, path, span):
            return None
        tag = re.match(r"(?:&\S+\s+)?(!\S*)", self.text[node.start_mark.index :][:80])
        if tag:
            self._report("LR116", f"the tag `{tag[1]}` has no meaning here", span, "leave it out")
            self.torn.append(path)
        self._open.add(id(node))
        plain = self._read(node, path)
        self._open.discard(id(node))
        return plain

    def _read(self, node: yaml.Node, path: Path) -> Plain:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, place)) for place, item in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode)
        return self._scalar(node, path)

    def _endless(self, node: yaml.Node, path: Path, span: Span) -> bool:
        """Whether going on would not end, or take too long."""
        if id(node) in self._open:
            self._report("LR108", "this alias stands inside of what it names", span, "write out what is meant")
            return True
        if len(path) > DEEPEST:
            advice = f"a spec needs no more than {DEEPEST} levels"
        elif len(self.values) > LARGEST:
            advice = f"a spec has at most {LARGEST} values, aliases written out"
        else:
            return False
        self._stopped = True
        self._report("LR108", "the file is nested too deeply or repeats itself too often", span, advice)
        return True

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Plain:
        if node.style:
            return str(node.value)
        value = read_scalar(node.value)
        if isinstance(value, float) and not math.isfinite(value):
            self._report("LR118", f"`{_short(node.value)}` is not a finite number", self.values[path], "write a number")
            self.torn.append(path)
        return value

    def _mapping(self, node: yaml.MappingNode, path: Path) -> Plain:
        plain: dict[str, Plain] = {}
        merged: list[yaml.Node] = []
        for key_node, value_node in node.value:
            key = self._key(key_node)
            if key == _MERGE:
                merged.append(value_node)
            elif key is not None:
                self._entry(plain, key, (key_node, value_node), path)
            else:
                self.torn.append(path)
        for other in merged:
            self._merge(plain, other, path)
        return plain

    def _entry(self, plain: dict[str, Plain], key: str, nodes: tuple[yaml.Node, yaml.Node], path: Path) -> None:
        here = (*path, key)
        span = self._span(nodes[0])
        if key in plain:
            first = Related("it stands first here", self.keys[here])
            advice = "leave one of them out, or bring both together"
            self.torn.append(here)
            self._report("LR102", f"`{key}` stands twice in one mapping", span, advice, first)
            return
        self.keys[here] = span
        plain[key] = self.value(nodes[1], here)

    def _merge(self, plain: dict[str, Plain], node: yaml.Node, path: Path) -> None:
        """Adds what `<<` names, behind what the mapping says itself."""
        for part in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if not isinstance(part, yaml.MappingNode) or id(part) in self._open:
                self._report("LR115", "`<<` takes the alias of a mapping", self._span(node), "write `<<: *name`")
                self.torn.append(path)
                return
            for key_node, value_node in part.value:
                key = self._key(key_node)
                if key == _MERGE:
                    self._merge(plain, value_node, path)
                elif key is not None and key not in plain:
                    self._entry(plain, key, (key_node, value_node), path)

    def _key(self, node: yaml.Node) -> str | None:
        """The key's text; `None` after a report."""
        span = self._span(node)
        written = self.text[node.start_mark.index : node.end_mark.index]
        if not isinstance(node, yaml.ScalarNode):
            advice = "braces in braces are no template here; put what varies into `${env:NAME}`, in quotes"
            self._report("LR103", f"`{written}` can't be a key", span, advice if written[:1] == "{" else "write a name")
            return None
        if not node.style and not isinstance(read_scalar(node.value), str):
            message = f"the key `{_short(written)}` is not text"
            self._report("LR103", message, span, f'write `"{_short(written)}"`, in quotes')
            return None
        return str(node.value)

    def _span(self, node: yaml.Node) -> Span:
        start, end = node.start_mark, _last(node).end_mark
        if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
            return self._block_span(node)
        return Span(self.file, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def _block_span(self, node: yaml.Node) -> Span:
        """The place of a block of text, without the empty lines behind it."""
        start, end = node.start_mark, node.end_mark.index
        written = self.text[start.index : end].rstrip()
        column = len(written) - written.rfind("\n") if "\n" in written else start.column + len(written) + 1
        return Span(self.file, start.line + 1, start.column + 1, start.line + 1 + written.count("\n"), column)

    def _report(self, code: str, message: str, span: Span, help: str, *related: Related) -> None:
        self.found.append(Diagnostic(code, "error", message, span, help, related))


def _short(written: str) -> str:
    """What the file says, for messages: not all of a number with thousands of digits."""
    return written if len(written) <= 80 else f"{written[:20]}…"


def _last(node: yaml.Node) -> yaml.Node:
    """The last node in a block: where it ends, before the comments and empty lines behind it."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        node = node.value[-1][1] if isinstance(node, yaml.MappingNode) else node.value[-1]
    return node


def _fault(file: str, code: str, message: str, help: str) -> Diagnostic:
    return Diagnostic(code, "error", message, Span(file, 1, 1, 1, 1), help)


def _undecodable(file: str, error: UnicodeDecodeError) -> Diagnostic:
    before = error.object[: error.start].decode("utf-8")
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    span = Span(file, line, column, line, column + 1)
    return Diagnostic("LR109", "error", "the file is not UTF-8", span, "save it as UTF-8")


def _unprintable(file: str, text: str, found: re.Match[str]) -> Diagnostic:
    line, column = text.count("\n", 0, found.start()) + 1, found.start() - text.rfind("\n", 0, found.start())
    span = Span(file, line, column, line, column + 1)
    name = f"U+{ord(found[0]):04X}"
    return Diagnostic("LR109", "error", f"the character {name} can't stand in YAML", span, "take it out")
