"""What a decision costs with 10, 100 and 10,000 rules, as ratios to the first: `python -m tests.benchmarks.decide`."""

from __future__ import annotations

import json
import timeit

from llm_router.messages import ChatRequest
from llm_router.policy.compile import compile_spec
from llm_router.policy.decide import decide
from llm_router.policy.features import Call, Features, compute
from llm_router.policy.hints import Hints
from llm_router.policy.program import Program
from llm_router.policy.snapshot import Snapshot
from llm_router.spec.read import read

SIZES = (10, 100, 10_000)
CALLS = 200
ROUNDS = 40


def program_with(rules: int) -> Program:
    """A program with so many rules, one for each tenant, and one for everybody else."""
    tenants = [
        {"when": {"metadata.tenant": f"t{number}", "cost": "low"}, "use": {"from": ["a", "b"], "by": "cost"}}
        for number in range(rules - 1)
    ]
    spec = {
        "version": 1,
        "metadata": {"tenant": "text"},
        "deployments": {
            "a": {"provider": "openai", "model": "gpt-4o"},
            "b": {"provider": "openai", "model": "gpt-4o-mini"},
        },
        "rules": [*tenants, {"use": ["a", "b"]}],
    }
    program, found = compile_spec(read(json.dumps(spec), "spec.yaml"))
    assert program is not None, found[:3]
    return program


def features_for(program: Program, tenant: str) -> Features:
    """The features of one tenant's request."""
    hints = Hints.read({"cost": "low", "metadata": {"tenant": tenant}}, program)
    return compute(program, Call(ChatRequest.of("hello"), hints, "r", 0.0), variables={})


def seconds(program: Program, features: Features) -> float:
    """How long one decision takes, as the mean of one round."""
    snapshot = Snapshot()
    return timeit.timeit(lambda: decide(program, features, snapshot), number=CALLS) / CALLS


def main() -> None:
    """Print one line for each size. The sizes are measured in turns, so that a busy machine slows all of them."""
    programs = [program_with(size) for size in SIZES]
    entries = [(each, features_for(each, f"t{size - 2}")) for each, size in zip(programs, SIZES, strict=True)]
    rounds = [[seconds(*entry) for entry in entries] for _ in range(ROUNDS)]
    least = [min(column) for column in zip(*rounds, strict=True)]
    for size, program, took in zip(SIZES, programs, least, strict=True):
        residual = len(program.index.residual)
        print(f"{size:>6} rules  {took * 1e6:7.1f} µs a decision  {took / least[0]:5.2f} x  residual list {residual}")


if __name__ == "__main__":
    main()
