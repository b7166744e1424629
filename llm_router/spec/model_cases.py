"""The section `tests`: what is asked, what happens, and what shall come of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import Field

from llm_router.errors import FAILURE_CLASSES, FailureClass
from llm_router.spec.conditions.feature_types import COSTS, SPEEDS
from llm_router.spec.constraints import ExpectFits, NotBoth, OnlyBeside
from llm_router.spec.given import GivenFits, is_world
from llm_router.spec.section import Constraint, Section, key
from llm_router.spec.shapes import AS_LIST, AS_ONE, BY_SHAPE
from llm_router.spec.types import (
    Count,
    FixedText,
    Flag,
    Money,
    Placement,
    PositiveDuration,
    Prose,
    RawMapping,
    Text,
    Word,
    words,
)

Texts: TypeAlias = Annotated[
    Annotated[Text, AS_ONE] | Annotated[tuple[Text, ...], Field(min_length=1), AS_LIST], BY_SHAPE
]
RoleWord: TypeAlias = Annotated[
    Literal["system", "user", "assistant"], words("a role", ("system", "user", "assistant"))
]
CostWord: TypeAlias = Annotated[Literal["low", "medium", "high"], words("a cost", COSTS)]
SpeedWord: TypeAlias = Annotated[Literal["slow", "normal", "fast", "critical"], words("a speed", SPEEDS)]
Outcome: TypeAlias = Annotated[
    Literal["no_candidate"] | FailureClass, words("an error", (*FAILURE_CLASSES, "no_candidate"))
]


class TurnSpec(Section):
    """One message of a conversation."""

    role: RoleWord = key("Who says it.", "user", required=True)
    content: Prose = key("What is said.", "Hello", required=True)


Turns: TypeAlias = Annotated[
    Annotated[Count, AS_ONE] | Annotated[tuple[TurnSpec, ...], Field(min_length=1), AS_LIST], BY_SHAPE
]


OF_ANSWERS = ("messages", "transcript", "requested_model", "input_tokens", "max_output_tokens", "has_images",
              "has_files", "has_tools", "wants_json", "stream")  # fmt: skip
"""What a request for vectors doesn't have."""

_ONLY_TEXTS = "leave it out: vectors are asked for by `text` or `texts`, and hints"


class RequestSpec(Section):
    """One request: hints, text or messages, and computed features by their names; or texts to be embedded."""

    constraints: ClassVar[tuple[Constraint, ...]] = (
        NotBoth("cost", "budget", "they are one hint: say one of them"),
        OnlyBeside("texts", "embed", "write `text`, or name one of the spec's embeddings: `embed: docs`"),
        NotBoth("text", "texts", "write them all as `texts`"),
        *(NotBoth("embed", name, _ONLY_TEXTS) for name in OF_ANSWERS),
    )

    task: Word | None = key("What is to be done.", "code")
    cost: CostWord | None = key("How much it may cost.", "low")
    budget: CostWord | None = key("The same as `cost`.", "low")
    speed: SpeedWord | None = key("How fast it must be.", "fast")
    capability: Texts | None = key("What the answerer must be able to do.", ["reasoning"])
    model: Text | None = key("The name that is asked for.", "gpt-4o")
    provider: Text | None = key("The provider that is asked for.", "openai")
    prefer: Texts | None = key("Who moves to the front.", ["mini"])
    max_cost: Money | None = key("The most that the request may cost.", "0.05 USD")
    timeout: PositiveDuration | None = key("The call's deadline.", "30s")
    user: Text | None = key("Who asks.", "u-17")
    session: Text | None = key("Which conversation.", "s-1")
    run: Text | None = key("Which agent run.", "r-1")
    tags: Texts | None = key("Tags.", ["medical"])
    metadata: RawMapping | None = key("What the caller says of the declared keys.", {"pii": True})
    text: Prose | None = key("The user's text, or the one to be embedded.", "What is the capital of France?")
    embed: Word | None = key("Vectors are asked for, of this one of the spec's embeddings.", "docs")
    texts: Annotated[tuple[Prose, ...], Field(min_length=1)] | None = key(
        "The texts to be embedded, where they are several.", ["first page", "second page"]
    )
    messages: Turns | None = key(
        "The conversation, or how many messages it has.", [{"role": "user", "content": "Hello"}]
    )
    transcript: Prose | None = key("All text of the request, instead of the computed one.", "Hello")
    requested_model: Text | None = key("The name that is asked for, as a feature.", "gpt-4o")
    input_tokens: Count | None = key("Instead of the counted tokens.", "120k")
    max_output_tokens: Count | None = key("The cap on the answer's tokens.", "1k")
    has_images: Flag | None = key("Whether it has images.", True)
    has_files: Flag | None = key("Whether it has files.", True)
    has_tools: Flag | None = key("Whether it has tools.", True)
    wants_json: Flag | None = key("Whether it wants JSON.", True)
    stream: Flag | None = key("Whether the answer is streamed.", True)


class ExpectSpec(Section):
    """What shall come of the request. Of several batches of texts, everything is expected of them all together."""

    rule: Prose | None = key("The rule that decides.", "code")
    deployment: Texts | None = key("Who answers; one of a list.", "mini", ["mini", "llama"])
    attempts: Texts | None = key("Everybody who is asked, in order.", ["mini", "llama"])
    refused: Prose | None = key("The rule that refuses.", "no medical advice")
    error: Outcome | None = key("The failure class of the error, or `no_candidate`.", "no_candidate")
    dimensions: Count | None = key("How many numbers each vector has.", 768)
    only: Placement | None = key("What holds for every candidate, of at least one.", {"labels.region": "eu"})
    never: Placement | None = key("What holds for no candidate, of at least one.", {"provider": "openai"})


class CaseSpec(Section):
    """One case: a request, what happens, and what shall come of it."""

    constraints: ClassVar[tuple[Constraint, ...]] = (GivenFits(), ExpectFits())

    name: FixedText | None = key("What it shows, as a sentence.", "code goes to sonnet")
    request: RequestSpec = key("What is asked.", {"task": "code"}, required=True)
    given: RawMapping | None = key(
        "What deployments answer, attempt by attempt: `ok`, a failure class or a fault of the wire; also `hour`, "
        "`weekday`, `env.NAME`, `spent.<budget>`.",
        {"mini": ["rate_limit", "ok"]},
        {"mini": "stall"},
        {"hour": 3, "spent.monthly": "90%"},
    )
    expect: ExpectSpec = key("What shall come of it.", {"deployment": "mini"}, required=True)

    @property
    def answers(self) -> Mapping[str, tuple[str, ...]]:
        """What each deployment answers, attempt by attempt: `ok`, a failure class or a fault; the last is repeated."""
        said = {name: value for name, value in (self.given or {}).items() if not is_world(name)}
        return {name: tuple(value) if isinstance(value, list) else (value,) for name, value in said.items()}

    @property
    def world(self) -> Mapping[str, Any]:
        """What is said of the world: `hour`, `weekday`, `env.NAME`, `spent.<budget>`."""
        return {name: value for name, value in (self.given or {}).items() if is_world(name)}
