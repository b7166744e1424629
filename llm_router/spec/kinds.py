"""What each kind of provider needs: known from the catalogue, checked here, and told to the JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from typing_extensions import override

from llm_router.catalog.providers import PROVIDERS
from llm_router.diagnostics import closest
from llm_router.spec.constraints import MISSING
from llm_router.spec.section import Constraint, Finding, JsonSchema
from llm_router.spec.source import Path, Plain

ADDRESSED = tuple(kind for kind, row in PROVIDERS.items() if row.base_url is None and not row.base_url_variables)
"""The kinds that have no address of their own, nor a variable that says it."""


@dataclass(frozen=True, slots=True)
class ProvidersHaveKinds(Constraint):
    """A provider says its kind, unless its name is one; and its address, where the kind has none."""

    @override
    def check(self, node: Mapping[str, Plain], path: Path) -> Sequence[Finding]:
        providers = node.get("providers")
        if not isinstance(providers, dict):
            return []
        return [
            finding
            for name, provider in providers.items()
            if isinstance(provider, dict)
            for finding in _check(name, provider, (*path, "providers", name))
        ]

    @override
    def schema(self) -> JsonSchema:
        """Names that are kinds come with it; every other provider says its own."""
        addressed = {"if": _kind_is(ADDRESSED), "then": {"required": ["base_url"]}}
        named = {
            name: {"if": {"not": {"required": ["kind"]}}, "then": {"required": ["base_url"]}} for name in ADDRESSED
        }
        kinds = {"properties": {name: {} for name in PROVIDERS}, "additionalProperties": {"required": ["kind"]}}
        everyone = {"additionalProperties": addressed, "properties": {}}
        return {"properties": {"providers": {"allOf": [kinds, everyone, {"properties": named}]}}}


def _check(name: str, provider: Mapping[str, Plain], path: Path) -> Sequence[Finding]:
    kind = provider.get("kind", name)
    if "kind" not in provider and name not in PROVIDERS:
        message = f"the provider `{name}` needs a `kind`"
        return [Finding(MISSING, path, message, _proposal(name), on_key=True, needs=("kind",))]
    if kind in ADDRESSED and "base_url" not in provider:
        advice = 'write `base_url: "https://llm.example.com/v1"`'
        message = f"a provider of the kind `{kind}` needs a `base_url`"
        return [Finding(MISSING, path, message, advice, on_key=True, needs=("base_url",))]
    return []


def _proposal(name: str) -> str:
    near = closest(name, PROVIDERS)
    if near is not None:
        return f"did you mean `{near}`? A name of your own takes `kind: {near}`"
    return "write `kind: openai-compatible` and its `base_url`, or the kind that it is"


def _kind_is(kinds: Sequence[str]) -> JsonSchema:
    return {"properties": {"kind": {"enum": list(kinds)}}, "required": ["kind"]}
