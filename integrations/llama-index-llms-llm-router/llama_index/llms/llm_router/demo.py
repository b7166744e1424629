"""LlamaIndex's acts in `llm-router demo`: a query engine over the documentation, whole and streamed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llama_index.llms.llm_router.llm import LLMRouter
from typing_extensions import override

from llm_router import Router
from llm_router.cli.demo.acts import Act, Write
from llm_router.cli.demo.documents import Document, passages

WHOLE = "Which keys does openai read?"
STREAMED = "Why does a literal secret in the file hurt?"


class PassageRetriever(BaseRetriever):
    """Finds the passages that share most words with the query."""

    def __init__(self, known: Sequence[Document]) -> None:
        super().__init__()
        self._known = known

    @override
    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        found = passages(self._known, query_bundle.query_str)
        return [NodeWithScore(node=TextNode(text=f"{each.title}\n{each.text}"), score=1.0) for each in found]


def acts(router: Router, known: Sequence[Document]) -> Sequence[Act]:
    """A query engine that answers, and one that streams."""
    llm = LLMRouter(router=router)
    whole = engine(llm, known, streaming=False)
    streamed = engine(llm, known, streaming=True)
    code = "RetrieverQueryEngine(llm=LLMRouter)"
    return (
        Act("LlamaIndex: a query engine", f"{code}.query(…)", WHOLE, lambda write: write(answer(whole))),
        Act(
            "LlamaIndex: streamed",
            f"{code}.query(…).response_gen",
            STREAMED,
            lambda write: stream(streamed, write),
        ),
    )


def engine(llm: LLMRouter, known: Sequence[Document], *, streaming: bool) -> RetrieverQueryEngine:
    """A query engine over these documents."""
    return RetrieverQueryEngine.from_args(PassageRetriever(known), llm=llm, streaming=streaming)


def answer(query_engine: RetrieverQueryEngine) -> str:
    """The whole answer."""
    with loop_at_hand():
        return str(query_engine.query(WHOLE))


def stream(query_engine: RetrieverQueryEngine, write: Write) -> None:
    """Write the answer as it comes."""
    with loop_at_hand():
        response: Any = query_engine.query(STREAMED)  # a StreamingResponse, by the engine's making
    for piece in response.response_gen:
        write(piece)


@contextmanager
def loop_at_hand() -> Iterator[None]:
    """An event loop for LlamaIndex's synchronous parts, which make one where there is none, and never close it."""
    with asyncio.Runner() as runner:
        asyncio.set_event_loop(runner.get_loop())
        try:
            yield
        finally:
            asyncio.set_event_loop(None)
