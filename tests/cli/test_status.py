"""`llm-router status`: what the processes of a spec share of their deployments' health and limits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llm_router import Environment, Router
from llm_router.cli.main import main
from llm_router.testing import Emulator, serve

SPEC = """\
version: 1
deployments:
  a: {provider: openai, model: gpt-4o-mini, limits: [{requests: 10, every: month}]}
  b: {provider: groq, model: llama-3.3-70b-versatile}
rules: [{use: [a, b]}]
health: {failures: 1, cooldown: 1h}
fallback: {after: {unavailable: {retry: 0}}}
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A spec whose store knows of an outage that another router found."""
    path = tmp_path / "router.yaml"
    path.write_text(f"{SPEC}state: sqlite:state.db\n")
    with serve(Emulator({"a": "unavailable"})) as address:
        environment = Environment({}, tmp_path, emulator=address)
        with Router.from_file(path, environment=environment) as router:
            assert router.chat("hi").deployment == "b"
    return path


def test_it_shows_who_cools_and_what_limits_leave(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", str(spec)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["deployment  state", "a           cooling", "b           ok"]
    assert lines[4].startswith("a: cools for another ")
    assert lines[5] == "a: 9 of 10 requests left of the limit `a/1`"


def test_its_json_is_that_of_a_router(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", str(spec), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["deployments"]
    assert [(each["deployment"], each["state"], each["last_failure"]) for each in said] == [
        ("a", "cooling", "unavailable"),
        ("b", "ok", None),
    ]


def test_without_a_shared_store_it_says_where_to_look(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "router.yaml"
    path.write_text(SPEC)
    assert main(["status", str(path)]) == 1
    told = capsys.readouterr().err
    assert "keeps its state in the memory of each process" in told
    assert "`Router.status()`" in told


def test_a_store_that_is_down_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "router.yaml"
    path.write_text(f'{SPEC}state: "redis://127.0.0.1:9"\n')
    assert main(["status", str(path)]) == 1
    assert "the store `redis://127.0.0.1:9` can't be reached" in capsys.readouterr().err
