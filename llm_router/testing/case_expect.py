"""Whether what came of a request is what its case expects, told in words where it isn't.

A right answer for a wrong reason is a difference too: a failure that nobody gave, a given failure that was read as
another, and given failures none of which was met.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from llm_router.engine.answer import Answer
from llm_router.errors import AttemptReport, NoCandidate, ProviderError, Refused, RouterError
from llm_router.policy.decision import Decision
from llm_router.policy.match import holds
from llm_router.policy.program import Deployment, Program
from llm_router.spec.conditions.condition import Condition
from llm_router.spec.given import may_come_to
from llm_router.spec.model_cases import CaseSpec
from llm_router.spec.refs import known


@dataclass(frozen=True, slots=True)
class Came:
    """What came of a request; of a request for vectors, what came of all its batches.

    There are no `decisions` where the request itself was wrong, no `answers` where it failed, and `dimensions` only
    where vectors came.
    """

    program: Program
    decisions: tuple[Decision, ...]
    answers: tuple[Answer, ...]
    error: RouterError | None
    reports: tuple[AttemptReport, ...]
    dimensions: int | None = None

    @property
    def asked(self) -> tuple[str, ...]:
        """Who was asked, in order."""
        return tuple(report.deployment for report in self.reports)

    @property
    def answered(self) -> tuple[str, ...]:
        """Who answered, in order: one for each batch."""
        return tuple(answer.deployment for answer in self.answers)

    @property
    def outcome(self) -> str:
        """The failure class, `no_candidate`, `refused`, or `ok`."""
        match self.error:
            case None:
                return "ok"
            case ProviderError() as error:
                return error.failure
            case NoCandidate():
                return "no_candidate"
            case Refused():
                return "refused"
            case _:
                return "error"

    def told(self) -> str:
        """What came, in words."""
        if self.answers:
            return f"{_listed(dict.fromkeys(self.answered))} answered"
        first = str(self.error).partition("\n")[0]
        if isinstance(self.error, Refused):
            return f"the rule `{self.error.rule}` refused"
        return f"it failed with `{self.outcome}`: {first}" if self.outcome != "error" else f"it is wrong: {first}"


@dataclass(frozen=True, slots=True)
class Placements:
    """`only` and `never` of a case, as conditions over deployments."""

    only: Condition | None = None
    never: Condition | None = None


def differences(case: CaseSpec, came: Came, placements: Placements) -> Iterator[str]:
    """Yields what isn't as the case expects."""
    if not came.decisions:
        yield f"the request can't be decided: {came.told()}"
        return
    yield from _rule(case, came)
    yield from _outcome(case, came)
    yield from _asked(case, came)
    yield from _sized(case, came)
    yield from _placed(came, placements)
    yield from _reasons(case, came)


def _rule(case: CaseSpec, came: Came) -> Iterator[str]:
    expected, rule = known(case.expect.rule), came.decisions[0].rule
    if expected is not None and rule != expected:
        decided = f"the rule `{rule}` decided" if rule else "no rule decided"
        yield f"expected the rule `{expected}`, but {decided}"


def _outcome(case: CaseSpec, came: Came) -> Iterator[str]:
    """The answer, the refusal or the error: an end that the case doesn't speak of is a difference as well."""
    expect = case.expect
    refused, error = known(expect.refused), expect.error
    if refused is not None and not (isinstance(came.error, Refused) and came.error.rule == refused):
        yield f"expected a refusal by the rule `{refused}`, but {came.told()}"
    elif error is not None and came.outcome != error:
        yield f"expected the error `{error}`, but {came.told()}"
    elif refused is None and error is None and came.error is not None:
        yield f"expected an answer, but {came.told()}"


def _asked(case: CaseSpec, came: Came) -> Iterator[str]:
    wanted = _names(case.expect.deployment)
    if wanted and not all(_stands_for(wanted, name, came.program) for name in came.answered):
        yield f"expected {' or '.join(map(_quoted, wanted))} to answer, but {came.told()}"
    line = _names(case.expect.attempts)
    if line and not _same_line(line, came):
        yield f"expected the attempts {_listed(line)}, but they were {_listed(came.asked)}"


def _sized(case: CaseSpec, came: Came) -> Iterator[str]:
    wanted = known(case.expect.dimensions)
    if wanted is not None and came.dimensions not in (wanted, None):
        yield f"expected vectors of {wanted} dimensions, but they have {came.dimensions}"


def _placed(came: Came, placements: Placements) -> Iterator[str]:
    """`only` and `never` speak of every candidate and of everybody who was asked, and of at least one of them."""
    candidates = (each.deployment for decision in came.decisions for each in decision.candidates)
    names = dict.fromkeys((*candidates, *came.asked))
    for word, condition in (("only", placements.only), ("never", placements.never)):
        if condition is None:
            continue
        if not names:
            yield f"`{word}` speaks of every candidate, and there is none"
        for name in names:
            if holds(condition, placement_of(came.program.deployments[name])) != (word == "only"):
                yield f"the candidate `{name}` is not as `{word}` says"


def _reasons(case: CaseSpec, came: Came) -> Iterator[str]:
    given = {name: turns for member, turns in case.answers.items() for name in _members(member, came.program)}
    faulty = [name for name, turns in given.items() if any(turn != "ok" for turn in turns)]
    if faulty and not set(faulty) & set(came.asked):
        verb = "was" if len(faulty) == 1 else "were"
        yield f"{_listed(faulty)} {verb} never asked, so what `given` says shows nothing"
    seen: dict[str, int] = {}
    for report in came.reports:
        count = seen[report.deployment] = seen.get(report.deployment, 0) + 1
        turns = given.get(report.deployment, ("ok",))
        yield from _misread(report, turns[min(count, len(turns)) - 1])


def _misread(report: AttemptReport, given: str) -> Iterator[str]:
    if report.outcome == "cancelled":  # a hedge was faster than what it would have given
        return
    found = report.failure or "ok"
    if found in may_come_to(given):
        return
    if given == "ok":
        yield f"`{report.deployment}` failed with `{found}`, which nobody gave: {report.message}"
    else:
        yield f"`{report.deployment}` was to give `{given}`, which came as `{found}`"


def placement_of(deployment: Deployment) -> Mapping[str, object]:
    """What `only` and `never` may read of a deployment."""
    return {
        "provider": deployment.provider.name,
        "deployment": deployment.name,
        "model": deployment.model,
        "local": deployment.local,
        **{f"labels.{key}": value for key, value in deployment.labels.items()},
    }


def _stands_for(names: Iterable[str], deployment: str, program: Program) -> bool:
    return any(deployment in _members(name, program) for name in names)


def _members(name: str, program: Program) -> tuple[str, ...]:
    """The deployments that a name stands for: several where a provider has several keys."""
    return program.members.get(name, (name,))


def _same_line(expected: tuple[str, ...], came: Came) -> bool:
    pairs = zip(expected, came.asked, strict=False)
    return len(expected) == len(came.asked) and all(_stands_for((name,), asked, came.program) for name, asked in pairs)


def _names(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(map(str, value)) if isinstance(value, tuple) else ()


def _quoted(name: str) -> str:
    return f"`{name}`"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(_quoted, names)) or "none"
