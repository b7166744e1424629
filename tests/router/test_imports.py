"""What an import doesn't pay for: everything that only a router that is made needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

FRAMEWORKS = {"langchain", "langchain_core", "langgraph", "llama_index", "openai", "anthropic", "google.genai"}
LIBRARIES = {"jsonschema", "httpx", "httpcore", "anyio", "yaml", "pydantic", "pydantic_core", "tiktoken", "shtab"}
OWN = {
    "llm_router.catalog.cards",
    "llm_router.catalog.prices",
    "llm_router.catalog.providers",
    "llm_router.engine.request",
    "llm_router.engine.driving.runtime",
    "llm_router.engine.wiring",
    "llm_router.policy.binding",
    "llm_router.policy.compile",
    "llm_router.policy.lint",
    "llm_router.policy.program",
    "llm_router.spec.model",
    "llm_router.spec.read",
    "llm_router.spec.source",
    "llm_router.testing",
    "llm_router.wire.codec",
    "llm_router.wire.dialects",
}


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh process has loaded after this code."""
    code = f"import sys; before = set(sys.modules); {code}; print(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_imports_none_of_its_modules() -> None:
    loaded = loaded_by("import llm_router")
    assert {name for name in loaded if name.startswith("llm_router")} == {"llm_router"}
    assert not loaded & (FRAMEWORKS | LIBRARIES | {"asyncio"})


@pytest.mark.parametrize(
    "code",
    [
        "from llm_router import Router",
        "import llm_router.router",
        "from llm_router import *",
    ],
)
def test_importing_the_router_loads_nothing_that_only_making_one_needs(code: str) -> None:
    assert not loaded_by(code) & (FRAMEWORKS | LIBRARIES | OWN)


def test_making_a_router_loads_whatever_a_request_needs_and_no_framework() -> None:
    spec = "{version: 1, providers: {p: {kind: openai, api_key: k}}, rules: [{name: r, use: p:gpt-4o}]}"
    loaded = loaded_by(f"from llm_router import Router; Router.from_text({spec!r}).close()")
    assert {"llm_router.engine.request", "llm_router.wire.dialects", "httpcore"} <= loaded
    assert not loaded & (FRAMEWORKS | {"tiktoken", "shtab", "llm_router.testing"})
