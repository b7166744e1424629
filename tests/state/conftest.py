"""An empty store, of each kind in turn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from llm_router.state.store import Store
from tests.state.stores import KINDS, SHARED, store_of, url_of


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    with store_of(request.param, tmp_path) as made:
        yield made


@pytest.fixture(params=SHARED)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty store that processes share."""
    with url_of(request.param, tmp_path) as made:
        yield made
