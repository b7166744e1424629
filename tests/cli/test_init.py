"""`llm-router init`: for any keys, a spec that checks, whose tests hold, and that no key stands in."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from llm_router import Environment, RequestError, Router
from llm_router.catalog.starters import key_variables, starters_for
from llm_router.cli.main import main

Run = Callable[..., tuple[int, str, str]]

KEYS = [
    *[{name: "sk-planted"} for name in key_variables()],
    *[dict.fromkeys(pair, "sk-planted") for pair in itertools.combinations(key_variables()[:5], 2)],
    dict.fromkeys(key_variables(), "sk-planted"),
    {"OLLAMA_HOST": "localhost:11434"},
    {"OLLAMA_HOST": "gpu-box:8000", "OPENAI_API_KEY": "sk-planted"},
]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, variables: Mapping[str, str] = {}) -> tuple[int, str, str]:
        monkeypatch.setattr("os.environ", dict(variables))
        code = main(arguments)
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


@pytest.mark.parametrize("variables", KEYS, ids=lambda each: "+".join(each))
def test_the_spec_for_any_keys_checks_and_its_tests_hold(run: Run, variables: Mapping[str, str]) -> None:
    code, out, _ = run("init", variables=variables)
    assert code == 0
    assert "sk-planted" not in out + Path("llm-router.yaml").read_text()
    code, out, _ = run("check", "--env", variables=variables)
    assert code == 0, out
    assert "warning[" not in out
    asked = Path("llm-router.yaml").read_text()
    embeds = any(each.embedding for each in starters_for(variables))
    assert ("embeddings:" in asked) == embeds
    code, out, _ = run("test", variables=variables)
    assert code == 0, out
    assert f"{4 + embeds} passed" in out


def test_a_file_that_is_there_is_kept_unless_forced(run: Run) -> None:
    Path("mine.yaml").write_text("version: 1\n")
    code, _, err = run("init", "mine.yaml", variables={"OPENAI_API_KEY": "k"})
    assert code == 1
    assert "--force" in err
    assert Path("mine.yaml").read_text() == "version: 1\n"
    assert run("init", "mine.yaml", "--force", variables={"OPENAI_API_KEY": "k"})[0] == 0
    assert "openai:" in Path("mine.yaml").read_text()


def test_without_a_key_it_says_what_to_set_and_writes_nothing(run: Run) -> None:
    code, _, err = run("init")
    assert code == 1
    assert "OPENAI_API_KEY" in err
    assert not Path("llm-router.yaml").exists()
    assert run("init", "--local")[0] == 0
    assert "ollama:llama3.2" in Path("llm-router.yaml").read_text()


@pytest.mark.parametrize(
    ("name", "kind"), [("AZURE_OPENAI_API_KEY", "azure"), ("REPLICATE_API_TOKEN", "replicate")], ids=str
)
def test_a_key_that_no_model_is_known_for_is_told(run: Run, name: str, kind: str) -> None:
    code, _, err = run("init", variables={name: "sk-planted"})
    assert code == 1
    assert f"`{name}` is set" in err
    assert f"{kind}:MODEL" in err
    assert "sk-planted" not in err


def test_a_router_from_the_environment_runs_the_same_spec() -> None:
    with Router.from_env(environment=Environment({"OPENAI_API_KEY": "k", "GROQ_API_KEY": "k"})) as router:
        assert {each.provider.name for each in router.program.deployments.values()} == {"openai", "groq"}
        assert router.explain("hi", cost="high").decision.rule == "hard"
        assert router.explain_embed("hi").decision.candidates[0].deployment == "openai:text-embedding-3-small"
    with pytest.raises(RequestError, match="no key of a provider is set"):
        Router.from_env(environment=Environment({}))
