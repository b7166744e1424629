"""What the models found, in our words: their errors, and what is wrong with keys, as findings with places."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from llm_router.diagnostics import Diagnostic, did_you_mean
from llm_router.spec.constraints import MISSING
from llm_router.spec.habits import FOREIGN_KEY, key_habit
from llm_router.spec.scalars import NOTHING, WRONG_TYPE, shown
from llm_router.spec.section import Finding, Notes, Section
from llm_router.spec.shapes import NAMES
from llm_router.spec.source import Path, Plain, Source, at

UNKNOWN_KEY = "LR201"
_FILL_IN = "fill it in, or take it out"
_KEY_ERROR = "[key]"


def findings(tree: Plain, errors: Sequence[Any], notes: Notes) -> list[Finding]:
    """All that is wrong with a tree, in no order: keys, values, and what stands together."""
    translated = [finding for error in errors for finding in _translate(error, tree)]
    return _without_echoes([*_of_keys(tree, notes), *translated])


def _without_echoes(found: list[Finding]) -> list[Finding]:
    """Without the keys that are missing only because they were misspelt: whose help already names them."""
    named: dict[Path, list[str]] = {}
    for finding in found:
        if finding.code in (UNKNOWN_KEY, FOREIGN_KEY):
            named.setdefault(finding.path[:-1], []).append(finding.help)

    def is_echo(finding: Finding) -> bool:
        helps = named.get(finding.path, ()) if finding.code == MISSING else ()
        return any(re.search(rf"\b{key}\b", text) for key in finding.needs for text in helps)

    return [finding for finding in found if not is_echo(finding)]


def place(finding: Finding, source: Source) -> Diagnostic:
    """The finding as a diagnostic, at the key or value that it is about."""
    span = source.key_span(finding.path) if finding.on_key else source.span(finding.path)
    return Diagnostic(finding.code, "error", finding.message, span, finding.help)


def _of_keys(tree: Plain, notes: Notes) -> Iterator[Finding]:
    for path, section in notes.sections.items():
        node = at(tree, path)
        if isinstance(node, dict):
            yield from _of_section(section, node, path)


def _of_section(section: type[Section], node: Mapping[str, Any], path: Path) -> Iterator[Finding]:
    known = section.keys()
    for key, value in node.items():
        if key not in known:
            yield _unknown_key(section, key, path)
        elif value is None:
            yield Finding(NOTHING, (*path, key), f"`{key}` has nothing below it", _FILL_IN, on_key=True)
    for constraint in section.constraints:
        yield from constraint.check(node, path)


def _unknown_key(section: type[Section], key: str, path: Path) -> Finding:
    habit = key_habit(section.__name__, key)
    if habit is not None:
        return Finding(habit.code, (*path, key), habit.message, habit.help, on_key=True)
    where = f"in {_place_name(path)}" if path else "at the top of a spec"
    advice = did_you_mean(key, section.keys())
    return Finding(UNKNOWN_KEY, (*path, key), f"there is no key `{key}` {where}", advice, on_key=True)


def _place_name(path: Path) -> str:
    """The path as people say it: `rules[2].use`."""
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return f"`{steps.lstrip('.')}`"


def _translate(error: Mapping[str, Any], tree: Plain) -> Iterator[Finding]:
    loc = tuple(step for step in error["loc"] if step not in NAMES)
    on_key = loc[-1:] == (_KEY_ERROR,)
    path = loc[:-1] if on_key else loc
    kind, context = error["type"], error.get("ctx", {})
    if kind == "spec":
        yield Finding(context["code"], path, context["message"], context["help"], on_key=on_key)
    elif kind == "missing":
        yield from _missing(path, tree)
    elif kind == "too_short":
        yield from _empty(path, error["input"])
    else:
        yield _misshapen(path, error["input"], _wanted(kind, context))


def _missing(path: Path, tree: Plain) -> Iterator[Finding]:
    """A key that isn't there; one that is there, but empty, was reported as such."""
    *above, key = path
    node = at(tree, tuple(above))
    if not isinstance(node, dict) or key in node:
        return
    where = _place_name(tuple(above)) if above else "a spec"
    advice = _MISSING_HELP.get(str(key), f"add `{key}: …`")
    yield Finding(MISSING, tuple(above), f"{where} needs `{key}`", advice, on_key=True, needs=(str(key),))


_MISSING_HELP: Mapping[str, str] = {
    "version": "write `version: 1` first",
    "rules": "write `rules: [{use: openai:gpt-4o-mini}]`",
    "provider": "write `provider: openai`, or the name of one of `providers:`",
    "model": "write `model: gpt-4o-mini`, the name that the provider knows",
    "of": "write `of: [first, second]`",
    "from": "write `from: [first, second]`",
    "expect": "write `expect: {deployment: name}`",
    "request": "write `request: {text: Hello}`",
    "name": "write `name: monthly`, or what it shall be called",
    "amount": "write `amount: 50 USD`",
    "exact": "write `exact: {keep: 1h, entries: 10k}`",
    "keep": "write `keep: 1h`",
    "events": "write `events: [budget_warning, budget_spent]`",
    "url": "write `url: sqlite:router.db`",
    "to": "write `to: ops@example.com`",
    "smtp": 'write `smtp: "smtp://host:587"`',
}


def _empty(path: Path, value: Any) -> Iterator[Finding]:
    """A list or mapping without entries; where entries are wrong, they were reported themselves."""
    if not value:
        yield Finding(NOTHING, path, f"{_place_name(path)} is empty", _FILL_IN, on_key=True)


def _misshapen(path: Path, value: Any, wanted: str) -> Finding:
    where = _place_name(path)
    if value is None:
        return Finding(NOTHING, path, f"{where} has nothing below it", "write `{}`, or fill it in", on_key=True)
    spaceless = _SPACELESS.match(str(value))
    if spaceless:
        return Finding(WRONG_TYPE, path, f"a space is missing in `{value}`", f"write `{spaceless[0]} …`")
    advice = _SHAPES.get(_last_key(path)) or _FORMS.get(wanted, "")
    return Finding(WRONG_TYPE, path, f"{where} takes {wanted}, found {shown(value)}", advice)


_SPACELESS = re.compile(r"(?:use|when|if|name|refuse|only|never|provider|model|kind|of|from):(?=\S)")


def _last_key(path: Path) -> str:
    """The last key of a path, without the places in lists behind it."""
    return next((step for step in reversed(path) if isinstance(step, str)), "")


_SHAPES: Mapping[str, str] = {
    "rules": "write a list: each rule begins with `- `, as `- use: openai:gpt-4o-mini`",
    "guards": "write a list: each guard begins with `- `",
    "deployments": "write `deployments: {name: {provider: openai, model: gpt-4o}}`",
    "providers": "write `providers: {openai: {…}}`",
    "pools": "write `pools: {name: [first, second]}`",
    "use": "write one list, first choice first; a group that is ranked is `{from: [a, b], by: cost}`",
    "by": "write `by: cost`, or parts: `by: {cost: 30%, quality: 70%}`",
    "fallback": "write `fallback: {after: {timeout: {next: [a, b]}}}`; whom to ask next is else the rest of `use`",
    "wait": "write `wait: {first: 500ms}`",
    "quality": "write `quality: 86`, or by task: `quality: {code: 93, any: 90}`",
    "tasks": "write `tasks: [code, chat]`",
    "supports": "write `supports: [tools, images]`",
    "labels": "write `labels: {region: eu}`",
    "budgets": "write a list: each budget begins with `- `, as `- {name: monthly, amount: 50 USD, every: month}`",
    "limits": "write a list: each limit begins with `- `, as `- {requests: 30, every: 1m}`",
    "alerts": "write a list: each alert begins with `- `, as `- {events: [budget_spent], log: true}`",
    "events": "write a list: `[budget_warning, budget_spent]`",
    "cache": "write `cache: {exact: {keep: 1h, entries: 10k}}`; without it nothing is kept",
    "exact": "write `exact: {keep: 1h, entries: 10k}`",
    "ledger": "write `ledger: {keep: 400d}`",
    "state": 'write `state: "sqlite:router.db"`, or `state: {url: …, fail: closed}`',
    "hedge": "write `hedge: {after: 2s, extra_cost: 5%}`; without it nobody is hedged",
    "when_spent": "write `out`, `warn`, or `{use: name}`",
    "for": "write `for: {provider: openai}`",
    "email": 'write `email: {to: ops@example.com, smtp: "smtp://host:587"}`',
    "vary": "write `vary: [metadata.tenant]`",
}
_FORMS: Mapping[str, str] = {
    "a list": "write entries with `- `, or in brackets: `[…]`",
    "a mapping": "write keys below it, or in braces: `{key: value}`",
}
_WANTED: Mapping[str, str] = {"model_type": "a mapping", "dict_type": "a mapping", "tuple_type": "a list"}


def _wanted(kind: str, context: Mapping[str, Any]) -> str:
    """What shapes would do."""
    if kind in _WANTED:
        return _WANTED[kind]
    tags = re.findall("one|list|mapping", str(context.get("expected_tags", "")))
    return " or ".join(NAMES[f"\0{tag}"] for tag in tags) or "something else"
