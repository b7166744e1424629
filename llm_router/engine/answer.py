"""What a request gives back: the response, and how it came about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llm_router.errors import AttemptReport
from llm_router.messages import ChatResponse, FinishReason, Json, ToolCall, Usage

if TYPE_CHECKING:
    from llm_router.policy.decision import Decision


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer. Durations are in seconds from the call; `first_content_s` is `None` where nothing streamed."""

    response: ChatResponse
    decision: Decision
    deployment: str
    provider: str
    attempts: tuple[AttemptReport, ...]
    duration_s: float
    first_content_s: float | None = None

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
        """Tokens by kind, as the provider reported them."""
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

    def routing(self) -> dict[str, Json]:
        """How the answer came about, as one JSON object: who answered, by which rule, after which attempts, and why
        not the others. Durations are in seconds."""
        return {
            "decision": self.decision.id,
            "program": self.decision.program_hash,
            "rule": self.decision.rule,
            "deployment": self.deployment,
            "provider": self.provider,
            "model": self.model,
            "attempts": [_attempt_json(report) for report in self.attempts],
            "rejected": dict(self.decision.reasons()),
            "deferred": {
                candidate.deployment: candidate.deferral.code
                for candidate in self.decision.candidates
                if candidate.deferral is not None
            },
            "duration_s": self.duration_s,
            "first_content_s": self.first_content_s,
        }


def _attempt_json(report: AttemptReport) -> Json:
    return {
        "deployment": report.deployment,
        "outcome": report.outcome,
        "failure": report.failure,
        "message": report.message,
        "status": report.status,
        "duration_s": report.duration_s,
    }
