"""Fixtures of the frameworks' tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.frameworks.desk import Desk, desk


@pytest.fixture
def at_desk() -> Iterator[Desk]:
    """A router whose providers all answer well."""
    with desk() as made:
        yield made
