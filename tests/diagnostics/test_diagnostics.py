"""Diagnostics are shown to people, programs and code scanning; near words are proposed."""

from __future__ import annotations

import json
import pickle

import jsonschema
import pytest

from llm_router.diagnostics import (
    Diagnostic,
    Related,
    Span,
    SpecError,
    closest,
    did_you_mean,
    has_errors,
    in_order,
    render_json,
    render_sarif,
    render_text,
)
from llm_router.spec.read import read

TEXT = "version: 1\nruls:\n\t- use: «a»\nproviders: {openai: {api_key: sk-1234567890, x: 1}}\n"
MISSPELT = Diagnostic("LR201", "error", "there is no key `ruls`", Span("a.yaml", 2, 1, 2, 5), "did you mean `rules`?")
WARNING = Diagnostic("LR401", "warning", "nobody uses it", Span("a.yaml", 3, 9, 3, 12))
TWICE = Diagnostic(
    "LR102", "error", "twice", Span("a.yaml", 1, 1, 3, 4), related=(Related("first here", Span("a.yaml", 2, 1, 2, 5)),)
)


def test_text_names_the_place_and_marks_the_words() -> None:
    assert render_text([MISSPELT], {"a.yaml": TEXT}) == (
        "a.yaml:2:1: error[LR201]: there is no key `ruls`\n  |\n2 | ruls:\n  | ^^^^\n  = help: did you mean `rules`?\n"
    )


def test_a_mark_stands_below_its_words_behind_a_tab() -> None:
    assert "  | \t       ^^^" in render_text([WARNING], {"a.yaml": TEXT})


def test_a_span_of_several_lines_is_marked_to_the_end_of_its_first() -> None:
    shown = render_text([TWICE], {"a.yaml": TEXT})
    assert "1 | version: 1\n  | ^^^^^^^^^^\n" in shown
    assert "= note: first here, a.yaml:2:1" in shown


def test_without_its_source_a_diagnostic_is_still_named() -> None:
    assert render_text([WARNING]) == "a.yaml:3:9: warning[LR401]: nobody uses it\n"


def test_a_key_that_is_written_out_is_not_shown() -> None:
    found = Diagnostic("LR201", "error", "no key `x`", Span("a.yaml", 4, 47, 4, 48))
    shown = render_text([found], {"a.yaml": TEXT})
    assert "sk-1234567890" not in shown
    assert "•" * 13 in shown


def test_colour_is_only_there_when_asked_for() -> None:
    assert "\x1b" not in render_text([MISSPELT], {"a.yaml": TEXT})
    assert "\x1b[1;31merror[LR201]\x1b[0m" in render_text([MISSPELT], {"a.yaml": TEXT}, colour=True)


def test_json_has_exactly_its_keys() -> None:
    assert json.loads(render_json([MISSPELT])) == {
        "diagnostics": [
            {
                "code": "LR201",
                "severity": "error",
                "message": "there is no key `ruls`",
                "help": "did you mean `rules`?",
                "file": "a.yaml",
                "line": 2,
                "column": 1,
                "end_line": 2,
                "end_column": 5,
            }
        ]
    }


REGION = {
    "type": "object",
    "required": ["startLine", "startColumn", "endLine", "endColumn"],
    "additionalProperties": {"type": "integer", "minimum": 1},
}
LOCATION = {
    "type": "object",
    "required": ["physicalLocation"],
    "properties": {
        "physicalLocation": {
            "type": "object",
            "additionalProperties": False,
            "required": ["artifactLocation", "region"],
            "properties": {
                "artifactLocation": {
                    "type": "object",
                    "properties": {"uri": {"type": "string", "format": "uri-reference"}},
                },
                "region": REGION,
            },
        },
        "message": {"type": "object", "required": ["text"]},
    },
}
RESULT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["message", "ruleId", "level", "locations"],
    "properties": {
        "ruleId": {"type": "string"},
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": {"type": "object", "required": ["text"]},
        "locations": {"type": "array", "items": LOCATION},
        "relatedLocations": {"type": "array", "items": LOCATION},
    },
}
SARIF = {
    "type": "object",
    "required": ["version", "runs", "$schema"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["tool", "results"],
                "properties": {
                    "tool": {"type": "object", "required": ["driver"]},
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {"type": "array", "items": RESULT},
                },
            },
        },
    },
}
"""The part of SARIF 2.1.0's schema that what is written here has to do with."""


def test_sarif_is_as_its_standard_says() -> None:
    log = json.loads(render_sarif([MISSPELT, WARNING, TWICE], version="1.0"))
    jsonschema.validate(log, SARIF)
    assert [rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]] == ["LR102", "LR201", "LR401"]


def test_diagnostics_are_in_the_order_of_their_places_and_once() -> None:
    assert in_order([WARNING, MISSPELT, TWICE, MISSPELT]) == (TWICE, MISSPELT, WARNING)


def test_only_errors_stop() -> None:
    assert has_errors([WARNING, MISSPELT])
    assert not has_errors([WARNING])


def test_a_spec_error_has_all_of_them_and_says_so() -> None:
    error = SpecError([WARNING, MISSPELT], {"a.yaml": TEXT})
    assert error.diagnostics == (MISSPELT, WARNING)
    assert "error[LR201]" in str(error)
    assert "warning[LR401]" in str(error)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("ruls", "rules"),
        ("Rules", "rules"),
        ("time_outs", "timeouts"),
        ("round_robin", "round-robin"),
        ("tiemouts", "timeouts"),
        ("entirely different", None),
        ("", None),
    ],
)
def test_a_near_word_is_proposed(word: str, meant: str | None) -> None:
    assert closest(word, ["rules", "timeouts", "round-robin"]) == meant


def test_where_nothing_is_near_all_are_named() -> None:
    assert did_you_mean("rulez", ["rules", "pools"]) == "did you mean `rules`?"
    assert did_you_mean("xyz", ["rules", "pools"]) == "expected one of `rules`, `pools`"
    assert did_you_mean("xyz", []) == ""


def test_diagnostics_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(TWICE)) == TWICE


def test_a_password_in_an_address_does_not_show() -> None:
    text = 'providers: {corp: {kind: openai-compatible, base_url: "https://me:hunter22@llm.example/v1"}}\n'
    found = read(f"version: 1\n{text}rules: [{{use: corp:m}}]\n", "router.yaml").diagnostics
    assert found
    assert "hunter22" not in render_text(found, {"router.yaml": f"version: 1\n{text}"}) + render_json(found)
