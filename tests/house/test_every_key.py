"""Each key of the language is shown to do something: `every-key.yaml` names the test that shows it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
import yaml

from llm_router.errors import RateLimited
from llm_router.policy.compile import compile_spec
from llm_router.spec.read import read
from llm_router.spec.schema import json_schema
from llm_router.testing import Providers, run_cases

ROOT = Path(__file__).resolve().parents[2]
TABLE: dict[str, dict[str, list[str]]] = yaml.safe_load((Path(__file__).parent / "every-key.yaml").read_bytes())
SHOWN = [(test, f"{section}.{key}") for section, tests in TABLE.items() for test, keys in tests.items() for key in keys]


def keys_of_the_language() -> set[str]:
    """Each as `Definition.key`."""
    schema = json_schema()
    definitions = {"Spec": schema, **schema["definitions"]}
    return {f"{name}.{key}" for name, each in definitions.items() for key in each.get("properties", {})}


@cache
def names_of(path: str) -> frozenset[str]:
    return frozenset(re.findall(r"^(?:async )?def (test_\w+)", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE))


@cache
def words_of(path: str) -> frozenset[str]:
    """All words of a test's file, and of what lies beside and below it for such tests to read."""
    files = [ROOT / path, *(ROOT / path).parent.rglob("*.yaml"), *_helpers(ROOT / path)]
    return frozenset(word for file in files for word in re.findall(r"[a-z]\w*?(?=_s\b|\b)", _text(file)))


def _text(file: Path) -> str:
    return file.read_bytes().decode("utf-8", "replace")  # a corpus has files that are no text


def _helpers(path: Path) -> list[Path]:
    return [file for file in path.parent.glob("*.py") if not file.name.startswith("test_")]


def test_every_key_has_a_test_and_no_other_is_named() -> None:
    assert {key for _, key in SHOWN} == keys_of_the_language()
    assert len({key for _, key in SHOWN}) == len(SHOWN)


@pytest.mark.parametrize("test", sorted({test for test, _ in SHOWN}))
def test_the_test_is_there_and_knows_its_keys(test: str) -> None:
    path, _, name = test.partition("::")
    assert name in names_of(path)
    keys = {key.rpartition(".")[2] for shown, key in SHOWN if shown == test}
    assert keys - words_of(path) == set()


FEATURES = (
    "task: code",
    "cost: low",
    "budget: low",
    "speed: fast",
    "capability: reasoning",
    "requested_model: gpt-5",
    "user: ada",
    "session: s",
    "run: r",
    "tags: [urgent]",
    "text: {contains: blue}",
    "transcript: {contains: blue}",
    "messages: 7",
    "input_tokens: 90000",
    "max_output_tokens: 77",
    "has_images: true",
    "has_files: true",
    "has_tools: true",
    "wants_json: true",
    "stream: true",
)
BY_FEATURE = """
version: 1
tasks: [code]
deployments: {{a: {{provider: openai, model: gpt-4o}}, b: {{provider: openai, model: o3}}}}
rules:
  - {{name: told, when: {{{feature}}}, use: [a, b]}}
  - {{name: otherwise, use: [a, b]}}
tests:
  - {{request: {{{said}}}, expect: {{rule: told}}}}
  - {{request: {{}}, expect: {{rule: otherwise}}}}
"""


@pytest.mark.parametrize("feature", FEATURES)
def test_what_a_test_says_of_a_request_is_what_conditions_read(feature: str) -> None:
    reading = read(BY_FEATURE.format(feature=feature, said=feature.replace("{contains: blue}", "the blue sky")), "x")
    program, _ = compile_spec(reading)
    assert program is not None
    assert [result.differences for result in run_cases(program, reading)] == [(), ()]


IN_TIME = """
version: 1
deployments: {a: {provider: openai, model: gpt-4o}, b: {provider: mistral, model: mistral-large-latest}}
rules: [{use: [a, b]}]
tests:
  - {request: {timeout: 1s, stream: true}, given: {a: timeout}, expect: {error: timeout}}
  - {request: {stream: true}, given: {a: timeout}, expect: {deployment: b}}
"""


def test_the_timeout_that_a_test_says_ends_its_request() -> None:
    reading = read(IN_TIME, "x")
    program, _ = compile_spec(reading)
    assert program is not None
    assert [result.differences for result in run_cases(program, reading)] == [(), ()]


@pytest.mark.parametrize("window", ["every: 1h", "within: 1h"])
def test_a_limit_counts_apart_what_it_is_per(window: str, providers: Providers) -> None:
    limit = f"{{name: one, requests: 1, {window}, per: session}}"
    with providers.router(f"version: 1\nlimits: [{limit}]\nrules: [{{use: openai:gpt-4o-mini}}]\n") as router:
        router.chat("hi", session="first")
        router.chat("hi", session="second")
        with pytest.raises(RateLimited, match="`one` has no room"):
            router.chat("hi", session="first")
