"""What a spec's own test costs, of 20 and of 200 in one file: `python -m tests.benchmarks.cases`."""

from __future__ import annotations

import time
from pathlib import Path

import yaml

from llm_router.policy.compile import compile_spec
from llm_router.spec.read import read, text_of
from llm_router.testing import run_cases

SPEC = yaml.safe_load((Path(__file__).parents[1] / "testing" / "cases" / "runner.yaml").read_text())["spec"]
CASE = {"request": {"task": "code"}, "given": {"gpt": "rate_limit"}, "expect": {"attempts": ["gpt", "mini"]}}
SIZES = (20, 200)
ROUNDS = 3


def cpu_s(number: int) -> float:
    """CPU seconds that running so many cases takes, compiling apart."""
    reading = read(text_of({**SPEC, "tests": [CASE] * number}), "<spec>")
    program, diagnostics = compile_spec(reading)
    assert program is not None, diagnostics
    began = time.process_time()
    assert all(result.passed for result in run_cases(program, reading))
    return time.process_time() - began


def main() -> None:
    """Print one line for each size."""
    for size in SIZES:
        cost = min(cpu_s(size) for _ in range(ROUNDS))
        print(f"{size:4d} cases  {cost * 1000:7.1f} ms  {cost / size * 1000:6.2f} ms each")


if __name__ == "__main__":
    main()
