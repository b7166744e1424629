"""Recorded answers cost what was worked out for them by hand, kind by kind."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from llm_router.catalog.prices import find_price
from llm_router.catalog.providers import PROVIDERS
from llm_router.engine.accounting.bill import RequestCost
from llm_router.messages import Usage
from llm_router.state.entry import Entry
from llm_router.wire.dialects import CODECS
from tests.recordings import Recording, needs_recordings, recordings
from tests.wire.reading_streams import decode_stream

pytestmark = needs_recordings

CASES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("costs.yaml").read_text())
DAY = datetime.datetime(2026, 11, 21, 12, tzinfo=datetime.UTC)
KINDS = {"azure_openai": "azure"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["recording"])
def test_a_recorded_answer_costs_what_it_should(case: dict[str, Any]) -> None:
    provider = case["recording"].partition("/")[0]
    kind = KINDS.get(provider, provider)
    recording = next(each for each in recordings(provider) if each.name == case["recording"])
    price = find_price(kind, case["model"])
    assert price is not None
    cost = price.cost(_usage(kind, recording), DAY)
    assert cost is not None
    bill = RequestCost.of([Entry(0, "d", cost=cost.total, cost_by_kind=cost, basis="reported")])
    million = Decimal(1_000_000)
    by_hand = {name: tokens * Decimal(str(usd)) / million for name, (tokens, usd) in case["kinds"].items()}
    assert bill.by_kind == by_hand
    assert bill.usd == sum(by_hand.values()) == Decimal(case["usd"])


def _usage(kind: str, recording: Recording) -> Usage:
    codec = CODECS[PROVIDERS[kind].dialect]
    if not recording.is_stream:
        return codec.decode(recording.headers, recording.body).usage
    outcome = decode_stream(codec, recording.headers, [recording.body])
    assert outcome.response is not None
    return outcome.response.usage
