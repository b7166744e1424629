"""One request under way: candidate after candidate is asked until one answers.

What a failure leads to stands in `retry`, who is next in `line`, how attempts are made in `attempts` (one in
`attempt`), and what is raised when nobody answered in `outcome`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from typing import NamedTuple

from llm_router.engine.accounting.admission import Cashier, book_for
from llm_router.engine.accounting.bill import RequestCost
from llm_router.engine.accounting.booking import Subject, growth
from llm_router.engine.answer import Answer
from llm_router.engine.driving.race import Race
from llm_router.engine.effects import Emit, FirstToken, Now, Sleep, Tell
from llm_router.engine.events import FellBack, PassedOver, Retrying
from llm_router.engine.health.sharing import cools
from llm_router.engine.job import Job
from llm_router.engine.results import Answered, Failed
from llm_router.engine.serving.attempts import Attempts
from llm_router.engine.serving.continuing import can_go_on, going_on
from llm_router.engine.serving.line import Line, Place, Turn
from llm_router.engine.serving.outcome import Tried, final_error
from llm_router.engine.serving.output import repaired
from llm_router.engine.serving.retry import Again, Onward, Standing, Step, Stop, pause, what_follows
from llm_router.messages import ChatResponse
from llm_router.policy.decide import continue_with, relief_for
from llm_router.policy.decision import Candidate, Decision
from llm_router.policy.features import Features
from llm_router.policy.follow import after, fallback_for, larger_context, timeouts_for
from llm_router.policy.program import After, Fallback, Hedge, Rule, Wait
from llm_router.policy.snapshot import Snapshot


class Lap(NamedTuple):
    """A turn, and what became of it."""

    turn: Turn
    result: Answered | Failed | None


@dataclass(slots=True)
class Serving:
    """One request under way: who is asked, and what follows when one doesn't answer.

    `first_content` is the instant at which the first of those `continued_from` showed some of the answer. `relieved`
    are the budgets in whose place others were asked already.
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
    attempts: Attempts
    first_content: float | None = None
    continued_from: tuple[str, ...] = ()
    relieved: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, job: Job, started: float, features: Features, snapshot: Snapshot, decision: Decision) -> Serving:
        """The request at its beginning: nobody was asked."""
        program = job.program
        rule = None if decision.place is None else program.rules[decision.place]
        fallback = fallback_for(program, rule, decision, timeout_s=job.hints.timeout_s)
        deadline = started + (fallback.deadline_s or 0.0)
        subject = Subject(program, decision, job.hints, job.request, features, snapshot)
        cashier = Cashier(subject, job.wiring.accounts, deadline)
        book = partial(book_for, program, rule, cashier, stream=job.stream)
        line = Line(program, decision.id, deadline, book, job.wiring.accounts)
        attempts = Attempts(job, started, features, decision, rule, fallback, line, cashier)
        serving = cls(job, started, features, snapshot, decision, rule, fallback, line, cashier, attempts)
        line.replace(decision.candidates, serving._longest_wait_s)
        return serving

    @property
    def tried(self) -> Tried:
        """What the request has tried so far."""
        return self.attempts.tried

    async def answer(self) -> Answer:
        """The answer of the first that gives one. Raises the error of the class that matters where nobody does."""
        try:
            answer = await self._first_answer()
        except GeneratorExit:
            raise
        except BaseException:
            await self.attempts.give_back()
            raise
        await self.attempts.give_back()
        if answer is None:
            raise final_error(self.decision, self.tried, self.line.held, await Now())
        return answer

    async def _first_answer(self) -> Answer | None:
        while (turn := await self._next()) is not None or await self._relieved():
            answer = None if turn is None else await self._ask(turn)
            if answer is not None:
                return answer
        return None

    async def _relieved(self) -> bool:
        """Whether others may serve in place of those whom a budget, spent since the decision, keeps back."""
        spent = {each.name for each in self.line.held if each.reason == "budget"} - self.relieved
        self.relieved |= spent
        if not spent or self.tried.stopped:
            return False
        relief = relief_for(self.job.program, self.features, self.snapshot, self.decision, spent)
        fresh = [each for each in relief if each.deployment not in self.attempts.tries]
        self.line.replace(fresh, self._longest_wait_s)
        return bool(fresh)

    async def _next(self) -> Turn | None:
        """Whose turn it is, as far as attempts, time and money go."""
        if self.tried.stopped or self.attempts.left() <= 0 or await Now() >= self.line.deadline:
            return None
        self.line.keep(self.attempts.may_ask)
        return await self.line.next()

    async def _ask(self, turn: Turn) -> Answer | None:
        """Ask one deployment, again where the spec says so; its answer, if it gives one."""
        self.attempts.corrected = None
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
            self.attempts.corrected = repaired(self.job.request, failed.partial)
            self.cashier.grown_by = growth(self.attempts.corrected, self.job.request)
        await Tell(Retrying(self.decision.id, name, failed.failure.kind, step.wait_s))
        await Sleep(await Now() + step.wait_s)
        return await self.line.again(turn.place)

    async def _attempted(self, turn: Turn) -> Lap:
        """What became of the turn, or of a hedge that came first."""
        hedge = self.fallback.hedge
        if hedge is None or self.attempts.spoken is not None or self.attempts.left() < 2:
            return Lap(turn, await self.attempts.make(turn))
        raced = await Race((self._lap(turn), self._hedge(turn, hedge, await Now())), self._decides)
        laps = [lap for lap in raced.ended if lap is not None]
        won = await raced.winner if raced.winner is not None else None
        last = won or laps.pop()
        for lap in laps if not isinstance(last.result, Answered) else ():
            if isinstance(lap.result, Failed):
                await self._step(lap.turn, lap.result)
        return last

    async def _lap(self, turn: Turn, share: Fraction | None = None) -> Lap:
        """The turn and what became of it.

        A leg that is cancelled before it began gives its turn back itself: who asked for the race may be over before it
        hears of that.
        """
        try:
            return Lap(turn, await self.attempts.make(turn, share))
        except GeneratorExit:
            raise
        except BaseException:
            await self.attempts.unused(turn)
            raise

    async def _hedge(self, turn: Turn, hedge: Hedge, began: float) -> Lap | None:
        """What becomes of a hedge, once it is time for it; nothing where there may be none."""
        after_s = await self._hedge_after(turn, hedge)
        if after_s is None:
            return None
        await Sleep(began + after_s)
        self.line.keep(self.attempts.may_ask)
        in_time = self.attempts.left() > 0 and await Now() < self.line.deadline
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
        identity = self.attempts.identity(turn.place.candidate)
        return await FirstToken(identity, hedge.percentile, whole=not self.job.stream)

    def _decides(self, lap: Lap | None) -> bool:
        """Whether a race is over with this: an answer, a failure that stops the request, or nobody else is asked."""
        if lap is None or isinstance(lap.result, Answered) or self.attempts.under_way == 0:
            return lap is not None
        failed = lap.result
        return failed is not None and self.attempts.follows(lap.turn.place.candidate, failed).next == "stop"

    async def _step(self, turn: Turn, failed: Failed, *, kept_back: bool = False) -> Step:
        """What follows the failure; the line is left as it says. None is asked again that is `kept_back`."""
        candidate, now = turn.place.candidate, await Now()
        if failed.failure.kind == "timeout":
            self.attempts.silent.add(candidate.provider)
            self.tried.spared += self.line.at_provider(candidate.provider)
        self.line.keep(self.attempts.may_ask)
        follows = self.attempts.follows(candidate, failed)
        standing = self.attempts.standing(candidate, follows, now)
        standing = replace(standing, kept_back=kept_back or await cools(self.attempts.identity(candidate)))
        step = self._after_break(turn, failed, follows, standing)
        self.tried.stopped = isinstance(step, Stop)
        if isinstance(step, Onward):
            luck = 1.0 if failed.failure.retry_after_s is None else standing.chance  # as the others leave it alone
            wait_s = pause(follows.wait or Wait(), standing.tries_here, luck)
            self._go_on(turn.place, failed, follows, now + wait_s)
        return step

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
        if self.attempts.joint is not None:
            return self.attempts.joint.response()
        return failed.partial if failed.committed else None

    def _remember(self, turn: Turn, failed: Failed, spoken: ChatResponse) -> None:
        """Let others go on from what was passed on. From now on nobody is asked later than a stream may stall."""
        name = turn.place.candidate.deployment
        timeouts = timeouts_for(self.job.program, self.rule, self.job.program.deployments[name])
        self.line.deadline = failed.ended + (timeouts.stall_s or 0.0)
        self.first_content = self.first_content or failed.first_content
        self.continued_from += () if self.attempts.spoken and self.attempts.spoken.text == spoken.text else (name,)
        self.attempts.spoken = spoken
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
        fresh = [candidate for candidate in decision.candidates if candidate.deployment not in self.attempts.tries]
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
        response = answered.response if self.attempts.joint is None else self.attempts.joint.response()
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

    def _longest_wait_s(self, candidate: Candidate) -> float:
        program = self.job.program
        follows = after(program, self.rule, program.deployments[candidate.deployment], "rate_limit")
        return follows.longest_wait_s or 0.0
