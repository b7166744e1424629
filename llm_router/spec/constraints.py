"""Rules between the keys of one mapping, each as a check and as the JSON Schema that says the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from typing_extensions import override

from llm_router.spec.section import Constraint, Finding, JsonSchema
from llm_router.spec.source import Path, Plain

MISSING = "LR202"
CONFLICT = "LR212"


@dataclass(frozen=True, slots=True)
class ExactlyOne(Constraint):
    """One of the keys stands there, and only one."""

    keys: tuple[str, ...]
    noun: str
    help: str

    @override
    def check(self, node: Mapping[str, Plain], path: Path) -> Sequence[Finding]:
        there = [key for key in self.keys if key in node]
        options = " or ".join(f"`{key}`" for key in self.keys)
        if not there:
            return [Finding(MISSING, path, f"{self.noun} needs {options}", self.help, needs=self.keys)]
        first = f"`{there[0]}`"
        return [
            Finding(
                CONFLICT, (*path, key), f"{self.noun} can't have both {first} and `{key}`", "leave one out", on_key=True
            )
            for key in there[1:]
        ]

    @override
    def schema(self) -> JsonSchema:
        return {"oneOf": [{"required": [key]} for key in self.keys]}


@dataclass(frozen=True, slots=True)
class AtLeastOne(Constraint):
    """One of the keys stands there, or several."""

    keys: tuple[str, ...]
    noun: str
    help: str

    @override
    def check(self, node: Mapping[str, Plain], path: Path) -> Sequence[Finding]:
        if any(key in node for key in self.keys):
            return []
        options = " or ".join(f"`{key}`" for key in self.keys)
        return [Finding(MISSING, path, f"{self.noun} needs {options}", self.help, needs=self.keys)]

    @override
    def schema(self) -> JsonSchema:
        return {"anyOf": [{"required": [key]} for key in self.keys]}


@dataclass(frozen=True, slots=True)
class NotBoth(Constraint):
    """At most one of two keys stands there."""

    first: str
    second: str
    help: str

    @override
    def check(self, node: Mapping[str, Plain], path: Path) -> Sequence[Finding]:
        if self.first not in node or self.second not in node:
            return []
        message = f"`{self.second}` can't stand beside `{self.first}`"
        return [Finding(CONFLICT, (*path, self.second), message, self.help, on_key=True)]

    @override
    def schema(self) -> JsonSchema:
        return {"not": {"required": [self.first, self.second]}}


@dataclass(frozen=True, slots=True)
class OnlyBeside(Constraint):
    """A key stands there only where another does."""

    key: str
    beside: str
    help: str

    @override
    def check(self, node: Mapping[str, Plain], path: Path) -> Sequence[Finding]:
        if self.key not in node or self.beside in node:
            return []
        message = f"`{self.key}` says nothing without `{self.beside}`"
        return [Finding(CONFLICT, (*path, self.key), message, self.help, on_key=True)]

    @override
    def schema(self) -> JsonSchema:
        return {"dependencies": {self.key: [self.beside]}}


@dataclass(frozen=True, slots=True)
class ExpectFits(Constraint):
    """Rules decide who answers, and not who embeds; dimensions are of vectors, and answers have none."""

    @override
    def check(self, node: Mapping[str, Plain], path: Path) -> Sequence[Finding]:
        request, expect = node.get("request"), node.get("expect")
        if not isinstance(request, dict) or not isinstance(expect, dict):
            return []
        embeds = "embed" in request
        advice = _OF_VECTORS if embeds else "name what embeds: `request: {embed: docs}`"
        message = "`{}` is for answers: no rule decides who embeds" if embeds else "an answer has no `{}`"
        wrong = ("rule", "refused") if embeds else ("dimensions",)
        found = [key for key in wrong if key in expect]
        return [Finding(CONFLICT, (*path, "expect", key), message.format(key), advice, on_key=True) for key in found]

    @override
    def schema(self) -> JsonSchema:
        decided = {"not": {"anyOf": [{"required": ["rule"]}, {"required": ["refused"]}]}}
        return {
            "if": {"properties": {"request": {"required": ["embed"]}}},
            "then": {"properties": {"expect": decided}},
            "else": {"properties": {"expect": {"not": {"required": ["dimensions"]}}}},
        }


@dataclass(frozen=True, slots=True)
class LimitHasWindow(Constraint):
    """Requests and tokens are counted in one window; requests under way are in none."""

    @override
    def check(self, node: Mapping[str, Plain], path: Path) -> Sequence[Finding]:
        windows = [key for key in ("every", "within") if key in node]
        if "concurrent" in node:
            message, advice = "`{}` can't stand beside `concurrent`", "leave it out: requests under way have no window"
            return [Finding(CONFLICT, (*path, key), message.format(key), advice, on_key=True) for key in windows]
        if "requests" not in node and "tokens" not in node:
            return []
        return ExactlyOne(("every", "within"), "a limit", "write `every: 1m`, or `within: 1m`").check(node, path)

    @override
    def schema(self) -> JsonSchema:
        windows = [{"required": ["every"]}, {"required": ["within"]}]
        return {
            "if": {"required": ["concurrent"]},
            "then": {"not": {"anyOf": windows}},
            "else": {"oneOf": windows},
        }


@dataclass(frozen=True, slots=True)
class HardBesideUse(Constraint):
    """`hard` bounds what `when_spent: {use: …}` may cost, and nothing else."""

    @override
    def check(self, node: Mapping[str, Plain], path: Path) -> Sequence[Finding]:
        if "hard" not in node or isinstance(node.get("when_spent"), dict):
            return []
        advice = "leave it out (`amount` is the most already), or write `when_spent: {use: name}`"
        message = "`hard` says nothing without `when_spent: {use: …}`"
        return [Finding(CONFLICT, (*path, "hard"), message, advice, on_key=True)]

    @override
    def schema(self) -> JsonSchema:
        use = {"required": ["when_spent"], "properties": {"when_spent": {"type": "object"}}}
        return {"if": {"required": ["hard"]}, "then": use}


@dataclass(frozen=True, slots=True)
class SharesMatchBalance(Constraint):
    """`weighted` goes with shares, and shares with nothing else."""

    @override
    def check(self, node: Mapping[str, Plain], path: Path) -> Sequence[Finding]:
        shares, balance = isinstance(node.get("of"), dict), node.get("balance")
        if balance == "weighted" and isinstance(node.get("of"), (list, str)):
            advice = "write `of: {first: 90%, second: 10%}`"
            return [Finding(CONFLICT, (*path, "balance"), "`weighted` needs a share for each member", advice)]
        if shares and balance in _SPREADING:
            message = f"`of` has shares, which mean `weighted`, not `{balance}`"
            return [Finding(CONFLICT, (*path, "balance"), message, "leave `balance` out, or write `of` as a list")]
        return []

    @override
    def schema(self) -> JsonSchema:
        return {
            "allOf": [
                _if_then({"balance": {"const": "weighted"}}, {"of": {"type": "object"}}),
                _if_then({"balance": {"enum": list(_SPREADING)}}, {"of": {"type": ["array", "string"]}}),
            ]
        }


@dataclass(frozen=True, slots=True)
class AbsentFitsType(Constraint):
    """The value of `absent` is one of `type`."""

    @override
    def check(self, node: Mapping[str, Plain], path: Path) -> Sequence[Finding]:
        absent, declared = node.get("absent"), node.get("type")
        wanted = _PYTHON_TYPES.get(declared) if isinstance(declared, str) else None
        if absent is None or wanted is None or isinstance(absent, (dict, list)):
            return []
        fits = isinstance(absent, wanted) and (bool in wanted or not isinstance(absent, bool))
        where = (*path, "absent")
        return (
            []
            if fits
            else [Finding("LR203", where, f"`absent` is not of the type `{declared}`", _FITTING[str(declared)])]
        )

    @override
    def schema(self) -> JsonSchema:
        return {
            "allOf": [
                _if_then({"type": {"const": name}}, {"absent": {"type": name_in}}) for name, name_in in _JSON.items()
            ]
        }


_OF_VECTORS = "leave it out; `deployment`, `attempts`, `error`, `dimensions`, `only` and `never` can be expected"

_SPREADING = ("random", "round-robin", "least-busy")
"""The balances that take no shares."""

_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {"boolean": (bool,), "number": (int, float), "text": (str,)}
_JSON: Mapping[str, str] = {"boolean": "boolean", "number": "number", "text": "string"}
_FITTING: Mapping[str, str] = {
    "boolean": "write `true` or `false`",
    "number": "write a number, without quotes",
    "text": "write it in quotes",
}


def _if_then(condition: JsonSchema, consequence: JsonSchema) -> JsonSchema:
    return {
        "if": {"properties": condition, "required": list(condition)},
        "then": {"properties": consequence},
    }
