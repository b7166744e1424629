"""The section `embeddings`: what of it compiles, and the program that a request for vectors follows.

Vectors of two models don't compare, and nothing shows it when both are in one index. So the compiler lets only
deployments of one embedding model stand in for each other, and what it can't tell to be one model it refuses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from llm_router.catalog.cards import VectorFacts
from llm_router.catalog.embedding_apis import EmbeddingApi, embedding_api, embedding_kinds
from llm_router.errors import FailureClass
from llm_router.messages import Settings
from llm_router.policy.passes.layers import timeouts_of
from llm_router.policy.passes.report import (
    ANOTHER_MODEL,
    EMBEDDING_IN_USE,
    NO_EMBEDDING_API,
    NO_SUCH_DIMENSIONS,
    NOT_AN_EMBEDDING_MODEL,
    TOO_MANY_TEXTS,
    UNKNOWN_MODEL,
    Report,
)
from llm_router.policy.passes.uses import UseReader, uses
from llm_router.policy.program import After, Budget, Deployment, Embedding, Program, Rule, RuleIndex
from llm_router.spec.conditions.condition import ALWAYS
from llm_router.spec.model import EmbeddingSpec, Spec
from llm_router.spec.model_failures import listed
from llm_router.spec.refs import known
from llm_router.spec.source import Path

ASKS_TO_CHAT = frozenset({"rules", "guards", "fallback", "providers", "deployments", "budgets"})
"""The sections whose names are asked for answers; a pool may hold either."""

_CORRUPT = "mixed vectors corrupt an index: give each model an entry of its own under `embeddings`"


@dataclass(frozen=True, slots=True)
class EmbeddingReader:
    """Makes embeddings of a spec's sections. What is wrong goes to the report; a wrong one is left out."""

    read_use: UseReader
    deployments: Mapping[str, Deployment]
    report: Report

    def all(self, spec: Spec) -> Mapping[str, Embedding]:
        """The spec's embeddings by name; what asks one of their models for answers is reported too."""
        self._check_chat(spec)
        found = (self._of(name, each, place) for place, (name, each) in enumerate(spec.embeddings.items()))
        return {each.name: each for each in found if each is not None}

    def _of(self, name: str, spec: EmbeddingSpec, place: int) -> Embedding | None:
        path: Path = ("embeddings", name)
        tiers = self.read_use(spec.use, (*path, "use"))
        asked = [each for each in self._asked(spec, (*path, "use")) if self._embeds(each)]
        if not asked:
            return None
        self._check_one_model(asked)
        usual = next((vectors for each in asked if (vectors := _vectors(each.deployment))), None)
        dimensions = known(spec.dimensions)
        apis = [api for each in asked if (api := embedding_api(each.deployment.provider.kind))]
        if dimensions is not None:
            self._check_dimensions(asked, dimensions, usual, (*path, "dimensions"))
        return Embedding(
            name=name,
            place=place,
            tiers=tiers,
            model=_model(asked[0].deployment),
            dimensions=dimensions or (usual.dimensions if usual else None),
            usual=usual,
            batch=self._batch(spec, apis, (*path, "batch")),
            batch_tokens=min((api.batch_tokens for api in apis if api.batch_tokens), default=None),
            timeouts=timeouts_of(spec.timeouts),
        )

    def _asked(self, spec: EmbeddingSpec, path: Path) -> Iterator[_Asked]:
        """Yields each deployment that a `use` comes to, once, with the place that names it."""
        met: set[str] = set()
        for name, where in listed(spec.use, path):
            for deployment in self._meant(name):
                if deployment.member not in met:
                    met.add(deployment.member)
                    yield _Asked(deployment, where)

    def _meant(self, name: str) -> Iterator[Deployment]:
        """Yields the deployments that a name comes to, each with its first key."""
        members = {member for tier in self.read_use(name, ()) for member in tier.members}
        for deployment in self.deployments.values():
            if deployment.member in members and not deployment.key:
                yield deployment

    def _embeds(self, asked: _Asked) -> bool:
        """Whether the deployment can embed at all, as far as is known."""
        deployment = asked.deployment
        kind, card = deployment.provider.kind, deployment.card
        if embedding_api(kind) is None:
            message = f"`{deployment.member}` can't embed: its provider's kind `{kind}` has no embeddings"
            kinds = ", ".join(embedding_kinds()[:-1])
            self.report.error(NO_EMBEDDING_API, asked.path, message, f"these have: {kinds} and {embedding_kinds()[-1]}")
            return False
        if card is not None and card.vectors is None:
            message = f"`{deployment.member}` is no embedding model: `{card.name}` answers in words"
            advice = "name an embedding model, as `openai:text-embedding-3-small` or `ollama:nomic-embed-text`"
            self.report.error(NOT_AN_EMBEDDING_MODEL, asked.path, message, advice)
            return False
        return True

    def _check_one_model(self, asked: list[_Asked]) -> None:
        """Report every deployment that isn't, or can't be told to be, of the first one's model."""
        first = asked[0].deployment
        for each in asked[1:]:
            other = each.deployment
            if _model(first) == _model(other):
                continue
            names = f"`{other.member}` (`{_model(other)}`)", f"`{first.member}` (`{_model(first)}`)"
            if first.card is not None and other.card is not None:
                message = f"{names[0]} is another embedding model than {names[1]}: their vectors don't compare"
                self.report.error(ANOTHER_MODEL, each.path, message, _CORRUPT)
            else:
                unknown = first if first.card is None else other
                message = f"nothing says that {names[0]} is the same embedding model as {names[1]}"
                advice = f"if it is, name the model by `card:` on the deployment of `{unknown.model}`; {_CORRUPT}"
                self.report.error(UNKNOWN_MODEL, each.path, message, advice)

    def _check_dimensions(self, asked: list[_Asked], wanted: int, usual: VectorFacts | None, path: Path) -> None:
        model = _model(asked[0].deployment)
        if usual is not None and not usual.can_have(wanted):
            message = f"`{model}` can't give vectors of {wanted} dimensions"
            self.report.error(NO_SUCH_DIMENSIONS, path, message, usual.choice)
            return
        for each in asked:
            provider = each.deployment.provider
            api = embedding_api(provider.kind)
            if usual is not None and wanted != usual.dimensions and api is not None and api.dimensions_key is None:
                message = f"the provider `{provider.name}` can't be asked for {wanted} dimensions"
                advice = (
                    f"it gives the model's own {usual.dimensions}: write that, or take `{each.deployment.member}` out"
                )
                self.report.error(NO_SUCH_DIMENSIONS, path, message, advice)

    def _batch(self, spec: EmbeddingSpec, apis: list[EmbeddingApi], path: Path) -> int:
        most, wanted = min(api.batch for api in apis), known(spec.batch)
        if wanted is not None and wanted > most:
            message = f"{wanted} texts are more than one request may have"
            self.report.error(
                TOO_MANY_TEXTS, path, message, f"write {most} or less, or leave it out: {most} is meant then"
            )
        return min(wanted or most, most)

    def _check_chat(self, spec: Spec) -> None:
        """Report every name that asks an embedding model for answers."""
        for name, path in uses(spec):
            if path[0] not in ASKS_TO_CHAT:
                continue
            for deployment in self._meant(name):
                if deployment.card is not None and deployment.card.vectors is not None:
                    message = f"`{deployment.member}` is an embedding model (`{deployment.card.name}`): it can't answer"
                    advice = f"name it under `embeddings`, as `docs: {{use: {deployment.member}}}`"
                    self.report.error(EMBEDDING_IN_USE, path, message, advice)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A deployment that is to embed, and where the spec names it."""

    deployment: Deployment
    path: Path


def program_for(program: Program, embedding: Embedding, longest: int) -> Program:
    """The program by which texts are embedded, the longest of which has so many tokens.

    It has one rule, that asks the embedding's deployments, and knows nobody else: neither `instead`, nor a `next` list,
    nor a budget's `use`, nor a name in the call leads to another model. Guards, limits and budgets are the program's.
    """
    members = {name for tier in embedding.tiers for name in tier.members}
    deployments = {
        name: _embedding(each, longest) for name, each in program.deployments.items() if each.member in members
    }
    return replace(
        program,
        deployments=MappingProxyType(deployments),
        members=MappingProxyType({name: each for name, each in program.members.items() if name in members}),
        pools=MappingProxyType(
            {name: each for name, each in program.pools.items() if members.issuperset(each.members)}
        ),
        rules=(_rule(embedding),),
        guards=tuple(replace(guard, instead=None) for guard in program.guards),
        fallback=replace(program.fallback, after=_onward(program.fallback.after), hedge=None),
        settings=Settings(headers=program.settings.headers),
        index=RuleIndex({}, (0,)),
        budgets=tuple(map(_unspent, program.budgets)),
        cache=None,
    )


def rule_name(name: str) -> str:
    """What decisions call the one rule of an embedding."""
    return f"embeddings.{name}"


def _rule(embedding: Embedding) -> Rule:
    return Rule(0, rule_name(embedding.name), ALWAYS, embedding.tiers, timeouts=embedding.timeouts)


def _embedding(deployment: Deployment, longest: int) -> Deployment:
    """The deployment as it embeds: each text has the window to itself, nothing is written, and nothing is left to set.

    What is billed for output is for nothing, whatever a price list says (mistral-embed's names one).
    """
    price, context = deployment.price, deployment.context
    return replace(
        deployment,
        price=None if price is None else replace(price, output=0, reasoning=None, output_audio=None),
        context=None if context is None or longest <= context else context,
        max_output=0,
        settings=Settings(headers=deployment.settings.headers, extra=deployment.settings.extra),
        after=tuple(map(_onward, deployment.after)),
    )


def _onward(after: Mapping[FailureClass, After]) -> Mapping[FailureClass, After]:
    """What follows failures, with the next candidate where the spec lists others."""
    return {
        failure: replace(each, next="any") if isinstance(each.next, tuple) else each for failure, each in after.items()
    }


def _unspent(budget: Budget) -> Budget:
    return replace(budget, when_spent="out") if isinstance(budget.when_spent, tuple) else budget


def _model(deployment: Deployment) -> str:
    """What tells a model from others: its card's name, else its wire name."""
    return deployment.card.name if deployment.card else deployment.model.strip().lower().removesuffix(":latest")


def _vectors(deployment: Deployment) -> VectorFacts | None:
    return deployment.card.vectors if deployment.card else None
