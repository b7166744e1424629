"""Alerts on any machine: whoever closes waits for what is on its way, however slow that is."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let closing wait for deliveries as long as they take."""
    monkeypatch.setattr("llm_router.alerts.outbox.FLUSH_S", 60.0)
