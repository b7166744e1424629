"""Ask one prompt through a spec, for real: the answer as it streams, then who gave it and why.

The answer goes to standard output, everything else to standard error, so that it can be piped. Keys are read from the
environment, as the spec says.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from llm_router.cli.arguments import hint_arguments, hints, prompt_arguments
from llm_router.cli.console import Console
from llm_router.cli.conversation import conversation
from llm_router.messages import TextDelta

if TYPE_CHECKING:
    from llm_router.engine.accounting.elsewhere import Elsewhere
    from llm_router.engine.answer import Answer

SUMMARY = "ask one prompt through a spec, and see who answers and why"


def arguments(parser: argparse.ArgumentParser) -> None:
    """PROMPT, --messages, --spec, the hints, --no-stream."""
    prompt_arguments(parser)
    parser.add_argument("--no-stream", action="store_true", help="wait for the whole answer")
    hint_arguments(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Ask, and tell how it came about."""
    from llm_router import Router
    from llm_router.cli.specs import show_found

    asked = conversation(options)
    with Router.from_file(options.spec) as router:
        show_found(console, router.diagnostics, {options.spec: Path(options.spec).read_text(encoding="utf-8")})
        if options.no_stream:
            answer = router.chat(asked, **hints(options))
            console.write(answer.text)
        else:
            with router.stream(asked, **hints(options)) as stream:
                for event in stream:
                    if isinstance(event, TextDelta):
                        console.write(event.text)
                answer = stream.answer
        compared = dearest(router.elsewhere(answer))
    console.line()
    tell(console, answer, compared)
    return 0


def dearest(compared: tuple[Elsewhere, ...]) -> Elsewhere | None:
    """Where the same call would have cost most, if it was cheaper here."""
    cheaper = [each for each in compared if each.cost and each.saved and each.saved > 0]
    return max(cheaper, key=lambda each: each.cost or 0, default=None)


def tell(console: Console, answer: Answer, compared: Elsewhere | None = None) -> None:
    """Which rule, which deployment, why, how long, how many tokens, what it cost, and what it would have elsewhere."""
    rule = f"rule `{answer.rule}`" if answer.rule else "no rule: the caller's own choice"
    console.note(f"\n{rule} → {answer.deployment} ({answer.provider}, {answer.model or 'model not said'})")
    for attempt in answer.attempts:
        console.note(f"  {attempt}")
    first = f", first content after {answer.first_content_s:.2f}s" if answer.first_content_s is not None else ""
    usage = answer.usage
    tokens = f"{known(usage.input)} tokens in, {known(usage.output)} out"
    console.note(f"  {answer.duration_s:.2f}s{first}; {tokens}; finished: {answer.finish_reason}")
    saved = f"; saved {round(compared.saved * 100)} % against {compared.name}" if compared and compared.saved else ""
    console.note(f"  cost: {answer.cost}{saved}")


def known(count: int | None) -> str:
    """A count, or `?` where nobody reported it."""
    return "?" if count is None else str(count)
