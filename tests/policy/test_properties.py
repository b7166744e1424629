"""What holds of every decision, on generated specs, requests and worlds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from llm_router.errors import RequestError
from llm_router.policy.decide import continue_with, decide
from llm_router.policy.decision import Decision, Estimate
from llm_router.policy.features import Features
from llm_router.policy.match import holds
from llm_router.policy.program import Deployment, Program, Tier
from llm_router.policy.snapshot import Snapshot
from tests.policy.cases import features_of, program_of
from tests.policy.generated import requests, snapshots, spec_of, text_of

EXAMPLES = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
SEEDS = st.integers(0, 80)


@cache
def generated(seed: int) -> Program:
    """The program of one generated spec."""
    return program_of(text_of(spec_of(seed)))


@cache
def ranked(seed: int, by: str) -> Program:
    """The same spec with all of its deployments ranked by one thing."""
    spec = spec_of(seed)
    spec["rules"] = [{"use": {"from": list(spec["deployments"]), "by": by}}]
    return program_of(text_of(spec))


@st.composite
def situations(draw: st.DrawFn) -> tuple[Program, Features, Snapshot]:
    """A program, the features of a request that it understands, and a world."""
    program = generated(draw(SEEDS))
    try:
        features = features_of(program, draw(requests), draw(st.sampled_from(("r-1", "r-2", "r-3"))))
        decide(program, features, Snapshot())
    except RequestError:
        assume(False)
    return program, features, draw(snapshots(program))


def asked(decision: Decision) -> list[str]:
    return [candidate.deployment for candidate in decision.candidates]


def without(program: Program, name: str) -> Program:
    """The program with one deployment disabled."""
    gone = replace(program.deployments[name], enabled=False)
    return replace(program, deployments={**program.deployments, name: gone})


@EXAMPLES
@given(situations())
def test_the_same_inputs_give_the_same_decision(situation: tuple[Program, Features, Snapshot]) -> None:
    program, features, snapshot = situation
    assert decide(program, features, snapshot) == decide(program, features, snapshot)


@EXAMPLES
@given(situations())
def test_a_rejected_deployment_is_no_candidate_and_nobody_stands_twice(
    situation: tuple[Program, Features, Snapshot],
) -> None:
    decision = decide(*situation)
    assert not set(asked(decision)) & {rejection.deployment for rejection in decision.rejections}
    assert len(asked(decision)) == len(set(asked(decision)))


@EXAMPLES
@given(situations(), st.data())
def test_taking_a_candidate_away_leaves_the_others_in_their_order(
    situation: tuple[Program, Features, Snapshot], data: st.DataObject
) -> None:
    program, features, snapshot = situation
    before = asked(decide(program, features, snapshot))
    if len(before) < 2:
        return  # where nobody is left, a guard's `instead` may serve
    gone = data.draw(st.sampled_from(before))
    after = asked(decide(without(program, gone), features, snapshot))
    assert after == [name for name in before if name != gone]


@EXAMPLES
@given(situations())
def test_deferred_ones_come_behind_and_the_first_to_be_free_first(
    situation: tuple[Program, Features, Snapshot],
) -> None:
    decision = decide(*situation)
    assert decision.candidates == (*decision.ready, *decision.deferred)
    ends = [each.deferral.until for each in decision.deferred if each.deferral]
    assert ends == sorted(ends)
    assert all(end > situation[2].now for end in ends)


def barred(program: Program, features: Features, deployment: Deployment) -> bool:
    """Whether a guard that holds keeps the request from a deployment: read anew from the spec's own words."""
    tags = features.hints.tags
    private = "private" in tags and deployment.labels.get("region") != "eu"
    return private or ("careful" in tags and deployment.model == "two")


@EXAMPLES
@given(situations())
def test_guards_hold_on_rules_pins_instead_and_fallback_edges(
    situation: tuple[Program, Features, Snapshot],
) -> None:
    program, features, snapshot = situation
    decision = decide(program, features, snapshot)
    follow = [continue_with(program, features, snapshot, decision, tiers) for tiers in edges(program)]
    for each in (decision, *follow):
        for name in asked(each):
            assert not barred(program, features, program.deployments[name])
    assert not decision.pinned or not any(each.candidates for each in follow)


def edges(program: Program) -> Iterator[tuple[Tier, ...]]:
    for rule in program.rules:
        for after in rule.fallback.after.values():
            if isinstance(after.next, tuple):
                yield after.next


@EXAMPLES
@given(situations())
def test_what_the_caller_named_bounds_who_is_asked(situation: tuple[Program, Features, Snapshot]) -> None:
    program, features, snapshot = situation
    decision = decide(program, features, snapshot)
    if features.hints.provider is not None:
        assert {each.provider for each in decision.candidates} <= {features.hints.provider}
    if features.hints.model in program.members:
        named = {program.deployments[name].member for name in asked(decision)}
        assert named <= {features.hints.model}


@EXAMPLES
@given(SEEDS, requests, st.sampled_from(("cost", "speed", "quality")))
def test_the_order_of_a_ranking_is_the_order_of_its_figures(seed: int, request: dict[str, Any], by: str) -> None:
    hints = {key: value for key, value in request["hints"].items() if key not in ("model", "prefer", "tags")}
    program = ranked(seed, by)
    decision = decide(program, features_of(program, {**request, "hints": hints}), Snapshot())
    figures = [figure(by, each.estimate) for each in decision.candidates]
    known = [value for value in figures if value is not None]
    assert known == sorted(known)
    assert figures == [*known, *[None] * (len(figures) - len(known))], "the unknown come last"


def figure(by: str, estimate: Estimate) -> float | None:
    """What a ranking goes by, the smaller the better; costs below the least count as the least."""
    if by == "cost":
        return None if estimate.cost is None else max(estimate.cost, 10**6)
    if by == "speed":
        return estimate.seconds
    return None if estimate.quality is None else -estimate.quality


def test_weights_are_kept_over_many_requests() -> None:
    program = program_of("version: 1\npools: {p: {of: {'openai:a': 90%, 'openai:b': 10%}}}\nrules: [{use: p}]\n")
    first = [asked(decide(program, features_of(program, {}, f"r{number}"), Snapshot()))[0] for number in range(3000)]
    assert first.count("openai:a") / len(first) == pytest.approx(0.9, abs=0.02)


def test_a_guard_condition_reads_what_the_test_reads() -> None:
    """The oracle above stands on this: the generated guards hold for their tags alone."""
    program = program_of(
        "version: 1\nrules: [{use: 'openai:a'}]\nguards: [{when: {tags: private}, only: {labels.region: eu}}]\n"
        "providers: {openai: {labels: {region: us}}}\n"
    )
    features = features_of(program, {"hints": {"tags": ["private"]}})
    assert holds(program.guards[0].condition, features.values)
    assert asked(decide(program, features, Snapshot())) == []
