"""A program in an environment: keys, addresses, and who is left out."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest

from llm_router.policy.binding import Binding, bind, is_loopback
from llm_router.policy.compile import compile_spec
from llm_router.policy.plan import as_json
from llm_router.policy.secret import Secret
from llm_router.spec.read import read
from llm_router.spec.refs import Environment
from tests.policy.cases import program_of

SPEC = """
version: 1
providers:
  many:  {kind: openai, api_keys: ["${env:KEY_A}", "${env:KEY_B}"], organization: "${env:ORG:-acme}"}
  corp:  {kind: openai-compatible, base_url: "${env:CORP_URL}", query: {v: "${env:VERSION:-1}"}}
  local: {kind: ollama, base_url: "${env:HOST:-http://localhost:11434}"}
rules:
  - {when: {env.STAGE: prod}, use: ["many:gpt-4o", "corp:x", "local:qwen2.5", "groq:llama-3.3-70b-versatile"]}
"""
ALL = {
    "KEY_A": "sk-aaa",
    "KEY_B": "sk-bbb",
    "CORP_URL": "https://x.example/v1/",
    "GROQ_API_KEY": "gsk-1",
    "STAGE": "prod",
}


def bound(variables: dict[str, str], text: str = SPEC) -> Binding:
    environment = Environment(variables)
    reading = read(text, "spec.yaml", environment)
    program, found = compile_spec(reading, environment)
    assert program is not None, found
    return bind(program, environment, reading.source)


def test_everything_is_there() -> None:
    binding = bound(ALL)
    assert dict(binding.unbound) == {}
    assert binding.diagnostics == ()
    assert binding.endpoints["many:gpt-4o#2"].key == Secret("sk-bbb")
    assert binding.endpoints["many:gpt-4o#2"].organization == "acme"
    assert binding.endpoints["corp:x"].base_url == "https://x.example/v1"
    assert binding.endpoints["corp:x"].query == {"v": "1"}
    assert binding.endpoints["local:qwen2.5"].key is None
    assert binding.variables == {"STAGE": "prod"}


@pytest.mark.parametrize(
    ("missing", "unbound"),
    [
        ("KEY_B", {"many:gpt-4o#2": "`KEY_B` is not set"}),
        ("CORP_URL", {"corp:x": "`CORP_URL` is not set"}),
        ("GROQ_API_KEY", {"groq:llama-3.3-70b-versatile": "`GROQ_API_KEY` is not set"}),
        ("STAGE", {}),
    ],
)
def test_a_missing_variable_takes_out_what_needs_it(missing: str, unbound: dict[str, str]) -> None:
    binding = bound({name: value for name, value in ALL.items() if name != missing})
    assert dict(binding.unbound) == unbound
    assert set(binding.endpoints) == set(binding.program.deployments) - set(unbound)


def test_a_conventional_variable_is_named_by_a_warning_at_its_place() -> None:
    found = bound({**ALL, "GROQ_API_KEY": ""}).diagnostics
    assert [(each.code, each.severity, each.message) for each in found] == [
        ("LR520", "warning", "`GROQ_API_KEY` is not set, so `groq:llama-3.3-70b-versatile` can't be asked")
    ]
    assert (found[0].span.line, found[0].span.column) == (8, 79)


def test_nobody_left_is_an_error() -> None:
    binding = bound({}, "version: 1\nrules: [{use: ['openai:a', 'groq:b']}]")
    assert [(each.code, each.severity) for each in binding.diagnostics] == [
        ("LR520", "warning"),
        ("LR520", "warning"),
        ("LR522", "error"),
    ]


def test_any_of_several_conventional_variables_will_do() -> None:
    spec = "version: 1\nrules: [{use: 'together:x'}]"
    assert bound({"TOGETHERAI_API_KEY": "k"}, spec).unbound == {}
    assert "`TOGETHER_API_KEY` or `TOGETHERAI_API_KEY`" in bound({}, spec).unbound["together:x"]


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://localhost:11434", True),
        ("http://127.0.0.1", True),
        ("http://127.8.1.2:80/v1", True),
        ("http://[::1]:11434", True),
        ("http://0.0.0.0:1", True),
        ("http://me.localhost", True),
        ("http://192.168.1.4:11434", False),
        ("http://localhost.example.com", False),
        ("https://ollama.com", False),
        ("http://127.0.0.1.example.com", False),
    ],
)
def test_local_means_this_machine(url: str, loopback: bool) -> None:
    assert is_loopback(url) is loopback
    binding = bound({**ALL, "HOST": url})
    assert ("local:qwen2.5" in binding.unbound) is not loopback
    assert [each.code for each in binding.diagnostics] == ([] if loopback else ["LR521"])


@pytest.mark.parametrize("said", ["127.0.0.1:none", "::bad", "http://", "localhost:99999", "a b", "http://[x", "box:0"])
def test_an_address_that_nobody_can_ask_is_told(said: str) -> None:
    text = "version: 1\nproviders: {local: {kind: ollama}}\nrules: [{use: [local:x, openai:gpt-4o]}]"
    binding = bound({"OLLAMA_HOST": said, "OPENAI_API_KEY": "k"}, text)
    assert set(binding.endpoints) == {"openai:gpt-4o"}
    (told,) = binding.diagnostics
    assert told.message == "`OLLAMA_HOST` is no address of a server, so `local:x` can't be asked"
    assert told.help == "write it as `http://host:port`"


def test_a_remote_ollama_may_say_that_it_is_not_local() -> None:
    spec = SPEC.replace("kind: ollama,", "kind: ollama, local: false,")
    assert bound({**ALL, "HOST": "http://gpu.example:11434"}, spec).unbound == {}


def test_no_secret_is_shown() -> None:
    literal = SPEC.replace("${env:KEY_B}", "sk-literal-in-the-file")
    binding = bound({**ALL, "EXTRA": "no"}, literal)
    shown = repr(binding) + str(binding.endpoints) + json.dumps(as_json(binding.program))
    assert not any(secret in shown for secret in ("sk-aaa", "sk-bbb", "gsk-1", "sk-literal"))


@pytest.mark.parametrize("leak", [pickle.dumps, copy.deepcopy, copy.copy])
def test_a_secret_is_neither_pickled_nor_copied(leak: Any) -> None:
    with pytest.raises(TypeError):
        leak(Secret("sk-aaa"))


def test_secrets_are_equal_by_value() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert repr(Secret("a")) == f"{Secret('a')}" == "Secret(…)"


def test_the_plan_is_json_stable_and_tells_how_rules_are_found() -> None:
    text = SPEC + "  - {when: {task: code}, use: {from: ['many:gpt-4o']}, settings: {headers: {x-key: hidden}}}\n"
    plan = as_json(program_of(text))
    assert json.dumps(plan) == json.dumps(as_json(program_of(text)))
    assert plan["index"] == {"by_value": {"task": 1}, "residual": [0], "residual_length": 1}
    assert "hidden" not in json.dumps(plan)
    assert set(plan) >= {"rules", "guards", "deployments", "spec_hash", "program_hash", "auto"}
    table = plan["auto"]
    assert isinstance(table, list)
    assert all(sum(value for value in row.values() if isinstance(value, int)) == 100 for row in table)


def test_hashes_know_values_not_layout() -> None:
    base = program_of("version: 1\nrules: [{use: 'openai:a'}]")
    same = program_of("# a comment\nversion: 1\nrules:\n  - use: openai:a\n")
    other = program_of("version: 1\nrules: [{use: 'openai:b'}]")
    assert (base.spec_hash, base.program_hash) == (same.spec_hash, same.program_hash)
    assert base.spec_hash != other.spec_hash
    assert base.spec_hash != base.program_hash
