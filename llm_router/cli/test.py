"""Run the `tests:` of specs, faults included, without network or keys.

Each test goes through the real engine, codecs and retry logic, against emulated providers and a virtual clock, so the
result is the same on every machine. Exit code 1 when a test fails, a spec doesn't compile, or -k finds no test.
"""

from __future__ import annotations

import argparse
import time

from llm_router.cli.arguments import spec_argument
from llm_router.cli.console import Console

SUMMARY = "run the spec's own tests, without network or keys"


def arguments(parser: argparse.ArgumentParser) -> None:
    """SPEC…, -k, -v."""
    spec_argument(parser, many=True)
    parser.add_argument("-k", metavar="TEXT", default="", help="only tests whose name contains TEXT")
    parser.add_argument("-v", "--verbose", action="store_true", help="also show passing tests")


def run(options: argparse.Namespace, console: Console) -> int:
    """Run all tests of all specs, and count."""
    began = time.perf_counter()
    counts = [run_spec(path, options, console) for path in options.specs]
    passed, failed = (sum(column) for column in zip(*counts, strict=True))
    seconds = time.perf_counter() - began
    console.line(f"{passed} passed, {failed} failed in {seconds:.2f}s", "red" if failed else "green")
    return int(failed > 0 or (bool(options.k) and not passed))


def run_spec(path: str, options: argparse.Namespace, console: Console) -> tuple[int, int]:
    """How many tests of one spec passed and failed; a spec that doesn't compile counts as one failure."""
    from llm_router.cli.specs import compiled
    from llm_router.testing import run_cases

    done = compiled(path, console)
    if done is None:
        return 0, 1
    results = [result for result in run_cases(*done) if options.k in result.name]
    if not results:
        console.line(f"{path}: no tests" + (f" with `{options.k}` in their names" if options.k else ""), "yellow")
    for result in results:
        if result.passed and options.verbose:
            console.line(f"{console.style('pass', 'green')} {path}: {result.name}")
        if not result.passed:
            console.line(f"{console.style('FAIL', 'red', 'bold')} {path}: {result.name}")
            for difference in result.differences:
                console.line(f"     {difference}")
    passed = sum(result.passed for result in results)
    return passed, len(results) - passed
