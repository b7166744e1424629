"""What is known of the models of a program's providers, offline or by asking them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from llm_router.catalog.known import KnownModel, known_models, with_listed
from llm_router.diagnostics import closest
from llm_router.engine.health.listing import Finding, inquire, inquiries
from llm_router.engine.wiring import Wiring
from llm_router.errors import RequestError
from llm_router.policy.program import Program


async def models(
    program: Program, wiring: Wiring, provider: str | None = None, *, live: bool = False
) -> tuple[KnownModel, ...]:
    """The models of all providers or of one. Raises RequestError for a name that no provider has."""
    kinds = {each.provider.name: each.provider.kind for each in program.deployments.values()}
    if provider is not None and provider not in kinds:
        near = closest(provider, kinds)
        raise RequestError(f"no provider `{provider}` in the spec", help=f"did you mean `{near}`?" if near else "")
    wanted = kinds if provider is None else {provider: kinds[provider]}
    findings = await survey(program, wiring, wanted) if live else ()
    return tuple(each for name, kind in wanted.items() for each in _of(name, kind, findings))


async def survey(program: Program, wiring: Wiring, providers: Collection[str]) -> tuple[Finding, ...]:
    """What comes of asking these providers, with each key that the program has for them."""
    asked = [each for each in inquiries(program, wiring) if each.provider in providers]
    return tuple([await inquire(each, wiring) for each in asked])


def _of(name: str, kind: str, findings: Sequence[Finding]) -> tuple[KnownModel, ...]:
    """The models of one provider, with what any of its keys sees."""
    own = [each for each in findings if each.inquiry.provider == name and each.listed is not None]
    known = known_models(kind)
    if own:
        listed = frozenset(model.name for each in own for model in each.listed or ())
        known = with_listed(known, kind, listed, whole=all(each.whole for each in own))
    return tuple(replace(each, provider=name) for each in known)
