"""What is known of custom kinds: the facts with which a codec of the user's own was registered in this process.

Compiling doesn't look here, only binding does: a spec means the same on a machine that hasn't the codec. A kind that
isn't registered yet is looked for among what is installed, as an entry point of the group `llm_router.codecs` that
names a module which registers it.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points

from llm_router.catalog.providers import CUSTOM, ProviderRow

GROUP = "llm_router.codecs"
"""The group of entry points: the codec's name, and the module that registers it."""

_REGISTERED: dict[str, ProviderRow] = {}


class NotRegistered(LookupError):
    """Nobody has registered a codec of this name; the message says why, `help` what to do."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.help = help


def register_row(row: ProviderRow) -> None:
    """From now on, this is what is known of the row's kind."""
    _REGISTERED[row.kind] = row


def registered_row(kind: str) -> ProviderRow:
    """What is known of a custom kind. Raises NotRegistered where neither code nor an installed package knows it."""
    if kind not in _REGISTERED:
        _import_installed(kind.removeprefix(CUSTOM))
    if kind not in _REGISTERED:
        name = kind.removeprefix(CUSTOM)
        raise NotRegistered(
            f"no codec is registered as `{name}`",
            f'call `register_codec("{name}", …)` before the router is made, or name its module as the entry point '
            f"`{name}` of the group `{GROUP}`",
        )
    return _REGISTERED[kind]


def _import_installed(name: str) -> None:
    """Import the module that an installed package names for this codec, if any does. Raises NotRegistered."""
    for entry in entry_points(group=GROUP, name=name):
        try:
            import_module(entry.module)
        except Exception as error:  # a stranger's module may raise anything; the router lives without it
            raise NotRegistered(
                f"the entry point `{name}` of the group `{GROUP}` can't be imported ({type(error).__name__})",
                f"mend the module `{entry.module}`: it raises when it is imported",
            ) from error
