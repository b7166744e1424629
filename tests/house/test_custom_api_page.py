"""The page on custom APIs tells the truth: its codec is the tested one, and each of its steps works."""

from __future__ import annotations

import importlib
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llm_router import Environment, Router, codecs
from llm_router.catalog import custom
from llm_router.codecs import register_codec
from llm_router.policy.compile import compile_spec
from llm_router.spec.read import read
from llm_router.testing import emulated_providers, run_cases
from tests.codecs.acme import Acme

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "recipes" / "custom-api.md").read_text(encoding="utf-8")
CODEC, KIT, PROGRAM = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
(SPEC,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
(PACKAGE,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with what the page says to write, from which modules are imported."""
    (tmp_path / "acme.py").write_text(CODEC, encoding="utf-8")
    (tmp_path / "llm-router.yaml").write_text(SPEC, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("acme", None)


def test_its_codec_is_the_one_that_is_tested() -> None:
    assert (ROOT / "tests" / "codecs" / "acme.py").read_text(encoding="utf-8") == CODEC


def test_its_test_passes(written: Path) -> None:
    names: dict[str, Any] = {}
    exec(compile(KIT, "custom-api.md", "exec"), names)
    names["test_acme"]()


def test_its_spec_is_clean_and_passes_its_tests() -> None:
    reading = read(SPEC, "custom-api.md")
    program, found = compile_spec(reading)
    assert found == ()
    assert program is not None
    assert [result.differences for result in run_cases(program, reading) if not result.passed] == []


def test_its_program_runs(written: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    made = Router.from_file
    with emulated_providers({"rocket-2": {"say": "Hello from the stand-in."}}, variables={}) as providers:
        monkeypatch.setattr(Router, "from_file", lambda path: made(path, environment=providers.environment))
        exec(compile(PROGRAM, "custom-api.md", "exec"), {})
    assert capsys.readouterr().out == "Hello from the stand-in.\n"


def test_its_facts_of_a_package_name_a_module_that_registers_the_codec(written: Path) -> None:
    groups = tomllib.loads(PACKAGE)["project"]["entry-points"]
    assert groups == {custom.GROUP: {"acme": "acme"}}
    register_codec("acme", Acme(), auth="bearer")
    importlib.import_module(groups[custom.GROUP]["acme"])
    assert custom.registered_row("custom:acme").auth == "acme-key"


def test_the_names_that_it_tells_of_are_public() -> None:
    told = set(re.findall(r"`([A-Z][A-Za-z]+)(?:\(.*?\))?`", PAGE)) - {
        "ToolCallDelta",
        "ReasoningDelta",
        "RefusalDelta",
    }
    assert {"Coursed", "ServerEvents", "JsonLines", "Unsupported", "WireError"} <= told
    assert told <= set(codecs.__all__)


def test_without_its_codec_the_spec_says_what_to_do() -> None:
    alone = SPEC.replace("custom:acme", "custom:nobody")
    with Router.from_text(alone, environment=Environment({"OPENAI_API_KEY": "sk"})) as router:
        assert "LR524" in {each.code for each in router.diagnostics}
