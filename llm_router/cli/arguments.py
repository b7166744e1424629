"""Arguments that several verbs take, and what is read from them."""

from __future__ import annotations

import argparse

from llm_router.errors import RequestError

DEFAULT_SPEC = "llm-router.yaml"


YAML_FILES = {"bash": "_shtab_compgen_files", "zsh": "_files -g '*.y(a|)ml'"}


def spec_argument(parser: argparse.ArgumentParser, *, many: bool = False) -> None:
    """SPEC, or several, by place."""
    argument = parser.add_argument(
        "specs" if many else "spec",
        metavar="SPEC",
        nargs="*" if many else "?",
        default=[DEFAULT_SPEC] if many else DEFAULT_SPEC,
        help=f"the YAML file ({DEFAULT_SPEC} if absent)",
    )
    argument.complete = YAML_FILES  # type: ignore[attr-defined] # shtab reads it


def prompt_arguments(parser: argparse.ArgumentParser) -> None:
    """PROMPT or a file of messages, and --spec."""
    parser.add_argument("prompt", metavar="PROMPT", nargs="?", help="the user's text; - reads standard input")
    messages = parser.add_argument("--messages", metavar="FILE", help="a JSON or YAML list of {role, content}")
    spec = parser.add_argument("-s", "--spec", metavar="SPEC", default=DEFAULT_SPEC, help=f"default: {DEFAULT_SPEC}")
    for argument in (messages, spec):
        argument.complete = YAML_FILES  # type: ignore[attr-defined] # shtab reads it


def env_argument(parser: argparse.ArgumentParser) -> None:
    """--env: join the spec to this machine's environment."""
    parser.add_argument(
        "--env",
        action="store_true",
        help="also read this machine's environment: keys, ${env:…} and ${file:…}",
    )


HINTS: dict[str, tuple[str, str]] = {
    "task": ("TASK", "what is to be done, one of the spec's tasks"),
    "cost": ("LEVEL", "how much it may cost: low, medium, high"),
    "speed": ("LEVEL", "how fast it must be: slow, normal, fast, critical"),
    "model": ("NAME", "a deployment, pool, provider:model or model name of the spec"),
    "provider": ("NAME", "only this provider"),
    "max_cost": ("MONEY", 'as "0.25 USD"'),
    "timeout": ("DURATION", "this call's deadline, as 30s"),
    "user": ("NAME", "who asks"),
    "session": ("NAME", "which conversation"),
    "run": ("NAME", "which agent run"),
}
LISTS: dict[str, tuple[str, str]] = {
    "capability": ("WORD", "what the answerer must be able to do; may be repeated"),
    "prefer": ("NAME", "try this deployment first; may be repeated"),
    "tags": ("TAG", "a tag; may be repeated"),
}


def hint_arguments(parser: argparse.ArgumentParser) -> None:
    """What a caller may say of a request, one option a hint."""
    hints = parser.add_argument_group("hints", "what the caller says of the request")
    for name, (metavar, text) in HINTS.items():
        hints.add_argument(f"--{name.replace('_', '-')}", metavar=metavar, help=text)
    for name, (metavar, text) in LISTS.items():
        option = "--tag" if name == "tags" else f"--{name}"
        hints.add_argument(option, dest=name, action="append", metavar=metavar, help=text)
    hints.add_argument(
        "--fresh", action="store_const", const=True, help="an answer that isn't taken from the cache, nor kept there"
    )
    hints.add_argument(
        "--metadata",
        action="append",
        metavar="KEY=VALUE",
        help="a metadata value, read as YAML; may be repeated",
    )


def hints(options: argparse.Namespace) -> dict[str, object]:
    """The hints that were given."""
    given = {name: value for name in (*HINTS, *LISTS, "fresh") if (value := getattr(options, name)) is not None}
    if options.metadata:
        given["metadata"] = dict(metadata_pair(pair) for pair in options.metadata)
    return given


def metadata_pair(pair: str) -> tuple[str, object]:
    """`key=value`, the value read as the spec's YAML reads scalars."""
    from llm_router.spec.source import read_scalar

    key, equals, value = pair.partition("=")
    if not equals:
        raise RequestError(f"--metadata takes KEY=VALUE, not `{pair}`")
    return key, read_scalar(value)
