"""Settings, timeouts, fallback and health of one place in the spec, as the program's values. Nothing is merged here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, TypeVar

from llm_router.errors import FailureClass
from llm_router.messages import Settings
from llm_router.policy.defaults import HEDGE_SHARE
from llm_router.policy.program import UNSET, After, Fallback, Health, Hedge, Next, Tier, Timeouts, Wait
from llm_router.spec.model import (
    AfterSpec,
    FailuresSpec,
    FallbackSpec,
    HealthSpec,
    HedgeSpec,
    SettingsSpec,
    TimeoutsSpec,
    Use,
    WaitSpec,
)
from llm_router.spec.refs import Reference, known
from llm_router.spec.source import Path

T = TypeVar("T")

ReadUse = Callable[[Use, Path], tuple[Tier, ...]]
"""Makes the tiers of a `use` at a path."""

_WORDS: Mapping[str, Next] = {"any": "any", "larger-context": "larger-context", "stop": "stop"}


def or_else(value: T | Reference | None, default: T) -> T:
    """The value, or `default` where it is absent or waits for the environment."""
    found = known(value)
    return default if found is None else found


def settings_of(spec: SettingsSpec | None) -> Settings:
    """Call parameters of one place."""
    if spec is None:
        return UNSET
    stops = spec.stop if isinstance(spec.stop, tuple) else (spec.stop,)
    stop = tuple(text for text in stops if isinstance(text, str))
    return Settings(
        temperature=known(spec.temperature),
        top_p=known(spec.top_p),
        max_output_tokens=known(spec.max_output_tokens),
        stop=stop or None,
        seed=known(spec.seed),
        reasoning=known(spec.reasoning),
        headers={name: value for name, value in spec.headers.items() if isinstance(value, str)},
        extra=spec.extra or {},
    )


def timeouts_of(spec: TimeoutsSpec | None) -> Timeouts:
    """The timeouts that one place sets."""
    if spec is None:
        return Timeouts()
    return Timeouts(known(spec.connect), known(spec.first_token), known(spec.stall), known(spec.total))


def health_of(spec: HealthSpec | None) -> Health:
    """When deployments cool, with the defaults where the spec is silent."""
    default = Health()
    if spec is None:
        return default
    return Health(
        failures=or_else(spec.failures, default.failures),
        within_s=or_else(spec.within, default.within_s),
        cooldown_s=or_else(spec.cooldown, default.cooldown_s),
        probes=or_else(spec.probes, default.probes),
        check_every_s=known(spec.check_every),
    )


def fallback_of(spec: FallbackSpec | Literal["none"] | None, path: Path, read_use: ReadUse) -> Fallback:
    """What one place says of failures. A mapping switches fallback on again below a `none` further up."""
    if spec is None:
        return Fallback()
    if not isinstance(spec, FallbackSpec):
        return Fallback(enabled=False)
    return Fallback(
        enabled=True,
        max_attempts=known(spec.max_attempts),
        deadline_s=known(spec.deadline),
        on_break=known(spec.on_break),
        after=failures_of(spec.after, (*path, "after"), read_use),
        hedge=_hedge(spec.hedge),
    )


def failures_of(spec: FailuresSpec | None, path: Path, read_use: ReadUse) -> Mapping[FailureClass, After]:
    """What one place says of each failure class."""
    said = spec.by_class if spec else {}
    return {
        failure: _after(after, (*path, failure), read_use) if isinstance(after, AfterSpec) else _STOP
        for failure, after in said.items()
    }


_STOP = After(retry=0, next="stop")


def _after(spec: AfterSpec, path: Path, read_use: ReadUse) -> After:
    return After(
        retry=known(spec.retry),
        wait=_wait(spec.wait),
        next=_next(spec.next, (*path, "next"), read_use),
        cooldown_s=known(spec.cooldown),
        longest_wait_s=known(spec.longest_wait),
    )


def _next(spec: Use | None, path: Path, read_use: ReadUse) -> Next | tuple[Tier, ...] | None:
    if spec is None:
        return None
    word = _WORDS.get(spec) if isinstance(spec, str) else None
    return word or read_use(spec, path)


def _hedge(spec: HedgeSpec | None) -> Hedge | None:
    if spec is None:
        return None
    extra = HEDGE_SHARE if spec.extra_cost is None else spec.extra_cost
    if isinstance(spec.after, str):
        return Hedge(None, int(spec.after.removeprefix("p")), extra)
    return Hedge(spec.after, None, extra)


def _wait(spec: WaitSpec | None) -> Wait | None:
    if spec is None:
        return None
    default = Wait()
    return Wait(
        or_else(spec.first, default.first_s),
        or_else(spec.factor, default.factor),
        or_else(spec.longest, default.longest_s),
    )
