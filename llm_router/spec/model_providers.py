"""The sections that say who can be asked: providers, deployments, pools, and what all of these carry."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, ClassVar, Literal, TypeAlias, get_args

from pydantic import Field

from llm_router.catalog.providers import Api
from llm_router.spec.constraints import NotBoth, SharesMatchBalance
from llm_router.spec.model_failures import BALANCE_HABITS, FollowSpec, StickyNone
from llm_router.spec.model_limits import LimitSpec
from llm_router.spec.refs import Reference
from llm_router.spec.section import Constraint, Section, entries, items, key
from llm_router.spec.shapes import AS_LIST, AS_MAPPING, AS_ONE, BY_SHAPE
from llm_router.spec.types import (
    Address,
    Amount,
    Count,
    Credential,
    Effort,
    Flag,
    Free,
    Kind,
    Name,
    Place,
    PlaceKey,
    PositiveDuration,
    Probability,
    Prose,
    Quality,
    Rate,
    RawMapping,
    Share,
    Temperature,
    Text,
    TextKey,
    Whole,
    Word,
    words,
)

Labels: TypeAlias = dict[TextKey, Text]
StopTexts: TypeAlias = Annotated[
    Annotated[Prose, AS_ONE] | Annotated[tuple[Prose, ...], Field(min_length=1), AS_LIST], BY_SHAPE
]
ApiWord: TypeAlias = Annotated[Api, words("a kind of API", get_args(Api))]
AuthWord: TypeAlias = Annotated[Literal["api-key", "bearer"], words("a way to say who asks", ("api-key", "bearer"))]
BalanceWord: TypeAlias = Annotated[
    Literal["round-robin", "random", "weighted", "least-busy"],
    words("a balance", ("round-robin", "random", "weighted", "least-busy"), habits=BALANCE_HABITS),
]


class SettingsSpec(Section):
    """Call parameters. Key by key: rule over deployment over provider over top; the caller's over all."""

    temperature: Temperature | None = key("How much chance there is in the choice of words, 0 to 2.", 0.2)
    top_p: Probability | None = key("The share of likely words that is chosen from, 0 to 1.", 0.9)
    max_output_tokens: Count | None = key("The most tokens that an answer may have.", "4k", 4096)
    stop: StopTexts | None = key("Text at which the answer ends, or several.", "END", ["\\n\\n", "END"])
    seed: Whole | None = key("A number that makes chance repeatable, where the provider can do that.", 7)
    reasoning: Effort | None = key(
        "How much a reasoning model thinks first: an effort, or a budget in tokens.", "medium", "8k"
    )
    headers: dict[TextKey, Prose] = entries("HTTP headers to add.", {"x-team": "search"})
    extra: RawMapping | None = key("Keys for the request's JSON body, as they stand.", {"top_k": 40})


class TimeoutsSpec(Section):
    """How long one attempt may take. Key by key: rule over deployment over provider over top."""

    connect: PositiveDuration | None = key("Until the connection stands.", "5s", default="5s")
    first_token: PositiveDuration | None = key(
        "Until the first reasoning or content. Default: 10s; 60s for reasoning models and local providers.", "10s"
    )
    stall: PositiveDuration | None = key(
        "Between two pieces of a stream; after reasoning and within a tool call, `first_token` if that is longer.",
        "15s",
        default="15s",
    )
    total: PositiveDuration | None = key("For an attempt that isn't streamed.", "2m", default="2m")


class ProviderSpec(Section):
    """Who answers HTTP and bills."""

    constraints: ClassVar[tuple[Constraint, ...]] = (NotBoth("api_key", "api_keys", "put all keys into `api_keys`"),)

    kind: Kind | None = key("What it speaks. Not needed where the provider's name is a kind.", "openai", "ollama")
    base_url: Address | None = key(
        "Its address, where it isn't the usual one.",
        "https://llm.example.com/v1",
        "${env:OLLAMA_HOST:-http://localhost:11434}",
    )
    api_key: Credential | None = key(
        "Its key. Without one, the usual variable is read (OPENAI_API_KEY, GROQ_API_KEY, …).", "${env:OPENAI_API_KEY}"
    )
    api_keys: tuple[Credential, ...] = items(
        "Several keys: each deployment is then one candidate a key, in turns.", ["${env:KEY_A}", "${env:KEY_B}"]
    )
    organization: Text | None = key("The organisation to bill, where the provider has such.", "org-123")
    query: dict[TextKey, Text] = entries("Parameters to add to the address.", {"api-version": "2024-10-21"})
    api: ApiWord | None = key("Which of its APIs its models are asked through, where it has several.", "responses")
    auth: AuthWord | None = key(
        "How it is told who asks: by its key, or by a token (of Microsoft Entra ID, for Azure).",
        "bearer",
        default="api-key",
    )
    default_model: Text | None = key("The model that the provider's name means in `use`.", "gpt-4o-mini")
    enabled: Flag | None = key("`false` takes it out of service.", False, default=True)
    local: Flag | None = key("Whether it runs on this machine; checked against its address.", True)
    labels: Labels = entries("Facts of your own that guards read; deployments inherit them.", {"region": "eu"})
    settings: SettingsSpec | None = key("Call parameters for all of its deployments.", {"temperature": 0})
    timeouts: TimeoutsSpec | None = key("Timeouts for all of its deployments.", {"first_token": "30s"})
    fallback: FollowSpec | None = key("What follows its failures.", {"after": {"authentication": {"cooldown": "10m"}}})
    limits: tuple[LimitSpec, ...] = items(
        "The most that all of its deployments take together.", [{"requests": 30, "every": "1m"}, {"concurrent": 4}]
    )


class PriceSpec(Section):
    """USD per million tokens, by kind of token."""

    input: Amount = key("Input tokens.", 2.5, required=True)
    output: Amount = key("Output tokens.", 10, required=True)
    cache_read: Amount | None = key("Input read from the provider's cache.", 1.25)
    cache_creation: Amount | None = key("Input written to the provider's cache.", 3.75)
    cache_creation_1h: Amount | None = key("Input written to a cache that keeps it for an hour.", 6)
    reasoning: Amount | None = key("Reasoning tokens, where they aren't billed as output.", 10)
    input_audio: Amount | None = key("Audio that is sent.", 40)
    output_audio: Amount | None = key("Audio that is answered.", 80)


class SpeedSpec(Section):
    """How fast it is expected to be, until it was measured."""

    first_token: PositiveDuration | None = key("Time to the first token.", "500ms")
    tokens_per_second: Rate | None = key("Tokens per second after that.", 80)


PriceOrFree: TypeAlias = Annotated[Annotated[Free, AS_ONE] | Annotated[PriceSpec, AS_MAPPING], BY_SHAPE]
QualityByTask: TypeAlias = Annotated[
    Annotated[Quality, AS_ONE] | Annotated[dict[TextKey, Quality], Field(min_length=1), AS_MAPPING], BY_SHAPE
]


class DeploymentSpec(Section):
    """One place that serves one model: what is chosen, priced and cooled down."""

    provider: Name = key("The provider's name, or a kind of provider.", "openai", required=True)
    model: Text = key("The model's name on the wire.", "gpt-4o-mini", required=True)
    card: Text | None = key("The model's usual name, where the wire name isn't it.", "qwen2.5-72b-instruct")
    api: ApiWord | None = key(
        "Which API it is asked through, where its provider has several. Default: the one that the model needs.", "chat"
    )
    price: PriceOrFree | None = key("USD per million tokens, or `free`.", {"input": 2.5, "output": 10}, "free")
    context: Count | None = key("The context window in tokens.", "128k")
    max_output: Count | None = key("The most tokens it can answer with.", "16k")
    supports: tuple[Word, ...] | None = key(
        "What it can do, instead of what the catalogue says: tools, images, files, audio, json_schema, reasoning, "
        "prefill, and words of your own. An empty list is none of it.",
        ["tools", "images"],
    )
    quality: QualityByTask | None = key(
        "How good it is, 0 to 100: a number, or by task with `any`.", 86, {"code": 93, "any": 90}
    )
    speed: SpeedSpec | None = key("How fast it is expected to be.", {"first_token": "500ms", "tokens_per_second": 80})
    expected_output: Count | None = key("Tokens that an answer usually has, to estimate costs.", 200, default=500)
    labels: Labels = entries("Facts of your own that guards read, beside the provider's.", {"region": "eu"})
    enabled: Flag | None = key("`false` takes it out of service.", False, default=True)
    settings: SettingsSpec | None = key("Call parameters.", {"reasoning": "medium"})
    timeouts: TimeoutsSpec | None = key("Timeouts.", {"first_token": "2m"})
    fallback: FollowSpec | None = key("What follows its failures.", {"after": {"rate_limit": {"cooldown": "1m"}}})
    limits: tuple[LimitSpec, ...] = items("The most that it takes.", [{"tokens": "100k", "every": "1m"}])

    @property
    def quality_by_task(self) -> Mapping[str, float | Reference]:
        """The quality by task; one for all stands under `any`."""
        if self.quality is None:
            return {}
        return self.quality if isinstance(self.quality, dict) else {"any": self.quality}


Members: TypeAlias = Annotated[
    Annotated[Place, AS_ONE]
    | Annotated[tuple[Place, ...], Field(min_length=1), AS_LIST]
    | Annotated[dict[PlaceKey, Share], Field(min_length=1), AS_MAPPING],
    BY_SHAPE,
]


class PoolSpec(Section):
    """Deployments that are interchangeable for a purpose."""

    constraints: ClassVar[tuple[Constraint, ...]] = (SharesMatchBalance(),)

    of: Members = key(
        "Its members, in order, or with shares of the load.", ["a", "b"], {"a": "90%", "b": "10%"}, required=True
    )
    balance: BalanceWord | None = key("How load is spread over the members. Default: their order.", "round-robin")
    sticky: StickyNone | None = key("`none`: a conversation needn't stay with who answered it before.", "none")

    @property
    def shares(self) -> Mapping[str, Fraction]:
        """The share of each member, where the pool has shares."""
        return self.of if isinstance(self.of, dict) else {}


Pool: TypeAlias = Annotated[
    Annotated[tuple[Place, ...], Field(min_length=1), AS_LIST] | Annotated[PoolSpec, AS_MAPPING], BY_SHAPE
]
"""A pool; where it has no more to say than its members, their list."""
