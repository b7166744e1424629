"""A source knows its plain values and where each key and value stands, and nothing makes it raise."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from llm_router.diagnostics import Span
from llm_router.spec import source
from llm_router.spec.source import Path, Source, read_scalar, read_source
from tests.spec.cases import INVALID, VALID

TEXT = """\
version: 1
name: "a \\"quoted\\" \\u00e9 name"
rules:
  - if: 'it''s == "x"'   # a comment
    use: [a, b]
  - if: >-
      task == "code"
      and cost

    use:
      - c
# the end
"""


def read(text: str) -> Source:
    found, diagnostics = read_source(text, "a.yaml")
    assert diagnostics == ()
    return found


def marked(span: Span, text: str = TEXT) -> str:
    """The text that a span marks, its lines joined."""
    lines = text.split("\n")[span.line - 1 : span.end_line]
    lines[-1] = lines[-1][: span.end_column - 1]
    lines[0] = lines[0][span.column - 1 :]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("version",), "1"),
        (("name",), '"a \\"quoted\\" \\u00e9 name"'),
        (("rules", 0, "use"), "[a, b]"),
        (("rules", 0, "use", 1), "b"),
        (("rules", 1, "use"), "- c"),
        (("rules", 1, "if"), '>-\n      task == "code"\n      and cost'),
        (("rules", 1, "nowhere", 3), None),
    ],
)
def test_a_value_is_found_at_its_path(path: Path, text: str | None) -> None:
    found = read(TEXT)
    assert marked(found.span(path)) == (text if text else marked(found.span(path[:2])))


def test_a_block_ends_with_its_last_value() -> None:
    assert marked(read(TEXT).span(())).endswith("- c")


def test_a_key_is_found_at_its_path() -> None:
    found = read(TEXT)
    assert marked(found.key_span(("rules", 1, "use"))) == "use"
    assert found.key_span(("rules", 0, "use", 0)) == found.span(("rules", 0, "use", 0))


@pytest.mark.parametrize(
    ("path", "word", "written"),
    [
        (("name",), "quoted", "quoted"),
        (("name",), "é", "\\"),
        (("rules", 0, "if"), "x", "x"),
        (("rules", 0, "if"), "it's", "it''s"),
        (("rules", 1, "if"), "and", "and"),
        (("rules", 1, "if"), "cost", "cost"),
    ],
)
def test_words_in_a_text_are_found_through_quotes_and_folds(path: Path, word: str, written: str) -> None:
    found = read(TEXT)
    value: object = found.tree
    for step in path:
        value = value[step]  # type: ignore[index]  # a tree of the text above
    assert isinstance(value, str)
    start = value.index(word)
    assert marked(found.text_span(path, start, start + len(word))) == written


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("no", "no"),
        ("12:30", "12:30"),
        ("2024-05-13", "2024-05-13"),
        ("1e3", 1000.0),
        ("0o17", 15),
        ("0x1F", 31),
        ("017", 17),
        ("1_000", "1_000"),
        (".5", 0.5),
        ("5.", 5.0),
        ("-0.5", -0.5),
        ("true", True),
        ("TRUE", True),
        ("tRUE", "tRUE"),
        ("~", None),
        ("", None),
        ("null", None),
        ("=", "="),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    read = read_scalar(text)
    assert read == value
    assert type(read) is type(value)


@given(st.text())
def test_no_text_makes_it_raise(text: str) -> None:
    read_source(text, "a.yaml")


@given(st.binary())
def test_no_bytes_make_it_raise(data: bytes) -> None:
    read_source(data, "a.yaml")


@given(st.text(alphabet="ab:-[]{}\"'\n #&*!|>%@`,?$~.<", max_size=40))
def test_no_run_of_signs_makes_it_raise(text: str) -> None:
    read_source(text, "a.yaml")


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_no_depth_makes_it_raise(opening: str) -> None:
    _, diagnostics = read_source(opening * 20_000, "a.yaml")
    assert [found.code for found in diagnostics] == ["LR108"]


def test_aliases_that_multiply_are_stopped() -> None:
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 12)]
    _, diagnostics = read_source("\n".join(["l0: &l0 [x]", *levels]), "a.yaml")
    assert "LR108" in [found.code for found in diagnostics]


@pytest.mark.parametrize("path", [*VALID, *INVALID], ids=lambda path: path.stem)
def test_without_the_c_library_the_tree_and_its_places_are_the_same(
    path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = path.read_bytes()  # type: ignore[attr-defined]  # a path
    fast, _ = read_source(data, "a.yaml")
    monkeypatch.setattr(source, "_LOADER", yaml.BaseLoader)
    slow, _ = read_source(data, "a.yaml")
    assert (slow.tree, slow.keys) == (fast.tree, fast.keys)
