"""A parser of command lines that proposes what was meant by a misspelt verb, option or word."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from typing_extensions import override

from llm_router.diagnostics import closest

_CHOICE = re.compile(r"invalid choice: '(?P<word>[^']*)' \(choose from (?P<choices>.*)\)")


class Parser(argparse.ArgumentParser):
    """As argparse's; what it can't read it answers with "did you mean"."""

    @override
    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> argparse.Namespace:  # type: ignore[override]  # argparse overloads it for namespaces of other types
        """The options. Exits with code 2 for what can't be read."""
        options, rest = self.parse_known_args(args, namespace)
        if rest:
            self.error(f"unrecognized arguments: {' '.join(rest)}{_meant(rest[0], self._options(options))}")
        assert isinstance(options, argparse.Namespace)
        return options

    @override
    def error(self, message: str) -> NoReturn:
        """Print the message, with what was probably meant, and exit with code 2."""
        match = _CHOICE.search(message)
        if match is not None:
            choices = [word.strip(" '") for word in match["choices"].split(",")]
            message += _meant(match["word"], choices)
        super().error(message)

    def _options(self, options: argparse.Namespace) -> Iterator[str]:
        """The options of the verb that was read, and those before it."""
        for action in self._actions:
            yield from action.option_strings
            if isinstance(action, argparse._SubParsersAction):  # argparse has no public way to a verb's own parser
                verb = action.choices.get(str(getattr(options, action.dest, "")))
                if isinstance(verb, Parser):
                    yield from verb._options(options)


def _meant(word: str, candidates: Sequence[str] | Iterator[str]) -> str:
    near = closest(word.partition("=")[0], candidates)
    return f"; did you mean `{near}`?" if near else ""
