"""Lints about facts: prices, speeds, secrets, retired models, and providers that are there twice."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llm_router.catalog.known import known_models
from llm_router.catalog.providers import PROVIDERS
from llm_router.diagnostics import Diagnostic, Span
from llm_router.policy.lint.subject import Subject, warning
from llm_router.policy.lint.unused import reads, section
from llm_router.policy.program import Deployment, Tier
from llm_router.spec.source import Path, Plain, at
from llm_router.spec.types import LEAST_PRICE

KEY_SHAPE = re.compile(r"(?:sk-|gsk_|xai-|pplx-|hf_|AIza|Bearer )[A-Za-z0-9_-]{16,}|[A-Za-z0-9_-]{32,}")
"""What keys look like: a provider's mark and a long run, or a very long run."""

KEY_STARTS = ("sk-", "gsk_", "xai-", "pplx-", "hf_", "AIza", "Bearer ")

SECRET_HEADERS = frozenset({"authorization", "api-key", "x-api-key", "proxy-authorization", "cookie"})


RENAMES = frozenset({"groq", "together", "fireworks", "openrouter", "huggingface"})
"""Kinds of provider that serve the models of others under names of their own."""


def ranks_by_unknown(subject: Subject) -> Iterator[Diagnostic]:
    """A rule ranks by something that isn't known of a candidate.

    What: `by` names cost, speed or quality, and neither the spec nor the catalogue has the candidate's figure. (Speed
    is measured as requests are answered; until then it is what the deployment says.)
    Why: the unknown ranks last in its tier, whatever it is worth; and an unknown price never passes a `max_cost`.
    Example: `use: {from: [gpt, house], by: cost}` where `house` has no `price`.
    """
    told: set[tuple[str, str]] = set()
    for tier in subject.tiers:
        for deployment in subject.candidates((tier,)):
            for fact in unknown_facts(tier, deployment):
                if (deployment.member, fact) not in told:
                    told.add((deployment.member, fact))
                    yield unknown_fact(subject, deployment, fact)


def price_per_token(subject: Subject) -> Iterator[Diagnostic]:
    """A price looks like USD per token.

    What: a price is above zero and below a thousandth of a dollar per million tokens.
    Why: prices are USD per million tokens; costs would come out a million times too small, and every cap with them.
    Example: `price: {input: 0.0000025, output: 0.00001}` for 2.50 and 10 USD.
    """
    for name in section(subject, "deployments"):
        price = at(subject.source.tree, ("deployments", name, "price"))
        for kind, amount in price.items() if isinstance(price, dict) else ():
            if isinstance(amount, int | float) and 0 < amount < LEAST_PRICE:
                yield warning(
                    "LR442",
                    f"`{kind}: {amount:.10g}` looks like USD per token",
                    subject.span("deployments", name, "price", kind),
                    f"prices are USD per million tokens: write `{kind}: {amount * 1_000_000:.6g}`",
                )


def literal_secret(subject: Subject) -> Iterator[Diagnostic]:
    """A key stands in the file.

    What: `api_key`, an item of `api_keys`, or a header that carries credentials is written out.
    Why: the file is read by people, kept in version control and copied; a key in it is a key published.
    Example: `api_key: sk-…` instead of `api_key: "${env:OPENAI_API_KEY}"`.
    """
    for path, value in scalars(subject.source.tree, ()):
        if is_secret(path, value):
            yield warning(
                "LR443",
                f"`{named(path)}` holds a secret",
                subject.span(*path),
                'take it from the environment, as `"${env:MY_KEY}"`, or a file, as `"${file:/run/secrets/key}"`',
            )


def provider_beside_its_own(subject: Subject) -> Iterator[Diagnostic]:
    """A catalogue provider is named beside the spec's own provider of that kind.

    What: the spec has an entry of a kind under another name, and a `use` or a deployment names the kind itself.
    Why: the two have different keys, labels and settings; a guard that looks at labels treats them differently.
    Example: `providers: {work: {kind: openai, …}}` and `use: openai:gpt-4o`, which reads OPENAI_API_KEY.
    """
    providers = section(subject, "providers")
    own = {
        entry.get("kind"): name
        for name, entry in providers.items()
        if isinstance(entry, dict) and entry.get("kind") != name
    }
    for path, name in provider_names(subject):
        if name in PROVIDERS and name not in providers and name in own:
            yield warning(
                "LR444",
                f"`{name}` is the catalogue's provider, beside your own `{own[name]}` of that kind",
                subject.span(*path),
                f"write `{own[name]}`, or give `{name}` an entry of its own under `providers` if both are meant",
            )


def retired_model(subject: Subject) -> Iterator[Diagnostic]:
    """A deployment names a model that its maker has retired.

    What: the catalogue knows a day on which the model is or was switched off.
    Why: requests for it fail with `not_found`, now or soon.
    Example: `model: gpt-4-32k`.
    """
    for deployment in subject.program.deployments.values():
        card = deployment.card
        if card is None or card.retired is None or deployment.key:
            continue
        instead = f"use `{card.replaced_by}`" if card.replaced_by else "use another model"
        path: Path = ("deployments", deployment.member, "model")
        yield warning(
            "LR445",
            f"`{deployment.model}` is retired: it is switched off on {card.retired}",
            subject.span(*path) if subject.states(path) else inline_span(subject, deployment),
            instead,
        )


def usual_name_on_the_wire(subject: Subject) -> Iterator[Diagnostic]:
    """A model is called by its usual name at a provider that has names of its own.

    What: the catalogue knows the model, and under which names this provider serves it, but not under this one.
    Why: the provider answers `not_found`; and what the request would cost there isn't known.
    Example: `use: groq:llama-3.3-70b`, which Groq calls `llama-3.3-70b-versatile`.
    """
    for deployment in subject.program.deployments.values():
        names = () if deployment.key or deployment.price is not None else names_there(deployment)
        if names:
            path: Path = ("deployments", deployment.member, "model")
            kind = deployment.provider.kind
            yield warning(
                "LR446",
                f"`{deployment.model}` is no name at `{kind}`, as far as is known",
                subject.span(*path) if subject.states(path) else inline_span(subject, deployment),
                f"there it is {' or '.join(f'`{name}`' for name in names)}; `llm-router models {kind}` lists all",
            )


def names_there(deployment: Deployment) -> tuple[str, ...]:
    """The names under which the deployment's kind of provider serves its model, if it is one that renames."""
    kind, card = deployment.provider.kind, deployment.card
    if kind not in RENAMES or card is None or "/" in deployment.model or ":" in deployment.model:
        return ()
    served = (each for each in known_models(kind) if each.card is not None and each.card.name == card.name)
    return tuple(each.model for each in served if each.price is not None and each.model != deployment.model.lower())


def unknown_facts(tier: Tier, deployment: Deployment) -> Iterator[str]:
    """Yields what a tier ranks by, by name, and isn't known of the deployment; `auto` names nothing."""
    named = tier.by != "auto"
    if named and reads(tier, "cost") and deployment.price is None:
        yield "price"
    if named and reads(tier, "speed") and None in (deployment.speed.first_token_s, deployment.speed.tokens_per_second):
        yield "speed"
    if named and reads(tier, "quality") and not deployment.quality:
        yield "quality"


def unknown_fact(subject: Subject, deployment: Deployment, fact: str) -> Diagnostic:
    """The finding that a rule ranks by an unknown fact."""
    path = ("deployments", deployment.member)
    examples = {
        "price": "price: {input: 0.15, output: 0.60}",
        "speed": "speed: {first_token: 500ms, tokens_per_second: 80}",
        "quality": "quality: 80",
    }
    return warning(
        "LR441",
        f"`{deployment.member}` is ranked by its {fact}, which isn't known",
        subject.key_span(*path) if subject.states(path) else inline_span(subject, deployment),
        f"state it on the deployment, as `{examples[fact]}`",
    )


def inline_span(subject: Subject, deployment: Deployment) -> Span:
    """Where a deployment that is named in place stands first."""
    places = (path for path, value in scalars(subject.source.tree, ()) if value == deployment.member)
    return subject.span(*next(places, ("rules",)))


def provider_names(subject: Subject) -> Iterator[tuple[Path, str]]:
    """Yields the places that name a provider: deployments, and names in place."""
    for name, entry in section(subject, "deployments").items():
        if isinstance(entry, dict) and isinstance(provider := entry.get("provider"), str):
            yield ("deployments", name, "provider"), provider
    for path, value in scalars(subject.source.tree, ()):
        if ":" in value and path[0] in ("rules", "guards", "pools", "fallback", "embeddings"):
            yield path, value.partition(":")[0]


def scalars(tree: Plain, path: Path) -> Iterator[tuple[Path, str]]:
    """Yields every text value below `tree` with its path."""
    if isinstance(tree, str):
        yield path, tree
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from scalars(value, (*path, key))
    elif isinstance(tree, list):
        for place, value in enumerate(tree):
            yield from scalars(value, (*path, place))


def is_secret(path: Path, value: str) -> bool:
    """Whether a text value is a credential that is written out; a reference to one is none."""
    if "${" in value or not path or path[0] == "tests":
        return False
    if "api_key" in path or "api_keys" in path:
        return True
    if "headers" in path:
        return str(path[-1]).lower() in SECRET_HEADERS or KEY_SHAPE.fullmatch(value) is not None
    return KEY_SHAPE.match(value) is not None and value.startswith(KEY_STARTS)


def named(path: Path) -> str:
    """A path as people write it."""
    return ".".join(str(step) for step in path)
