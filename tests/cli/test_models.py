"""`llm-router models`: what the catalogue knows, filtered by words."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from llm_router.catalog.known import known_models
from llm_router.catalog.providers import PROVIDERS
from llm_router.cli.main import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


def test_a_model_is_shown_with_its_facts_and_price_with_source_and_day(run: Run) -> None:
    code, out, _ = run("models", "openai", "--json", "--match", "gpt-4o-mini")
    assert code == 0
    model = next(each for each in json.loads(out) if each["model"] == "gpt-4o-mini")
    assert model["context"] == 128_000
    assert "tools" in model["supports"]
    assert {"input": "0.15", "output": "0.6", "cache_read": "0.075"}.items() <= model["price"].items()
    assert model["source"]
    assert model["date"]
    assert model["price"]["date"]


@pytest.mark.parametrize(
    ("kind", "model", "dimensions"), [("openai", "text-embedding-3-large", 3072), ("ollama", "bge-m3", 1024)]
)
def test_a_model_that_embeds_tells_how_long_its_vectors_are(run: Run, kind: str, model: str, dimensions: int) -> None:
    code, out, _ = run("models", kind, "--match", model)
    assert code == 0
    assert out.splitlines()[1].split()[-3:] == ["vectors", "of", str(dimensions)]
    (told,) = json.loads(run("models", kind, "--match", model, "--json")[1])
    assert (told["dimensions"], told["supports"]) == (dimensions, [])


def test_each_model_of_one_price_is_named(run: Run) -> None:
    _, out, _ = run("models", "replicate")
    assert {"anthropic/claude-4-sonnet", "anthropic/claude-4.5-sonnet"} <= {
        line.split()[0] for line in out.splitlines()
    }


def test_a_fee_for_each_call_and_tiers_are_told(run: Run) -> None:
    _, out, _ = run("models", "perplexity", "--json")
    assert next(each for each in json.loads(out) if each["model"] == "sonar")["price"]["request"] == "0.012"
    _, out, _ = run("models", "gemini", "--json", "--retired")
    assert any("tiers" in (each["price"] or {}) for each in json.loads(out))


@pytest.mark.parametrize("kind", ["openai", "azure", "anthropic", "gemini", "mistral", "groq", "fireworks"])
def test_what_a_provider_bills_for_batches_is_told_with_source_and_day(run: Run, kind: str) -> None:
    _, out, _ = run("models", kind, "--json")
    told = [each["price"]["batch"] for each in json.loads(out) if each["price"]]
    assert all((batch["percent"], bool(batch["source"]), bool(batch["date"])) == (50, True, True) for batch in told)
    _, out, err = run("models", kind)
    assert (f"{kind} bills 50% of this in batches" in out + err) == bool(told)


@pytest.mark.parametrize("kind", ["xai", "together"])
def test_where_it_differs_by_model_nothing_is_told_of_batches(run: Run, kind: str) -> None:
    _, out, err = run("models", kind)
    assert "batches" not in out + err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("azure",), "names are the server's own: a deployment's `card` says which"),
        (("groq", "--match", "mixtral"), "--retired shows those that are switched off too"),
    ],
    ids=str,
)
def test_an_empty_list_says_why(run: Run, arguments: tuple[str, ...], why: str) -> None:
    code, out, err = run("models", *arguments)
    assert code == 0
    assert why in out + err


def test_all_models_are_shown_once_with_who_serves_them(run: Run) -> None:
    code, out, _ = run("models")
    assert code == 0
    rows = [line.split() for line in out.splitlines() if line.startswith("gpt-oss-120b ")]
    assert len(rows) == 1
    assert {"groq", "together", "openrouter"} <= set(rows[0])


@pytest.mark.parametrize(
    ("arguments", "there", "gone"),
    [
        (("--supports", "audio"), "gpt-audio", "gpt-4o-mini "),
        (("--min-context", "500k"), "gpt-4.1-mini", "gpt-4o-mini "),
        (("--max-input-price", "0.2"), "gpt-4o-mini", "gpt-4.1-mini "),
        (("--match", "NANO"), "gpt-5.4-nano", "gpt-4o-mini "),
        ((), "gpt-4o-mini", "o1-mini"),
        (("--retired",), "o1-mini", "nothing of this name"),
    ],
    ids=str,
)
def test_filters(run: Run, arguments: tuple[str, ...], there: str, gone: str) -> None:
    code, out, _ = run("models", "openai", *arguments)
    assert code == 0
    assert any(line.startswith(there) for line in out.splitlines())
    assert not any(line.startswith(gone) for line in out.splitlines())


def test_a_retired_model_says_what_to_use(run: Run) -> None:
    _, out, _ = run("models", "openai", "--retired", "--match", "o1-preview")
    assert "retired 2025-07-28, use gpt-5.6-sol" in out


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("gropq",), "did you mean `groq`?"),
        (("--supports", "tols"), "did you mean `tools`?"),
        (("--min-context", "many"), "`many` is not"),
        (("--max-input-price", "cheap"), "`cheap` is not a price"),
    ],
    ids=str,
)
def test_a_word_that_isnt_one_is_told(run: Run, arguments: tuple[str, ...], word: str) -> None:
    code, _, err = run("models", *arguments)
    assert code == 2
    assert word in err


@pytest.mark.parametrize("kind", PROVIDERS)
def test_no_model_is_listed_twice_and_each_has_a_fact(kind: str) -> None:
    models = known_models(kind)
    assert len({each.model for each in models}) == len(models)
    assert all(each.known for each in models)
