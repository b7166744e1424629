"""`decide(program, features, snapshot) -> Decision`: pure, no clock, no chance but what the request id draws."""

from __future__ import annotations

from llm_router.policy.decision import Decision
from llm_router.policy.features import Features
from llm_router.policy.program import Program, Tier
from llm_router.policy.snapshot import Snapshot


def decide(program: Program, features: Features, snapshot: Snapshot) -> Decision:
    """Who is asked for this request, and why.

    A refusal or a lack of candidates is a decision too. Raises RequestError where the caller names (`model=`,
    `provider=`, `prefer=`) what the spec doesn't know.
    """
    raise NotImplementedError


def continue_with(
    program: Program, features: Features, snapshot: Snapshot, decision: Decision, tiers: tuple[Tier, ...]
) -> Decision:
    """The decision that replaces `decision` when a failure's `next` lists `tiers`: filtered and ranked like any other.

    The engine leaves out who was already asked. Pinned decisions get no candidates from it.
    """
    raise NotImplementedError
