"""What a request would cost before it is made: by candidate, expected, and at most."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from llm_router.engine.job import Job
from llm_router.engine.request import explained
from llm_router.policy.decision import Candidate
from llm_router.policy.explain import Explanation
from llm_router.policy.program import Program
from llm_router.policy.rank import expected_output
from llm_router.units import to_usd


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """What one candidate would cost, in picodollars; `None` is unknown.

    `cost` is expected of `input_tokens` and `output_tokens`; `cost_bound` is the most that `input_tokens_bound` and
    `output_cap` can cost, `None` where the answer has no cap.
    """

    deployment: str
    provider: str
    input_tokens: int
    input_tokens_bound: int
    output_tokens: int
    output_cap: int | None
    cost: int | None
    cost_bound: int | None

    @property
    def usd(self) -> Decimal | None:
        """The expected cost in US dollars, exactly."""
        return None if self.cost is None else to_usd(self.cost)

    @property
    def usd_bound(self) -> Decimal | None:
        """The most that it can cost, in US dollars, exactly."""
        return None if self.cost_bound is None else to_usd(self.cost_bound)


async def estimated(job: Job) -> tuple[CostEstimate, ...]:
    """An estimate for each candidate, in the order in which they would be asked."""
    told = await explained(job)
    return tuple(_estimate(job.program, told, each) for each in told.decision.candidates)


def _estimate(program: Program, told: Explanation, candidate: Candidate) -> CostEstimate:
    return CostEstimate(
        candidate.deployment,
        candidate.provider,
        told.input_tokens.value,
        candidate.estimate.input_bound,
        expected_output(program.deployments[candidate.deployment], candidate.cap),
        candidate.cap,
        candidate.estimate.cost,
        candidate.estimate.cost_bound,
    )
