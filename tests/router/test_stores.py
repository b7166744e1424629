"""Where a router's store lies."""

from __future__ import annotations

from pathlib import Path

from llm_router import Environment, Router

SPEC = "{version: 1, state: 'sqlite:here.db', providers: {p: {kind: openai, api_key: k}}, rules: [{use: p:gpt-4o}]}"


def test_a_relative_path_starts_from_the_specs_folder_whatever_the_environment(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC)
    Router.from_file(spec, environment=Environment(directory=tmp_path / "elsewhere")).close()
    assert (tmp_path / "here.db").exists()


def test_a_spec_without_a_file_takes_the_environments_folder(tmp_path: Path) -> None:
    Router.from_text(SPEC, environment=Environment(directory=tmp_path)).close()
    assert (tmp_path / "here.db").exists()
