"""The value that a price is: whole picodollars per token by kind, so that every sum is exact.

Prices are written in USD per million tokens; one such dollar is 1,000,000 picodollars a token.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias, get_args

from llm_router.messages import Usage
from llm_router.units import TOKENS_PER_PRICE, UnitError, parse_price

PriceKind = Literal[
    "input",
    "output",
    "cache_read",
    "cache_creation",
    "cache_creation_1h",
    "reasoning",
    "input_audio",
    "output_audio",
    "request",
]
PRICE_KINDS: tuple[PriceKind, ...] = get_args(PriceKind)
"""All are per token but `request`, a fee for each call."""

_DAY = datetime.timedelta(days=1)

Amount: TypeAlias = str | int | float | Decimal


def read_rates(amounts: Mapping[str, Amount]) -> Rates:
    """Rates from USD per million tokens by kind (`request`: USD per call); other keys are passed over.

    Raises UnitError for an amount that is negative or finer than a picodollar, KeyError without input or output.
    """
    counted = {kind: parse_price(amounts[kind]) for kind in PRICE_KINDS if kind in amounts}
    return Rates(
        counted["input"],
        counted["output"],
        cache_read=counted.get("cache_read"),
        cache_creation=counted.get("cache_creation"),
        cache_creation_1h=counted.get("cache_creation_1h"),
        reasoning=counted.get("reasoning"),
        input_audio=counted.get("input_audio"),
        output_audio=counted.get("output_audio"),
        request=counted.get("request", 0) * TOKENS_PER_PRICE,
    )


@dataclass(frozen=True, slots=True)
class Rates:
    """Picodollars per token by kind (`request`: per call); a kind that is `None` bills as what it is part of."""

    input: int
    output: int
    cache_read: int | None = None
    cache_creation: int | None = None
    reasoning: int | None = None
    input_audio: int | None = None
    output_audio: int | None = None
    request: int = 0
    cache_creation_1h: int | None = None

    def dearest_input(self, *, hour: bool = False) -> int:
        """The most that one token of input can cost; `hour`: where a cache may be asked to keep it for so long."""
        kept = self.cache_creation_1h or 0 if hour else 0
        return max(self.input, self.cache_read or 0, self.cache_creation or 0, kept, self.input_audio or 0)

    @property
    def dearest_output(self) -> int:
        """The most that one token of output can cost."""
        return max(self.output, self.reasoning or 0, self.output_audio or 0)


@dataclass(frozen=True, slots=True)
class PriceTier:
    """The rates of a whole request whose input has more than `above` tokens."""

    above: int
    rates: Rates


@dataclass(frozen=True, slots=True)
class Revision:
    """Rates since a day, or between two times of day (UTC; the second may be past midnight)."""

    rates: Rates
    tiers: tuple[PriceTier, ...] = ()
    since: datetime.date | None = None
    hours: tuple[datetime.time, datetime.time] | None = None

    def began(self, day: datetime.date) -> bool:
        """Whether it holds on this day, at some hour."""
        return self.since is None or day >= self.since

    def holds(self, moment: datetime.datetime) -> bool:
        """Whether it is in force at this moment (UTC)."""
        if not self.began(moment.date()):
            return False
        if self.hours is None:
            return True
        start, end = self.hours
        now = moment.time()
        return start <= now < end if start <= end else now >= start or now < end


@dataclass(frozen=True, slots=True)
class Batch:
    """What a provider's batch API bills of the usual rates, in per cent; with its own source and day."""

    percent: int
    source: str
    date: str


@dataclass(frozen=True, slots=True)
class Price(Rates):
    """The rates in force on the data's day (`date`), with tiers (ascending).

    `revisions`, where rates change with the date or the hour, are all of them, these included; the last that holds
    decides. `batch` is for whoever compares: the router itself asks nothing in batches.
    """

    tiers: tuple[PriceTier, ...] = ()
    revisions: tuple[Revision, ...] = ()
    source: str = ""
    date: str = ""
    batch: Batch | None = None

    @classmethod
    def of(
        cls,
        rates: Rates,
        tiers: tuple[PriceTier, ...] = (),
        *,
        revisions: tuple[Revision, ...] = (),
        source: str = "",
        date: str = "",
    ) -> Price:
        """A price of these rates."""
        return cls(
            rates.input,
            rates.output,
            rates.cache_read,
            rates.cache_creation,
            rates.reasoning,
            rates.input_audio,
            rates.output_audio,
            rates.request,
            rates.cache_creation_1h,
            tiers=tiers,
            revisions=revisions,
            source=source,
            date=date,
        )

    @classmethod
    def from_spec(cls, amounts: Mapping[str, Amount]) -> Price:
        """A price from USD per million tokens by kind (`request`: USD per call).

        Raises UnitError for an unknown kind, a missing `input` or `output`, or an amount that is negative or finer
        than a picodollar.
        """
        advice = f"the kinds are {', '.join(PRICE_KINDS)}; input and output must stand"
        for kind in amounts:
            if kind not in PRICE_KINDS:
                raise UnitError(f"`{kind}` is no kind of price", help=advice)
        for kind in ("input", "output"):
            if kind not in amounts:
                raise UnitError(f"the price has no `{kind}`", help=advice)
        return cls.of(read_rates(amounts), source="spec")

    def rates_for(self, input_tokens: int, at: datetime.datetime | None = None) -> Rates:
        """The rates of a request with this many input tokens, at a moment (naive: UTC) or on the data's day."""
        rates, tiers = self._in_force(at)
        for tier in reversed(tiers):
            if input_tokens > tier.above:
                return tier.rates
        return rates

    def cost(self, usage: Usage, at: datetime.datetime | None = None) -> Cost | None:
        """What this usage costs, by kind; None where a side that isn't free wasn't reported.

        A part that is reported larger than what is left of its side counts as the rest of it.
        """
        rates = self.rates_for(usage.input or 0, at)
        if (usage.input is None and rates.dearest_input()) or (usage.output is None and rates.dearest_output):
            return None
        return _cost(rates, usage)

    def upper_bound(
        self, input_tokens: int, output_tokens: int, at: datetime.datetime | None = None, *, hour: bool = False
    ) -> int:
        """Picodollars that no request with at most so many tokens can cost more than.

        The dearest kind of each side, over all tiers that so much input can reach and all hours of the day (`at`; of
        the data's day and all days after it, where no moment is given). `hour` as in `dearest_input`.
        """
        return max(
            rates.dearest_input(hour=hour) * input_tokens + rates.dearest_output * output_tokens + rates.request
            for rates in self._reachable(input_tokens, at)
        )

    def _in_force(self, at: datetime.datetime | None) -> tuple[Rates, tuple[PriceTier, ...]]:
        if at is None or not self.revisions:
            return self, self.tiers
        moment = at.astimezone(datetime.UTC).replace(tzinfo=None) if at.tzinfo else at
        for revision in reversed(self.revisions):
            if revision.holds(moment):
                return revision.rates, revision.tiers
        return self, self.tiers

    def _reachable(self, input_tokens: int, at: datetime.datetime | None) -> Iterator[Rates]:
        for rates, tiers in self._possible(at):
            yield rates
            yield from (tier.rates for tier in tiers if input_tokens > tier.above)

    def _possible(self, at: datetime.datetime | None) -> Iterator[tuple[Rates, tuple[PriceTier, ...]]]:
        """All rates that may hold from the day before `at` (dates differ by place) to the day after (requests last)."""
        first, last = (at.date() - _DAY, at.date() + 2 * _DAY) if at else (self._day(), datetime.date.max)
        if at is None:
            yield self, self.tiers
        for revision in reversed(self.revisions):
            if revision.began(last):
                yield revision.rates, revision.tiers
                if revision.hours is None and revision.began(first):
                    return
        yield self, self.tiers

    def _day(self) -> datetime.date:
        return datetime.date.fromisoformat(self.date) if self.date else datetime.date.min


@dataclass(frozen=True, slots=True)
class Cost:
    """Picodollars by kind; no token is counted in two of them."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_creation: int = 0
    cache_creation_1h: int = 0
    reasoning: int = 0
    input_audio: int = 0
    output_audio: int = 0
    request: int = 0

    @property
    def total(self) -> int:
        """All kinds together."""
        inputs = self.input + self.cache_read + self.cache_creation + self.cache_creation_1h + self.input_audio
        return inputs + self.output + self.reasoning + self.output_audio + self.request


FREE = Price(0, 0, source="free")


def _cost(rates: Rates, usage: Usage) -> Cost:
    tokens_in, tokens_out = usage.input or 0, usage.output or 0
    cache_read = min(usage.cache_read or 0, tokens_in)
    cache_creation = min(usage.cache_creation or 0, tokens_in - cache_read)
    for_an_hour = min(usage.cache_creation_1h or 0, cache_creation)
    short, long = _or(rates.cache_creation, rates.input), rates.cache_creation_1h
    input_audio = min(usage.input_audio or 0, tokens_in - cache_read - cache_creation)
    reasoning = min(usage.reasoning or 0, tokens_out)
    output_audio = min(usage.output_audio or 0, tokens_out - reasoning)
    return Cost(
        input=rates.input * (tokens_in - cache_read - cache_creation - input_audio),
        output=rates.output * (tokens_out - reasoning - output_audio),
        cache_read=_or(rates.cache_read, rates.input) * cache_read,
        cache_creation=short * (cache_creation - for_an_hour),
        cache_creation_1h=_or(long, short) * for_an_hour,
        reasoning=_or(rates.reasoning, rates.output) * reasoning,
        input_audio=_or(rates.input_audio, rates.input) * input_audio,
        output_audio=_or(rates.output_audio, rates.output) * output_audio,
        request=rates.request,
    )


def _or(rate: int | None, side: int) -> int:
    return side if rate is None else rate
