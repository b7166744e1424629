"""What the demo plays: acts, each one call through a framework. Integrations bring theirs by entry point."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, TypeAlias

from llm_router.cli.demo.documents import Document, passages
from llm_router.messages import TextDelta

if TYPE_CHECKING:
    from llm_router.router import Router

GROUP = "llm_router.demo"
"""The entry points that bring acts: functions of a router and documents."""

QUESTION = "Is a truncated answer a success?"
OUTAGE = "What does router.reload do with a wrong file?"

Write: TypeAlias = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Act:
    """One call: its title, the code that it stands for, the question, and how it is played."""

    title: str
    code: str
    question: str
    play: Callable[[Write], object]


Acts: TypeAlias = Callable[["Router", Sequence[Document]], Sequence[Act]]


def all_acts(router: Router, known: Sequence[Document]) -> Iterator[Act]:
    """Yields the acts of all installed integrations, by name, then the router's own."""
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        acts: Acts = entry.load()
        yield from acts(router, known)

    def ask(write: Write) -> None:
        stream(router, prompt(known, QUESTION), {"speed": "fast"}, write)

    yield Act("the router itself, streamed", 'router.stream(…, speed="fast")', QUESTION, ask)


def outage(router: Router, known: Sequence[Document]) -> tuple[Act, str]:
    """An act without hints, and the deployment that would answer it if it could."""
    asked = prompt(known, OUTAGE)
    first = router.explain(asked).decision.candidates[0].deployment
    title = f"an outage: `{first}` is down"
    return Act(title, "router.stream(…)", OUTAGE, lambda write: stream(router, asked, {}, write)), first


def stream(router: Router, asked: str, hints: Mapping[str, object], write: Write) -> None:
    """Stream an answer without any framework."""
    with router.stream(asked, **hints) as events:
        for event in events:
            if isinstance(event, TextDelta):
                write(event.text)


def prompt(known: Sequence[Document], question: str) -> str:
    """The question with the passages that may answer it."""
    context = "\n\n".join(f"{document.title}\n{document.text}" for document in passages(known, question))
    return f"Answer from this context only.\n\n{context}\n\nQuestion: {question}"
