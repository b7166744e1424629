"""Specs, requests and worlds that hypothesis makes, for what must hold of every decision."""

from __future__ import annotations

import json
from collections.abc import Mapping
from random import Random
from typing import Any

from hypothesis import strategies as st

from llm_router.policy.program import Program
from llm_router.policy.snapshot import Latency, Snapshot

NAMES = ("ada", "bob", "cyd", "dan", "eve", "fay")
BALANCES = ("round-robin", "random")
WORDS = ("tools", "images", "json_schema", "law")

BY = ("order", "cost", "speed", "quality", "auto", {"cost": "30%", "quality": "70%"})
USABLE = (*NAMES, "pool", "shared")


def spec_of(seed: int) -> dict[str, Any]:
    """A spec of six deployments, two pools, a few rules, two guards and a fallback list, all drawn from the seed."""
    draw = Random(seed)
    shared = _some(draw, NAMES)
    guard: dict[str, Any] = {"when": {"tags": "private"}, "only": {"labels.region": "eu"}}
    if draw.random() < 0.5:
        guard["instead"] = _some(draw, USABLE)
    following = {"timeout": {"next": _some(draw, USABLE)}}
    return {
        "version": 1,
        "providers": {
            "p": {"kind": "openai", "api_keys": ["${env:A}", "${env:B}"]},
            "q": {"kind": "groq", "labels": {"region": "us"}},
        },
        "deployments": {name: _deployment(draw) for name in NAMES},
        "pools": {
            "pool": {"of": _some(draw, NAMES), "balance": draw.choice(BALANCES)},
            "shared": {"of": _shares(shared)},
        },
        "rules": [
            {"name": "tagged", "when": {"tags": ["first"]}, "use": _use(draw)},
            {"name": "refused", "when": {"tags": "no"}, "refuse": "no"},
            {"name": "rest", "use": _use(draw), "fallback": {"after": following}},
        ],
        "guards": [guard, {"when": {"tags": "careful"}, "never": {"model": "two"}}],
    }


def _deployment(draw: Random) -> dict[str, Any]:
    """Facts of one deployment, some of them unknown."""
    price = {"input": draw.randint(0, 40), "output": draw.randint(0, 90)}
    speed = {"first_token": f"{draw.randint(50, 3000)}ms", "tokens_per_second": draw.randint(5, 500)}
    facts = {
        "provider": draw.choice("pq"),
        "model": draw.choice(("one", "two", "three")),
        "price": draw.choice((None, "free", price, price)),
        "speed": draw.choice((None, speed)),
        "quality": draw.choice((None, draw.randint(0, 100))),
        "context": draw.choice((None, draw.randint(1, 20_000))),
        "supports": draw.choice((None, draw.sample(WORDS, 2), list(WORDS))),
        "labels": draw.choice((None, {"region": "eu"}, {"region": "us"})),
    }
    return {key: value for key, value in facts.items() if value is not None}


def _use(draw: Random) -> Any:
    """Names and groups in order, or one ranked group."""
    group = {"from": _some(draw, USABLE), "by": draw.choice(BY)}
    for key, value in (("balance", draw.choice(BALANCES)), ("max_cost", "0.05 USD"), ("max_latency", "9s")):
        if draw.random() < 0.3:
            group[key] = value
    return draw.choice((_some(draw, USABLE), group, [draw.choice(NAMES), group, draw.choice(USABLE)]))


def _some(draw: Random, names: tuple[str, ...]) -> list[str]:
    return draw.sample(names, draw.randint(1, 5))


def _shares(names: list[str]) -> dict[str, str]:
    """Uneven shares that sum to 100%."""
    first = 100 - 7 * (len(names) - 1)
    return {name: f"{first if name == names[0] else 7}%" for name in names}


def text_of(spec: Mapping[str, Any]) -> str:
    """A spec as its file."""
    return json.dumps(spec, indent=1)


requests = st.fixed_dictionaries(
    {
        "hints": st.fixed_dictionaries(
            {"tags": st.lists(st.sampled_from(("first", "private", "careful", "other")), unique=True)},
            optional={
                "cost": st.sampled_from(("low", "medium", "high")),
                "speed": st.sampled_from(("slow", "normal", "fast", "critical")),
                "model": st.sampled_from((*NAMES, "pool", "shared", "q:two")),
                "provider": st.sampled_from(("p", "q")),
                "prefer": st.lists(st.sampled_from((*NAMES, "pool", "p")), unique=True),
                "max_cost": st.sampled_from(("0.01 USD", "0.2 USD")),
                "capability": st.just(["tools"]),
            },
        ),
        "request": st.fixed_dictionaries({}, optional={"tools": st.booleans(), "image": st.booleans()}),
        "given": st.fixed_dictionaries({}, optional={"input_tokens": st.integers(1, 30_000)}),
    }
)


def snapshots(program: Program) -> st.SearchStrategy[Snapshot]:
    """Worlds in which anybody may cool, be limited, measured or unbound."""
    names = st.sampled_from(sorted(program.deployments))
    identities = names.map(lambda name: program.deployments[name].identity)
    until = st.integers(90, 130).map(float)
    latency = st.builds(Latency, st.floats(0.05, 5), st.floats(1, 500))
    counters = st.sampled_from((*NAMES, "pool", "rules/0/use", "rules/2/use"))
    return st.builds(
        Snapshot,
        now=st.just(100.0),
        cooling=st.dictionaries(identities, until, max_size=4),
        limited=st.dictionaries(identities, until, max_size=4),
        latencies=st.dictionaries(identities, latency, max_size=8),
        turns=st.dictionaries(counters, st.integers(0, 9)),
        unbound=st.dictionaries(names, st.just("no key"), max_size=5),
    )
