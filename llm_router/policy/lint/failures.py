"""Lints about what is said to follow failures, and has no effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from llm_router.diagnostics import Diagnostic
from llm_router.errors import PARENT, FailureClass
from llm_router.policy.defaults import AFTER
from llm_router.policy.lint.subject import Subject, warning
from llm_router.policy.program import After
from llm_router.spec.source import Path

WAITED_FOR: frozenset[FailureClass] = frozenset({"rate_limit"})
"""The classes after which a deployment is waited for."""


def idle_step(subject: Subject) -> Iterator[Diagnostic]:
    """Something that is said to follow a failure never does.

    What: a `wait` where nothing is retried, a `longest_wait` for a class that is never waited for, or a `retry` after a
    timeout (a provider that was silent isn't asked again in the same request).
    Why: whoever reads the line believes in it.
    Example: `after: {bad_request: {wait: {first: 1s}}}`.
    """
    for path, said in placed(subject):
        for failure, after in said.items():
            for key, reason in idle(failure, after):
                yield warning(
                    "LR451",
                    f"`{key}` has no effect after `{failure}`: {reason}",
                    subject.key_span(*path, "after", failure, key),
                    f"take `{key}` out",
                )


def placed(subject: Subject) -> Iterator[tuple[Path, Mapping[FailureClass, After]]]:
    """Yields every place that says what follows failures: the top, rules, deployments, providers."""
    program = subject.program
    yield ("fallback",), program.fallback.after
    for rule in program.rules:
        yield ("rules", rule.place, "fallback"), rule.fallback.after
    seen: set[Path] = set()
    for deployment in program.deployments.values():
        own: tuple[Path, ...] = (
            ("deployments", deployment.member, "fallback"),
            ("providers", deployment.provider.name, "fallback"),
        )
        for path, said in zip(own, deployment.after, strict=False):
            if path not in seen and subject.states(path):
                seen.add(path)
                yield path, said


def idle(failure: FailureClass, after: After) -> Iterator[tuple[str, str]]:
    """Yields the keys of one step that have no effect, and why."""
    default = AFTER[failure] if failure in AFTER else AFTER[PARENT[failure]]
    retries = default.retry if after.retry is None else after.retry
    if after.wait is not None and not retries and failure not in WAITED_FOR:
        yield "wait", "nothing is retried"
    if after.longest_wait_s is not None and failure not in WAITED_FOR:
        yield "longest_wait", "only a limit is waited for"
    if after.retry and failure == "timeout":
        yield "retry", "a provider that was silent isn't asked again in the same request"
