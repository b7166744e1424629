"""Limits, budgets and explanations hold for vectors as for answers, by the same admission."""

from __future__ import annotations

import re

import pytest

from llm_router.errors import RateLimited
from llm_router.testing import emulated_providers

BASE = """\
version: 1
rules: [{use: "openai:gpt-4o-mini"}]
deployments:
  small: {provider: openai, model: text-embedding-3-small}
  free: {provider: vllm, model: embed-v7, card: text-embedding-3-small}
  gpt: {provider: vllm, model: gpt-x}
embeddings:
  docs: {use: [small, free], dimensions: 64}
"""


def asked(spec: str, calls: int, text: str = "hello") -> list[str | None]:
    """Who is asked when one text is embedded so often."""
    with emulated_providers(variables={}) as providers, providers.router(BASE + spec) as router:
        for _ in range(calls):
            router.embed(text)
    return [entry.deployment for entry in providers.log]


def test_a_limit_of_the_deployment_passes_to_the_next() -> None:
    spec = BASE.replace("text-embedding-3-small}", "text-embedding-3-small, limits: [{requests: 1, every: 1h}]}", 1)
    with emulated_providers(variables={}) as providers, providers.router(spec) as router:
        assert [router.embed("a").deployment for _ in range(3)] == ["small", "free", "free"]


def test_tokens_are_those_of_the_texts_alone() -> None:
    spec = BASE.replace("text-embedding-3-small}", "text-embedding-3-small, limits: [{tokens: 100, every: 1h}]}", 1)
    with emulated_providers(variables={}) as providers, providers.router(spec) as router:
        assert [router.embed("a few words").deployment for _ in range(2)] == ["small", "small"]


def test_a_limit_may_be_for_one_of_the_embeddings() -> None:
    with pytest.raises(RateLimited, match="the limit `few`"):
        asked("limits: [{name: few, requests: 1, every: 1h, for: {rule: embeddings.docs}}]", 2)


def test_a_spent_budget_leaves_its_deployments_out_and_no_chat_model_stands_in() -> None:
    spec = """\
budgets: [{name: day, amount: 0.0002 USD, every: day, for: {deployment: small}, when_spent: {use: gpt}}]
"""
    assert asked(spec, 3, "word " * 4000) == ["small", "free", "free"]


def test_vectors_never_come_from_the_cache_of_answers() -> None:
    assert asked("cache: {exact: {keep: 1h, entries: 10}}", 2) == ["small", "small"]


def test_an_explanation_says_who_would_embed_and_why_not_others() -> None:
    guard = "guards: [{name: home, when: {user: {exists: true}}, never: {provider: openai}, instead: gpt}]"
    with emulated_providers(variables={}) as providers, providers.router(BASE + guard) as router:
        told = router.explain_embed(["a", "b"], user="me")
        assert [each.deployment for each in told.decision.candidates] == ["free"]
        assert told.decision.rule == "embeddings.docs"
        assert "the guard `home` keeps this request from it" in told.text()
        assert re.search(r"small \(openai\): about 0\.000000\d*[1-9] USD", router.explain_embed(["a", "b"]).text())
    assert providers.log == ()
