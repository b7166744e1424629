"""Lints: what a spec that compiles should better not have; one generator a lint, in files by what they look at."""

from llm_router.policy.lint.registry import LINTS, Lint, findings
from llm_router.policy.lint.subject import Subject

__all__ = ["LINTS", "Lint", "Subject", "findings"]
