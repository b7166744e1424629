"""Explain who would answer a request and why: rule by rule, candidate by candidate. Nothing is sent.

Each rule is shown with what held and what didn't; each candidate with its estimate; everybody else with the reason.
Without --env, keys and addresses aren't looked at, so the answer is the same on every machine.

  llm-router explain "translate this" --task translation --cost low
  llm-router explain --messages conversation.json --metadata pii=true
  llm-router explain "a text" --embed docs
"""

from __future__ import annotations

import argparse
import json

from llm_router.cli.arguments import env_argument, hint_arguments, hints, prompt_arguments
from llm_router.cli.console import Console
from llm_router.cli.conversation import conversation

SUMMARY = "say who would answer a request, and why"


def arguments(parser: argparse.ArgumentParser) -> None:
    """PROMPT, --messages, --spec, the hints, --format, --env."""
    prompt_arguments(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--stream", action="store_true", help="as for a streamed call")
    how.add_argument(
        "--embed", metavar="NAME", help="as for a vector of the text, by this one of the spec's embeddings"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="text for people")
    env_argument(parser)
    hint_arguments(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Decide, and tell."""
    from llm_router.cli.specs import Asked, explanation

    asked = Asked(conversation(options), hints(options), options.stream, options.embed)
    told = explanation(options.spec, asked, console, environment=options.env)
    if told is None:
        return 1
    if options.format == "json":
        console.line(json.dumps(told.json(), indent=2, ensure_ascii=False))
    else:
        console.write(told.text())
    return int(told.decision.refused is not None or not told.decision.candidates)
