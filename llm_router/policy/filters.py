"""Why a deployment may not serve a request: every reason, each found by a small function of its own.

These rejections are final for the request. All of them are collected, so that an explanation is whole, and so that
which of them is found first decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields

from llm_router.catalog.cards import ModelCard
from llm_router.messages import Settings, Thinking
from llm_router.policy.charges import UNLIMITED, Charge
from llm_router.policy.decision import Estimate, Rejection, RejectionCode
from llm_router.policy.features import Features
from llm_router.policy.program import UNSET, Deployment, Guard, Tier
from llm_router.policy.snapshot import Snapshot
from llm_router.units import format_count, format_duration, format_money

_NOTHING_KNOWN = ModelCard("")
_ANYWAY: Mapping[str, float] = {"temperature": 1, "top_p": 1}
"""What a model samples by where nobody sets it: told so, it does as asked."""
PARAMETERS = tuple(field.name for field in fields(Settings) if field.name not in ("headers", "extra"))

_NEED_WORDS: dict[str, tuple[RejectionCode, str]] = {
    "tools": ("tools", "can't use tools, and the request brings some"),
    "images": ("images", "can't see images, and the request has some"),
    "files": ("files", "can't read files, and the request has some"),
    "audio": ("audio", "can't hear audio, and the request has some"),
}


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked about: one deployment in one tier, for one request with the guards that hold for it."""

    deployment: Deployment
    tier: Tier
    features: Features
    snapshot: Snapshot
    guards: tuple[Guard, ...]
    estimate: Estimate
    charges: tuple[Charge, ...] = ()
    thinking: Thinking | None = None
    """What it is asked to think: by the caller, else by the spec."""


def rejections(case: Case) -> Iterator[Rejection]:
    """Yields every reason why the deployment may not serve the request."""
    for check in _CHECKS:
        yield from check(case)


def unsupported(deployment: Deployment, settings: Settings, thinking: Thinking | None) -> tuple[str, ...]:
    """The names of those settings that the deployment's card says it can't take, asked for this much `thinking`.

    Whether it reasons is for `supports` to say, where that is known. A cap above `max_output` isn't among them.
    """
    if settings == UNSET:
        return ()
    refused, least = _refused(deployment, thinking)
    said = {name: getattr(settings, name) for name in PARAMETERS}
    return tuple(
        name
        for name, value in said.items()
        if value is not None
        and (name in refused or (name in least and value < least[name]))
        and value != _ANYWAY.get(name)
    )


def _refused(deployment: Deployment, thinking: Thinking | None) -> tuple[frozenset[str], Mapping[str, float]]:
    """What the deployment refuses whatever its value, and of what it refuses smaller values."""
    card = deployment.card or _NOTHING_KNOWN
    refused = card.refuses
    if deployment.supports is not None and "reasoning" not in deployment.supports:
        refused |= {"reasoning"}
    elif deployment.supports is not None and "reasoning" not in (card.supports or ()):
        refused -= {"reasoning"}  # the spec knows better; a card's own thinker that takes no effort stays one
    thinks = card.thinks_unasked if thinking is None else thinking != "none"
    return refused, card.while_thinking if thinks and "reasoning" not in refused else {}


def _disabled(case: Case) -> Iterator[Rejection]:
    deployment = case.deployment
    if not deployment.provider.enabled:
        yield _rejected(case, "disabled", f"its provider `{deployment.provider.name}` is disabled in the spec")
    elif not deployment.enabled:
        yield _rejected(case, "disabled", "it is disabled in the spec")


def _unbound(case: Case) -> Iterator[Rejection]:
    reason = case.snapshot.unbound.get(case.deployment.name)
    if reason is not None:
        yield _rejected(case, "unbound", reason)


def _not_named(case: Case) -> Iterator[Rejection]:
    wanted = case.features.hints.provider
    if wanted is not None and wanted != case.deployment.provider.name:
        yield _rejected(case, "not_named", f"the caller asked for the provider `{wanted}`")


def _guarded(case: Case) -> Iterator[Rejection]:
    for guard in case.guards:
        if case.deployment.name not in guard.allowed:
            reason = f"the guard `{guard.name}` keeps this request from it"
            yield Rejection(case.deployment.name, "guard", reason, guard.name)


def _unable(case: Case) -> Iterator[Rejection]:
    supports = case.deployment.supports
    if supports is None:
        return
    needs = case.features.needs
    for word in sorted(needs.supports - supports):
        yield _rejected(case, *_NEED_WORDS[word])
    if needs.json and not supports & {"json_schema", "tools"}:
        yield _rejected(case, "json", "can't answer in JSON, neither by `json_schema` nor by `tools`")


def _incapable(case: Case) -> Iterator[Rejection]:
    missing = case.features.needs.capability - (case.deployment.supports or frozenset())
    for word in sorted(missing):
        yield _rejected(case, "capability", f"nothing says that it is capable of `{word}`")


def _too_long(case: Case) -> Iterator[Rejection]:
    context = case.deployment.context
    answer = case.features.needs.settings.max_output_tokens or 0
    needed = case.features.input_tokens.value + answer
    if context is not None and needed > context:
        reason = f"its context window of {format_count(context)} tokens can't hold {format_count(needed)}"
        yield _rejected(case, "context", reason)


def _parameters(case: Case) -> Iterator[Rejection]:
    asked = case.features.needs.settings
    always = unsupported(case.deployment, asked, "none")
    told = f"(`reasoning: {case.thinking}`)" if case.thinking else "(it does unless it is told `reasoning: none`)"
    for name in unsupported(case.deployment, asked, case.thinking):
        if name == "reasoning" and asked.reasoning == "none":
            continue  # who doesn't reason does as asked; it just isn't sent
        when = "" if name in always else f" while it thinks {told}"
        yield _rejected(case, "parameter", f"can't take the caller's `{name}`{when}")
    largest = case.deployment.max_output
    if asked.max_output_tokens is not None and largest is not None and asked.max_output_tokens > largest:
        reason = f"writes {format_count(largest)} tokens at most, fewer than the caller's `max_output_tokens`"
        yield _rejected(case, "parameter", reason)


def _too_dear(case: Case) -> Iterator[Rejection]:
    caps = [cap for cap in (case.tier.max_cost, case.features.hints.max_cost) if cap is not None]
    if not caps:
        return
    bound = case.estimate.cost_bound
    if bound is None:
        yield _rejected(case, "unknown_price", "its price isn't known, and the cost is to be bounded by `max_cost`")
    elif bound > min(caps):
        reason = f"may cost {format_money(bound)}, more than the `max_cost` of {format_money(min(caps))}"
        yield _rejected(case, "max_cost", reason)


def _never_fits(case: Case) -> Iterator[Rejection]:
    """What no window will ever have room for, and what can't be bounded."""
    for charge in case.charges:
        name, money = charge.account.name, charge.account.kind == "money"
        if charge.capacity == UNLIMITED:
            continue  # it only counts, as far as it can
        if charge.amount is None:
            reason = f"its price isn't known, and the budget `{name}` bounds what it may cost"
            yield _rejected(case, "unbounded_cost", reason)
        elif charge.amount > charge.capacity:
            show = format_money if money else format_count
            of = f"the {'budget' if money else 'limit'} `{name}` of {show(charge.capacity)}"
            reason = f"may take {show(charge.amount)}, more than {of} ever has"
            yield _rejected(case, "budget" if money else "limit", reason)


def _too_slow(case: Case) -> Iterator[Rejection]:
    longest, seconds = case.tier.max_latency_s, case.estimate.seconds
    if longest is not None and seconds is not None and seconds > longest:
        reason = f"is expected to take {seconds:.1f}s, more than the `max_latency` of {format_duration(longest)}"
        yield _rejected(case, "max_latency", reason)


def _rejected(case: Case, code: RejectionCode, reason: str) -> Rejection:
    return Rejection(case.deployment.name, code, reason)


_CHECKS: tuple[Callable[[Case], Iterator[Rejection]], ...] = (
    _disabled,
    _unbound,
    _not_named,
    _guarded,
    _unable,
    _incapable,
    _too_long,
    _parameters,
    _too_dear,
    _never_fits,
    _too_slow,
)
