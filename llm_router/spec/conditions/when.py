"""`when:` as conditions: the structured spelling, read from the plain tree with the places of its source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from llm_router.diagnostics import Diagnostic, Span, closest
from llm_router.spec.conditions.condition import ALWAYS, DEEPEST, All, AnyOf, Condition, Not, Op, joined
from llm_router.spec.conditions.feature_names import find_target
from llm_router.spec.conditions.feature_types import Declarations, Placement, features_of
from llm_router.spec.conditions.literals import OPERATOR, STRUCTURE, Scope, Target, Written
from llm_router.spec.conditions.operators import HABITS, OPS, make_test
from llm_router.spec.refs import Environment
from llm_router.spec.source import Path, Source

GROUPS = ("all", "any", "not")


def read_when(
    node: object,
    path: Path,
    source: Source,
    declarations: Declarations | Placement,
    report: Callable[[Diagnostic], None],
    *,
    environment: Environment | None = None,
) -> Condition:
    """The condition that the tree below `path` writes; what can't be read is reported and left out.

    Reads `only` and `never` of guards too, when `declarations` is a `Placement`. Without an environment, references
    that have no default stay in the condition. In `node` they are as the file has them: only here the type is known
    that they are to be read as.
    """
    scope = Scope(declarations, features_of(declarations), report, environment)
    return _Reader(source, scope).mapping(node, path) or ALWAYS


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the nodes of one condition; every method gives `None` where nothing could be read."""

    source: Source
    scope: Scope

    def mapping(self, node: object, path: Path, depth: int = 0) -> Condition | None:
        """All entries of a mapping together."""
        if not isinstance(node, dict) or not node:
            self._no_mapping(node, path)
            return None
        if depth > DEEPEST:
            self._fault(f"conditions nest more than {DEEPEST} deep", path, "write it flatter, or as several rules")
            return None
        return joined([self._entry(str(key), value, (*path, key), depth) for key, value in node.items()], All)

    def _entry(self, key: str, value: object, path: Path, depth: int) -> Condition | None:
        if key in ("all", "any"):
            return self._terms(key, value, path, depth)
        if key == "not":
            term = self.mapping(value, path, depth + 1)
            return term and Not(term)
        if key.lower() in _COMBINATORS and key not in self.scope.features:
            self._fault(f"`{key}` combines nothing", path, f"write `{_COMBINATORS[key.lower()]}`", at_key=True)
            return None
        return self._feature(key, value, path)

    def _terms(self, key: str, value: object, path: Path, depth: int) -> Condition | None:
        if not isinstance(value, list) or not value:
            self._fault(f"`{key}` takes a list of conditions", path, f"write `{key}: [{{task: code}}, {{cost: low}}]`")
            return None
        terms = [self.mapping(term, (*path, place), depth + 1) for place, term in enumerate(value)]
        return joined(terms, All if key == "all" else AnyOf)

    def _feature(self, key: str, value: object, path: Path) -> Condition | None:
        prefix = f"{key}."
        inner = next(iter(value), None) if isinstance(value, dict) else None
        if inner is not None and key in ("metadata", "labels", "env"):
            self._fault(f"`{key}` alone is no feature", path, f"write `{prefix}{inner}: …`, with a dot", at_key=True)
            return None
        group = closest(key, GROUPS)
        if group is not None and key not in self.scope.features:
            self._fault(f"`{key}` is no feature", path, f"did you mean `{group}`?", at_key=True)
            return None
        target = find_target(key, self.source.key_span(path), self.scope)
        if target is None:
            return None
        if isinstance(value, dict):
            return self._operators(target, value, path)
        op: Op = "in" if isinstance(value, list) else "is"
        written = self._written(value, path)
        span = self._whole(path, written.span)
        return make_test(target, op, written, self.scope, span=span, text=f"{key}: {written.text}")

    def _operators(self, target: Target, value: Mapping[str, object], path: Path) -> Condition | None:
        if not value:
            self._fault(f"`{target.written}` is compared with nothing", path, f"write `{target.written}: {{is: …}}`")
            return None
        return joined([self._operator(target, op, (*path, op), item) for op, item in value.items()], All)

    def _operator(self, target: Target, word: str, path: Path, value: object) -> Condition | None:
        op = next((op for op in OPS if op == word), None)
        if op is None:
            self._fault(*_unknown_operator(word, path), code=OPERATOR, at_key=True)
            return None
        written = self._written(value, path)
        text = f"{target.written}: {{{op}: {written.text}}}"
        return make_test(target, op, written, self.scope, span=self._whole(path, written.span), text=text)

    def _written(self, value: object, path: Path) -> Written:
        items = None
        if isinstance(value, list):
            items = tuple(self._written(item, (*path, place)) for place, item in enumerate(value))
        return Written(value, self.source.span(path), _spelling(value), items=items)

    def _whole(self, path: Path, value: Span) -> Span:
        """From the key to the end of the value."""
        key = self.source.key_span(path)
        return Span(key.file, key.line, key.column, value.end_line, value.end_column)

    def _no_mapping(self, node: object, path: Path) -> None:
        words = node.strip() if isinstance(node, str) else ""
        if words:
            advice = f"write an expression as `if: {words}`" if " " in words else "write `feature: value`"
        else:
            advice = "write `any: […]` or `all: […]`" if isinstance(node, list) and node else "write `feature: value`"
        self._fault("a condition is a mapping of features to values", path, advice)

    def _fault(self, message: str, path: Path, advice: str, *, code: str = STRUCTURE, at_key: bool = False) -> None:
        span = self.source.key_span(path) if at_key else self.source.span(path)
        self.scope.fault(code, message, span, advice)


_COMBINATORS: Mapping[str, str] = {
    "and": "all: […]",
    "all_of": "all: […]",
    "every": "all: […]",
    "&&": "all: […]",
    "or": "any: […]",
    "any_of": "any: […]",
    "either": "any: […]",
    "||": "any: […]",
    "none": "not: {any: […]}",
    "none_of": "not: {any: […]}",
    "unless": "not: {…}",
    "!": "not: {…}",
    "all": "all: […]",
    "any": "any: […]",
    "not": "not: {…}",
}
"""What other systems call our combinators, ours in another case among them."""


def _unknown_operator(word: str, path: Path) -> tuple[str, Path, str]:
    meant = HABITS.get(word.lower()) or closest(word, OPS)
    advice = f"did you mean `{meant}`?" if meant else f"operators are {', '.join(OPS)}"
    return f"`{word}` is no operator", path, advice


def _spelling(value: object) -> str:
    """A value as one would write it in YAML's flow style."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case list():
            return f"[{', '.join(_spelling(item) for item in value)}]"
        case dict():
            return f"{{{', '.join(f'{key}: {_spelling(item)}' for key, item in value.items())}}}"
        case _:
            return str(value)
