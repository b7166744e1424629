"""How texts become vectors: batch after batch through the script that serves every request.

A batch is a request like any other: decided, admitted, attempted, recorded. What differs is the program, which knows
one rule and the deployments of one embedding model (`policy.embeddings`), and the codec, which sends texts and brings
vectors back inside of an answer without words.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from typing_extensions import override

from llm_router.catalog.embedding_apis import embedding_api
from llm_router.catalog.tokens import TokenCount, count_text
from llm_router.engine.accounting.meter import Listener, Meter
from llm_router.engine.answer import Answer
from llm_router.engine.effects import Now
from llm_router.engine.embedding.answers import Embeddings
from llm_router.engine.job import Job
from llm_router.engine.request import explained, serve
from llm_router.engine.wiring import Wiring
from llm_router.messages import ChatRequest, ChatResponse, Message, user
from llm_router.policy.embeddings import program_for
from llm_router.policy.explain import Explanation
from llm_router.policy.hints import Hints
from llm_router.policy.program import Embedding, Program
from llm_router.wire.codec import Codec, Decoder, Failure, HistoryForm, HttpRequest, Target, Unsupported, WireError
from llm_router.wire.embedding import EmbeddingCodec, EmbedRequest, EmbedResponse, Purpose, Vector, embedder
from llm_router.wire.reading import malformed

ESTIMATE_MARGIN = 1.3
"""What a guessed number of tokens may be short by, for limits of one request: 95 of 100 texts are within 21 %."""

SOON_S = 0.001
"""The deadline of a batch for which no time is left: it fails as late, in the words of every late request."""


@dataclass(frozen=True, slots=True)
class Work:
    """One call: what is to be embedded, by which program. `dimensions` is how many every vector shall have.

    `listeners` hear of each attempt. `given` are features that the caller states by name.
    """

    program: Program
    wiring: Wiring
    embedding: Embedding
    texts: tuple[str, ...] = field(repr=False)
    hints: Hints
    request_id: str
    dimensions: int | None = None
    purpose: Purpose | None = None
    listeners: tuple[Listener, ...] = ()
    given: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts of one request. `share` is their part of all tokens of the call, `longest` the tokens of the longest.

    `dimensions` is how many every vector must have: as asked for, or as many as those that came before.
    """

    texts: tuple[str, ...] = field(repr=False)
    share: float
    longest: int
    dimensions: int | None = None


async def embed(work: Work) -> Embeddings:
    """The vectors of all texts, in their order. Raises what `serve` raises, and asks for nothing more after that."""
    started, answers, vectors = await Now(), list[Answer](), list[Vector]()
    for number, batch in enumerate(batches(work)):
        left = _time_left(work.hints, await Now() - started)
        expected = len(vectors[0]) if vectors else work.dimensions
        answer = await serve(_job(work, replace(batch, dimensions=expected), left, number))
        assert isinstance(answer.response, Embedded)
        vectors.extend(answer.response.vectors)
        answers.append(answer)
    return Embeddings(tuple(vectors), tuple(answers))


async def explained_embedding(work: Work) -> Explanation:
    """Why the first batch would be decided as it would."""
    return await explained(first_job(work))


def first_job(work: Work) -> Job:
    """The first batch as the request that it is."""
    return _job(work, next(batches(work)), work.hints.timeout_s, 0)


def batches(work: Work) -> Iterator[Batch]:
    """Yields the texts in as few requests as the providers take, in order."""
    embedding = work.embedding
    counts = [count_text(text, embedding.model) for text in work.texts]
    total = sum(count.value for count in counts)
    for start, end in spans([_tokens(count) for count in counts], embedding.batch, embedding.batch_tokens):
        values = [count.value for count in counts[start:end]]
        yield Batch(work.texts[start:end], sum(values) / max(1, total), max(values))


def spans(tokens: Sequence[int], most: int, most_tokens: int | None) -> Iterator[tuple[int, int]]:
    """Yields where each batch starts and ends; a text that is too long for any batch is one of its own."""
    start, held = 0, 0
    for place, count in enumerate(tokens):
        full = most_tokens is not None and held + count > most_tokens
        if place > start and (place - start >= most or full):
            yield start, place
            start, held = place, 0
        held += count
    if tokens:
        yield start, len(tokens)


def as_request(texts: Sequence[str]) -> ChatRequest:
    """The texts as the policy sees them: one message, a text a line."""
    return ChatRequest((user("\n".join(texts)),))


def _tokens(count: TokenCount) -> int:
    return count.value if count.basis == "exact" else min(count.upper, math.ceil(count.value * ESTIMATE_MARGIN))


def _job(work: Work, batch: Batch, timeout_s: float | None, number: int) -> Job:
    """One batch as a request: its part of what the caller wants to spend, and the time that is left."""
    program = program_for(work.program, work.embedding, batch.longest)
    cap = work.hints.max_cost
    hints = replace(work.hints, timeout_s=timeout_s, max_cost=None if cap is None else int(cap * batch.share))
    wiring = replace(work.wiring, codecs=dict(_codecs(program, work, batch)))
    asked, request_id = as_request(batch.texts), f"{work.request_id}-{number}"
    return Job(program, wiring, asked, hints, request_id, given=work.given, meter=Meter(work.listeners))


def _codecs(program: Program, work: Work, batch: Batch) -> Iterator[tuple[str, Codec]]:
    """Yields the codec of each deployment that the environment binds."""
    for name, deployment in program.deployments.items():
        api, chat = embedding_api(deployment.provider.kind), work.wiring.codecs.get(name)
        if api is not None and chat is not None:
            asked = EmbedRequest(batch.texts, _asked_for(work), work.purpose)
            yield name, Embedder(chat, embedder(api), asked, batch.dimensions)


def _asked_for(work: Work) -> int | None:
    """The number of dimensions to ask for: none where the model gives it unasked, which servers without options can."""
    usual, wanted = work.embedding.usual, work.dimensions
    return None if usual is not None and wanted == usual.dimensions else wanted


def _time_left(hints: Hints, passed: float) -> float | None:
    return None if hints.timeout_s is None else max(SOON_S, hints.timeout_s - passed)


@dataclass(frozen=True, slots=True)
class Embedded(ChatResponse):
    """Vectors as the request script passes them on: an answer without words."""

    vectors: tuple[Vector, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Embedder(Codec):
    """An embedding codec as the request script sees it; the texts are those that it was made for."""

    chat: Codec
    codec: EmbeddingCodec
    asked: EmbedRequest
    dimensions: int | None

    @override
    def history(self, target: Target, /) -> HistoryForm:
        """Anything: there is no history to be fitted."""
        return HistoryForm()

    @override
    def encode(self, request: ChatRequest, target: Target, *, stream: bool) -> HttpRequest:
        """The HTTP request for the texts, with the settings of `request`. Raises Unsupported."""
        return self.codec.encode(replace(self.asked, settings=request.settings), target)

    @override
    def decode(self, headers: Mapping[str, str], body: bytes) -> ChatResponse:
        """The vectors. Raises WireError where they aren't as many, or as long, as they must be."""
        response = self.codec.decode(headers, body)
        self._check(response)
        return Embedded(
            Message("assistant", ()),
            "stop",
            response.usage,
            response.model,
            response.provider_request_id,
            vectors=response.vectors,
        )

    @override
    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """What a status of 400 and above says: the same for chat and embeddings."""
        return self.chat.decode_error(status, headers, body)

    @override
    def decoder(self, headers: Mapping[str, str]) -> Decoder:
        """None: vectors don't come in pieces. Raises Unsupported."""
        raise Unsupported("streamed embeddings")

    def _check(self, response: EmbedResponse) -> None:
        given, wanted = len(response.vectors), len(self.asked.texts)
        if given != wanted:
            raise malformed(f"{given} vectors came for {wanted} texts")
        expected = self.dimensions or len(response.vectors[0])
        wrong = next((len(vector) for vector in response.vectors if len(vector) != expected), None)
        if wrong is not None:
            message = f"a vector has {wrong} dimensions, not {expected}"
            raise WireError(Failure("invalid_output", message, provider_request_id=response.provider_request_id))
