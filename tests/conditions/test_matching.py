"""Whether conditions hold, why, and where rules are found."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from llm_router.policy.index import build_index, candidate_places
from llm_router.policy.match import Finding, explain_condition, holds
from llm_router.spec.conditions.condition import ALWAYS, Condition, Not
from llm_router.spec.conditions.feature_types import Declarations, MetadataType
from tests.conditions.conditions import PATTERNS, TESTS, conditions, requests
from tests.conditions.reading import DECLARATIONS, condition_of, read_spec

ANY = conditions(TESTS | PATTERNS)


@given(ANY, requests())
def test_a_negation_is_the_complement(condition: Condition, values: dict[str, object]) -> None:
    assert holds(Not(condition), values) is not holds(condition, values)


@given(st.lists(ANY | st.just(ALWAYS), max_size=12), requests())
@settings(deadline=None)
def test_the_index_leaves_out_only_rules_that_do_not_hold(rules: list[Condition], values: dict[str, object]) -> None:
    places = list(candidate_places(build_index(rules, DECLARATIONS), values))
    assert places == sorted(set(places))
    assert [place for place in places if holds(rules[place], values)] == [
        place for place, rule in enumerate(rules) if holds(rule, values)
    ]


def test_rules_are_found_by_the_hint_that_tells_most_apart() -> None:
    rules = [condition_of(f'task == "code" and metadata.tenant == "t{number}"') for number in range(5)]
    index = build_index(rules, DECLARATIONS)
    assert index.by_value == {"metadata.tenant": {f"t{number}": (number,) for number in range(5)}}
    assert index.residual == ()


def test_rules_on_sets_are_found_by_each_word_once() -> None:
    rules = [condition_of('tags has ["a", "b"]'), condition_of('tags has "b"'), condition_of("stream")]
    index = build_index(rules, DECLARATIONS)
    assert index.residual == (2,)
    assert list(candidate_places(index, {"tags": frozenset("ab")})) == [0, 1, 2]
    assert list(candidate_places(index, {"tags": frozenset("a")})) == [0, 2]
    assert list(candidate_places(index, {})) == [2]


def test_alternatives_are_found_by_what_all_of_them_need() -> None:
    rules = [condition_of('task == "code" and stream or task == "chat"'), condition_of('task == "code" or stream')]
    index = build_index(rules, DECLARATIONS)
    assert index.by_value == {"task": {"code": (0,), "chat": (0,)}}
    assert index.residual == (1,)


def test_computed_features_negations_and_references_are_no_index() -> None:
    texts = ['task != "code"', "hour == 5", 'metadata.tenant == "${env:T}"', "not metadata.pii", "input_tokens > 5"]
    assert build_index([condition_of(text) for text in texts], DECLARATIONS).residual == (0, 1, 2, 3, 4)


def test_ten_thousand_tenants_cost_what_ten_do() -> None:
    declarations = Declarations(metadata={"tenant": MetadataType("text")})
    rules = [condition_of(f'metadata.tenant == "t{number % 5000}"') for number in range(200)]
    index = build_index(rules * 50, declarations)
    assert len(list(candidate_places(index, {"metadata.tenant": "t7"}))) == 50
    assert list(candidate_places(index, {})) == []


def test_an_explanation_shows_the_predicates_as_written_and_no_value_of_the_request() -> None:
    condition, _ = read_spec(
        'if: task == "code" and (metadata.tenant != "acme" or not text contains "iban") and user exists'
    )
    values: dict[str, Any] = {"metadata.tenant": "globex", "text": "SECRET", "task": "code"}
    found = explain_condition(condition, values)
    assert found == (
        Finding('task == "code"', True, False),
        Finding('metadata.tenant != "acme"', True, False),
        Finding('text contains "iban"', False, False),
        Finding("user exists", False, True),
    )
    assert "SECRET" not in repr(found)
    assert "globex" not in repr(found)


def test_an_explanation_of_a_structure_shows_it_in_its_own_spelling() -> None:
    condition, _ = read_spec("when: {task: [code, chat], input_tokens: {above: 10k}, not: {stream: true}}")
    assert [finding.text for finding in explain_condition(condition, {})] == [
        "task: [code, chat]",
        "input_tokens: {above: 10k}",
        "stream: true",
    ]


def test_values_of_another_type_never_raise() -> None:
    for text in ["input_tokens > 5", 'cost > "low"', 'tags has "a"', 'text contains "a"', "hour between 1 and 2"]:
        for value in ["x", 5, True, frozenset("x"), 1.5, object()]:
            condition = condition_of(text)
            feature = next(iter(sorted(text.split()[0:1])))
            assert holds(condition, {feature: value}) in (True, False)
