"""The emulated answers of the demo: no model, but the sentence of the prompt that fits the question best."""

from __future__ import annotations

import re

from llm_router.cli.demo.documents import words
from llm_router.testing import Say
from llm_router.testing.question import Question

SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n{2,}")
ASKED = re.compile(r"(?:Question|Query): *(.+)")
RULER_AND_TITLE = re.compile(r"^(?:-{5,} )?(?:LR\d+ \S+ )?")
LONGEST = 300


def quote(question: Question) -> Say:
    """The sentence that shares most words with what is asked."""
    asked = ASKED.findall(question.text)
    wanted = words(asked[-1] if asked else question.text)
    context = question.text[: question.text.rfind(asked[-1])] if asked else question.text
    sentences = [RULER_AND_TITLE.sub("", " ".join(part.split())) for part in SENTENCE_END.split(context)]
    prose = [sentence for sentence in sentences if sentence.endswith((".", "!")) and len(sentence) < LONGEST]
    best = max(prose, key=lambda sentence: len(wanted & words(sentence)), default="There is nothing about that here.")
    return Say(best)
