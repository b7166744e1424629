"""One request under way: candidate after candidate is asked until one answers.

What a failure leads to stands in `retry`, who is next in `line`, one attempt in `attempt`, and what is raised when
nobody answered in `outcome`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from typing import NamedTuple

from llm_router.engine.admission import Cashier, book_for
from llm_router.engine.answer import Answer
from llm_router.engine.attempt import Answered, Failed, Mode, Trial, attempt
from llm_router.engine.bill import RequestCost
from llm_router.engine.booking import Subject, growth
from llm_router.engine.continuing import Joint, can_go_on, going_on
from llm_router.engine.effects import CountAttempt, Emit, FirstToken, Now, Report, Sleep, Tell
from llm_router.engine.events import AttemptFinished, AttemptStarted, FellBack, HealthChanged, PassedOver, Retrying
from llm_router.engine.line import Line, Place, Turn
from llm_router.engine.meter import Meter, Running
from llm_router.engine.outcome import Miss, Tried, final_error, report_of, reported
from llm_router.engine.output import check_calls, check_output, repaired
from llm_router.engine.race import Race
from llm_router.engine.retry import Again, Onward, Standing, Step, Stop, chance, pause, what_follows
from llm_router.engine.scrub import scrubbed, without_secrets
from llm_router.engine.sharing import cools, say
from llm_router.engine.trials import Trials
from llm_router.engine.verdict import speed, trouble
from llm_router.engine.wiring import Wiring
from llm_router.errors import AttemptMark, AttemptReport
from llm_router.messages import ChatRequest, ChatResponse
from llm_router.policy.decide import continue_with, relief_for
from llm_router.policy.decision import Candidate, Decision
from llm_router.policy.features import Features
from llm_router.policy.follow import after, fallback_for, larger_context, timeouts_for
from llm_router.policy.hints import Hints
from llm_router.policy.program import After, Fallback, Hedge, Program, Rule, Wait
from llm_router.policy.snapshot import Snapshot
from llm_router.state.health import Outcome
from llm_router.wire.codec import Unsupported


@dataclass(frozen=True, slots=True)
class Job:
    """One request, and the program that it began with. `given` are features that the caller states by name.

    `meter` runs while the request does.
    """

    program: Program
    wiring: Wiring
    request: ChatRequest
    hints: Hints
    request_id: str
    stream: bool = False
    given: Mapping[str, object] | None = None
    meter: Meter = field(default_factory=Meter, repr=False, compare=False)


class Lap(NamedTuple):
    """A turn, and what became of it."""

    turn: Turn
    result: Answered | Failed | None


@dataclass(slots=True)
class Serving:
    """One request under way: what was tried, and what is left.

    `spoken` is what the consumer has of an answer that broke off, and `joint` joins the attempt under way to it.
    `corrected` is what is asked instead of the request while an answer that didn't fit is to be mended. Of the attempts
    that were `begun`, those `under_way` may cost `bound`, and the others cost `spent` (picodollars).
    """

    job: Job
    started: float
    features: Features
    snapshot: Snapshot
    decision: Decision
    rule: Rule | None
    fallback: Fallback
    line: Line
    cashier: Cashier
    tried: Tried = field(default_factory=Tried)
    silent: set[str] = field(default_factory=set)
    tries: Counter[str] = field(default_factory=Counter)
    spent: int = 0
    begun: int = 0
    under_way: int = 0
    bound: int = 0
    first_content: float | None = None
    spoken: ChatResponse | None = None
    joint: Joint | None = None
    continued_from: tuple[str, ...] = ()
    corrected: ChatRequest | None = None
    relieved: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, job: Job, started: float, features: Features, snapshot: Snapshot, decision: Decision) -> Serving:
        program = job.program
        rule = None if decision.place is None else program.rules[decision.place]
        fallback = fallback_for(program, rule, decision, timeout_s=job.hints.timeout_s)
        deadline = started + (fallback.deadline_s or 0.0)
        subject = Subject(program, decision, job.hints, job.request, features, snapshot)
        cashier = Cashier(subject, job.wiring.accounts, deadline)
        book = partial(book_for, program, rule, cashier, stream=job.stream)
        line = Line(program, decision.id, deadline, book, job.wiring.accounts)
        serving = cls(job, started, features, snapshot, decision, rule, fallback, line, cashier)
        line.replace(decision.candidates, serving._longest_wait_s)
        return serving

    async def answer(self) -> Answer:
        """Ask one after the other."""
        try:
            answer = await self._first_answer()
        except GeneratorExit:
            raise
        except BaseException:
            await self._give_back()
            raise
        await self._give_back()
        if answer is None:
            raise final_error(self.decision, self.tried, self.line.held, await Now())
        return answer

    async def _first_answer(self) -> Answer | None:
        while (turn := await self._next()) is not None or await self._relieved():
            answer = None if turn is None else await self._ask(turn)
            if answer is not None:
                return answer
        return None

    async def _give_back(self) -> None:
        """Let go of turns that were taken and never begun."""
        for turn in tuple(self.line.out):
            await self._unused(turn)

    async def _unused(self, turn: Turn) -> None:
        """Let go of a turn, unless it was begun or somebody else let go of it."""
        if turn not in self.line.out:
            return
        self.line.out.remove(turn)
        await self._report(turn, Outcome(probe=turn.probe, asked=False))
        await self.cashier.give_back(turn.booked)

    async def _relieved(self) -> bool:
        """Whether others may serve in place of those whom a budget, spent since the decision, keeps back."""
        spent = {each.name for each in self.line.held if each.reason == "budget"} - self.relieved
        self.relieved |= spent
        if not spent or self.tried.stopped:
            return False
        relief = relief_for(self.job.program, self.features, self.snapshot, self.decision, spent)
        fresh = [each for each in relief if each.deployment not in self.tries]
        self.line.replace(fresh, self._longest_wait_s)
        return bool(fresh)

    async def _next(self) -> Turn | None:
        """Whose turn it is, as far as attempts, time and money go."""
        if self.tried.stopped or self._attempts_left() <= 0 or await Now() >= self.line.deadline:
            return None
        self.line.keep(self._may_ask)
        return await self.line.next()

    async def _ask(self, turn: Turn) -> Answer | None:
        """Ask one deployment, again where the spec says so; its answer, if it gives one."""
        self.corrected = None
        if self.tried.misses:
            await self._tell_fallback(turn)
        while True:
            turn, result = await self._attempted(turn)
            if isinstance(result, Answered):
                return await self._commit(turn, result)
            if result is None:
                return None
            step = await self._step(turn, result)
            if not isinstance(step, Again):
                return None
            again = await self._again(turn, result, step)
            if again is None:
                await self._step(turn, result, kept_back=True)
                return None
            turn = again

    async def _again(self, turn: Turn, failed: Failed, step: Again) -> Turn | None:
        """The same deployment's next turn, after the pause; none if it is kept back by then."""
        name = turn.place.candidate.deployment
        if failed.failure.kind == "invalid_output" and failed.partial is not None:
            self.corrected = repaired(self.job.request, failed.partial)
            self.cashier.grown_by = growth(self.corrected, self.job.request)
        await Tell(Retrying(self.decision.id, name, failed.failure.kind, step.wait_s))
        await Sleep(await Now() + step.wait_s)
        return await self.line.again(turn.place)

    async def _attempted(self, turn: Turn) -> Lap:
        """What became of the turn, or of a hedge that came first."""
        hedge = self.fallback.hedge
        if hedge is None or self.spoken is not None or self._attempts_left() < 2:
            return Lap(turn, await self._attempt(turn))
        raced = await Race((self._lap(turn), self._hedge(turn, hedge, await Now())), self._decides)
        laps = [lap for lap in raced.ended if lap is not None]
        won = await raced.winner if raced.winner is not None else None
        last = won or laps.pop()
        for lap in laps if not isinstance(last.result, Answered) else ():
            if isinstance(lap.result, Failed):
                await self._step(lap.turn, lap.result)
        return last

    async def _lap(self, turn: Turn, share: Fraction | None = None) -> Lap:
        """The turn and what became of it. A leg that is cancelled before it began gives its turn back itself: who asked
        for the race may be over before it hears of that."""
        try:
            return Lap(turn, await self._attempt(turn, share))
        except GeneratorExit:
            raise
        except BaseException:
            await self._unused(turn)
            raise

    async def _hedge(self, turn: Turn, hedge: Hedge, began: float) -> Lap | None:
        """What becomes of a hedge, once it is time for it; nothing where there may be none."""
        after_s = await self._hedge_after(turn, hedge)
        if after_s is None:
            return None
        await Sleep(began + after_s)
        self.line.keep(self._may_ask)
        in_time = self._attempts_left() > 0 and await Now() < self.line.deadline
        other = await self.line.at_once() if in_time else None
        if other is None:
            return None
        lap = await self._lap(other, hedge.extra_cost)
        name = other.place.candidate.deployment
        if lap.result is None and name not in self.tried.unable:
            self.line.places.insert(0, other.place)  # too dear for a hedge, not for a turn of its own
            await self.line.pass_over(PassedOver(self.decision.id, name, "extra_cost"))
            return None
        return lap

    async def _hedge_after(self, turn: Turn, hedge: Hedge) -> float | None:
        if hedge.percentile is None:
            return hedge.after_s
        return await FirstToken(self._identity(turn.place.candidate), hedge.percentile, whole=not self.job.stream)

    def _decides(self, lap: Lap | None) -> bool:
        """Whether a race is over with this: an answer, a failure that stops the request, or nobody else is asked."""
        if lap is None or isinstance(lap.result, Answered) or self.under_way == 0:
            return lap is not None
        failed = lap.result
        return failed is not None and self._after(lap.turn.place.candidate, failed).next == "stop"

    async def _attempt(self, turn: Turn, share: Fraction | None = None) -> Answered | Failed | None:
        """One attempt, recorded; `share` is what hedges may cost, for one.

        `None` if the dialect can't say what is asked for, or a hedge would cost too much.
        """
        started, candidate = await Now(), turn.place.candidate
        trial = self._trial(candidate, started)
        if trial is None or not await CountAttempt(candidate.estimate.cost, share):
            await self._unused(turn)
            return None
        blank = self._begin(turn, started, "hedge" if share is not None else "" if self.joint is None else "continued")
        await Tell(AttemptStarted.of(self.decision.id, blank))
        try:
            result = self._judged(await attempt(trial), trial.mode)
        except GeneratorExit:
            raise
        except BaseException:
            await self._record(turn, None, blank)
            raise
        await self._record(turn, result, blank)
        return result

    def _begin(self, turn: Turn, started: float, mark: AttemptMark) -> AttemptReport:
        """The report of an attempt that begins, to be filled in."""
        candidate = turn.place.candidate
        self.line.out.remove(turn)
        self.begun += 1
        self.under_way += 1
        self.bound += candidate.estimate.cost_bound or 0
        deployment = self.job.program.deployments[candidate.deployment]
        tokens = self.features.input_tokens.value
        self.job.meter.begin(self.begun, Running(deployment.model, deployment.price, tokens))
        return AttemptReport(
            self.begun,
            candidate.deployment,
            candidate.provider,
            "cancelled",
            started_s=started - self.started,
            admitted_as=turn.admitted_as,
            mark=mark,
        )

    def _trial(self, candidate: Candidate, started: float) -> Trial | None:
        """What the attempt is to do; nothing if the dialect can't say what is asked for."""
        request = self.corrected or self.job.request
        trials = Trials(self.job.program, self.job.wiring, self.rule, self._mode())
        try:
            if self.spoken is None:
                return trials.of(request, candidate, started, self.line.deadline)
            trial = trials.going_on(request, candidate, started, self.spoken)
        except Unsupported as error:
            self.tried.unable[candidate.deployment] = str(error)
            return None
        self.joint = trial.joint
        return trial

    def _mode(self) -> Mode:
        if not self.job.stream:
            return "whole"
        return "held" if self.fallback.on_break == "hold" else "passed"

    def _judged(self, result: Answered | Failed, mode: Mode) -> Answered | Failed:
        """The result, with a structured answer checked and a failure's words scrubbed."""
        if isinstance(result, Failed):
            secrets = self.job.wiring.secrets
            body = without_secrets(result.body, secrets) if self.job.program.ledger.keep_prompts else ""
            return replace(result, failure=scrubbed(result.failure, self.job.request, secrets), body=body)
        request = self.job.request
        invalid = check_output(result.response, request.response_format) or check_calls(result.response, request)
        if invalid is None:
            return result
        shown = mode == "passed" and result.first_content is not None
        return Failed(invalid, result.ended, result.response, committed=shown, billed=True)

    async def _record(self, turn: Turn, result: Answered | Failed | None, blank: AttemptReport) -> None:
        """Take note of an attempt that ended; `None` if nobody wanted it any more."""
        candidate, started = turn.place.candidate, self.started + blank.started_s
        ended = await Now() if result is None else result.ended
        report = report_of(blank, result, duration=ended - started)
        self.under_way -= 1
        self.bound -= candidate.estimate.cost_bound or 0
        entry = await self.cashier.settle(turn.booked, report, result)
        report = replace(report, cost=entry.cost, cost_basis=entry.basis)
        self.job.meter.close(report.number, entry)
        self.tried.reports.append(report)
        self.tried.reports.sort(key=lambda each: each.number)
        self.spent += (candidate.estimate.cost_bound or 0) if entry.cost is None else entry.cost
        if isinstance(result, Failed):
            self.tried.misses.append(Miss(candidate.deployment, candidate.provider, result))
            self.tries[candidate.deployment] += 1
        await self._report(turn, self._outcome(turn, result, started))
        await Tell(AttemptFinished(self.decision.id, report, reported(result)))

    async def _report(self, turn: Turn, outcome: Outcome) -> None:
        identity = self._identity(turn.place.candidate)
        change = await Report(identity, await Now(), self.job.program.health, outcome)
        if change is not None:
            await Tell(HealthChanged(turn.place.candidate.deployment, change))
        await say(self.job.wiring.accounts, identity, probed=outcome.probe)

    def _outcome(self, turn: Turn, result: Answered | Failed | None, started: float) -> Outcome:
        """What the attempt says of the deployment; one that the caller's own deadline cut says nothing. The cooldown of
        a class of failures comes after its retries."""
        if isinstance(result, Answered):
            return speed(result, started, probe=turn.probe)
        if result is None or self._out_of_time(result):
            return Outcome(probe=turn.probe)
        follows = self._after(turn.place.candidate, result)
        step = what_follows(follows, result.failure, self._standing(turn.place.candidate, follows, result.ended))
        return trouble(result, None if isinstance(step, Again) else follows.cooldown_s, probe=turn.probe)

    async def _step(self, turn: Turn, failed: Failed, *, kept_back: bool = False) -> Step:
        """What follows the failure; the line is left as it says. None is asked again that is `kept_back`."""
        candidate, now = turn.place.candidate, await Now()
        if failed.failure.kind == "timeout":
            self.silent.add(candidate.provider)
            self.tried.spared += self.line.at_provider(candidate.provider)
        self.line.keep(self._may_ask)
        follows = self._after(candidate, failed)
        standing = self._standing(candidate, follows, now)
        standing = replace(standing, kept_back=kept_back or await cools(self._identity(candidate)))
        step = self._after_break(turn, failed, follows, standing)
        self.tried.stopped = isinstance(step, Stop)
        if isinstance(step, Onward):
            wait_s = pause(follows.wait or Wait(), standing.tries_here, standing.chance)
            self._go_on(turn.place, failed, follows, now + wait_s)
        return step

    def _standing(self, candidate: Candidate, follows: After, now: float) -> Standing:
        return Standing(
            self.tries[candidate.deployment],
            self._attempts_left(),
            0 if follows.next == "stop" else self.line.ready(),
            self.line.deadline - now,
            chance(self.job.request_id, len(self.tried.reports)),
            affordable=self._may_ask(candidate),
        )

    def _after_break(self, turn: Turn, failed: Failed, follows: After, standing: Standing) -> Step:
        """What follows, also once some of the answer was passed on: then others go on before the same one does."""
        spoken = self._spoken_by_now(failed)
        if spoken is None:
            return what_follows(follows, failed.failure, standing)
        self.tried.passed_on = spoken.text
        if self.fallback.on_break != "continue" or not can_go_on(self.job.request, spoken):
            return Stop()
        if failed.committed:
            self._remember(turn, failed, spoken)
        if standing.others and follows.next != "stop":
            return Onward()
        return what_follows(follows, failed.failure, replace(standing, time_left_s=self.line.deadline - failed.ended))

    def _spoken_by_now(self, failed: Failed) -> ChatResponse | None:
        """What the consumer has of the answer, if anything."""
        if self.joint is not None:
            return self.joint.response()
        return failed.partial if failed.committed else None

    def _remember(self, turn: Turn, failed: Failed, spoken: ChatResponse) -> None:
        """Let others go on from what was passed on. From now on nobody is asked later than a stream may stall."""
        name = turn.place.candidate.deployment
        timeouts = timeouts_for(self.job.program, self.rule, self.job.program.deployments[name])
        self.line.deadline = failed.ended + (timeouts.stall_s or 0.0)
        self.first_content = self.first_content or failed.first_content
        self.continued_from += () if self.spoken and self.spoken.text == spoken.text else (name,)
        self.spoken = spoken
        self.cashier.grown_by = growth(going_on(self.job.request, spoken.text, prefill=False).request, self.job.request)

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
        begun = self.first_content or answered.first_content
        first = None if begun is None else begun - self.started
        for event in answered.events if self.job.stream else ():
            await Emit(event)
        candidate = turn.place.candidate
        attempts = tuple(self.tried.reports)
        response = answered.response if self.joint is None else self.joint.response()
        response = replace(response, message=replace(response.message, deployment=candidate.deployment))
        return Answer(
            response,
            self.decision,
            candidate.deployment,
            candidate.provider,
            attempts,
            ended,
            first,
            self.continued_from,
            RequestCost.of(self.job.meter.entries),
            passed_over=self.line.why_not(),
        )

    async def _tell_fallback(self, turn: Turn) -> None:
        last, name = self.tried.misses[-1], turn.place.candidate.deployment
        if last.deployment != name:
            await Tell(FellBack(self.decision.id, last.deployment, name, last.failed.failure.kind))

    def _after(self, candidate: Candidate, failed: Failed) -> After:
        program = self.job.program
        return after(program, self.rule, program.deployments[candidate.deployment], failed.failure.kind)

    def _identity(self, candidate: Candidate) -> str:
        return self.job.program.deployments[candidate.deployment].identity

    def _longest_wait_s(self, candidate: Candidate) -> float:
        program = self.job.program
        follows = after(program, self.rule, program.deployments[candidate.deployment], "rate_limit")
        return follows.longest_wait_s or 0.0

    def _attempts_left(self) -> int:
        return (self.fallback.max_attempts or 1) - self.begun

    def _may_ask(self, candidate: Candidate) -> bool:
        """Whether the candidate's provider wasn't silent, and its bound fits into what the caller wants to spend."""
        most = self.job.hints.max_cost
        affordable = most is None or self.spent + self.bound + (candidate.estimate.cost_bound or 0) <= most
        return affordable and candidate.provider not in self.silent

    def _out_of_time(self, failed: Failed) -> bool:
        late = failed.ended >= self.line.deadline and not failed.committed and self.spoken is None
        return late and failed.failure.kind in ("timeout", "connection_lost")
