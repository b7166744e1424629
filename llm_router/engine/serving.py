"""One request under way: candidate after candidate is asked until one answers.

What a failure leads to stands in `retry`, who is next in `line`, one attempt in `attempt`, and what is raised when
nobody answered in `outcome`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from llm_router.engine.answer import Answer
from llm_router.engine.attempt import Answered, Failed, Mode, Trial, attempt
from llm_router.engine.effects import Emit, Now, Report, Sleep, Tell
from llm_router.engine.events import AttemptFinished, AttemptStarted, FellBack, HealthChanged, Retrying
from llm_router.engine.line import Line, Place, Turn
from llm_router.engine.outcome import Miss, Tried, final_error, report_of
from llm_router.engine.output import check_output
from llm_router.engine.retry import Again, Onward, Standing, Step, Stop, chance, pause, what_follows
from llm_router.engine.scrub import scrub
from llm_router.engine.wiring import Wiring
from llm_router.messages import ChatRequest
from llm_router.policy.decide import continue_with
from llm_router.policy.decision import Candidate, Decision
from llm_router.policy.features import Features
from llm_router.policy.follow import after, fallback_for, larger_context, settings_for, timeouts_for
from llm_router.policy.hints import Hints
from llm_router.policy.program import After, Fallback, Program, Rule, Wait
from llm_router.policy.snapshot import Snapshot
from llm_router.state.health import Outcome
from llm_router.wire.codec import Unsupported
from llm_router.wire.history import fitted


@dataclass(frozen=True, slots=True)
class Job:
    """One request, and the program that it began with. `given` are features that the caller states by name."""

    program: Program
    wiring: Wiring
    request: ChatRequest
    hints: Hints
    request_id: str
    stream: bool = False
    given: Mapping[str, object] | None = None


@dataclass(slots=True)
class Serving:
    """One request under way: what was tried, and what is left."""

    job: Job
    started: float
    features: Features
    snapshot: Snapshot
    decision: Decision
    rule: Rule | None
    fallback: Fallback
    line: Line
    tried: Tried = field(default_factory=Tried)
    silent: set[str] = field(default_factory=set)
    tries: Counter[str] = field(default_factory=Counter)
    spent: int = 0

    @classmethod
    def of(cls, job: Job, started: float, features: Features, snapshot: Snapshot, decision: Decision) -> Serving:
        program = job.program
        rule = None if decision.place is None else program.rules[decision.place]
        fallback = fallback_for(program, rule, decision, timeout_s=job.hints.timeout_s)
        line = Line(program, decision.id, started + (fallback.deadline_s or 0.0))
        serving = cls(job, started, features, snapshot, decision, rule, fallback, line)
        line.replace(decision.candidates, serving._longest_wait_s)
        return serving

    async def answer(self) -> Answer:
        """Ask one after the other."""
        while (turn := await self._next()) is not None:
            if self.tried.misses:
                await self._tell_fallback(turn)
            answer = await self._ask(turn)
            if answer is not None:
                return answer
        raise final_error(self.decision, self.tried, self.line.held, await Now())

    async def _next(self) -> Turn | None:
        """Whose turn it is, as far as attempts, time and money go."""
        if self.tried.stopped or self._attempts_left() <= 0 or await Now() >= self.line.deadline:
            return None
        self.line.keep(self._may_ask)
        return await self.line.next()

    async def _ask(self, turn: Turn) -> Answer | None:
        """Ask one deployment, again where the spec says so; its answer, if it gives one."""
        while True:
            result = await self._attempt(turn)
            if isinstance(result, Answered):
                return await self._commit(turn, result)
            if result is None:
                return None
            step = await self._step(turn, result)
            if not isinstance(step, Again):
                return None
            again = await self._again(turn, result, step)
            if again is None:
                return None
            turn = again

    async def _again(self, turn: Turn, failed: Failed, step: Again) -> Turn | None:
        """The same deployment's next turn, after the pause; none if it began to cool meanwhile."""
        name = turn.place.candidate.deployment
        await Tell(Retrying(self.decision.id, name, failed.failure.kind, step.wait_s))
        await Sleep(await Now() + step.wait_s)
        return await self.line.again(turn.place)

    async def _attempt(self, turn: Turn) -> Answered | Failed | None:
        """One attempt, recorded; `None` if the dialect can't say what is asked for."""
        started = await Now()
        trial = self._trial(turn.place.candidate, started)
        if trial is None:
            await self._report(turn, Outcome(probe=turn.probe))
            return None
        candidate = turn.place.candidate
        number = len(self.tried.reports) + 1
        await Tell(AttemptStarted(self.decision.id, number, candidate.deployment, candidate.provider))
        try:
            result = self._judged(await attempt(trial), trial.mode)
        except GeneratorExit:
            raise
        except BaseException:
            await self._record(turn, None, started)
            raise
        await self._record(turn, result, started)
        return result

    def _trial(self, candidate: Candidate, started: float) -> Trial | None:
        """What the attempt is to do."""
        program, wiring, name = self.job.program, self.job.wiring, candidate.deployment
        settings = settings_for(program, self.rule, candidate, self.job.request.settings)
        request = replace(self.job.request, settings=settings)
        mode = self._mode()
        codec, target = wiring.codecs[name], wiring.targets[name]
        try:
            fit = fitted(request, codec.history(target), own=partial(_of_same_kind, program, name))
            http = codec.encode(fit, target, stream=mode != "whole")
        except Unsupported as error:
            self.tried.unable[name] = str(error)
            return None
        timeouts = timeouts_for(program, self.rule, program.deployments[name])
        return Trial(http, codec, mode, timeouts, started, self.line.deadline)

    def _mode(self) -> Mode:
        if not self.job.stream:
            return "whole"
        return "held" if self.fallback.on_break == "hold" else "passed"

    def _judged(self, result: Answered | Failed, mode: Mode) -> Answered | Failed:
        """The result, with a structured answer checked and a failure's words scrubbed."""
        if isinstance(result, Failed):
            words = scrub(result.failure.message, self.job.request, self.job.wiring.secrets)
            return replace(result, failure=replace(result.failure, message=words))
        invalid = check_output(result.response, self.job.request.response_format)
        if invalid is None:
            return result
        shown = mode == "passed" and result.first_content is not None
        return Failed(invalid, result.ended, result.response, committed=shown, billed=True)

    async def _record(self, turn: Turn, result: Answered | Failed | None, started: float) -> None:
        """Take note of an attempt that ended; `None` if nobody wanted it any more."""
        candidate = turn.place.candidate
        ended = await Now() if result is None else result.ended
        number = len(self.tried.reports) + 1
        report = report_of(candidate, result, number, started=started - self.started, duration=ended - started)
        self.tried.reports.append(report)
        self.spent += self._cost(candidate, result)
        if isinstance(result, Failed):
            self.tried.misses.append(Miss(candidate.deployment, candidate.provider, result))
            self.tries[candidate.deployment] += 1
        await self._report(turn, self._outcome(turn, result, started))
        await Tell(AttemptFinished(self.decision.id, report))

    async def _report(self, turn: Turn, outcome: Outcome) -> None:
        program, name = self.job.program, turn.place.candidate.deployment
        change = await Report(program.deployments[name].identity, await Now(), program.health, outcome)
        if change is not None:
            await Tell(HealthChanged(name, change))

    def _outcome(self, turn: Turn, result: Answered | Failed | None, started: float) -> Outcome:
        """What the attempt says of the deployment; one that the caller's own deadline cut says nothing."""
        if isinstance(result, Answered):
            return _speed(result, started, probe=turn.probe)
        if result is None or self._out_of_time(result):
            return Outcome(probe=turn.probe)
        follows = self._after(turn.place.candidate, result)
        failure = result.failure
        return Outcome(
            probe=turn.probe,
            failure=failure.kind,
            cooldown_s=follows.cooldown_s,
            retry_after_s=failure.retry_after_s,
        )

    async def _step(self, turn: Turn, failed: Failed) -> Step:
        """What follows the failure; the line is left as it says."""
        candidate, now = turn.place.candidate, await Now()
        if failed.failure.kind == "timeout":
            self.silent.add(candidate.provider)
        self.line.keep(self._may_ask)
        follows = self._after(candidate, failed)
        tries = self.tries[candidate.deployment]
        luck = chance(self.job.request_id, len(self.tried.reports))
        standing = Standing(
            tries,
            self._attempts_left(),
            0 if follows.next == "stop" else self.line.ready(),
            self.line.deadline - now,
            luck,
            affordable=self._may_ask(candidate),
        )
        step = Stop() if failed.committed else what_follows(follows, failed.failure, standing)
        self.tried.stopped = isinstance(step, Stop)
        if isinstance(step, Onward):
            self._go_on(turn.place, failed, follows, now + pause(follows.wait or Wait(), tries, luck))
        return step

    def _go_on(self, place: Place, failed: Failed, follows: After, not_before: float) -> None:
        """Let those stand in line whom the failure's `next` names."""
        if isinstance(follows.next, tuple):
            self._continue_with(follows)
        elif follows.next == "larger-context":
            waiting = [each.candidate for each in self.line.places]
            larger = larger_context(self.job.program, waiting, place.candidate.deployment)
            self.line.keep(lambda candidate: candidate in larger)
        elif failed.failure.kind == "rate_limit":
            until = failed.ended + (failed.failure.retry_after_s or 0.0)
            self.line.rejoin(replace(place, not_before=max(until, not_before)))

    def _continue_with(self, follows: After) -> None:
        assert isinstance(follows.next, tuple)
        decision = continue_with(self.job.program, self.features, self.snapshot, self.decision, follows.next)
        fresh = [candidate for candidate in decision.candidates if candidate.deployment not in self.tries]
        self.line.replace(fresh, self._longest_wait_s)

    async def _commit(self, turn: Turn, answered: Answered) -> Answer:
        """The answer, once all of it is passed on."""
        ended = answered.ended - self.started
        first = None if answered.first_content is None else answered.first_content - self.started
        for event in answered.events if self.job.stream else ():
            await Emit(event)
        candidate = turn.place.candidate
        attempts = tuple(self.tried.reports)
        written = replace(answered.response.message, deployment=candidate.deployment)
        response = replace(answered.response, message=written)
        return Answer(response, self.decision, candidate.deployment, candidate.provider, attempts, ended, first)

    async def _tell_fallback(self, turn: Turn) -> None:
        last, name = self.tried.misses[-1], turn.place.candidate.deployment
        if last.deployment != name:
            await Tell(FellBack(self.decision.id, last.deployment, name, last.failed.failure.kind))

    def _after(self, candidate: Candidate, failed: Failed) -> After:
        program = self.job.program
        return after(program, self.rule, program.deployments[candidate.deployment], failed.failure.kind)

    def _longest_wait_s(self, candidate: Candidate) -> float:
        program = self.job.program
        follows = after(program, self.rule, program.deployments[candidate.deployment], "rate_limit")
        return follows.longest_wait_s or 0.0

    def _attempts_left(self) -> int:
        return (self.fallback.max_attempts or 1) - len(self.tried.reports)

    def _may_ask(self, candidate: Candidate) -> bool:
        """Whether the candidate's provider wasn't silent, and its bound fits into what the caller wants to spend."""
        most = self.job.hints.max_cost
        affordable = most is None or self.spent + (candidate.estimate.cost_bound or 0) <= most
        return affordable and candidate.provider not in self.silent

    def _out_of_time(self, failed: Failed) -> bool:
        late = failed.ended >= self.line.deadline and not failed.committed
        return late and failed.failure.kind in ("timeout", "connection_lost")

    def _cost(self, candidate: Candidate, result: Answered | Failed | None) -> int:
        """Picodollars that the attempt counts with: what it reported, else its bound unless it surely cost nothing."""
        response = result.response if isinstance(result, Answered) else result.partial if result else None
        price = self.job.program.deployments[candidate.deployment].price
        cost = price.cost(response.usage) if price is not None and response is not None else None
        if cost is not None:
            return cost.total
        free = isinstance(result, Failed) and not result.billed
        return 0 if free else candidate.estimate.cost_bound or 0


def _of_same_kind(program: Program, name: str, writer: str) -> bool:
    """Whether the deployments of these names are the program's, and their providers of one kind."""
    known = program.deployments
    return writer in known and known[writer].provider.kind == known[name].provider.kind


def _speed(answered: Answered, started: float, *, probe: bool) -> Outcome:
    """An answer's outcome, with the speed that it shows."""
    first, writing, tokens = answered.first_content, answered.writing_s, answered.response.usage.output
    return Outcome(
        answered=True,
        probe=probe,
        first_token_s=None if first is None else first - started,
        tokens_per_second=tokens / writing if writing and tokens else None,
    )
