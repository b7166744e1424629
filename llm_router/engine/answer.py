"""What a request gives back: the response, and how it came about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llm_router.engine.accounting.bill import RequestCost
from llm_router.errors import AttemptReport
from llm_router.messages import ChatResponse, FinishReason, Json, ToolCall, Usage
from llm_router.units import format_money, format_usd

if TYPE_CHECKING:
    from llm_router.policy.decision import Decision


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer. Durations are in seconds from the call; `first_content_s` is `None` where nothing streamed.

    `continued_from` names those who wrote the beginning of a streamed answer and broke off, in order; `deployment`
    wrote its end. Its usage is then that of all of them together. `cost` is that of all attempts, failed ones too.
    A `cached` one was given to an equal request before, by `deployment`, with the usage that it then had. `passed_over`
    says in words who was ready when it was decided and wasn't asked when its turn came.
    """

    response: ChatResponse
    decision: Decision
    deployment: str
    provider: str
    attempts: tuple[AttemptReport, ...]
    duration_s: float
    first_content_s: float | None = None
    continued_from: tuple[str, ...] = ()
    cost: RequestCost = RequestCost()
    cached: bool = False
    passed_over: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All plain text of the answer."""
        return self.response.text

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The calls that the model asks for, in order."""
        return self.response.tool_calls

    @property
    def usage(self) -> Usage:
        """Tokens by kind, as the provider reported them; of an answer that was continued, of all who wrote it."""
        return self.response.usage

    @property
    def finish_reason(self) -> FinishReason:
        """Why the answer ended; `content_filter` where the provider cut it."""
        return self.response.finish_reason

    @property
    def model(self) -> str | None:
        """The name that the provider says it served."""
        return self.response.model

    @property
    def rule(self) -> str | None:
        """The name of the rule that decided, if one did."""
        return self.decision.rule

    def json(self) -> Json:
        """The answer's text read as JSON. Raises ValueError where it is none."""
        return self.response.json()

    def explain(self) -> str:
        """How the answer came about, as people read it: who was asked, in turn, and why nobody else."""
        from llm_router.policy.explain import section  # here, so that importing the router stays cheap

        deferred = [
            f"{candidate.deployment}: {candidate.deferral.code} when it was decided"
            for candidate in self.decision.candidates
            if candidate.deferral is not None
        ]
        sections = (
            _headline(self),
            section("attempts", [str(report) for report in self.attempts]),
            section("passed over", list(self.passed_over)),
            section("deferred", deferred),
            section("rejected", [f"{name}: {reason}" for name, reason in self.decision.reasons().items()]),
        )
        return "\n".join(part for part in sections if part) + "\n"

    def routing(self) -> dict[str, Json]:
        """How the answer came about, as one JSON object: who answered, by which rule, after which attempts, and why
        not the others. Durations are in seconds, costs in USD as texts of exact decimals."""
        return {
            "decision": self.decision.id,
            "program": self.decision.program_hash,
            "rule": self.decision.rule,
            "deployment": self.deployment,
            "provider": self.provider,
            "cached": self.cached,
            "model": self.model,
            "continued_from": list(self.continued_from),
            "attempts": [_attempt_json(report) for report in self.attempts],
            "rejected": dict(self.decision.reasons()),
            "deferred": {
                candidate.deployment: candidate.deferral.code
                for candidate in self.decision.candidates
                if candidate.deferral is not None
            },
            "passed_over": list(self.passed_over),
            "duration_s": self.duration_s,
            "first_content_s": self.first_content_s,
            "cost": self.cost.json(),
        }


def _headline(answer: Answer) -> str:
    decision = answer.decision
    chosen = f"the rule `{decision.rule}` decided" if decision.rule else "the caller's `model` decided"
    if decision.via == "instead":
        chosen += f"; the guard `{decision.guard}` left nobody of it"
    if answer.cached:
        saved = format_money(answer.cost.saved)
        return (
            f"{chosen}; answered from the cache, as {answer.deployment} ({answer.provider}) had before; saved: {saved}"
        )
    count = "1 attempt" if len(answer.attempts) == 1 else f"{len(answer.attempts)} attempts"
    answered = f"{answer.deployment} ({answer.provider}) answered after {count} and {answer.duration_s:.2f}s"
    return f"{chosen}; {answered}; cost: {answer.cost}"


def _attempt_json(report: AttemptReport) -> Json:
    return {
        "deployment": report.deployment,
        "outcome": report.outcome,
        "failure": report.failure,
        "message": report.message,
        "status": report.status,
        "admitted_as": report.admitted_as,
        "duration_s": report.duration_s,
        "mark": report.mark,
        "input_tokens": report.input_tokens,
        "output_tokens": report.output_tokens,
        "cost_usd": format_usd(report.cost),
        "cost_basis": report.cost_basis,
    }
