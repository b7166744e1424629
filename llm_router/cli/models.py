"""List models: what the catalogue knows of them, and with --live what the providers have for the keys set here.

  llm-router models                                     every model, and who serves it
  llm-router models groq                                what one kind of provider serves, with its prices there
  llm-router models --supports tools,images --max-input-price 1
  llm-router models openai --live                       which are there for this key, which are new

Prices are USD per million tokens. --json prints everything, with sources and days. Nothing here costs money.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable, Iterator, Sequence

from llm_router.catalog.known import KnownModel, known_models
from llm_router.catalog.providers import PROVIDERS
from llm_router.catalog.starters import starters, starters_for
from llm_router.cli.console import Console
from llm_router.diagnostics import closest
from llm_router.units import UnitError, format_count, format_price, parse_count, parse_price

SUMMARY = "list models: what is known of them, and what the keys here can see"

WORDS = ("tools", "images", "files", "audio", "json_schema", "reasoning", "prefill")


def arguments(parser: argparse.ArgumentParser) -> None:
    """PROVIDER, --live, --json and the filters."""
    parser.add_argument("provider", metavar="PROVIDER", nargs="?", help="a kind of provider, as openai; default: all")
    parser.add_argument("--live", action="store_true", help="ask the providers whose keys are set, or the named one")
    parser.add_argument("--json", action="store_true", help="everything, for programs")
    filters = parser.add_argument_group("filters")
    filters.add_argument("--match", metavar="WORD", help="only names with this in them")
    filters.add_argument("--supports", metavar="WORD[,WORD…]", default="", help=f"of {', '.join(WORDS)}")
    filters.add_argument("--min-context", metavar="COUNT", help="as 128k")
    filters.add_argument("--max-input-price", metavar="USD", help="per million tokens")
    filters.add_argument("--retired", action="store_true", help="those that are switched off too")


def run(options: argparse.Namespace, console: Console) -> int:
    """List them; exit code 2 for a word that isn't one, 1 where --live has nobody to ask."""
    try:
        keep = Filter.of(options)
        kinds = _kinds(options)
    except (UnitError, ValueError) as error:
        console.error(str(error))
        return 2
    if not kinds:
        console.error("no key of a provider is set here: set one, as OPENAI_API_KEY")
        return 1
    if options.live and (missing := _missing_key(kinds)):
        console.error(f"`{missing}` is not set")
        return 1
    found = _live(kinds, console) if options.live else [each for kind in kinds for each in known_models(kind)]
    kept = [each for each in found if keep.holds(each)]
    if options.json:
        console.line(json.dumps([each.json() for each in kept], indent=2, ensure_ascii=False))
    else:
        _show(kept, console, each_row=options.provider is not None or options.live)
        for remark in (*_empty(kept, found), *_batches(kept)):
            console.note(remark)
    return 0


class Filter:
    """What the options leave."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.match = (options.match or "").lower()
        self.words = frozenset(word.strip() for word in options.supports.split(",") if word.strip())
        self.context = parse_count(options.min_context) if options.min_context else 0
        self.price = parse_price(options.max_input_price) if options.max_input_price else None
        self.retired = options.retired

    @classmethod
    def of(cls, options: argparse.Namespace) -> Filter:
        """The filter. Raises ValueError for an unknown word, UnitError for a number that can't be read."""
        made = cls(options)
        for word in made.words - set(WORDS):
            near = closest(word, WORDS)
            raise ValueError(f"`{word}` is nothing that models support" + (f"; did you mean `{near}`?" if near else ""))
        return made

    def holds(self, model: KnownModel) -> bool:
        """Whether a model is left."""
        context = model.card.context if model.card else None
        return (
            self.match in model.model.lower()
            and self.words <= model.supports
            and (not self.context or (context or 0) >= self.context)
            and (self.price is None or (model.price is not None and model.price.input <= self.price))
            and (self.retired or model.retired is None or model.listed is True)
        )


def _kinds(options: argparse.Namespace) -> tuple[str, ...]:
    """Whose models are listed. Raises ValueError for no kind of provider."""
    if options.provider is not None:
        if options.provider not in PROVIDERS:
            near = closest(options.provider, PROVIDERS)
            advice = f"did you mean `{near}`?" if near else f"the kinds are {', '.join(PROVIDERS)}"
            raise ValueError(f"`{options.provider}` is no kind of provider; {advice}")
        return (options.provider,)
    return tuple(each.kind for each in starters_for(os.environ)) if options.live else tuple(PROVIDERS)


def _missing_key(kinds: Sequence[str]) -> str | None:
    """The variable that a kind's key is looked for in first, where it needs one and has none."""
    for row in (PROVIDERS[kind] for kind in kinds):
        if row.key_required and row.key_variables and not any(os.environ.get(name) for name in row.key_variables):
            return row.key_variables[0]
    return None


def _live(kinds: Sequence[str], console: Console) -> list[KnownModel]:
    """What the providers list, beside what is known of it; who couldn't be asked is told."""
    from llm_router.router import Router

    names = {kind: starters()[kind].small if kind in starters() else "any" for kind in kinds}
    with Router.from_spec({"version": 1, "rules": [{"use": [f"{kind}:{name}" for kind, name in names.items()]}]}) as at:
        found: list[KnownModel] = []
        for kind in kinds:
            found += at.models(kind, live=True)
    for kind in kinds:
        if not any(each.listed is not None for each in found if each.provider == kind):
            console.note(f"{kind} gave no list of models: `llm-router check --live` says why")
    shown = (each for each in found if each.listed is not False or not PROVIDERS[each.provider].local)
    return sorted(shown, key=_order)


def _order(model: KnownModel) -> tuple[str, bool]:
    """By provider, what is there first."""
    return model.provider, model.listed is not True


def _show(models: Iterable[KnownModel], console: Console, *, each_row: bool) -> None:
    rows = [_row(each) for each in models] if each_row else _grouped(models)
    head = ("model", "context", "output", "in $/M", "out $/M", "cached", "supports", "" if each_row else "served by")
    console.table([head, *rows], indent=0)


def _empty(kept: Sequence[KnownModel], found: Sequence[KnownModel]) -> Iterator[str]:
    """Why nothing is shown."""
    if not found:
        yield "the catalogue names no models here, because names are the server's own: a deployment's `card` says which"
    elif not kept:
        yield "no model is left; --retired shows those that are switched off too"


def _batches(models: Iterable[KnownModel]) -> Iterator[str]:
    """What the providers shown bill for batches."""
    batches = {each.provider: each.price.batch for each in models if each.price and each.price.batch}
    for provider, batch in batches.items():
        yield f"{provider} bills {batch.percent}% of this in batches ({batch.date}), which the router doesn't send"


def _row(model: KnownModel) -> tuple[str, ...]:
    card, price = model.card, model.price
    amounts = (price.input, price.output, price.cache_read) if price else (None, None, None)
    return (
        model.model,
        _count(card.context if card else None),
        _count(card.max_output if card else None),
        *("-" if amount is None else format_price(amount) for amount in amounts),
        _abilities(model),
        _remark(model),
    )


def _abilities(model: KnownModel) -> str:
    """What it supports, or how long its vectors are."""
    if model.card is not None and model.card.vectors is not None:
        return f"vectors of {model.card.vectors.dimensions}"
    return " ".join(word for word in WORDS if word in model.supports) or "-"


def _remark(model: KnownModel) -> str:
    """What is to be said of one model: gone, new, or not seen."""
    remarks = []
    if model.retired is not None:
        instead = model.card.replaced_by if model.card else None
        remarks.append(f"retired {model.retired}" + (f", use {instead}" if instead else ""))
    if not model.known:
        remarks.append("unknown to the catalogue")
    if model.listed is False:
        remarks.append("not listed")
    return "; ".join(remarks)


def _grouped(models: Iterable[KnownModel]) -> list[tuple[str, ...]]:
    """One row a card, as its first server sells it, and all who serve it."""
    by_card: dict[str, list[KnownModel]] = {}
    for each in models:
        by_card.setdefault(each.card.name if each.card else each.model, []).append(each)
    rows = []
    for name in sorted(by_card):
        priced = [each for each in by_card[name] if each.price is not None]
        first = next((each for each in priced if each.model == name), (*priced, by_card[name][0])[0])
        servers = " ".join(dict.fromkeys(each.provider for each in by_card[name]))
        rows.append((name, *_row(first)[1:-1], servers))
    return rows


def _count(count: int | None) -> str:
    return "-" if count is None else format_count(count)
