"""What names in `use` mean: one namespace of deployments, pools and providers, and `provider:model` in place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, get_args

from llm_router.catalog.cards import card_named
from llm_router.catalog.prices import find_price
from llm_router.catalog.providers import PROVIDERS
from llm_router.diagnostics import closest, did_you_mean
from llm_router.policy.passes.report import (
    BARE_MODEL,
    NO_DEFAULT_MODEL,
    UNKNOWN_NAME,
    UNKNOWN_PROVIDER,
    Report,
)
from llm_router.policy.program import Next
from llm_router.spec.source import Path
from llm_router.spec.types import RESERVED


class _Complaint(NamedTuple):
    code: str
    message: str
    advice: str


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
        """Say why a name means nothing. In a pool with shares the name is the key."""
        code, message, advice = self._complaint(name)
        near = closest(name, get_args(Next)) if path[-1] == "next" else None
        advice = f"did you mean `{near}`?" if near else advice
        report.error(code, path, message, advice, at_key=path[0] == "pools" and path[-1] == name)

    def complain_provider(self, provider: str, path: Path, report: Report) -> None:
        """Say that there is no such provider."""
        code, message, advice = self._no_provider(provider)
        report.error(code, path, message, advice)

    def _complaint(self, name: str) -> _Complaint:
        provider, colon, _ = name.partition(":")
        if name in RESERVED:
            return _Complaint(UNKNOWN_NAME, f"`{name}` is nobody's name", "it has a meaning of its own elsewhere")
        if self.knows_provider(name):
            advice = f"give it a `default_model`, or write `{name}:` and the model"
            return _Complaint(NO_DEFAULT_MODEL, f"the provider `{name}` has no `default_model` to use", advice)
        if colon:
            return self._no_provider(provider)
        if served := _served_by(name, self.providers):
            return _Complaint(BARE_MODEL, f"`{name}` is a model, not who serves it", f"write `{served}:{name}`")
        return _Complaint(UNKNOWN_NAME, f"`{name}` names no deployment, pool or provider", self._advice(name))

    def _no_provider(self, provider: str) -> _Complaint:
        advice = did_you_mean(provider, (*self.providers, *PROVIDERS))
        return _Complaint(UNKNOWN_PROVIDER, f"`{provider}` is no provider", advice)

    def _advice(self, name: str) -> str:
        known = (*self.deployments, *self.pools, *self.providers)
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
