"""What holds for one attempt, and what follows its failure: the layers rule > deployment > provider > top, merged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

from llm_router.errors import PARENT, FailureClass
from llm_router.messages import Settings
from llm_router.policy.decision import Candidate, Decision
from llm_router.policy.defaults import AFTER, FALLBACK, PATIENT_FIRST_TOKEN_S, SPARE_ATTEMPTS
from llm_router.policy.filters import unsupported
from llm_router.policy.program import UNSET, After, Deployment, Fallback, Program, Rule, Timeouts

Layer = TypeVar("Layer", After, Fallback, Timeouts)


def over(above: Layer, below: Layer) -> Layer:
    """`above`, filled up key by key from `below`."""
    missing = {field.name: getattr(below, field.name) for field in fields(above) if getattr(above, field.name) is None}
    return replace(above, **missing) if missing else above


def after(program: Program, rule: Rule | None, deployment: Deployment, failure: FailureClass) -> After:
    """What follows `failure`, complete: no field but `cooldown_s` is `None`.

    Where fallback is switched off nothing is asked again, but a cooldown still holds for other requests.
    """
    layers = (_said_by(rule), *deployment.after, program.fallback.after, AFTER)
    merged = After()
    for layer in layers:
        merged = over(merged, _named(layer, failure))
    return merged if _enabled(program, rule) else replace(merged, retry=0, next="stop", longest_wait_s=0.0)


def timeouts_for(program: Program, rule: Rule | None, deployment: Deployment) -> Timeouts:
    """The timeouts of one attempt, complete: no field is `None`."""
    near = over(rule.timeouts if rule else Timeouts(), deployment.timeouts)
    whole = over(near, program.timeouts)
    if near.first_token_s is None and _is_patient(deployment):
        return replace(whole, first_token_s=max(PATIENT_FIRST_TOKEN_S, whole.first_token_s or 0.0))
    return whole


def spec_settings(program: Program, rule: Rule | None, deployment: Deployment) -> Settings:
    """What the spec sets for one attempt: the rule's over the deployment's over the top's."""
    merged = program.settings
    for layer in (deployment.settings, rule.settings if rule else UNSET):
        merged = merged if layer is UNSET else layer.over(merged)
    return merged


def settings_for(program: Program, rule: Rule | None, candidate: Candidate, caller: Settings) -> Settings:
    """What is sent: the caller's over the spec's, less what the candidate can't take, with its cap."""
    deployment = program.deployments[candidate.deployment]
    layered = spec_settings(program, rule, deployment)
    nothing: dict[str, Any] = dict.fromkeys(candidate.left_out)  # fields of several types, each unset
    spec = replace(layered, **nothing)
    sent = replace(caller.over(spec), max_output_tokens=candidate.cap)
    quiet = sent.reasoning == "none" and "reasoning" in unsupported(deployment, sent, sent.reasoning)
    return replace(sent, reasoning=None) if quiet else sent


def fallback_for(
    program: Program, rule: Rule | None, decision: Decision, *, timeout_s: float | None = None
) -> Fallback:
    """The fallback of one request, complete but for `after`: ask `after()` for that.

    `timeout_s` is the caller's own deadline; the smaller wins.
    """
    whole = over(rule.fallback, program.fallback) if rule else program.fallback
    whole = over(whole, replace(FALLBACK, max_attempts=len(decision.candidates) + SPARE_ATTEMPTS))
    if not whole.enabled:
        whole = replace(whole, max_attempts=1)
    if timeout_s is not None and (whole.deadline_s is None or timeout_s < whole.deadline_s):
        whole = replace(whole, deadline_s=timeout_s)
    return whole


def larger_context(program: Program, candidates: Iterable[Candidate], failed: str) -> tuple[Candidate, ...]:
    """Those of `candidates` with a larger context window than `failed`; an unknown window counts as the smallest."""
    window = program.deployments[failed].context or 0
    return tuple(each for each in candidates if (program.deployments[each.deployment].context or 0) > window)


def _said_by(rule: Rule | None) -> Mapping[FailureClass, After]:
    return rule.fallback.after if rule else {}


def _named(layer: Mapping[FailureClass, After], failure: FailureClass) -> After:
    """What a layer says of a failure: by its own name, else by its parent's."""
    if failure in layer:
        return layer[failure]
    parent = PARENT.get(failure)
    return layer.get(parent, After()) if parent else After()


def _enabled(program: Program, rule: Rule | None) -> bool:
    said = rule.fallback.enabled if rule else None
    return program.fallback.enabled is not False if said is None else said


def _is_patient(deployment: Deployment) -> bool:
    """Whether its first token may take long: the model reasons, or this machine has to load it."""
    return deployment.local or "reasoning" in (deployment.supports or ())
