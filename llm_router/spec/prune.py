"""What is left of a tree when what is wrong with it is taken out: enough to look for mistakes of other kinds.

As little as possible goes: a key, a value, an entry of a mapping. A key that has to be there gets a stand-in, and so
does an entry of a list, so that everything else keeps its place. What goes may have declared names that the rest
refers to: these are kept as `Lost`, and who misses one of them has found no mistake.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from llm_router.spec.model import DeploymentSpec, ProviderSpec, Spec
from llm_router.spec.section import Finding
from llm_router.spec.source import Path, Plain, at

Tree: TypeAlias = dict[str, Plain]

_ANYBODY = "openai:stand-in"
_NAMING = frozenset({"use", "from", "of", "next", "instead", "pools"})
"""The keys above lists of names."""

_REQUIRED: Mapping[str, Plain] = {
    "version": 1,
    "rules": [{"refuse": "stand-in"}],
    "use": _ANYBODY,
    "only": {"local": True},
    "kind": "openai",
    "base_url": "http://localhost",
    "provider": "openai",
    "model": "stand-in",
    "of": _ANYBODY,
    "from": _ANYBODY,
    "cost": "100%",
    "input": 0,
    "output": 0,
    "type": "text",
    "after": {"timeout": "stop"},
    "requests": 1,
    "every": "1m",
    "amount": "1 USD",
    "webhook": "${env:STAND_IN}",
    "events": ["deployment_up"],
    "keep": "1h",
    "url": "memory",
    "exact": {"keep": "1h"},
}
"""By key that has to be there, a value that is right anywhere and refers to nothing."""

_ENTRIES: Mapping[str, Plain] = {
    "rules": {"refuse": "stand-in"},
    "guards": {"only": {"local": True}},
    "alerts": {"events": ["deployment_up"], "log": True},
}
"""Likewise by the list that the entry stands in."""

_DECLARING = frozenset({"providers", "deployments", "pools", "metadata", "tasks", "budgets"})
_SECTIONS = frozenset(Spec.keys())
_LANGUAGE = frozenset({*_SECTIONS, *DeploymentSpec.keys(), *ProviderSpec.keys()})
"""Words of the language itself, which no spec declares."""


@dataclass(frozen=True, slots=True)
class Lost:
    """What went: words that may have been names, labels, keys of metadata or tasks, and sections all of which went."""

    words: frozenset[str] = frozenset()
    sections: frozenset[str] = frozenset()

    def __or__(self, other: Lost) -> Lost:
        return Lost(self.words | other.words, self.sections | other.sections)


def pruned(tree: Tree, found: Iterable[Finding]) -> Tree:
    """The tree without what the findings are about."""
    left = copy.deepcopy(tree)
    for finding in sorted(found, key=lambda each: len(each.path), reverse=True):
        if not finding.needs:
            _take_out(left, finding.path)
    for finding in found:
        if finding.needs:
            _fill_in(left, finding.path, finding.needs[0])
    return left


def lost_in(tree: Tree, found: Iterable[Finding]) -> Lost:
    """What is taken out with the findings, as far as the rest may refer to it."""
    gone = [(each.path or each.needs, None if each.needs else at(tree, each.path)) for each in found]
    gone = [(path, node) for path, node in gone if path]
    words = (word for path, node in gone for word in _declared(path, node))
    stand_ins = (f"stand-in-{path[-1]}" for path, _ in gone)
    sections = (str(path[0]) for path, node in gone if _is_section(path, node))
    return Lost(frozenset((*words, *stand_ins, _ANYBODY)), frozenset(sections))


def _take_out(tree: Tree, path: Path) -> None:
    above, last = at(tree, path[:-1]), path[-1:]
    if isinstance(above, dict):
        above.pop(str(*last), None)
    elif isinstance(above, list) and isinstance(last[0], int) and last[0] < len(above):
        above[last[0]] = copy.deepcopy(_stand_in(path))


def _stand_in(path: Path) -> Plain:
    """A right entry for the list in which the path ends."""
    *above, place = path
    if len(path) == 2 and above[0] in _ENTRIES:
        return _ENTRIES[str(above[0])]
    if "limits" in above[-1:] or above == ["budgets"]:
        return _account(path)
    names = [step for step in above if step in _NAMING]
    return _ANYBODY if names else f"stand-in-{place}"


def _account(path: Path) -> Plain:
    """A limit or budget; those at the top have names, each its own."""
    section, place = path[0], path[-1]
    if section == "budgets":
        return {"name": f"stand-in-budget-{place}", "amount": "1 USD", "every": "day"}
    named = {"name": f"stand-in-limit-{place}"} if section == "limits" else {}
    return {**named, "requests": 1, "every": "1m"}


def _fill_in(tree: Tree, path: Path, key: str) -> None:
    """Put a stand-in where a key is missing; where there is none for it, the whole entry goes."""
    section = at(tree, path)
    if isinstance(section, dict) and key in _REQUIRED:
        section.setdefault(key, copy.deepcopy(_REQUIRED[key]))
    elif path:
        _take_out(tree, path)


def _is_section(path: Path, node: Plain) -> bool:
    """Whether all of a section goes, or a task or budget of which nobody knows how it was meant."""
    if path[0] not in _DECLARING or len(path) == 1:
        return path[0] in _DECLARING
    nameless = path[0] == "budgets" and (len(path) == 2 or str(path[2]).startswith(("name", "hard")))
    return nameless or (path[0] == "tasks" and not isinstance(node, str))


def _declared(path: Path, node: Plain) -> Iterator[str]:
    """Yields what may be declared at a path: the names on the way, and the keys and entries below."""
    if path[0] == "rules" and len(path) <= 3:
        yield "rule"  # the feature of budgets and limits that names of rules are the words of
    if path[0] in _SECTIONS - _DECLARING:
        return
    if len(path) == 1:
        yield str(path[0])
        yield from node if isinstance(node, dict) else ()
        yield from _words(node, values=True)
        return
    named = len(path) == 2 or path[0] in ("providers", "metadata")
    yield from map(str, path[1:2] if named else ())
    yield from (str(step) for step in path[2:] if step not in _LANGUAGE)
    yield from _words(node, values=isinstance(path[-1], int) or path[-1] in ("supports", "type"))


def _words(node: Plain, *, values: bool) -> Iterator[str]:
    """Yields keys, entries of lists and, if asked for, the values of keys, at any depth."""
    if isinstance(node, dict):
        yield from (key for key in node if key not in _LANGUAGE)
        for value in node.values():
            yield from _words(value, values=values)
    elif isinstance(node, list):
        for item in node:
            yield from _words(item, values=values or not isinstance(item, dict))
    elif values and node is not None:
        yield str(node)
