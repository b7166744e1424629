"""Runs a spec's `tests:` without network, keys or waiting.

Each case goes through the real engine: features, decision, codecs, classification, retries and fallback. Only the
clock and the providers are not real.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from llm_router.diagnostics import Span
from llm_router.engine.answer import Answer
from llm_router.engine.driving.drive import run
from llm_router.engine.embedding.answers import Embeddings
from llm_router.engine.embedding.work import Work, embed, first_job
from llm_router.engine.events import AttemptFinished, DecisionMade, Event
from llm_router.engine.job import Job
from llm_router.engine.request import explained, serve
from llm_router.engine.wiring import Wiring
from llm_router.errors import AttemptReport, RequestError, RouterError
from llm_router.policy.decision import Decision
from llm_router.policy.program import Program
from llm_router.spec.model_cases import CaseSpec
from llm_router.spec.read import Reading
from llm_router.testing.case_expect import Came, differences
from llm_router.testing.case_names import check_cases, placements_of
from llm_router.testing.case_request import asked_of, dimensions_by_name, emulated_wiring, own_fields, script_of
from llm_router.testing.case_spent import accounts_before
from llm_router.testing.clock import VirtualClock
from llm_router.testing.emulator import Emulator
from llm_router.testing.performer import Performer


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What came of one case.

    `differences` tell in words what isn't as expected; `explanation` is why the request was decided as it was, as
    `llm-router explain` prints it. `asked` is everybody who was asked, in order; `answered` who answered.
    """

    name: str
    passed: bool
    differences: tuple[str, ...]
    explanation: str
    span: Span
    asked: tuple[str, ...] = ()
    answered: str | None = None


def run_cases(program: Program, reading: Reading) -> tuple[CaseResult, ...]:
    """The result of each case of the spec that `program` was compiled from, in the file's order."""
    return tuple(iter_cases(program, reading))


def iter_cases(program: Program, reading: Reading) -> Iterator[CaseResult]:
    """Yields the results one by one."""
    stage = _Stage(program, reading, emulated_wiring(program), own_fields(program))
    for place, case in enumerate(reading.spec.tests if reading.spec else ()):
        yield stage.run(case, place)


@dataclass(frozen=True, slots=True)
class _Stage:
    """What all cases of a spec share."""

    program: Program
    reading: Reading
    wiring: Wiring
    also: frozenset[str]
    misnamed: dict[int, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Sort the wrong names by the case that they stand in."""
        starts = [self._span(place).line for place in range(len(self.reading.spec.tests if self.reading.spec else ()))]
        for found in check_cases(self.program, self.reading):
            place = sum(start <= found.span.line for start in starts) - 1
            told = f"{found.message}; {found.help}" if found.help else found.message
            self.misnamed.setdefault(place, []).append(told)

    def run(self, case: CaseSpec, place: int) -> CaseResult:
        """One case."""
        name = case.name or f"test {place + 1}"
        wrong = self.misnamed.get(place)
        if wrong:
            return CaseResult(name, False, tuple(wrong), "", self._span(place))
        placements = placements_of(case, ("tests", place), self.program, self.reading.source)
        try:
            asked = asked_of(case, name, self.program, self.wiring)
            before = self._explained(_alone(case, asked))
            asked = _alone(case, asked)
        except RequestError as error:
            return CaseResult(name, False, (f"the request is wrong: {error}",), "", self._span(place))
        came = self._play(case, asked)
        found = tuple(differences(case, came, placements))
        answered = came.answered[0] if came.answered else None
        return CaseResult(name, not found, found, before, self._span(place), came.asked, answered)

    def _play(self, case: CaseSpec, asked: Job | Work) -> Came:
        clock = VirtualClock()
        emulator = Emulator(
            script_of(case, self.program), also=self.also, dimensions=dimensions_by_name(self.program), clock=clock
        )
        performer = Performer(emulator, clock)
        done: Answer | Embeddings | None = None
        error: RouterError | None = None
        try:
            done = run(embed(asked), performer) if isinstance(asked, Work) else run(serve(asked), performer)
        except RouterError as raised:
            error = raised
        return _came(self.program, performer.events, done, error)

    def _explained(self, asked: Job | Work) -> str:
        clock = VirtualClock()
        try:
            return run(explained(_first(asked)), Performer(Emulator(clock=clock), clock)).text()
        except RequestError:
            return ""

    def _span(self, place: int) -> Span:
        return self.reading.source.span(("tests", place))


def _came(
    program: Program, events: Iterable[Event], done: Answer | Embeddings | None, error: RouterError | None
) -> Came:
    """What the events and the end of a request tell together."""
    decisions, told = list[Decision](), list[tuple[int, AttemptReport]]()
    for event in events:
        if isinstance(event, DecisionMade):
            decisions.append(event.decision)
        elif isinstance(event, AttemptFinished):
            told.append((len(decisions), event.report))
    told.sort(key=lambda each: (each[0], each[1].number))  # a hedge may end before who was asked first
    reports = tuple(report for _, report in told)
    if isinstance(done, Embeddings):
        return Came(program, tuple(decisions), done.answers, error, reports, done.dimensions)
    return Came(program, tuple(decisions), () if done is None else (done,), error, reports)


def _first(asked: Job | Work) -> Job:
    """The request, or the first one of several batches."""
    return first_job(asked) if isinstance(asked, Work) else asked


def _alone(case: CaseSpec, asked: Job | Work) -> Job | Work:
    """The same with accounts of its own, so that no test charges another's, nor what explains it."""
    accounts = accounts_before(_first(asked), case.world, VirtualClock().start)
    return replace(asked, wiring=replace(asked.wiring, accounts=accounts))
