"""`llm-router init`: for any keys, a spec that checks, whose tests hold, and that no key stands in."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from llm_router import Environment, RequestError, Router
from llm_router.catalog.starters import key_variables, starters_for
from llm_router.cli.main import main
from llm_router.policy.starter import starter_spec
from llm_router.testing import Emulator, serve

Run = Callable[..., tuple[int, str, str]]

KEYS = [
    *[{name: "sk-planted"} for name in key_variables()],
    *[dict.fromkeys(pair, "sk-planted") for pair in itertools.combinations(key_variables()[:5], 2)],
    dict.fromkeys(key_variables(), "sk-planted"),
    {"OLLAMA_HOST": "127.0.0.1:9"},
    {"OLLAMA_HOST": "gpu-box:8000", "OPENAI_API_KEY": "sk-planted"},
]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    resolve = socket.getaddrinfo
    monkeypatch.setattr("socket.getaddrinfo", lambda host, *said, **more: resolve(_at_home(host), *said, **more))

    def call(*arguments: str, variables: Mapping[str, str] = {}) -> tuple[int, str, str]:
        monkeypatch.setattr("os.environ", dict(variables))
        code = main(arguments)
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


def _at_home(host: str | None) -> str | None:
    """The name of this machine. Raises as for one that nobody knows: no test asks elsewhere."""
    if host not in ("127.0.0.1", "localhost"):
        raise socket.gaierror(socket.EAI_NONAME, "unknown")
    return host


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


THERE = [
    # models on the list of an Ollama, and what the spec names of them: small, large, what embeds
    (["llama3.2:latest", "qwen3:latest", "nomic-embed-text:latest"], ("llama3.2", "qwen3", "nomic-embed-text")),
    (["qwen3:latest", "gemma3:27b", "gemma3:1b"], ("gemma3:1b", "qwen3", None)),
    (["mixtral:8x22b", "llama3.1:70b-instruct-q4_K_M", "own", "smollm:135m"], ("smollm:135m", "mixtral:8x22b", None)),
    (["deepseek-r1:8b", "gpt-oss:120b-cloud", "bge-m3:latest"], ("deepseek-r1:8b", "deepseek-r1:8b", "bge-m3")),
    (["hf.co/bartowski/Llama-3.3-70B-Instruct-GGUF:Q4_K_M", "phi4:14b"],
     ("phi4:14b", "hf.co/bartowski/Llama-3.3-70B-Instruct-GGUF:Q4_K_M", None)),
]  # fmt: skip


@pytest.mark.parametrize(("there", "named"), THERE, ids=str)
def test_local_models_are_those_that_are_there(run: Run, there: list[str], named: tuple[str, str, str | None]) -> None:
    small, large, embedding = named
    with serve(Emulator(models=there)) as url:
        code, _, err = run("init", "--local", variables={"OLLAMA_HOST": url})
        assert (code, err) == (0, "")
        text = Path("llm-router.yaml").read_text()
        assert f'small: ["ollama:{small}"]' in text
        assert f'large: ["ollama:{large}"]' in text
        assert (f'use: "ollama:{embedding}"' in text) == ("embeddings:" in text) == (embedding is not None)
        code, out, _ = run("check", "--live", variables={"OLLAMA_HOST": url})
        assert code == 0, out
    code, out, _ = run("test")
    assert code == 0, out


@pytest.mark.parametrize("there", [[], ["nomic-embed-text:latest"], ["gpt-oss:120b-cloud"]], ids=str)
def test_without_a_model_that_chats_the_usual_ones_are_named(run: Run, there: list[str]) -> None:
    with serve(Emulator(models=there)) as url:
        code, _, err = run("init", "--local", variables={"OLLAMA_HOST": url})
    assert code == 0
    assert "Ollama has no model yet that chats" in err
    assert "ollama pull llama3.2; ollama pull qwen3; ollama pull nomic-embed-text" in err
    assert "ollama:llama3.2" in Path("llm-router.yaml").read_text()


def test_where_nobody_answers_the_usual_models_are_named(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes a connection, and says nothing
        for address in ("127.0.0.1:9", f"127.0.0.1:{silent.getsockname()[1]}", "gpu-box:11434", "127.0.0.1:none"):
            code, _, err = run("init", "--force", "--local", variables={"OLLAMA_HOST": address})
            assert code == 0
            assert "nobody answers at Ollama's address" in err
            assert "llama3.2" in Path("llm-router.yaml").read_text()


def test_an_ollama_on_another_machine_has_models_too(run: Run) -> None:
    text = starter_spec({"OLLAMA_HOST": "gpu-box:8000"}, there=["llama3.1:8b", "llama3.3:70b"])
    assert '{provider: ollama, model: "llama3.3:70b", price: free}' in text
    Path("llm-router.yaml").write_text(text)
    assert run("test")[0] == 0


def test_nothing_is_asked_where_no_ollama_is_meant(run: Run) -> None:
    with serve(emulator := Emulator()) as url:
        assert run("init", variables={"OPENAI_API_KEY": "k"})[0] == 0
        Router.from_env(environment=Environment({"OLLAMA_HOST": url})).close()
    assert emulator.log == ()


@pytest.mark.parametrize(
    ("name", "kind"), [("AZURE_OPENAI_API_KEY", "azure"), ("REPLICATE_API_TOKEN", "replicate")], ids=str
)
def test_a_key_that_no_model_is_known_for_is_told(run: Run, name: str, kind: str) -> None:
    code, _, err = run("init", variables={name: "sk-planted"})
    assert code == 1
    assert "no key is set of a provider whose models are known" in err
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
