"""What an attempt tells of its deployment: how fast it is, and how long it wants to be left alone."""

from __future__ import annotations

from llm_router.engine.results import Answered, Failed
from llm_router.policy.program import After, Wait
from llm_router.state.health import Outcome


def left_alone_s(result: Answered | Failed, said: float | None = None) -> float | None:
    """Seconds for which the provider asks to be left alone: as it said, and while nothing remains of the quota."""
    quota = None if result.limited_until is None else max(0.0, result.limited_until - result.ended)
    return max((wait for wait in (said, quota) if wait is not None), default=None)


def trouble(failed: Failed, follows: After | None, *, probe: bool) -> Outcome:
    """A failure's outcome; what `follows` may keep the deployment back for all requests, unless it is asked again.

    One that wants to be left alone, and doesn't say for how long, is so by the pauses that are declared: else every
    request would ask it first.
    """
    said = failed.failure
    left_alone = left_alone_s(failed, said.retry_after_s)
    if follows is None:
        return Outcome(probe=probe, failure=said.kind, retry_after_s=left_alone)
    unsaid = (follows.wait or Wait()) if said.kind == "rate_limit" and left_alone is None else None
    return Outcome(
        probe=probe, failure=said.kind, cooldown_s=follows.cooldown_s, retry_after_s=left_alone, unsaid=unsaid
    )


def speed(answered: Answered, started: float, *, probe: bool) -> Outcome:
    """An answer's outcome, with the speed that it shows."""
    first, writing, tokens = answered.first_content, answered.writing_s, answered.response.usage.output
    took = answered.ended - started if first is None else 0.0
    return Outcome(
        answered=True,
        probe=probe,
        retry_after_s=left_alone_s(answered),
        first_token_s=None if first is None else first - started,
        tokens_per_second=tokens / writing if writing and tokens else None,
        whole_tokens_per_second=tokens / took if took and tokens else None,
        whole_s=took or None,
    )
