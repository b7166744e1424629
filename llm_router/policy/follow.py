"""What holds for one attempt, and what follows its failure: the layers rule > deployment > provider > top, merged."""

from __future__ import annotations

from llm_router.errors import FailureClass
from llm_router.messages import Settings
from llm_router.policy.decision import Candidate, Decision
from llm_router.policy.program import After, Deployment, Fallback, Program, Rule, Timeouts


def after(program: Program, rule: Rule | None, deployment: Deployment, failure: FailureClass) -> After:
    """What follows `failure`, complete: no field but `cooldown_s` is `None`."""
    raise NotImplementedError


def timeouts_for(program: Program, rule: Rule | None, deployment: Deployment) -> Timeouts:
    """The timeouts of one attempt, complete: no field is `None`."""
    raise NotImplementedError


def settings_for(program: Program, rule: Rule | None, candidate: Candidate, caller: Settings) -> Settings:
    """What is sent: the caller's over the rule's over the deployment's over the top's, less what the candidate can't
    take, with its cap."""
    raise NotImplementedError


def fallback_for(program: Program, rule: Rule | None, decision: Decision) -> Fallback:
    """The fallback of one request, complete but for `after`: ask `after()` for that."""
    raise NotImplementedError


def larger_context(program: Program, decision: Decision, failed: str) -> tuple[Candidate, ...]:
    """The candidates with a larger context window than `failed`, in order; an unknown window counts as the smallest."""
    raise NotImplementedError
