"""Which models the Ollama that a new spec would name really has: asked once, and not for long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from threading import Thread

PATIENCE_S = 2.0
"""How long the answer is waited for: a server of this machine gives its list at once."""

_ASKED = "version: 1\nrules: [{use: ollama:any}]"


def models_there(variables: Mapping[str, str]) -> tuple[str, ...] | None:
    """The names on its list, in its order; None where nobody answers in time. Raises nothing."""
    found: list[tuple[str, ...]] = []
    asking = Thread(target=lambda: found.extend(_lists(variables)), daemon=True)
    asking.start()
    asking.join(PATIENCE_S)
    return found[0] if found else None


def _lists(variables: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    """Yields the list that the server gives, if it gives one."""
    from llm_router.errors import RouterError
    from llm_router.router import Router
    from llm_router.spec.refs import Environment

    with suppress(RouterError), Router.from_text(_ASKED, environment=Environment(variables)) as router:
        for finding in router.prove():
            if finding.listed is not None:
                yield tuple(each.name for each in finding.listed)
