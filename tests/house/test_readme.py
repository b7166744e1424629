"""The README tells the truth: its specs compile, its Python runs, its commands exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from llm_router import Router
from llm_router.cli.main import parser
from llm_router.policy.compile import compile_spec
from llm_router.spec.read import read
from llm_router.testing import check_cases, emulated_providers, run_cases

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
THREE_LINES = "version: 1\nrules:\n  - use: [openai:gpt-4o-mini, groq:openai/gpt-oss-120b]\n"


def blocks(language: str) -> list[str]:
    """The code blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def specs() -> Iterator[str]:
    """Whole specs, and the parts that the text adds to the one by task, each in its place."""
    whole = [block for block in blocks("yaml") if "version: 1" in block]
    by_task = next(block for block in whole if "tasks:" in block)
    yield from whole
    for part in (block for block in blocks("yaml") if "version: 1" not in block):
        declared = "metadata: {pii: boolean}\n" if "metadata.pii" in part else ""
        labelled = "providers: {mistral: {labels: {region: eu}}}\n" if "labels.region" in part else ""
        yield by_task + declared + labelled + part


@pytest.mark.parametrize("spec", list(specs()), ids=lambda spec: spec.strip().splitlines()[-1][:40])
def test_a_spec_of_the_readme_is_clean_and_passes_its_tests(spec: str) -> None:
    reading = read(spec, "README.md")
    program, found = compile_spec(reading)
    assert found == ()
    assert program is not None
    assert check_cases(program, reading) == ()
    assert [result.differences for result in run_cases(program, reading) if not result.passed] == []


def test_the_smallest_spec_is_the_first() -> None:
    first = "".join(line for line in blocks("yaml")[0].splitlines(keepends=True) if not line.startswith("#"))
    assert first == THREE_LINES


def test_the_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "llm-router.yaml").write_text(THREE_LINES)
    monkeypatch.chdir(tmp_path)
    made = Router.from_file
    with emulated_providers(variables={}) as providers:
        routers = []

        def at_the_emulator(path: str, **options: object) -> Router:
            routers.append(made(path, environment=providers.environment))
            return routers[-1]

        monkeypatch.setattr(Router, "from_file", at_the_emulator)
        for block in blocks("python"):
            exec(compile(block, "README.md", "exec"), {})
        for router in routers:
            router.close()
        assert len(routers) == 4
        assert len(providers.log) >= 3


def test_the_commands_of_the_readme_exist() -> None:
    told = re.findall(r"^\$ llm-router (.*?)(?: +#.*)?$", README, re.MULTILINE)
    assert len(told) >= 7
    for command in told:
        parser().parse_args([word.strip('"') for word in command.split()])


def test_the_row_and_the_case_that_it_shows_are_real() -> None:
    (shown,) = blocks("json")
    rows = json.loads((ROOT / "llm_router/catalog/data/providers.json").read_bytes())
    ((kind, row),) = json.loads("{" + shown + "}").items()
    assert rows[kind] == row
    assert shown.count("\n") <= 10
    assert f"tests/wire/cases/rows/{kind}.yaml" in README
    assert all((ROOT / path).exists() for path in re.findall(r"\]\(([\w./-]+)\)", README))


def test_a_compatible_provider_takes_five_lines() -> None:
    (spec,) = [block for block in blocks("yaml") if "openai-compatible" in block]
    assert spec.count("\n") <= 5


def test_both_commands_install_what_they_need() -> None:
    main_job, checks, _ = blocks("sh")
    for part in ("venv", "pip install", "llm-router demo", "integrations/langchain", "integrations/llama-index"):
        assert part in main_job
    assert checks.strip() == "python3 tests/check.py"
