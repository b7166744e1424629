"""What names in `use` mean: one namespace of deployments, pools and providers, and `provider:model` in place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from llm_router.catalog.cards import card_named
from llm_router.catalog.prices import find_price
from llm_router.catalog.providers import PROVIDERS
from llm_router.diagnostics import closest, did_you_mean
from llm_router.policy.report import (
    BARE_MODEL,
    NO_DEFAULT_MODEL,
    UNKNOWN_NAME,
    UNKNOWN_PROVIDER,
    Path,
    Report,
)
from llm_router.spec.types import RESERVED


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a spec. `providers` maps each to its default model, if it has one."""

    deployments: frozenset[str]
    pools: frozenset[str]
    providers: Mapping[str, str | None]

    def meaning(self, name: str) -> str | None:
        """The deployment or pool that a name in `use` means; `None` where it means none."""
        if name in self.deployments or name in self.pools:
            return name
        if name in self.providers:
            model = self.providers[name]
            return f"{name}:{model}" if model else None
        provider, colon, model = name.partition(":")
        return name if colon and model and self.knows_provider(provider) else None

    def knows_provider(self, name: str) -> bool:
        """Whether the spec or the catalogue has such a provider."""
        return name in self.providers or name in PROVIDERS

    def complain(self, name: str, path: Path, report: Report) -> None:
        """Say why a name means nothing."""
        provider, colon, _ = name.partition(":")
        if name in RESERVED:
            report.error(UNKNOWN_NAME, path, f"`{name}` is nobody's name", "it has a meaning of its own elsewhere")
        elif name in self.providers:
            advice = f"give it a `default_model`, or write `{name}:` and the model"
            report.error(NO_DEFAULT_MODEL, path, f"the provider `{name}` has no `default_model` to use", advice)
        elif colon:
            self.complain_provider(provider, path, report)
        elif served := _served_by(name, self.providers):
            report.error(BARE_MODEL, path, f"`{name}` is a model, not who serves it", f"write `{served}:{name}`")
        else:
            known = (*self.deployments, *self.pools, *self.providers)
            report.error(
                UNKNOWN_NAME, path, f"`{name}` names no deployment, pool or provider", self._advice(name, known)
            )

    def complain_provider(self, provider: str, path: Path, report: Report) -> None:
        """Say that there is no such provider."""
        known = (*self.providers, *PROVIDERS)
        report.error(UNKNOWN_PROVIDER, path, f"`{provider}` is no provider", did_you_mean(provider, known))

    def _advice(self, name: str, known: Iterable[str]) -> str:
        if "/" in name:
            provider, _, model = name.partition("/")
            if self.knows_provider(provider):
                return f"write `{provider}:{model}`"
        near = closest(name, (*known, *PROVIDERS))
        if near in PROVIDERS and near not in self.providers:
            return f"did you mean a model of `{near}`? write `{near}:` and the model"
        return did_you_mean(name, known) or "write `provider:model`, or define it under `deployments`"


def _served_by(model: str, providers: Iterable[str]) -> str | None:
    """Who may serve a model that the catalogue knows: the spec's own providers first."""
    if card_named(model) is None and not any(find_price(kind, model) for kind in PROVIDERS):
        return None
    kinds = (*(name for name in providers if name in PROVIDERS), *PROVIDERS)
    return next((kind for kind in kinds if find_price(kind, model)), "openai")
