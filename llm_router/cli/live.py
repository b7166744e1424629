"""What `check --live` does: ask every provider of a spec, with every key, whether key and models are right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from llm_router.cli.console import Console, Style
from llm_router.diagnostics import Diagnostic, SpecError
from llm_router.engine.loading import OF_THE_ENVIRONMENT

if TYPE_CHECKING:
    from llm_router.engine.health.listing import Finding, KeyVerdict, ModelVerdict
    from llm_router.policy.program import Deployment
    from llm_router.spec.source import Source

KEY = "LR540"
MODEL = "LR541"
UNREACHABLE = "LR542"

KEYS: dict[KeyVerdict, tuple[str, Style]] = {
    "accepted": ("accepted", "green"),
    "refused": ("refused", "red"),
    "missing": ("no key", "red"),
    "unreachable": ("not reachable", "red"),
    "unknown": ("can't tell", "yellow"),
}
MODELS: dict[ModelVerdict, tuple[str, Style]] = {
    "there": ("there", "green"),
    "missing": ("not there", "red"),
    "unknown": ("can't tell", "yellow"),
}


def findings_of(path: str) -> tuple[Finding, ...]:
    """What came of asking; nothing for a spec that doesn't load here, whose diagnostics say why."""
    from llm_router.router import Router

    try:
        with Router.from_file(path) as router:
            return router.prove()
    except SpecError:
        return ()


def faults(path: str, findings: Sequence[Finding]) -> Iterator[Diagnostic]:
    """One error for each key that is refused, each provider that isn't reached, each model that isn't there."""
    from llm_router.spec.read import read

    source = read(Path(path).read_bytes(), path).source
    for finding in findings:
        yield from _key_faults(finding, source)
        for deployment in finding.inquiry.deployments:
            if finding.models[deployment.name] == "missing":
                yield _missing(deployment, source)


def graver(found: Diagnostic) -> Diagnostic:
    """The diagnostic; what this environment lacks is an error where everything is to be proven."""
    return replace(found, severity="error") if found.code.startswith(OF_THE_ENVIRONMENT) else found


def show(findings: Sequence[Finding], console: Console) -> None:
    """A table: each provider and key, and under it what is asked with it. No part of a key is shown."""
    for finding in findings:
        inquiry = finding.inquiry
        several = len({each.inquiry.key for each in findings if each.inquiry.provider == inquiry.provider}) > 1
        name = f"{inquiry.provider}, key {inquiry.key + 1}" if several else inquiry.provider
        word, style = KEYS[finding.key]
        reason = f": {finding.reason}" if finding.reason else ""
        console.line(f"{name} ({_subject(finding)}): {console.style(word, style)}{reason}")
        for deployment in inquiry.deployments:
            word, style = MODELS[finding.models[deployment.name]]
            console.line(f"  {deployment.name}: {deployment.model} {console.style(word, style)}")


def _subject(finding: Finding) -> str:
    return "server" if finding.inquiry.keyless else "key"


def _key_faults(finding: Finding, source: Source) -> Iterator[Diagnostic]:
    inquiry = finding.inquiry
    provider = inquiry.deployments[0].provider
    place = source.key_span(provider.path)
    which = f"key {inquiry.key + 1} of `{provider.name}`" if provider.api_keys[1:] else f"the key of `{provider.name}`"
    match finding.key:
        case "refused":
            yield Diagnostic(KEY, "error", f"{which} is refused: {finding.reason}", place, "put the right key there")
        case "unreachable":
            message = f"`{provider.name}` is not reachable: {finding.reason}"
            yield Diagnostic(UNREACHABLE, "error", message, place, "check its `base_url`, and the network")
        case _:
            return


def _missing(deployment: Deployment, source: Source) -> Diagnostic:
    path = ("deployments", deployment.member, "model")
    place = source.span(path if path in source.values else deployment.provider.path)
    kind = deployment.provider.kind
    message = f"`{deployment.provider.name}` has no model `{deployment.model}`"
    if kind == "ollama":
        return Diagnostic(MODEL, "error", message, place, f"`ollama pull {deployment.model}` fetches it")
    message += "" if deployment.provider.local else " for this key"
    advice = f"`llm-router models {kind} --live` lists them"
    return Diagnostic(MODEL, "error", message, place, advice)
