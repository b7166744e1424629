"""A program as JSON: what `plan` prints. Stable, complete, and without a secret.

The walk is generic, so that a new field of the program is printed from the day it exists; what needs a reader's form
has a row in `_FORMS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from fractions import Fraction
from types import MappingProxyType

from llm_router.catalog.cards import ModelCard
from llm_router.messages import Json, Settings
from llm_router.policy.program import Deployment, Program, Provider, RuleIndex
from llm_router.policy.rank import AUTO
from llm_router.spec.conditions.condition import All, AnyOf, Condition, Not, Test, Value
from llm_router.spec.conditions.spelling import share_text
from llm_router.spec.refs import Reference


def as_json(program: Program) -> Mapping[str, Json]:
    """The whole program, as JSON values; equal programs give equal ones. Costs in picodollars, durations in seconds."""
    printed = {field.name: _plain(getattr(program, field.name)) for field in fields(program)}
    if any(tier.by == "auto" for rule in program.rules for tier in rule.tiers):
        printed["auto"] = auto_table()
    return printed


def auto_table() -> Json:
    """The weights of `by: auto` in percent: one row for each pair of the hints `cost` and `speed`."""
    return [
        {"when": {"cost": cost, "speed": speed}, **{part: int(weight * 100) for part, weight in weights.items()}}
        for (cost, speed), weights in AUTO.items()
    ]


def condition_json(condition: Condition) -> Json:
    """A condition in the words of `when:`."""
    match condition:
        case Test(feature, op, value):
            return {feature: {op: _compared(value, feature)}}
        case Not(term):
            return {"not": condition_json(term)}
        case All(terms):
            return {"all": [condition_json(term) for term in terms]}
        case AnyOf(terms):
            return {"any": [condition_json(term) for term in terms]}


def _compared(value: Value, feature: str) -> Json:
    if isinstance(value, tuple):
        return [_compared(item, feature) for item in value]
    return share_text(feature, value) or _plain(value)


def _plain(value: object) -> Json:
    for kind, form in _FORMS.items():
        if isinstance(value, kind):
            return form(value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(str(item) for item in value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return _record(value)


def _record(value: object, *left_out: str) -> Json:
    if not is_dataclass(value) or isinstance(value, type):
        return str(value)
    return {
        field.name: _plain(getattr(value, field.name))
        for field in fields(value)
        if field.compare and field.name not in left_out
    }


def _deployment(value: object) -> Json:
    assert isinstance(value, Deployment)
    record = _record(value, "provider")
    assert isinstance(record, dict)
    return {**record, "provider": value.provider.name}


def _provider(value: object) -> Json:
    assert isinstance(value, Provider)
    record = _record(value, "query")
    assert isinstance(record, dict)
    return {**record, "query": dict.fromkeys(value.query, _KEPT)}


def _settings(value: object) -> Json:
    assert isinstance(value, Settings)
    record = _record(value, "headers")
    assert isinstance(record, dict)
    said = {name: item for name, item in record.items() if item is not None and item != {}}
    return {**said, **({"headers": dict.fromkeys(value.headers, _KEPT)} if value.headers else {})}


_KEPT = "(set)"
"""Stands for values that people put credentials into."""


def _index(value: object) -> Json:
    """How rules are found: how many by which feature, and the residual list that every request walks."""
    assert isinstance(value, RuleIndex)
    found = {name: len({place for places in by.values() for place in places}) for name, by in value.by_value.items()}
    return {"by_value": dict(found), "residual": list(value.residual), "residual_length": len(value.residual)}


def _card(value: object) -> Json:
    assert isinstance(value, ModelCard)
    return value.name


def _condition(value: object) -> Json:
    assert isinstance(value, Test | All | AnyOf | Not)
    return condition_json(value)


_FORMS: Mapping[type, Callable[[object], Json]] = MappingProxyType(
    {
        Deployment: _deployment,
        Provider: _provider,
        Settings: _settings,
        RuleIndex: _index,
        ModelCard: _card,
        Test: _condition,
        All: _condition,
        AnyOf: _condition,
        Not: _condition,
        Reference: str,
        Fraction: str,
    }
)
