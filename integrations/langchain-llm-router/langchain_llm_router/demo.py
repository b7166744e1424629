"""LangChain's acts in `llm-router demo`: a chain over the documentation, whole and streamed."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable

from langchain_llm_router.chat import ChatLLMRouter
from llm_router import Router
from llm_router.cli.demo.acts import Act, Write
from llm_router.cli.demo.documents import Document, passages

PROMPT = ChatPromptTemplate.from_messages(
    [("system", "Answer from the context only."), ("human", "{context}\n\nQuestion: {question}")]
)
CHEAP = "What happens when nobody answers?"
LONG = "Why is a shadowed rule never reached?"


def acts(router: Router, known: Sequence[Document]) -> Sequence[Act]:
    """A chain that is invoked, and one that is streamed."""
    llm = ChatLLMRouter(router=router)
    cheap = chain(llm, {"task": "simple_qa", "cost": "low"})
    summary = chain(llm, {"task": "summary"})
    code = "(prompt | ChatLLMRouter | parser)"
    return (
        Act("LangChain: a chain", f"{code}.invoke(…)", CHEAP, lambda write: write(cheap.invoke(inputs(known, CHEAP)))),
        Act(
            "LangChain: streamed", f"{code}.stream(…)", LONG, lambda write: stream(summary, inputs(known, LONG), write)
        ),
    )


def chain(llm: ChatLLMRouter, routing: dict[str, str]) -> Runnable[dict[str, str], str]:
    """Prompt, model with hints, text."""
    return PROMPT | llm.bind(routing=routing) | StrOutputParser()


def inputs(known: Sequence[Document], question: str) -> dict[str, str]:
    """What the prompt is filled with."""
    context = "\n\n".join(f"{document.title}\n{document.text}" for document in passages(known, question))
    return {"context": context, "question": question}


def stream(chain: Runnable[dict[str, str], str], filled: dict[str, str], write: Write) -> None:
    """Write the answer as it comes."""
    for piece in chain.stream(filled):
        write(piece)
