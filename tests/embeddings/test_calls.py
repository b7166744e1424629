"""`Router.embed` under one spec: batches, fallback, guards, names, dimensions, and what is refused."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml

from llm_router import Embeddings, ProviderError, RequestError, Router, RouterError
from llm_router.testing import Providers, emulated_providers
from tests.embeddings.spec import SPEC, TEXTS

CASES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("cases.yaml").read_text())


def each() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])


def spec_of(case: dict[str, Any]) -> str:
    """The spec; with one of its sections `only`, where the case says so."""
    if "only" not in case:
        return SPEC
    spec = yaml.safe_load(SPEC)
    return yaml.safe_dump({**spec, "embeddings": {case["only"]: spec["embeddings"][case["only"]]}}, sort_keys=False)


def call_of(case: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Texts and keywords of a case's call."""
    said = dict(case["call"])
    texts = said.pop("texts")
    return ([TEXTS.get(str(text), text) for text in texts] if isinstance(texts, list) else texts), said


def outcome(router: Router, case: dict[str, Any], *, sync: bool) -> Embeddings | RouterError:
    texts, said = call_of(case)
    try:
        return router.embed(texts, **said) if sync else asyncio.run(_awaited(router, texts, said))
    except RouterError as error:
        return error


async def _awaited(router: Router, texts: Any, said: dict[str, Any]) -> Embeddings:
    try:
        return await router.aembed(texts, **said)
    finally:
        await router.aclose()


@each()
@pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])
def test_a_call_does_as_its_case_says(case: dict[str, Any], sync: bool) -> None:
    script = dict(case.get("given", {}))
    with emulated_providers(script, variables={}) as providers, providers.router(spec_of(case)) as router:
        found = outcome(router, case, sync=sync)
    if isinstance(found, RouterError):
        _check_error(found, case)
    else:
        _check_vectors(found, case)
    _check_asked(providers, case)


def _check_error(error: RouterError, case: dict[str, Any]) -> None:
    if "refused" in case:
        assert isinstance(error, RequestError)
        assert str(error).splitlines()[0] == case["refused"]
        assert case.get("help", "") in str(error)
    else:
        kind = error.failure if isinstance(error, ProviderError) else type(error).__name__
        assert kind == case.get("error"), error


def _check_vectors(found: Embeddings, case: dict[str, Any]) -> None:
    assert {"refused", "error"} & set(case) == set()
    assert len(found.vectors) == case.get("vectors", len(found.vectors))
    assert found.dimensions == case.get("dimensions", found.dimensions)
    assert {len(vector) for vector in found.vectors} == {found.dimensions}
    answered = [answer.deployment for answer in found.answers]
    assert answered == case.get("answered", answered)


def _check_asked(providers: Providers, case: dict[str, Any]) -> None:
    bodies = [entry.body for entry in providers.log]
    assert [entry.deployment for entry in providers.log] == case.get("asked", [])
    if "texts" in case:
        assert [len(body["input"]) for body in bodies if isinstance(body, dict)] == case["texts"]
    if "body" in case:
        assert bodies[-1] == case["body"]
