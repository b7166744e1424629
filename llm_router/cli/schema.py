"""Print the JSON Schema of the spec language, for editors and other tools.

With VS Code's YAML extension, put this on a spec's first line, with the path of the saved file:

  # yaml-language-server: $schema=llm-router.v1.json
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from llm_router.cli.console import Console

SUMMARY = "print the JSON Schema of the spec language"


def arguments(parser: argparse.ArgumentParser) -> None:
    """--output."""
    parser.add_argument("-o", "--output", metavar="FILE", help="write it there instead of printing it")


def run(options: argparse.Namespace, console: Console) -> int:
    """Print or write the schema."""
    from llm_router.spec.schema import json_schema

    text = json.dumps(json_schema(), indent=2, ensure_ascii=False)
    if options.output:
        Path(options.output).write_text(text + "\n", encoding="utf-8")
        console.note(f"wrote {options.output}")
    else:
        console.line(text)
    return 0
