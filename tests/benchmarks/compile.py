"""What reading and compiling 100, 1,000 and 10,000 rules cost, lints included: `python -m tests.benchmarks.compile`.

A rule should cost the same in a long file as in a short one: the last column shows whether it does.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

from llm_router.policy.compile import compile_spec
from llm_router.spec.read import read

SIZES = (100, 1_000, 10_000)
TASKS = ("code", "chat")


def spec_with(rules: int, *, tasks: bool) -> str:
    """The text of a spec with so many rules, one for each tenant (and a task, if asked for), and one for the rest."""
    tenants = [{"when": _condition(number, tasks=tasks), "use": ["a", "b"]} for number in range(rules - 1)]
    spec = {
        "version": 1,
        "metadata": {"tenant": "text"},
        "tasks": TASKS,
        "deployments": {
            "a": {"provider": "openai", "model": "gpt-4o"},
            "b": {"provider": "groq", "model": "llama-3.3-70b-versatile"},
        },
        "rules": [*tenants, {"use": ["a", "b"]}],
    }
    return json.dumps(spec)


def _condition(number: int, *, tasks: bool) -> Mapping[str, str]:
    tenant = {"metadata.tenant": f"t{number}"}
    return {**tenant, "task": TASKS[number % 2]} if tasks else tenant


def seconds(text: str) -> tuple[float, float]:
    """How long it takes to read a spec's text, and to compile what was read."""
    begun = time.perf_counter()
    reading = read(text, "spec.yaml")
    was_read = time.perf_counter()
    program, found = compile_spec(reading)
    ended = time.perf_counter()
    assert program is not None, found[:3]
    return was_read - begun, ended - was_read


def main() -> None:
    """Print one line for each size and each kind of condition."""
    for tasks in (False, True):
        print("when: tenant and task" if tasks else "when: tenant")
        for size in SIZES:
            reading, compiling = seconds(spec_with(size, tasks=tasks))
            each = 1e6 * compiling / size
            print(
                f"  {size:>6,} rules: read in {reading:5.2f} s, compiled in {compiling:5.2f} s, {each:4.0f} us a rule"
            )


if __name__ == "__main__":
    main()
