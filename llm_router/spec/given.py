"""What a test may say under `given`: outcomes by deployment, and a few facts of the world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from typing_extensions import override

from llm_router.diagnostics import did_you_mean
from llm_router.errors import FAILURE_CLASSES
from llm_router.spec.feature_types import WEEKDAYS
from llm_router.spec.scalars import OUT_OF_RANGE, UNKNOWN_WORD, WRONG_TYPE, shown
from llm_router.spec.section import Constraint, Finding, JsonSchema
from llm_router.spec.source import Path, Plain

OUTCOMES = ("ok", *FAILURE_CLASSES)


def is_world(name: str) -> bool:
    """Whether a key of `given` speaks of the world, not of a deployment."""
    return name in ("hour", "weekday") or name.startswith(("env.", "spent."))


@dataclass(frozen=True, slots=True)
class GivenFits(Constraint):
    """Each key of `given` has a value that it takes."""

    @override
    def check(self, node: Mapping[str, Plain], path: Path) -> Sequence[Finding]:
        given = node.get("given")
        if not isinstance(given, dict):
            return []
        return [found for name, value in given.items() for found in _check(name, value, (*path, "given", name))]

    @override
    def schema(self) -> JsonSchema:
        outcome = {"enum": list(OUTCOMES)}
        answers = {"anyOf": [outcome, {"type": "array", "items": outcome, "minItems": 1}]}
        given = {
            "properties": {
                "hour": {"type": "integer", "minimum": 0, "maximum": 23, "description": "The hour of the day."},
                "weekday": {"enum": list(WEEKDAYS), "description": "The day of the week."},
            },
            "patternProperties": {r"^env\.": {"type": "string"}, r"^spent\.": False},
            "additionalProperties": answers,
        }
        return {"properties": {"given": given}}


def _check(name: str, value: Plain, path: Path) -> Sequence[Finding]:
    if name == "hour":
        fits = isinstance(value, (int, float)) and not isinstance(value, bool) and value in range(24)
        return [] if fits else [Finding(OUT_OF_RANGE, path, f"{shown(value)} is no hour", "write 0 to 23")]
    if name == "weekday":
        return [] if value in WEEKDAYS else [_unknown(value, path, WEEKDAYS, "a weekday")]
    if name.startswith("env."):
        text = [Finding(WRONG_TYPE, path, f"expected text, found {shown(value)}", "write it in quotes")]
        return [] if isinstance(value, str) else text
    if name.startswith("spent."):
        return [Finding("LR210", path, f"`{name}` is not part of this version", "budgets come later", on_key=True)]
    return _outcomes(value, path)


def _outcomes(value: Plain, path: Path) -> Sequence[Finding]:
    if isinstance(value, list) and value:
        places = enumerate(value)
        return [
            _unknown(item, (*path, place), OUTCOMES, "an outcome") for place, item in places if item not in OUTCOMES
        ]
    return [] if value in OUTCOMES else [_unknown(value, path, OUTCOMES, "an outcome")]


def _unknown(value: Plain, path: Path, known: Sequence[str], noun: str) -> Finding:
    return Finding(UNKNOWN_WORD, path, f"{shown(value)} is not {noun}", did_you_mean(str(value), known))
