"""What follows a failure, and what holds for an attempt: layers merged key by key."""

from __future__ import annotations

from typing import Any

import pytest

from llm_router.errors import FAILURE_CLASSES, FailureClass
from llm_router.messages import Settings
from llm_router.policy.decide import continue_with, decide
from llm_router.policy.follow import after, fallback_for, larger_context, settings_for, timeouts_for
from llm_router.policy.program import Program, Rule, Wait
from llm_router.policy.snapshot import Snapshot
from tests.policy.cases import features_of, program_of

LAYERED = """
version: 1
settings: {temperature: 0.1, top_p: 0.5, seed: 1, headers: {a: top, b: top}}
timeouts: {connect: 1s, stall: 9s}
fallback:
  max_attempts: 9
  on_break: hold
  after:
    unavailable: {retry: 7, next: stop}
    timeout: {cooldown: 1m}
providers:
  openai:
    settings: {top_p: 0.6, seed: 2}
    timeouts: {connect: 2s, total: 1m}
    fallback: {after: {overloaded: {next: any, cooldown: 2m}, rate_limit: stop}}
  local: {kind: ollama, base_url: "http://localhost:11434"}
deployments:
  near:
    provider: openai
    model: gpt-4o
    settings: {seed: 3, headers: {b: near}}
    timeouts: {total: 2m}
    fallback: {after: {unavailable: {retry: 4}}}
  far:   {provider: openai, model: gpt-4o-mini}
  think: {provider: openai, model: o4-mini}
  slow:  {provider: openai, model: o4-mini, timeouts: {first_token: 3s}}
  home:  {provider: local, model: qwen2.5}
rules:
  - name: own
    when: {tags: own}
    use: [near, far, think, slow, home]
    settings: {seed: 4}
    timeouts: {connect: 3s}
    fallback: {deadline: 1m, after: {timeout: {retry: 2, next: [home]}, overloaded: {wait: {first: 1s}}}}
  - {name: none, when: {tags: none}, use: [near, far], fallback: none}
  - {name: plain, use: [near, far, home]}
"""


@pytest.fixture(scope="module")
def program() -> Program:
    return program_of(LAYERED)


def rule(program: Program, name: str) -> Rule:
    return next(each for each in program.rules if each.name == name)


def decided(program: Program, tag: str = "", **request: Any) -> Any:
    features = features_of(program, {"hints": {"tags": [tag]} if tag else {}, "request": request})
    return decide(program, features, Snapshot())


@pytest.mark.parametrize(
    ("where", "deployment", "failure", "expected"),
    [
        ("plain", "near", "unavailable", {"retry": 4, "next": "stop", "wait": Wait()}),
        ("plain", "far", "unavailable", {"retry": 7, "next": "stop"}),
        ("plain", "near", "truncated", {"retry": 4, "next": "stop"}),
        ("plain", "near", "overloaded", {"retry": 4, "next": "any", "cooldown_s": 120.0}),
        ("plain", "far", "overloaded", {"retry": 7, "next": "any", "cooldown_s": 120.0}),
        ("own", "home", "overloaded", {"retry": 7, "wait": Wait(1.0, 2.0, 8.0), "next": "stop"}),
        ("plain", "far", "rate_limit", {"retry": 0, "next": "stop", "longest_wait_s": 20.0}),
        ("plain", "home", "rate_limit", {"retry": 0, "next": "any", "longest_wait_s": 20.0}),
        ("own", "near", "timeout", {"retry": 2, "cooldown_s": 60.0}),
        ("plain", "home", "authentication", {"next": "any", "cooldown_s": 300.0}),
        ("plain", "home", "context_length", {"next": "larger-context", "retry": 0}),
        ("plain", "home", "content_filter", {"next": "stop"}),
        ("none", "near", "unavailable", {"retry": 0, "next": "stop"}),
        ("none", "near", "timeout", {"next": "stop", "cooldown_s": 60.0}),
    ],
)
def test_layers_merge_key_by_key(
    program: Program, where: str, deployment: str, failure: FailureClass, expected: dict[str, Any]
) -> None:
    merged = after(program, rule(program, where), program.deployments[deployment], failure)
    assert {key: getattr(merged, key) for key in expected} == expected


@pytest.mark.parametrize("failure", FAILURE_CLASSES)
def test_what_follows_is_always_complete(program: Program, failure: FailureClass) -> None:
    merged = after(program, None, program.deployments["home"], failure)
    assert None not in (merged.retry, merged.wait, merged.next, merged.longest_wait_s)


@pytest.mark.parametrize(
    ("where", "deployment", "expected"),
    [
        ("plain", "near", (2.0, 10.0, 9.0, 120.0)),
        ("plain", "far", (2.0, 10.0, 9.0, 60.0)),
        ("own", "near", (3.0, 10.0, 9.0, 120.0)),
        ("own", "think", (3.0, 60.0, 9.0, 60.0)),
        ("own", "slow", (3.0, 3.0, 9.0, 60.0)),
        ("own", "home", (3.0, 60.0, 9.0, 120.0)),
    ],
)
def test_timeouts_are_whole_and_patient_where_they_must(
    program: Program, where: str, deployment: str, expected: tuple[float, ...]
) -> None:
    found = timeouts_for(program, rule(program, where), program.deployments[deployment])
    assert (found.connect_s, found.first_token_s, found.stall_s, found.total_s) == expected


def test_settings_are_the_callers_over_all_less_what_cannot_be_taken(program: Program) -> None:
    decision = decided(program, "own")
    sent = {
        each.deployment: settings_for(program, rule(program, "own"), each, Settings(top_p=None, stop=("x",)))
        for each in decision.candidates
    }
    near = sent["near"]
    assert (near.temperature, near.top_p, near.seed, near.stop) == (0.1, 0.6, 4, ("x",))
    assert near.headers == {"a": "top", "b": "near"}
    assert (sent["think"].temperature, sent["think"].top_p, sent["think"].seed) == (None, None, 4)
    assert sent["home"].top_p == 0.5


def test_the_cap_goes_out_where_the_cost_is_bounded(program: Program) -> None:
    decision = decide(program, features_of(program, {"hints": {"max_cost": "1 USD"}}), Snapshot())
    sent = settings_for(program, rule(program, "plain"), decision.candidates[0], Settings())
    assert sent.max_output_tokens == 4000


def test_fallback_of_a_request(program: Program) -> None:
    own = fallback_for(program, rule(program, "own"), decided(program, "own"))
    assert (own.max_attempts, own.deadline_s, own.on_break) == (9, 60.0, "hold")
    assert fallback_for(program, rule(program, "own"), decided(program, "own"), timeout_s=5).deadline_s == 5
    assert fallback_for(program, rule(program, "own"), decided(program, "own"), timeout_s=500).deadline_s == 60.0
    none = fallback_for(program, rule(program, "none"), decided(program, "none"))
    assert (none.enabled, none.max_attempts) == (False, 1)


def test_attempts_are_the_candidates_and_two_where_nobody_says() -> None:
    program = program_of("version: 1\nrules: [{use: ['openai:a', 'openai:b']}]")
    found = fallback_for(program, program.rules[0], decided(program))
    assert (found.max_attempts, found.deadline_s, found.on_break, found.enabled) == (4, 300.0, "continue", True)


def test_larger_context_takes_only_known_larger_windows(program: Program) -> None:
    candidates = decided(program, "own").candidates
    assert [each.deployment for each in larger_context(program, candidates, "home")] == ["near", "far", "think", "slow"]
    assert [each.deployment for each in larger_context(program, candidates, "near")] == ["think", "slow"]


def test_a_list_of_its_own_follows_with_needs_and_guards() -> None:
    program = program_of(
        """
        version: 1
        deployments:
          a: {provider: openai, model: gpt-4o}
          b: {provider: openai, model: gpt-4o-mini, supports: [images]}
          c: {provider: openai, model: gpt-4.1}
          d: {provider: groq, model: llama-3.3-70b-versatile}
        rules: [{use: a, fallback: {after: {timeout: {next: [b, c, d]}}}}]
        guards: [{when: {tags: private}, never: {provider: groq}}]
        """
    )
    features = features_of(program, {"hints": {"tags": ["private"]}, "request": {"tools": True}})
    decision = decide(program, features, Snapshot())
    tiers = after(program, program.rules[0], program.deployments["a"], "timeout").next
    assert isinstance(tiers, tuple)
    following = continue_with(program, features, Snapshot(), decision, tiers)
    assert [each.deployment for each in following.candidates] == ["c"]
    assert {each.deployment: each.code for each in following.rejections} == {"b": "tools", "d": "guard"}
    assert following.id == decision.id
    pinned = decide(program, features_of(program, {"hints": {"model": "a"}}), Snapshot())
    assert continue_with(program, features, Snapshot(), pinned, tiers).candidates == ()
