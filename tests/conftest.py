"""What many tests stand on: all providers, emulated; and examples that may take their time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from llm_router.testing import Providers, emulated_providers

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")  # no example fails for the speed of a machine


@pytest.fixture
def providers() -> Iterator[Providers]:
    """All providers as one running server; a spec finds them by `environment=providers.environment`."""
    with emulated_providers(variables={}) as running:
        yield running
