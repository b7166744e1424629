"""Makes `llm_router/catalog/data/prices/*.json` from the genai-prices package, or says how they differ from it.

    python -m tests.catalog.make_data            # writes
    python -m tests.catalog.make_data --check    # exit code 1 where a file is not what would be written

A development tool: nothing at run time imports it. Only what is billed by the token (or by the request) is taken;
models that bill pictures, seconds or characters are left out, because our cost would be too low for them.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import re
import sys
from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[2] / "llm_router" / "catalog" / "data" / "prices"

SOURCES = {
    "openai": "openai",
    "groq": "groq",
    "together": "together",
    "mistral": "mistral",
    "perplexity": "perplexity",
    "deepseek": "deepseek",
    "openrouter": "openrouter",
    "xai": "x-ai",
    "fireworks": "fireworks",
    "anthropic": "anthropic",
    "gemini": "google",
    "cohere": "cohere",
}
"""Our kind → the package's provider. Hugging Face is made of all `huggingface_…`, with the provider as a suffix."""

KINDS = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_creation",
    "output_reasoning_mtok": "reasoning",
    "input_audio_mtok": "input_audio",
    "output_audio_mtok": "output_audio",
    "requests_kcount": "request",
}
_MISTRAL = {"source": "https://github.com/mistralai/platform-docs-public; litellm 1.109.1", "date": "2026-11-21"}
_MEDIUM = {"input": "1.5", "output": "7.5", "cache_read": "0.15", **_MISTRAL}
_LARGE = {"input": "0.5", "output": "1.5", "cache_read": "0.05", **_MISTRAL}
AMENDED: dict[str, tuple[tuple[str, dict[str, str]], ...]] = {
    # what these names stood for when the package priced them has been switched off, and they lead to its successors
    "mistral.json": (
        ("mistral-large", _LARGE),
        ("mistral-large-latest", _LARGE),
        ("mistral-medium", _MEDIUM),
        ("magistral-medium-latest", _MEDIUM),
        ("magistral-small-latest", {"input": "0.15", "output": "0.6", "cache_read": "0.015", **_MISTRAL}),
    ),
}
"""By file: names whose price the package has wrong, and what holds instead, with its own source and day."""

OTHER_GOODS = re.compile(r"image|video|hours|mchars|pages|messages")
"""Price keys of models that sell more than text tokens; audio tokens and search fees are no such."""

Entry = dict[str, Any]


def text(amount: Decimal) -> str:
    """The shortest writing of an amount (`2.5`, never `2.50`) in whole picodollars per token, rounded half up.

    Only some resold cache prices are finer: a twelfth of a dollar and its kin.
    """
    whole = amount.quantize(Decimal("0.000001"), ROUND_HALF_UP)
    return format(whole.normalize(), "f")


def rates(prices: Any, start: int) -> Entry:
    """Amounts by our kinds for requests with more than `start` input tokens (0: the lowest tier)."""
    found = {}
    for key, kind in KINDS.items():
        amount = getattr(prices, key, None)
        if amount is None:
            continue
        for tier in getattr(amount, "tiers", ()):
            if tier.start <= start:
                found[kind] = tier.price
        found.setdefault(kind, getattr(amount, "base", amount))
    if "request" in found:
        found["request"] = found["request"] / 1000
    found.setdefault("output", Decimal(0))
    return {kind: text(found[kind]) for kind in KINDS.values() if kind in found}


def starts(prices: Any) -> list[int]:
    """The thresholds of all kinds, ascending."""
    amounts = (getattr(prices, key, None) for key in KINDS)
    return sorted({tier.start for amount in amounts for tier in getattr(amount, "tiers", ())})


def whole(prices: Any) -> Entry:
    """Rates with their tiers."""
    entry = rates(prices, 0)
    if tiers := [{"above": start, **rates(prices, start)} for start in starts(prices)]:
        entry["tiers"] = tiers
    return entry


def revision(conditional: Any) -> Entry:
    """A price with the day since which, or the hours (UTC) between which, it holds."""
    constraint = conditional.constraint
    entry: Entry = {}
    if start := getattr(constraint, "start_date", None):
        entry["since"] = start.isoformat()
    if start := getattr(constraint, "start_time", None):
        entry["hours"] = [start.strftime("%H:%M"), constraint.end_time.strftime("%H:%M")]
    return {**entry, **whole(conditional.prices)}


def in_force(revisions: list[Entry], day: str) -> Entry:
    """The last revision of this day that is bound to no hours."""
    valid = [entry for entry in revisions if entry.get("since", "") <= day and "hours" not in entry]
    return {key: value for key, value in valid[-1].items() if key != "since"}


def clauses(match: Any) -> Iterator[tuple[str, str]]:
    """(kind of clause, text) of a match, flattened."""
    for name in ("or_", "and_"):
        for inner in getattr(match, name, ()):
            yield from clauses(inner)
    for name in ("equals", "starts_with", "contains", "ends_with", "regex"):
        if hasattr(match, name):
            yield name, getattr(match, name)


def names(model: Any) -> tuple[list[str], bool]:
    """The exact names of a model, and whether names with a date behind them are its too."""
    found = {model.id.lower()} if not any(kind == "equals" for kind, _ in clauses(model.match)) else set()
    dated = False
    for kind, word in clauses(model.match):
        if kind == "regex":
            dated = dated or r"\d{8}" in word or r"\d{4}-\d{2}-\d{2}" in word
            continue
        dated = dated or kind in ("starts_with", "contains")
        found.add(word.lower().rstrip("-@"))
    return sorted(name for name in found | {model.id.lower()} if not name.startswith("ft:")), dated


def billed_by_token(prices: Iterable[Any]) -> bool:
    """Whether every price of a model has input tokens and no goods that we don't count."""
    for price in prices:
        keys = [key for key, value in vars(price).items() if value is not None]
        if "input_mtok" not in keys or any(OTHER_GOODS.search(key) for key in keys):
            return False
    return True


def entries(provider: Any, day: str, suffix: str = "") -> Iterator[Entry]:
    """One entry a model."""
    for model in provider.models:
        listed = model.prices if isinstance(model.prices, list) else None
        if not billed_by_token([each.prices for each in listed] if listed else [model.prices]):
            continue
        known, dated = names(model)
        entry: Entry = {"names": [name + suffix for name in known]}
        if dated:
            entry["dated"] = True
        if listed:
            revisions = [revision(each) for each in listed]
            entry |= in_force(revisions, day) | {"revisions": revisions}
        else:
            entry |= whole(model.prices)
        yield entry


def unique(found: Iterable[Entry]) -> list[Entry]:
    """Entries without the names that an earlier one has."""
    taken: set[str] = set()
    kept = []
    for entry in found:
        entry["names"] = [name for name in entry["names"] if name not in taken]
        taken.update(entry["names"])
        if entry["names"]:
            kept.append(entry)
    return kept


def amended(file: str, found: list[Entry]) -> list[Entry]:
    """The entries with what is known better."""
    for name, price in AMENDED.get(file, ()):
        for entry in found:
            entry["names"] = [each for each in entry["names"] if each != name]
        found = [*found, {"names": [name], **price}]
    return found


def with_hours(entry: Entry) -> Entry:
    """The entry with what Anthropic's cache costs for an hour: twice the input (docs, pricing, 2026)."""
    nested: Entry = {key: [with_hours(each) for each in entry[key]] for key in ("tiers", "revisions") if key in entry}
    if "cache_creation" in entry:
        nested["cache_creation_1h"] = text(2 * Decimal(entry["input"]))
    return {**entry, **nested}


def render(found: list[Entry], day: str) -> str:
    """The file: one line a model, so that a change of price is a change of one line."""
    head = {"source": f"genai-prices {importlib.metadata.version('genai-prices')}", "date": day}
    lines = ",\n".join("    " + json.dumps(entry) for entry in found)
    return f'{{\n  "source": "{head["source"]}",\n  "date": "{head["date"]}",\n  "prices": [\n{lines}\n  ]\n}}\n'


def files(day: str) -> Iterator[tuple[str, str]]:
    """(file name, content) of everything there is to write."""
    from genai_prices.data import providers

    by_id = {provider.id: provider for provider in providers}
    for kind, source in SOURCES.items():
        found = amended(f"{kind}.json", unique(entries(by_id[source], day)))
        yield f"{kind}.json", render(list(map(with_hours, found)) if kind == "anthropic" else found, day)
    hubs = [provider for provider in providers if provider.id.startswith("huggingface_")]
    found = [e for hub in hubs for e in entries(hub, day, ":" + hub.id.removeprefix("huggingface_"))]
    yield "huggingface.json", render(unique(found), day)


def written_on() -> str:
    """The day of the files as they are."""
    day = json.loads((DATA / "openai.json").read_text())["date"]
    assert isinstance(day, str)
    return day


def written_from() -> str:
    """The package and version that the files are made from."""
    source = json.loads((DATA / "openai.json").read_text())["source"]
    assert isinstance(source, str)
    return source


def differing() -> list[str]:
    """Names of the files that are not what the installed package would give, on their own day."""
    return [name for name, content in files(written_on()) if (DATA / name).read_text() != content]


def main() -> int:
    """The exit code."""
    if "--check" in sys.argv:
        different = differing()
        print("\n".join(f"{name} differs" for name in different) or "all prices are the package's")
        return 1 if different else 0
    DATA.mkdir(parents=True, exist_ok=True)
    for name, content in files(datetime.date.today().isoformat()):
        (DATA / name).write_text(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
