"""Each row of the catalogue has one recorded case, `cases/rows/KIND.yaml`: what is sent there, what is made of a reply.

A case goes the whole way of a spec: `provider` is what the spec says of it (where a row leaves something open), `model`
is asked the `request` with the key KEY, `sends` is what goes out, and `gives` the neutral answer that `reply` is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from llm_router.catalog.providers import PROVIDERS
from llm_router.engine.wiring import wire
from llm_router.policy.binding import bind
from llm_router.policy.compile import compile_spec
from llm_router.spec.read import read
from llm_router.spec.refs import Environment
from tests.wire.conversations import read_request
from tests.wire.fitting import encode_fitted
from tests.wire.reading_streams import summary

ROWS = Path(__file__).with_name("cases") / "rows"
CASES: dict[str, dict[str, Any]] = {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in ROWS.glob("*.yaml")}
OUR_OWN = {"content-type", "accept"}
"""Headers that every request has."""


def test_every_row_has_its_case_and_every_case_its_row() -> None:
    assert sorted(CASES) == sorted(PROVIDERS)


@pytest.mark.parametrize("kind", sorted(CASES))
def test_a_row_sends_and_reads_what_its_case_says(kind: str) -> None:
    sends, gives = came(kind, CASES[kind])
    assert sends == CASES[kind]["sends"]
    assert gives == CASES[kind]["gives"]


def came(kind: str, case: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is sent, and what is made of the reply."""
    spec = {
        "version": 1,
        "providers": {"it": {"kind": kind, **case.get("provider", {})}},
        "rules": [{"use": [f"it:{case['model']}"]}],
    }
    reading = read(yaml.safe_dump(spec), f"{kind}.yaml")
    program, found = compile_spec(reading)
    assert program is not None, found
    variables = dict.fromkeys(PROVIDERS[kind].key_variables[:1], "KEY")
    binding = bind(program, Environment(variables), reading.source)
    assert dict(binding.unbound) == {}
    wiring = wire(binding)
    ((name, codec),) = wiring.codecs.items()
    sent = encode_fitted(codec, read_request(case["request"]), wiring.targets[name], stream=False)
    headers = {header: value for header, value in sent.headers.items() if header not in OUR_OWN}
    sends = {"url": sent.url, "headers": headers, "body": json.loads(sent.body)}
    return sends, summary(codec.decode({}, json.dumps(case["reply"]).encode()))
