"""The attempts of one request: each is begun, made, judged and taken note of, whatever its end.

What follows from one, and who is asked next, stands in `serving`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from fractions import Fraction

from llm_router.engine.accounting.admission import Cashier
from llm_router.engine.accounting.meter import Running
from llm_router.engine.effects import CountAttempt, Now, Report, Tell
from llm_router.engine.events import AttemptFinished, AttemptStarted, HealthChanged
from llm_router.engine.health.sharing import say
from llm_router.engine.job import Job
from llm_router.engine.results import Answered, Failed
from llm_router.engine.scrub import scrubbed, without_secrets
from llm_router.engine.serving.attempt import Mode, Trial, attempt
from llm_router.engine.serving.continuing import Joint
from llm_router.engine.serving.line import Line, Turn
from llm_router.engine.serving.outcome import Miss, Tried, report_of, reported
from llm_router.engine.serving.output import check_calls, check_output
from llm_router.engine.serving.retry import Again, Standing, chance, what_follows
from llm_router.engine.serving.trials import Trials
from llm_router.engine.serving.verdict import speed, trouble
from llm_router.errors import AttemptMark, AttemptReport
from llm_router.messages import ChatRequest, ChatResponse
from llm_router.policy.decision import Candidate, Decision
from llm_router.policy.features import Features
from llm_router.policy.follow import after
from llm_router.policy.program import After, Fallback, Rule
from llm_router.state.health import Outcome
from llm_router.wire.codec import Unsupported


@dataclass(slots=True)
class Attempts:
    """What one request has tried, and what it may still try.

    `silent` are the providers that were, `tries` counts the failed attempts at each deployment. `spoken` is what the
    consumer has of an answer that broke off, and `joint` joins the attempt under way to it. `corrected` is what is
    asked instead of the request while an answer that didn't fit is to be mended. Of the attempts that were `begun`,
    those `under_way` may cost `bound`, and the others cost `spent` (picodollars).
    """

    job: Job
    started: float
    features: Features
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
    spoken: ChatResponse | None = None
    joint: Joint | None = None
    corrected: ChatRequest | None = None

    async def make(self, turn: Turn, share: Fraction | None = None) -> Answered | Failed | None:
        """One attempt, recorded; `share` is what hedges may cost, for one.

        `None` if the dialect can't say what is asked for, or a hedge would cost too much.
        """
        started, candidate = await Now(), turn.place.candidate
        trial = self._trial(candidate, started)
        if trial is None or not await CountAttempt(candidate.estimate.cost, share):
            await self.unused(turn)
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

    async def unused(self, turn: Turn) -> None:
        """Let go of a turn, unless it was begun or somebody else let go of it."""
        if turn not in self.line.out:
            return
        self.line.out.remove(turn)
        await self._report(turn, Outcome(probe=turn.probe, asked=False))
        await self.cashier.give_back(turn.booked)

    async def give_back(self) -> None:
        """Let go of turns that were taken and never begun."""
        for turn in tuple(self.line.out):
            await self.unused(turn)

    def left(self) -> int:
        """How many more the request may make."""
        return (self.fallback.max_attempts or 1) - self.begun

    def may_ask(self, candidate: Candidate) -> bool:
        """Whether the candidate's provider wasn't silent, and its bound fits into what the caller wants to spend."""
        most = self.job.hints.max_cost
        affordable = most is None or self.spent + self.bound + (candidate.estimate.cost_bound or 0) <= most
        return affordable and candidate.provider not in self.silent

    def follows(self, candidate: Candidate, failed: Failed) -> After:
        """What the spec says that follows such a failure there, complete."""
        program = self.job.program
        return after(program, self.rule, program.deployments[candidate.deployment], failed.failure.kind)

    def standing(self, candidate: Candidate, follows: After, now: float) -> Standing:
        """Where the request stands at `now`, after a failure of the candidate."""
        return Standing(
            self.tries[candidate.deployment],
            self.left(),
            0 if follows.next == "stop" else self.line.ready(),
            self.line.deadline - now,
            chance(self.job.request_id, len(self.tried.reports)),
            affordable=self.may_ask(candidate),
        )

    def identity(self, candidate: Candidate) -> str:
        """That of the candidate's deployment."""
        return self.job.program.deployments[candidate.deployment].identity

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
        identity = self.identity(turn.place.candidate)
        change = await Report(identity, await Now(), self.job.program.health, outcome)
        if change is not None:
            await Tell(HealthChanged(turn.place.candidate.deployment, change))
        await say(self.job.wiring.accounts, identity, probed=outcome.probe)

    def _outcome(self, turn: Turn, result: Answered | Failed | None, started: float) -> Outcome:
        """What the attempt says of the deployment; one that the caller's own deadline cut says nothing.

        The cooldown of a class of failures comes after its retries.
        """
        if isinstance(result, Answered):
            return speed(result, started, probe=turn.probe)
        if result is None or self._out_of_time(result):
            return Outcome(probe=turn.probe)
        follows = self.follows(turn.place.candidate, result)
        step = what_follows(follows, result.failure, self.standing(turn.place.candidate, follows, result.ended))
        return trouble(result, None if isinstance(step, Again) else follows, probe=turn.probe)

    def _out_of_time(self, failed: Failed) -> bool:
        late = failed.ended >= self.line.deadline and not failed.committed and self.spoken is None
        return late and failed.failure.kind in ("timeout", "connection_lost")
