"""Providers and deployments of a spec as the program's values: facts joined, labels inherited, keys told apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b

from llm_router.catalog.cards import ModelCard, card_named, card_names, find_card
from llm_router.catalog.price import FREE, Price, Rates
from llm_router.catalog.prices import find_price
from llm_router.catalog.providers import row_of
from llm_router.diagnostics import did_you_mean
from llm_router.errors import FailureClass
from llm_router.messages import Settings
from llm_router.policy.follow import over
from llm_router.policy.passes.accounts import own_limits
from llm_router.policy.passes.layers import ReadUse, failures_of, or_else, settings_of, timeouts_of
from llm_router.policy.passes.offers import check_deployment
from llm_router.policy.passes.report import UNKNOWN_CARD, UNKNOWN_TASK, Report
from llm_router.policy.program import UNSET, After, Deployment, Provider, Speed
from llm_router.spec.model import DeploymentSpec, FollowSpec, PriceSpec, ProviderSpec, SpeedSpec
from llm_router.spec.refs import Reference, known
from llm_router.spec.source import Path

NOTHING = ProviderSpec()
"""What a spec says of a provider that it only names."""


def provider_of(name: str, spec: ProviderSpec, path: Path) -> Provider:
    """One provider; what the spec leaves out is the catalogue's."""
    kind = spec.kind or name
    row = row_of(kind)
    keys = (spec.api_key,) if spec.api_key else spec.api_keys
    conventional = row.token_variables if spec.auth == "bearer" and row.auths else row.key_variables
    return Provider(
        name=name,
        kind=kind,
        base_url=spec.base_url,
        api_keys=tuple(keys),
        key_variables=() if keys else conventional,
        organization=spec.organization,
        query=dict(spec.query),
        default_model=known(spec.default_model),
        enabled=or_else(spec.enabled, True),
        local=or_else(spec.local, row.local),
        auth=spec.auth if spec.auth in row.auths else None,
        labels=_labels(spec.labels),
        limits=own_limits(name, spec.limits),
        path=path,
    )


@dataclass(frozen=True, slots=True)
class Deployments:
    """Makes a spec's deployments. `specs` are the providers' own sections, `tasks` the declared ones."""

    providers: Mapping[str, Provider]
    specs: Mapping[str, ProviderSpec]
    tasks: tuple[str, ...]
    read_use: ReadUse
    report: Report

    def of(self, name: str, spec: DeploymentSpec, path: Path) -> Iterator[Deployment]:
        """Yields one candidate for each key of the provider."""
        provider = self.providers[spec.provider]
        section = self.specs.get(spec.provider, NOTHING)
        facts = self._facts(spec, provider, path)
        check_deployment(spec, provider.kind, path, self.report)
        usual_name = known(spec.card) or ""
        api = spec.api or section.api or row_of(provider.kind).api_for(usual_name or _text(spec.model))
        after = (self._after(spec.fallback, path), self._after(section.fallback, ("providers", provider.name)))
        count = max(1, len(provider.api_keys))
        for key in range(count):
            yield Deployment(
                name=name if count == 1 else f"{name}#{key + 1}",
                member=name,
                provider=provider,
                model=_text(spec.model),
                identity=_identity(provider, _text(spec.model), key),
                card=facts.card,
                price=facts.price,
                context=facts.context,
                max_output=facts.max_output,
                supports=facts.supports,
                labels={**provider.labels, **_labels(spec.labels)},
                quality=self._quality(spec, facts.card, path),
                speed=_speed(spec.speed),
                expected_output=known(spec.expected_output),
                enabled=or_else(spec.enabled, True),
                key=key,
                api=api,
                usual_name=usual_name,
                settings=_over(spec, section),
                timeouts=over(timeouts_of(spec.timeouts), timeouts_of(section.timeouts)),
                after=tuple(layer for layer in after if layer),
                limits=own_limits(name if count == 1 else f"{name}#{key + 1}", spec.limits),
            )

    def _facts(self, spec: DeploymentSpec, provider: Provider, path: Path) -> _Facts:
        card = self._card(spec, provider, path)
        return _Facts(
            card,
            _price(spec, provider, card),
            known(spec.context) or (card.context if card else None),
            known(spec.max_output) or (card.max_output if card else None),
            _supports(spec, provider, card),
        )

    def _card(self, spec: DeploymentSpec, provider: Provider, path: Path) -> ModelCard | None:
        named = known(spec.card)
        if named is None:
            return find_card(provider.kind, _text(spec.model))
        card = card_named(named, provider.kind)
        if card is None:
            advice = did_you_mean(named, card_names()) if len(named) < 80 else ""
            self.report.error(UNKNOWN_CARD, (*path, "card"), f"no model is known as `{named}`", _short(advice))
        return card

    def _quality(self, spec: DeploymentSpec, card: ModelCard | None, path: Path) -> Mapping[str, float]:
        said = {task: figure for task, value in spec.quality_by_task.items() if (figure := known(value)) is not None}
        for task in spec.quality_by_task:
            if self.tasks and task != "any" and task not in self.tasks:
                advice = did_you_mean(task, (*self.tasks, "any"))
                where = (*path, "quality", task)
                self.report.error(UNKNOWN_TASK, where, f"`{task}` is none of the `tasks`", advice, at_key=True)
        return said or (card.quality if card else {})

    def _after(self, spec: FollowSpec | None, path: Path) -> Mapping[FailureClass, After]:
        return failures_of(spec.after, (*path, "fallback", "after"), self.read_use) if spec else {}


@dataclass(frozen=True, slots=True)
class _Facts:
    card: ModelCard | None
    price: Price | None
    context: int | None
    max_output: int | None
    supports: frozenset[str] | None


def _supports(spec: DeploymentSpec, provider: Provider, card: ModelCard | None) -> frozenset[str] | None:
    """What the spec states, in place of what the card and the provider's kind do; `None` where nobody speaks."""
    if spec.supports is not None:
        return frozenset(spec.supports)
    if card is None or card.supports is None:
        return None
    row = row_of(provider.kind)
    return (card.supports | row.adds) - row.lacks


def _price(spec: DeploymentSpec, provider: Provider, card: ModelCard | None) -> Price | None:
    """The spec's price, else nothing for a local provider, else the catalogue's; `None` is unknown, not free."""
    if spec.price == "free":
        return FREE
    if isinstance(spec.price, PriceSpec):
        return _said_price(spec.price)
    if provider.local:
        return FREE
    found = find_price(provider.kind, _text(spec.model))
    return found or (find_price(provider.kind, card.name) if card and spec.card else None)


def _said_price(spec: PriceSpec) -> Price | None:
    """The price that a spec writes, in picodollars per token; unknown while a side waits for the environment."""
    sides = known(spec.input), known(spec.output)
    if sides[0] is None or sides[1] is None:
        return None
    rates = Rates(
        sides[0],
        sides[1],
        cache_read=known(spec.cache_read),
        cache_creation=known(spec.cache_creation),
        cache_creation_1h=known(spec.cache_creation_1h),
        reasoning=known(spec.reasoning),
        input_audio=known(spec.input_audio),
        output_audio=known(spec.output_audio),
    )
    return Price.of(rates, source="spec")


def _over(spec: DeploymentSpec, section: ProviderSpec) -> Settings:
    above, below = settings_of(spec.settings), settings_of(section.settings)
    if above is UNSET:
        return below
    return above if below is UNSET else above.over(below)


def _speed(spec: SpeedSpec | None) -> Speed:
    return Speed(known(spec.first_token), known(spec.tokens_per_second)) if spec else Speed()


def _labels(labels: Mapping[str, str | Reference]) -> Mapping[str, str]:
    return {key: value for key, value in labels.items() if not isinstance(value, Reference)}


def _text(value: str | Reference) -> str:
    """A text, or the reference to it as written: compiling doesn't know more."""
    return value.text if isinstance(value, Reference) else value


def _identity(provider: Provider, model: str, key: int) -> str:
    """What health, limits and latencies belong to: address, wire model and key; hashed, because a key may be in it."""
    address = _text(provider.base_url) if provider.base_url else provider.kind
    keys = provider.api_keys
    parts = (provider.kind, address, model, keys[key].text if keys else ",".join(provider.key_variables))
    return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=10).hexdigest()


def _short(advice: str) -> str:
    """A proposal, but not a list of every model there is."""
    return advice if len(advice) < 80 else "leave `card` out, and say `context`, `supports` and `price`"
