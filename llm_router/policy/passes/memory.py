"""Cache, ledger, state and alerts of a spec, as the program's values."""

from __future__ import annotations

from collections.abc import Iterable

from llm_router.policy.defaults import CACHE_ENTRIES
from llm_router.policy.passes.layers import or_else
from llm_router.policy.passes.report import UNKNOWN_STORE, Report
from llm_router.policy.program import Alert, Cache, Email, Ledger, State
from llm_router.spec.addresses import SCHEMES, scheme_of, store_advice
from llm_router.spec.conditions.feature_names import find_target
from llm_router.spec.conditions.feature_types import Declarations, features_of
from llm_router.spec.conditions.literals import Scope
from llm_router.spec.model import AlertSpec, CacheSpec, EmailSpec, LedgerSpec, StateSpec
from llm_router.spec.refs import Reference, known


def cache_of(spec: CacheSpec | None, declarations: Declarations, report: Report) -> Cache | None:
    """What is kept of whole answers; the features in `vary` are looked up."""
    if spec is None:
        return None
    exact = spec.exact
    scope = Scope(declarations, features_of(declarations), report.add)
    spans = (report.source.span(("cache", "exact", "vary", place)) for place in range(len(exact.vary)))
    found = (find_target(name, span, scope) for name, span in zip(exact.vary, spans, strict=True))
    return Cache(
        keep_s=exact.keep,
        entries=exact.entries or CACHE_ENTRIES,
        share=exact.share == "all",
        vary=tuple(dict.fromkeys(target.name for target in found if target is not None)),
        bytes=exact.bytes,
    )


def ledger_of(spec: LedgerSpec | None) -> Ledger:
    """What is kept of attempts."""
    return Ledger() if spec is None else Ledger(spec.keep, or_else(spec.keep_prompts, False))


def state_of(spec: StateSpec | str | Reference | None) -> State:
    """Where the state lives. A url that may hold a password is a `Reference`, so that no `repr` shows it."""
    if spec is None:
        return State()
    if isinstance(spec, StateSpec):
        return State(_guarded(spec.url), spec.fail)
    return State(_guarded(spec))


def check_store(spec: StateSpec | str | Reference | None, report: Report) -> None:
    """Report a url whose scheme is no store's, though the rest of it waits for the environment."""
    url = spec.url if isinstance(spec, StateSpec) else spec
    path = ("state", "url") if isinstance(spec, StateSpec) else ("state",)
    if not isinstance(url, Reference) or ":" not in url.text.partition("${")[0]:
        return
    if scheme_of(url.text) not in SCHEMES:
        message = f"`{scheme_of(url.text)}` is no store"
        report.error(UNKNOWN_STORE, path, message, store_advice(url.text))


def alerts_of(specs: Iterable[AlertSpec]) -> tuple[Alert, ...]:
    """Who is told of what."""
    return tuple(
        Alert(
            events=tuple(dict.fromkeys(spec.events)),
            webhook=spec.webhook,
            secret=spec.secret,
            email=None if spec.email is None else _email(spec.email),
            log=spec.log is not None,
        )
        for spec in specs
    )


def _email(spec: EmailSpec) -> Email:
    addresses = (known(address) for address in spec.addresses)
    return Email(tuple(address for address in addresses if address is not None), _guarded(spec.smtp))


def _guarded(url: str | Reference) -> str | Reference:
    """The url; with a user or password in it, as a reference to itself."""
    return Reference(url) if isinstance(url, str) and ("@" in url or "?" in url) else url
