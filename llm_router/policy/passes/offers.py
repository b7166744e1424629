"""What a spec may choose of what a kind of provider offers: an organization, an API, the way to say who asks."""

from __future__ import annotations

from llm_router.catalog.providers import PROVIDERS, row_of
from llm_router.policy.passes.report import NO_CHOICE, NO_ORGANIZATION, Report
from llm_router.policy.program import Provider
from llm_router.spec.model import DeploymentSpec, ProviderSpec
from llm_router.spec.source import Path


def check_provider(provider: Provider, spec: ProviderSpec, report: Report) -> None:
    """Reports what is said of a provider whose kind has no such choice."""
    row = row_of(provider.kind)
    of = f"a provider of the kind `{provider.kind}`"
    if provider.organization is not None and row.organization_header is None:
        advice = "take it out, or send what the provider knows by `settings: {headers: {…}}`"
        where = (*provider.path, "organization")
        report.error(NO_ORGANIZATION, where, f"{of} takes no `organization`", advice, at_key=True)
    if spec.api is not None and not row.apis:
        advice = f"take it out: {_with('apis')} have several"
        report.error(NO_CHOICE, (*provider.path, "api"), f"{of} has but one API", advice, at_key=True)
    if spec.auth is not None and not row.auths:
        advice = f"take it out: {_with('auths')} can be told in several ways"
        report.error(NO_CHOICE, (*provider.path, "auth"), f"{of} is told in one way who asks", advice, at_key=True)


def check_deployment(spec: DeploymentSpec, kind: str, path: Path, report: Report) -> None:
    """Reports an `api` where the provider's kind has but one."""
    if spec.api is not None and not row_of(kind).apis:
        advice = f"take it out: {_with('apis')} have several"
        message = f"a provider of the kind `{kind}` has but one API"
        report.error(NO_CHOICE, (*path, "api"), message, advice, at_key=True)


def _with(choice: str) -> str:
    """The kinds of provider that have a choice."""
    kinds = [f"`{kind}`" for kind, row in PROVIDERS.items() if getattr(row, choice)]
    return " and ".join((", ".join(kinds[:-1]), kinds[-1])) if len(kinds) > 1 else kinds[0]
