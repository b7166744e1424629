"""What a program comes with is logged where a router is made: loudly what the environment lacks, quietly the lints."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from llm_router import Environment, Router, SpecError

LITERAL = "sk-planted-in-the-file-0123456789"
OF_THE_PROCESS = "sk-planted-in-the-environment-0123456789"
SPEC = """
version: 1
providers:
  here: {kind: openai-compatible, base_url: "http://127.0.0.1:9/v1", api_key: %s}
  keyless: {kind: openai}
  unnamed: {kind: openai-compatible, base_url: "${env:LLM_URL}", api_key: "${env:LLM_KEY}"}
  afar: {kind: ollama, base_url: "http://models.example:11434"}
rules:
  - {name: only, use: ["here:a", "keyless:gpt-4o", "unnamed:b", "afar:c"]}
"""
ENVIRONMENT = Environment({"LLM_KEY": OF_THE_PROCESS})


def logged(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    """The codes that were logged at this level."""
    here = [record for record in caplog.records if record.name == "llm_router" and record.levelno == level]
    return [record.getMessage().partition(":")[0] for record in here]


def made(caplog: pytest.LogCaptureFixture) -> Router:
    """A router for a spec of which the environment lacks much, and a lint finds something."""
    caplog.set_level(logging.DEBUG, "llm_router")
    return Router.from_text(SPEC % LITERAL, environment=ENVIRONMENT)


def test_what_the_environment_lacks_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    made(caplog)
    assert sorted(logged(caplog, logging.WARNING)) == ["LR219", "LR520", "LR521"]
    assert "`OPENAI_API_KEY` is not set" in caplog.text
    assert "`LLM_URL` is not set" in caplog.text


def test_what_a_lint_found_is_information(caplog: pytest.LogCaptureFixture) -> None:
    router = made(caplog)
    lints = logged(caplog, logging.INFO)
    assert lints
    assert len(lints) + 3 == len(router.diagnostics)
    assert not {code for code in lints if code.startswith(("LR219", "LR52"))}


def test_no_line_holds_a_key(caplog: pytest.LogCaptureFixture) -> None:
    router = made(caplog)
    assert router.reload()
    assert len(caplog.records) == 2 * len(router.diagnostics)
    assert LITERAL not in caplog.text
    assert OF_THE_PROCESS not in caplog.text


def test_a_program_that_lacks_nothing_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "llm_router")
    spec = SPEC.replace("${env:LLM_URL}", "http://127.0.0.1:9/v1").replace("models.example", "127.0.0.1")
    variables = {"OPENAI_API_KEY": OF_THE_PROCESS, "LLM_KEY": OF_THE_PROCESS}
    Router.from_text(spec % LITERAL, environment=Environment(variables))
    assert logged(caplog, logging.WARNING) == []


def test_a_reload_says_what_the_new_program_lacks(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "router.yaml"
    local = {"kind": "openai-compatible", "base_url": "http://127.0.0.1:9/v1", "api_key": "${env:LLM_KEY}"}
    spec = {"version": 1, "providers": {"here": local}, "rules": [{"name": "only", "use": ["here:a"]}]}
    file.write_text(json.dumps(spec))
    router = Router.from_file(file, environment=ENVIRONMENT)
    assert logged(caplog, logging.WARNING) == []
    other = {"version": 1, "providers": {"here": local, "keyless": {"kind": "openai"}}}
    file.write_text(json.dumps({**other, "rules": [{"name": "only", "use": ["here:a", "keyless:gpt-4o"]}]}))
    router.reload()
    assert logged(caplog, logging.WARNING) == ["LR520"]


def test_what_is_raised_is_not_logged_as_well(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "llm_router")
    with pytest.raises(SpecError):
        Router.from_text("version: 1")
    assert caplog.records == []
