"""Keep keys in this machine's keychain, under names of your own, and name them in specs.

  llm-router key set work            asks for the key, without showing it
  llm-router key set work --stdin    reads it from standard input
  llm-router key list                names only; no key is ever printed
  llm-router key remove work

A spec then says `api_key: "${keyring:work}"`, or several: `api_keys: ["${keyring:work}", "${keyring:personal}"]`.
It needs the extra `keyring`: pip install "llm-router-core[keyring]".
"""

from __future__ import annotations

import argparse
import getpass
import re
import sys
import warnings

from llm_router.cli.console import Console
from llm_router.spec import keychain

SUMMARY = "keep keys in the keychain, under names of your own"

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def arguments(parser: argparse.ArgumentParser) -> None:
    """set NAME, list, remove NAME."""
    acts = parser.add_subparsers(dest="act", metavar="set|list|remove", required=True)
    setting = acts.add_parser("set", help="keep a key under a name, in place of one that is there")
    setting.add_argument("name", metavar="NAME", help="as `work` or `personal`")
    setting.add_argument("--stdin", action="store_true", help="read the key from standard input, without asking")
    acts.add_parser("list", help="print the names")
    removing = acts.add_parser("remove", help="forget a key")
    removing.add_argument("name", metavar="NAME", help="one of the names")


def run(options: argparse.Namespace, console: Console) -> int:
    """Do what is asked; exit code 1 where the keychain can't be used or the name isn't there."""
    if options.act != "list" and not NAME.fullmatch(options.name):
        console.error(f"`{options.name}` can't be a name: use letters, digits, `.`, `_` and `-`")
        return 2
    try:
        return _ACTS[options.act](options, console)
    except keychain.NoKeychain as error:
        console.error(f"{error}: {error.help}")
        return 1


def _set(options: argparse.Namespace, console: Console) -> int:
    keychain.names()  # before anybody types a key that can't be kept
    try:
        value = (sys.stdin.readline() if options.stdin else _asked(options.name)).strip()
    except getpass.GetPassWarning:
        console.error("there is no terminal to ask at without showing the key: pass it to --stdin")
        return 2
    if not value:
        console.error("no key was given")
        return 1
    keychain.write(options.name, value)
    console.line(f'kept; write `api_key: "${{keyring:{options.name}}}"` in a spec')
    return 0


def _asked(name: str) -> str:
    """What is typed, unseen. Raises GetPassWarning where it would be seen."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        return getpass.getpass(f"key for {name}: ")


def _list(_options: argparse.Namespace, console: Console) -> int:
    names = keychain.names()
    for name in names:
        console.line(name)
    if not names:
        console.note("no key is kept: `llm-router key set NAME`")
    return 0


def _remove(options: argparse.Namespace, console: Console) -> int:
    if keychain.delete(options.name):
        console.line(f"removed `{options.name}`")
        return 0
    console.error(f"there is no key `{options.name}`: `llm-router key list` prints the names")
    return 1


_ACTS = {"set": _set, "list": _list, "remove": _remove}
