"""What many tests stand on: all providers, emulated."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from llm_router.testing import Providers, emulated_providers


@pytest.fixture
def providers() -> Iterator[Providers]:
    """All providers as one running server; a spec finds them by `environment=providers.environment`."""
    with emulated_providers(variables={}) as running:
        yield running
