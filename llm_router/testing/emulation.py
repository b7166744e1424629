"""Points a spec at the emulator, unchanged: an environment in which every provider is found there, without a key."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from llm_router.spec.refs import Environment
from llm_router.testing.emulator import Emulator, LogEntry
from llm_router.testing.script import Script
from llm_router.testing.server import serve

if TYPE_CHECKING:
    from llm_router.router import Router


def emulated(url: str, *, variables: Mapping[str, str] | None = None, directory: str | Path = ".") -> Environment:
    """The environment of a router whose providers are all the emulator at `url`.

        Router.from_file("router.yaml", environment=emulated(url))

    `variables` are what `${env:…}` reads (default: this process's); `directory` is where relative paths start.
    """
    return Environment(dict(os.environ if variables is None else variables), Path(directory), emulator=url)


@dataclass(frozen=True, slots=True)
class Providers:
    """All providers as one server that runs: what `emulated_providers` gives, and a fixture of yours may yield."""

    url: str
    emulator: Emulator
    environment: Environment = field(repr=False)

    @property
    def log(self) -> tuple[LogEntry, ...]:
        """Everything that the providers were asked."""
        return self.emulator.log

    def script(self, script: Script) -> None:
        """From now on, let the providers answer so."""
        self.emulator.script(script)

    def router(self, path: str | Path) -> Router:
        """A router for the spec in this file, or for a YAML text of several lines; close it when done."""
        from llm_router.router import Router

        if isinstance(path, str) and "\n" in path:
            return Router.from_text(path, environment=self.environment)
        return Router.from_file(path, environment=self.environment)


@contextmanager
def emulated_providers(script: Script = (), *, variables: Mapping[str, str] | None = None) -> Iterator[Providers]:
    """All providers, emulated, while the block runs. As a pytest fixture:

    @pytest.fixture
    def providers():
        with emulated_providers() as running:
            yield running
    """
    emulator = Emulator(script)
    with serve(emulator) as url:
        yield Providers(url, emulator, emulated(url, variables=variables))
