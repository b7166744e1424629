"""Print the script that completes this command's verbs and options with the tab key.

bash:  llm-router completion bash > ~/.local/share/bash-completion/completions/llm-router
zsh:   llm-router completion zsh > ~/.zfunc/_llm-router      (with ~/.zfunc in fpath)
fish:  llm-router completion fish > ~/.config/fish/completions/llm-router.fish
"""

from __future__ import annotations

import argparse

from llm_router.cli.console import Console

SUMMARY = "print a tab completion script for your shell"


def arguments(parser: argparse.ArgumentParser) -> None:
    """SHELL."""
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="your shell")


def run(options: argparse.Namespace, console: Console) -> int:
    """Print the script."""
    import shtab

    console.line(shtab.complete(options.parser, shell=options.shell))
    return 0
