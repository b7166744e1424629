"""What the demo asks about: this project's own documentation, and how a passage of it is found.

The texts are the README, which every installation carries in its metadata, and the documentation of the lints.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import distribution

from llm_router.policy.lint import LINTS

WORD = re.compile(r"[a-z_]{3,}")
COMMON = frozenset(
    ["the", "and", "for", "are", "what", "how", "does", "with", "that", "this", "from", "you", "your", "has", "have"]
)


@dataclass(frozen=True, slots=True)
class Document:
    """One passage with its title."""

    title: str
    text: str


def documents() -> tuple[Document, ...]:
    """The README by sections, and each lint's documentation."""
    readme = distribution("llm-router-core").read_text("METADATA") or ""
    sections = re.split(r"^#+ +", readme.partition("\n\n")[2], flags=re.MULTILINE)
    found = [Document(title.strip(), text.strip()) for title, _, text in (part.partition("\n") for part in sections)]
    lints = [Document(f"{lint.code} {lint.name}", inspect.getdoc(lint.find) or "") for lint in LINTS]
    return tuple(document for document in (*found, *lints) if document.text)


def passages(known: Sequence[Document], question: str, number: int = 3) -> tuple[Document, ...]:
    """The passages that share most words with the question, best first."""
    wanted = words(question)

    def shared(document: Document) -> tuple[int, int]:
        here = words(f"{document.title} {document.text}")
        return -len(wanted & here), len(here)

    return tuple(sorted(known, key=shared)[:number])


def words(text: str) -> frozenset[str]:
    """The telling words of a text, plurals like singulars."""
    return frozenset(word.rstrip("s") for word in WORD.findall(text.lower())) - COMMON
