"""What a test may say under `given`: outcomes by deployment, and a few facts of the world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from typing_extensions import override

from llm_router.diagnostics import did_you_mean
from llm_router.errors import FAILURE_CLASSES
from llm_router.spec.conditions.feature_types import WEEKDAYS
from llm_router.spec.scalars import NO_UNIT, OUT_OF_RANGE, UNKNOWN_WORD, WRONG_TYPE, WRONG_UNIT, shown
from llm_router.spec.section import Constraint, Finding, JsonSchema
from llm_router.spec.source import Path, Plain
from llm_router.units import SHARE_PATTERN, UnitError, parse_share

FAULTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "rate_limit_without_retry_after": ("it doesn't say when to come back", ("rate_limit",)),
    "html_error": ("a proxy's page with status 502", ("unavailable",)),
    "error_body": ("status 200, and an error where the answer should be", ("unavailable",)),
    "error_in_stream": ("a stream begins well, then carries an error", ("unavailable",)),
    "reset": ("the connection is reset before a byte is sent", ("connection_lost",)),
    "reset_after_headers": ("the connection is reset after the headers", ("connection_lost",)),
    "cut": ("the connection is closed in the middle of the answer", ("truncated",)),
    "ends_early": ("HTTP ends as it should, but the answer has no end", ("truncated", "malformed")),
    "silence": ("nothing ever comes", ("timeout",)),
    "slow_first_token": ("the first token comes after 20 seconds", ("timeout", "ok")),
    "stall": ("the answer begins, then nothing more comes", ("timeout",)),
    "filtered_answer": ("the answer begins, then is stopped by the provider's filter", ("content_filter",)),
    "no_end_marker": ("the answer is whole, but its end marker never comes", ("ok",)),
}
"""Faults that are finer than their class: what each does, and what it may come to, by time-outs and streaming."""

OUTCOMES = ("ok", *FAILURE_CLASSES, *FAULTS)


DESCRIBED = "`ok`, a failure class, or a fault of the wire: " + "; ".join(
    f"`{name}`: {told}" for name, (told, _) in FAULTS.items()
)
"""What a deployment may answer, in words."""


def may_come_to(outcome: str) -> tuple[str, ...]:
    """What an attempt may end with that is given this: a failure class or `ok`, the likeliest first."""
    return FAULTS[outcome][1] if outcome in FAULTS else (outcome,)


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
        answers = {"description": DESCRIBED, "anyOf": [outcome, {"type": "array", "items": outcome, "minItems": 1}]}
        share = {"type": "string", "pattern": f"^(?:{SHARE_PATTERN})$"}
        given = {
            "properties": {
                "hour": {"type": "integer", "minimum": 0, "maximum": 23, "description": "The hour of the day."},
                "weekday": {"enum": list(WEEKDAYS), "description": "The day of the week."},
            },
            "patternProperties": {
                r"^env\.": {"type": "string"},
                r"^spent\.": share,
            },
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
        return _share(value, path)
    return _outcomes(value, path)


def _share(value: Plain, path: Path) -> Sequence[Finding]:
    if not isinstance(value, str):
        bare = isinstance(value, (int, float)) and not isinstance(value, bool)
        advice = f"write `{value}%`, if that is meant" if bare else "write a percentage, as `90%`"
        return [Finding(NO_UNIT if bare else WRONG_TYPE, path, f"expected a share, found {shown(value)}", advice)]
    try:
        parse_share(value)
    except UnitError as error:
        return [Finding(WRONG_UNIT, path, error.message, error.help)]
    return []


def _outcomes(value: Plain, path: Path) -> Sequence[Finding]:
    if isinstance(value, list) and value:
        places = enumerate(value)
        return [
            _unknown(item, (*path, place), OUTCOMES, "an outcome") for place, item in places if item not in OUTCOMES
        ]
    return [] if value in OUTCOMES else [_unknown(value, path, OUTCOMES, "an outcome")]


def _unknown(value: Plain, path: Path, known: Sequence[str], noun: str) -> Finding:
    return Finding(UNKNOWN_WORD, path, f"{shown(value)} is not {noun}", did_you_mean(str(value), known))
