"""Asking providers what they have: `check --live`, `models --live`, `Router.prove`, `Router.models`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from llm_router import RequestError, Router
from llm_router.cli.main import main
from llm_router.testing import Emulator, serve

Run = Callable[..., tuple[int, str, str]]

MODELS = ("gpt-4o-mini", "claude-haiku-5-5", "llama3.2:latest", "gemini-3.8-flash", "brand-new")

SPEC = """\
version: 1
providers:
  openai: {{base_url: "{url}/v1", api_keys: ["${{env:GOOD}}", "${{env:BAD}}"]}}
  anthropic: {{base_url: "{url}/anthropic", api_key: "${{env:GOOD}}"}}
  gemini: {{base_url: "{url}/v1beta", api_key: "${{env:BAD}}"}}
  ollama: {{base_url: "{url}"}}
  perplexity: {{base_url: "{url}/perplexity", api_key: "${{env:GOOD}}"}}
  mistral: {{base_url: "http://127.0.0.1:9", api_key: "${{env:GOOD}}"}}
  groq: {{}}
deployments:
  mini: {{provider: openai, model: gpt-4o-mini}}
  gone: {{provider: openai, model: gpt-4o}}
rules:
  - use: [mini, gone, "anthropic:claude-haiku-5-5", "anthropic:claude-opus-5-5", "gemini:gemini-3.8-flash",
      "ollama:llama3.2", "ollama:qwen3", "perplexity:sonar", "mistral:mistral-small-latest", "groq:openai/gpt-oss-20b"]
"""

TOLD = """\
openai, key 1 (key): accepted
  mini#1: gpt-4o-mini there
  gone#1: gpt-4o not there
openai, key 2 (key): refused: 401: Incorrect API key provided.
  mini#2: gpt-4o-mini can't tell
  gone#2: gpt-4o can't tell
anthropic (key): accepted
  anthropic:claude-haiku-5-5: claude-haiku-5-5 there
  anthropic:claude-opus-5-5: claude-opus-5-5 not there
gemini (key): refused: 400: API key not valid. Please pass a valid API key.
  gemini:gemini-3.8-flash: gemini-3.8-flash can't tell
ollama (server): accepted
  ollama:llama3.2: llama3.2 there
  ollama:qwen3: qwen3 not there
perplexity (key): can't tell: the provider has no list of models
  perplexity:sonar: sonar can't tell
mistral (key): not reachable: no connection to `127.0.0.1:9`
groq (key): no key: `GROQ_API_KEY` is not set
"""

FAULTS = {
    ("LR520", "error", "groq"),
    ("LR540", "error", "key 2 of `openai`"),
    ("LR540", "error", "gemini"),
    ("LR541", "error", "gpt-4o"),
    ("LR541", "error", "claude-opus-5-5"),
    ("LR541", "error", "qwen3"),
    ("LR542", "error", "mistral"),
}


@pytest.fixture
def emulator() -> Emulator:
    return Emulator(models=MODELS, keys=["sk-good"])


@pytest.fixture
def url(emulator: Emulator) -> Iterator[str]:
    with serve(emulator) as at:
        yield at


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def call(*arguments: str, **variables: str) -> tuple[int, str, str]:
        monkeypatch.setattr("os.environ", variables)
        code = main(arguments)
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


@pytest.fixture
def spec(url: str, tmp_path: Path) -> str:
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC.format(url=url))
    return str(path)


def test_each_key_and_each_model_is_proven_without_showing_a_key(run: Run, spec: str, emulator: Emulator) -> None:
    code, out, err = run("check", "--live", spec, GOOD="sk-good", BAD="sk-planted")
    assert code == 1
    for line in TOLD.splitlines():
        assert line in out, line
    assert "`ollama pull qwen3` fetches it" in out
    assert "sk-" not in out + err
    assert {entry.method for entry in emulator.log} == {"GET"}


def test_what_is_wrong_is_a_diagnostic_for_programs(run: Run, spec: str) -> None:
    code, out, _ = run("check", "--live", "--format", "json", spec, GOOD="sk-good", BAD="sk-planted")
    assert code == 1
    found = [each for each in json.loads(out)["diagnostics"] if not each["code"].startswith("LR4")]
    assert len(found) == len(FAULTS)
    for code_, severity, word in FAULTS:
        assert any(each["code"] == code_ and each["severity"] == severity and word in each["message"] for each in found)


def test_a_spec_whose_keys_and_models_are_right_passes(run: Run, url: str, tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(
        f'version: 1\nproviders: {{openai: {{base_url: "{url}/v1"}}}}\nrules: [{{use: ["openai:gpt-4o-mini"]}}]\n'
    )
    code, out, _ = run("check", "--live", str(path), OPENAI_API_KEY="sk-good")
    assert code == 0
    assert "openai (key): accepted\n  openai:gpt-4o-mini: gpt-4o-mini there\n" in out


def test_a_router_lists_what_its_keys_can_see(run: Run, spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {"GOOD": "sk-good", "BAD": "sk-planted"})
    with Router.from_file(spec) as router:
        offline = router.models("openai")
        assert all(each.listed is None and each.known for each in offline)
        live = {each.model: each for each in router.models("openai", live=True)}
        assert live["gpt-4o-mini"].listed is True
        assert live["gpt-4o"].listed is False
        assert live["brand-new"].listed is True
        assert not live["brand-new"].known
        assert all(each.listed is None for each in router.models("mistral", live=True))
        with pytest.raises(RequestError, match="no provider `opnai`") as caught:
            router.models("opnai")
        assert "did you mean `openai`?" in str(caught.value)


def test_models_live_asks_those_whose_keys_are_set(run: Run, url: str) -> None:
    code, out, _ = run("models", "--live", OLLAMA_HOST=url)
    assert code == 0
    lines = out.splitlines()
    assert lines[1].startswith("llama3.2 ")
    assert any(line.startswith("brand-new") and "unknown to the catalogue" in line for line in lines)
    assert not any("not listed" in line for line in lines)


@pytest.mark.parametrize(("named", "word"), [((), "no key of a provider"), (("groq",), "`GROQ_API_KEY` is not set")])
def test_models_live_says_which_key_is_missing(run: Run, named: tuple[str, ...], word: str) -> None:
    code, _, err = run("models", *named, "--live")
    assert code == 1
    assert word in err
