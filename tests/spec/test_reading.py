"""What is read: values in their types, references with and without an environment, and where sections stand."""

from __future__ import annotations

import re
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_router.spec.model import AfterSpec, GroupSpec, PoolSpec, Spec, listed
from llm_router.spec.read import read, text_of
from llm_router.spec.refs import Environment, MissingReference, Reference, known, resolve
from tests.spec.cases import INVALID, VALID

HERE = Path(__file__).parent


def spec(text: str, environment: Environment | None = None) -> Spec:
    """The spec of a text without the lines that every spec has."""
    rules = "" if "rules:" in text else "\nrules: [{use: openai:gpt-4o}]"
    found = read(f"version: 1\n{text}{rules}\n", "spec.yaml", environment)
    assert found.spec is not None, found.diagnostics
    return found.spec


def test_quantities_are_exact_and_in_their_units() -> None:
    read = spec(
        "timeouts: {first_token: 1.5m}\n"
        "settings: {max_output_tokens: 4k}\n"
        "deployments: {a: {provider: openai, model: m, price: {input: 0.15, output: 10}, context: 1.5M}}\n"
        "pools: {p: {of: {a: 33.3%, b: 66.7%}}}\n"
        "rules: [{use: {from: a, max_cost: 0.25 USD, by: {cost: 30%, quality: 70%}}}]"
    )
    assert read.timeouts is not None
    assert read.timeouts.first_token == 90
    assert read.settings is not None
    assert read.settings.max_output_tokens == 4000
    price = read.deployments["a"].price
    assert not isinstance(price, str)
    assert price is not None
    assert (price.input, price.output) == (150_000, 10_000_000)
    assert read.deployments["a"].context == 1_500_000
    pool = read.pools["p"]
    assert isinstance(pool, PoolSpec)
    assert pool.shares == {"a": Fraction(333, 1000), "b": Fraction(667, 1000)}
    group = read.rules[0].use
    assert isinstance(group, GroupSpec)
    assert group.max_cost == 250_000_000_000


def test_sections_know_their_places() -> None:
    read = spec("fallback: {after: {timeout: {next: [a, {from: [b, c]}]}}}")
    assert not isinstance(read.fallback, str)
    assert read.fallback is not None
    assert read.fallback.after is not None
    after = read.fallback.after.by_class["timeout"]
    assert isinstance(after, AfterSpec)
    assert after.path == ("fallback", "after", "timeout")
    assert after.next is not None
    assert not isinstance(after.next, (str, GroupSpec))
    entries = list(listed(after.next, (*after.path, "next")))
    assert [path for _, path in entries] == [(*after.path, "next", 0), (*after.path, "next", 1)]
    assert {section.path for section in read.below()} >= {(), ("rules", 0), (*after.path, "next", 1)}


def test_without_an_environment_a_default_counts_and_the_rest_waits() -> None:
    read = spec('timeouts: {stall: "${env:STALL:-5s}", total: "${env:TOTAL}", connect: "${env:N}s"}')
    assert read.timeouts is not None
    assert read.timeouts.stall == 5
    assert read.timeouts.total == Reference("${env:TOTAL}")
    assert known(read.timeouts.total) is None
    assert read.timeouts.connect == Reference("${env:N}s")


def test_with_an_environment_references_are_read_as_their_key() -> None:
    environment = Environment({"STALL": "7s", "TOTAL": "2m", "N": "3", "ON": "false", "SEED": "5"})
    read = spec(
        'timeouts: {stall: "${env:STALL:-5s}", total: "${env:TOTAL}", connect: "${env:N}s"}\n'
        'providers: {openai: {enabled: "${env:ON}", labels: {n: "${env:N}"}}}\nsettings: {seed: "${env:SEED}"}',
        environment,
    )
    assert read.timeouts is not None
    assert (read.timeouts.stall, read.timeouts.total, read.timeouts.connect) == (7, 120, 3)
    assert read.providers["openai"].enabled is False
    assert read.providers["openai"].labels == {"n": "3"}
    assert read.settings is not None
    assert read.settings.seed == 5


def test_a_key_stays_a_reference_and_never_shows(tmp_path: Path) -> None:
    environment = Environment({"KEY": "sk-planted"}, tmp_path)
    for written in ("${env:KEY}", "sk-planted", "${env:OTHER:-sk-planted}"):
        provider = spec(f'providers: {{openai: {{api_key: "{written}"}}}}', environment).providers["openai"]
        assert isinstance(provider.api_key, Reference)
        assert resolve(provider.api_key, environment) == "sk-planted"
    literal = spec("providers: {openai: {api_keys: [sk-planted]}}").providers["openai"]
    assert literal.api_keys[0].is_literal
    assert "sk-planted" not in repr(literal)


def test_a_file_is_read_beside_the_spec(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-from-file\n")
    assert resolve(Reference("${file:key}"), Environment({}, tmp_path)) == "sk-from-file"
    with pytest.raises(MissingReference) as caught:
        resolve(Reference("${file:nothing}"), Environment({}, tmp_path))
    assert caught.value.name == "nothing"


def test_what_isn_t_set_is_a_warning_below_a_provider_and_an_error_elsewhere() -> None:
    text = (
        "version: 1\n"
        'providers: {openai: {api_key: "${env:KEY}", base_url: "${env:URL}"}}\n'
        'timeouts: {total: "${env:TOTAL}"}\n'
        "rules: [{use: openai:gpt-4o}]\n"
    )
    found = read(text, "spec.yaml", Environment({}))
    assert [(item.code, item.severity, item.message) for item in found.diagnostics] == [
        ("LR219", "warning", "`KEY` is not set, so nobody is asked at `openai`"),
        ("LR219", "warning", "`URL` is not set, so nobody is asked at `openai`"),
        ("LR219", "error", "`TOTAL` is not set"),
    ]
    assert found.spec is None
    assert read(text, "spec.yaml").diagnostics == ()


def test_a_file_that_can_t_be_read_is_no_variable(tmp_path: Path) -> None:
    text = (
        "version: 1\n"
        'providers: {openai: {api_key: "${file:key}"}}\n'
        "rules: [{if: 'user == \"${file:who}\"', use: openai:gpt-4o}]\n"
        'settings: {stop: "${file:end}"}\n'
    )
    found = read(text, "spec.yaml", Environment({}, tmp_path))
    assert [(item.message, item.help) for item in found.diagnostics] == [
        (
            "the file `key` can't be read, so nobody is asked at `openai`",
            "put it there, readable: paths start from the spec's folder",
        ),
        ("the file `end` can't be read", "put it there, readable: paths start from the spec's folder"),
    ]


def test_what_the_environment_holds_is_not_shown() -> None:
    found = read(
        'version: 1\ntimeouts: {total: "${env:TOTAL}"}\nrules: [{use: openai:gpt-4o}]\n',
        "spec.yaml",
        Environment({"TOTAL": "s3cret"}),
    )
    assert "s3cret" not in repr(found.diagnostics)
    assert found.diagnostics[0].code == "LR218"


def test_conditions_stay_as_they_are_written() -> None:
    read = spec('rules: [{when: {env.X: "${env:Y:-z}"}, if: \'tags has "${env:Y:-z}"\', use: openai:gpt-4o}]')
    assert read.rules[0].when == {"env.X": "${env:Y:-z}"}
    assert read.rules[0].if_ == 'tags has "${env:Y:-z}"'


def test_cases_tell_answers_from_the_world() -> None:
    case = spec("tests: [{request: {text: hi}, given: {a: timeout, b: [ok], hour: 3, env.X: y}, expect: {}}]").tests[0]
    assert case.answers == {"a": ("timeout",), "b": ("ok",)}
    assert case.world == {"hour": 3, "env.X": "y"}


def test_a_mapping_is_read_like_a_file() -> None:
    found = read(text_of({"version": 1, "ruls": [], "rules": [{"use": "openai:gpt-4o"}]}), "<spec>")
    assert [(item.code, item.span.line) for item in found.diagnostics] == [("LR201", 3)]


PYDANTIC = re.compile(r"(?i)pydantic|input should|value_error|field required|valid (dict|string|tuple|list)|NoneType")


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_no_word_is_pydantic_s(path: Path) -> None:
    for found in read(path.read_bytes(), path.name).diagnostics:
        assert not PYDANTIC.search(found.message + found.help)
        assert found.message[:1].islower() or found.message[0] in "`."
        assert not found.message.endswith(".")
        assert found.span.line >= 1


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_no_mapping_makes_it_raise(tree: object) -> None:
    read(text_of({"version": 1, "rules": tree, "deployments": tree, "fallback": tree, "tests": tree}), "<spec>")


def long_spec(times: int) -> str:
    """A spec of so many times 150 cases and 50 rules."""
    cases = "".join(
        f"  - {{name: case {n}, request: {{task: code}}, expect: {{rule: code}}}}\n" for n in range(150 * times)
    )
    rules = "".join(f"  - name: rule {n}\n    when: {{task: t{n}}}\n    use: [a, b]\n" for n in range(50 * times))
    return f"version: 1\nrules:\n{rules}tests:\n{cases}"


def calls_to_read(text: str) -> int:
    """How many functions are called and left to read this, Python's and C's: the same number on every machine."""
    called: list[str] = []
    read(text, "spec.yaml")  # what is made once is made
    before = sys.getprofile()
    sys.setprofile(lambda frame, event, said: called.append(event))
    try:
        read(text, "spec.yaml")
    finally:
        sys.setprofile(before)
    return len(called)


def test_a_long_spec_takes_little_and_twice_of_it_takes_twice_as_much() -> None:
    once, twice = calls_to_read(long_spec(1)), calls_to_read(long_spec(2))
    assert once < 500_000  # twice what is usual
    assert twice < 2.2 * once


def test_valid_specs_have_every_section() -> None:
    specs = [read(path.read_bytes(), path.name).spec for path in VALID]
    assert {key for valid in specs if valid for key in valid.model_fields_set} == set(Spec.model_fields)
