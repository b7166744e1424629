"""Both spellings of conditions: what they mean, and what is said of what can't be read."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_router.diagnostics import Diagnostic
from llm_router.policy.match import holds
from llm_router.spec.conditions.condition import ALWAYS, All, Test, both, reads
from llm_router.spec.conditions.expression import read_if
from llm_router.spec.conditions.spelling import expression_of, structure_of
from llm_router.spec.conditions.when import read_when
from llm_router.spec.read import read
from llm_router.spec.refs import Environment, Reference
from llm_router.spec.source import read_source
from tests.conditions.conditions import conditions
from tests.conditions.reading import DECLARATIONS, cases, condition_of, read_spec, values_of

AGREEMENT = cases("agreement")
DIAGNOSTICS = cases("diagnostics")


@pytest.mark.parametrize("case", AGREEMENT, ids=lambda case: case["if"])
def test_both_spellings_give_the_same_condition(case: dict[str, Any]) -> None:
    expression, faults = read_spec(yaml.safe_dump({"if": case["if"]}, allow_unicode=True))
    structure, more = read_spec(yaml.safe_dump({"when": case["when"]}, allow_unicode=True, sort_keys=False))
    assert (faults, more) == ((), ())
    assert expression == structure
    assert expression != ALWAYS


@pytest.mark.parametrize("case", AGREEMENT, ids=lambda case: case["if"])
def test_a_condition_holds_for_these_requests_and_not_for_those(case: dict[str, Any]) -> None:
    condition = condition_of(case["if"])
    assert [values for values in case.get("holds", []) if not holds(condition, values_of(values))] == []
    assert [values for values in case.get("fails", []) if holds(condition, values_of(values))] == []


@pytest.mark.parametrize("case", DIAGNOSTICS, ids=lambda case: case["spec"])
def test_every_fault_is_reported_at_its_place_with_help(case: dict[str, Any]) -> None:
    _, found = read_spec(case["spec"])
    assert len(found) == len(case["expect"]), found
    for diagnostic, expected in zip(found, case["expect"], strict=True):
        code, place, words = expected.split(" ", 2)
        message, advice = words.split(" |", 1)
        assert (diagnostic.code, f"{diagnostic.span.line}:{diagnostic.span.column}") == (code, place), diagnostic
        assert message in diagnostic.message
        assert advice.strip() in diagnostic.help
        assert diagnostic.message[0] != diagnostic.message[0].upper() or not diagnostic.message[0].isalpha()
        assert not diagnostic.message.endswith(".")


def test_a_span_ends_where_the_words_end() -> None:
    _, found = read_spec('if: stream and task == "cod" or stream')
    assert (found[0].span.column, found[0].span.end_column) == (24, 29)


def test_a_predicate_keeps_its_words_and_its_place() -> None:
    condition, _ = read_spec('if: (  budget   ==  "low" ) and task in ["code",  "chat"]')
    assert isinstance(condition, All)
    tests = [term for term in condition.terms if isinstance(term, Test)]
    assert [test.text for test in tests] == ['budget   ==  "low"', 'task in ["code",  "chat"]']
    assert [(test.span.column, test.span.end_column) for test in tests] == [(8, 26), (33, 58)]


def test_a_structured_predicate_spans_key_and_value() -> None:
    condition, _ = read_spec("when: {task: [code, chat]}")
    assert isinstance(condition, Test)
    assert (condition.text, condition.span.column, condition.span.end_column) == ("task: [code, chat]", 8, 26)


def test_what_was_read_before_a_fault_still_counts() -> None:
    condition, found = read_spec('if: task == "code" and taks == "chat" and stream')
    assert len(found) == 1
    assert condition == condition_of('task == "code" and stream')


def test_a_value_without_a_default_stays_a_reference() -> None:
    condition = condition_of('metadata.tenant == "${env:TENANT}"')
    assert isinstance(condition, Test)
    assert condition.value == Reference("${env:TENANT}")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("if: 'metadata.tenant == \"${env:A}\"'", "7"),
        ('when: {metadata.tenant: "${env:A}"}', "7"),
        ("if: 'input_tokens > \"${env:A}\"'", 7),
        ('when: {metadata.score: "${env:A:-3}"}', 7),
        ("if: 'stream == \"${env:B}\"'", True),
    ],
)
def test_an_environment_gives_references_their_values_in_the_feature_s_type(text: str, value: object) -> None:
    condition, found = _read_bound(text, {"A": "7", "B": "true"})
    assert (found, condition.value) == ([], value)


def test_a_variable_that_is_missing_or_of_another_type_is_reported() -> None:
    _, found = _read_bound(
        'if: \'input_tokens > "${env:A}" or task == "${env:B}" or stream == "${env:B}"\'', {"B": "x"}
    )
    assert [(fault.code, fault.span.column) for fault in found] == [("LR219", 21), ("LR343", 43), ("LR244", 67)]


def _read_bound(text: str, variables: dict[str, str]) -> tuple[Any, list[Diagnostic]]:
    source, _ = read_source(text, "spec.yaml")
    assert isinstance(source.tree, dict)
    found: list[Diagnostic] = []
    [(key, node)] = source.tree.items()
    read = read_if if key == "if" else read_when
    return read(node, (key,), source, DECLARATIONS, found.append, environment=Environment(variables)), found


def test_a_reference_in_a_condition_is_read_by_the_feature_s_type_not_by_what_its_default_looks_like() -> None:
    text = 'version: 1\nrules: [{when: {metadata.tenant: "${env:A:-7}"}, use: openai:gpt-4o}]'
    reading = read(text, "spec.yaml")
    assert reading.spec is not None
    found: list[Diagnostic] = []
    when = reading.spec.rules[0].when
    condition = read_when(when, ("rules", 0, "when"), reading.source, DECLARATIONS, found.append)
    assert (condition, found) == (condition_of('metadata.tenant == "7"'), [])


def test_both_joins_conditions_without_nesting() -> None:
    first, second = condition_of('task == "code" and stream'), condition_of("has_tools")
    assert both(first, second) == condition_of('task == "code" and stream and has_tools')
    assert both(ALWAYS, second) == second
    assert both(ALWAYS, ALWAYS) == ALWAYS


def test_a_condition_names_the_features_that_it_reads() -> None:
    condition = condition_of('(task == "code" or budget != "low") and not metadata.pii')
    assert reads(condition) == {"task", "cost", "metadata.pii"}


@pytest.mark.parametrize("text", ["(" * 5000 + "stream" + ")" * 5000, "not " * 5000 + "stream", "stream and " * 5000])
def test_endless_expressions_are_reported_not_crashed_on(text: str) -> None:
    _, found = read_spec(yaml.safe_dump({"if": text}, width=1_000_000))
    assert found


def test_deep_structures_are_reported_not_crashed_on() -> None:
    _, found = read_spec("when: " + "{not: " * 35 + "{stream: true}" + "}" * 35)
    assert [fault.code for fault in found] == ["LR240"]


@settings(deadline=None)
@given(st.text("tasin()[],\"'“1k%-._$={}\\/é \n<>!&|"))
def test_no_expression_breaks_the_reader(text: str) -> None:
    _read_bound(yaml.safe_dump({"if": text}, width=10_000, default_style='"'), {})


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(["task", "==", '"code"', "and", "or", "not", "(", ")", "[", "]", "in", ",", "5", "between"])
    )
)
def test_no_order_of_words_breaks_the_reader(words: list[str]) -> None:
    _read_bound(yaml.safe_dump({"if": " ".join(words)}, width=10_000, default_style='"'), {})


_NODES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["code", "task", "", "5k"]),
    lambda nodes: (
        st.lists(nodes, max_size=3)
        | st.dictionaries(
            st.sampled_from(["task", "hour", "tags", "any", "all", "not", "in", "between", "is", "x"]),
            nodes,
            max_size=3,
        )
    ),
    max_leaves=10,
)


@settings(deadline=None)
@given(_NODES)
def test_no_structure_breaks_the_reader(node: object) -> None:
    _read_bound(yaml.safe_dump({"when": node}), {})


@settings(deadline=None)
@given(conditions())
def test_a_condition_written_as_an_expression_reads_as_itself(condition: Any) -> None:
    assert condition_of(expression_of(condition)) == condition


@settings(deadline=None)
@given(conditions())
def test_a_condition_written_as_a_structure_reads_as_itself(condition: Any) -> None:
    again, found = read_spec(
        yaml.safe_dump({"when": structure_of(condition)}, allow_unicode=True, sort_keys=False, width=10_000)
    )
    assert (found, again) == ((), condition)
