"""The store in Redis (7 or newer): limits, budgets, health and cache shared by several machines.

Every act is one script (`redis_scripts`), so it is atomic and may be sent again after a lost connection. What Redis
has acknowledged is as durable as Redis is set to be: with `appendonly yes` a crash of the server loses a second at
most; a crash of this process loses nothing in any case. Redis must not evict (`maxmemory-policy noeviction`).

Every key has a time to live, counted from when it was last written: accounts and tickets until they no longer count,
the ledger and its daily totals ten years (`prune` shortens the ledger), cached answers and marks as long as was said.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry
from typing_extensions import override

from llm_router.errors import StoreDown
from llm_router.spec.addresses import public_part
from llm_router.state import redis_scripts as scripts
from llm_router.state.entry import Entry, from_json, to_json
from llm_router.state.store import (
    Blocked,
    Claim,
    Frame,
    Level,
    Reserved,
    Store,
    check,
    new_ticket,
    obstacle,
    worst,
)
from llm_router.state.totals import (
    DAY_S,
    Query,
    Rolled,
    Total,
    combine,
    of_bins,
    of_numbers,
    roll,
    sum_entries,
    to_bins,
    to_numbers,
)

TIMEOUT_S = 2.0
"""For connecting and for each command."""
LEDGER_TTL_S = 3650 * DAY_S
SLACK_S = DAY_S
"""How much longer than it counts a key stays, so that clocks may differ."""
CHUNK = 1000
"""How many entries are read at a time."""
_NAME_LENGTH = len(new_ticket())


class RedisStore(Store):
    """The store at `url` (redis://, rediss://, unix://); all its keys begin with `prefix`, in braces."""

    def __init__(self, url: str, *, prefix: str = "llm-router") -> None:
        self._url, self._name = url, public_part(url)
        self._prefix = f"{{{prefix}}}:"
        self._abandoned: list[redis.Redis] = []
        self._connect()

    def _connect(self) -> None:
        """Make a client; it connects when it is first used."""
        # its types can't tell bytes from text: what `decode_responses` decides
        self._client: Any = redis.Redis.from_url(
            self._url,
            socket_connect_timeout=TIMEOUT_S,
            socket_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
            decode_responses=False,
        )
        register = self._client.register_script
        self._reserve, self._settle = register(scripts.RESERVE), register(scripts.SETTLE)
        self._sweep, self._levels = register(scripts.SWEEP), register(scripts.LEVELS)
        self._record, self._swap, self._once = map(register, (scripts.RECORD, scripts.SWAP, scripts.ONCE))

    @override
    def reserve(self, claims: Sequence[Claim], opening: Entry, *, now: float, expires: float) -> Reserved | Blocked:
        check(claims)
        too_large = worst(obstacle(claim, {}, {}, 0) for claim in claims)
        if too_large is not None:
            return too_large
        ticket, stays = new_ticket(), math.ceil(expires - now + SLACK_S)
        lost = _line(replace(opening, outcome="lost", basis="reserved"), ticket)
        reservation = {
            "claims": [_sent(claim, now, stays) for claim in claims],
            "lost": lost,
            "day": str(_day(opening)),
            "at": repr(opening.at),
        }
        # a reservation whose process died must be there to be swept, whenever the next one comes
        blocked = self._run(
            self._reserve, repr(now), repr(expires), ticket, LEDGER_TTL_S, LEDGER_TTL_S, json.dumps(reservation)
        )
        found = worst(
            _obstacle(claims[place - 1], charges) for place, charges in zip(blocked[::2], blocked[1::2], strict=True)
        )
        return found or Reserved(ticket)

    @override
    def settle(self, ticket: str, amounts: Mapping[str, int], entry: Entry | None, *, now: float) -> None:
        charged = json.dumps({account: str(amount) for account, amount in amounts.items()})
        written = ("", 0, 0) if entry is None else (_line(entry, ticket), _day(entry), repr(entry.at))
        self._run(self._settle, ticket, charged, *written, LEDGER_TTL_S)

    @override
    def levels(self, frames: Mapping[str, Frame], *, now: float) -> Mapping[str, Level]:
        found = self._run(self._levels, repr(now), LEDGER_TTL_S, *frames)
        return {
            account: _level(frame, charges) for (account, frame), charges in zip(frames.items(), found, strict=True)
        }

    @override
    def sweep(self, *, now: float) -> int:
        return int(self._run(self._sweep, repr(now), LEDGER_TTL_S))

    @override
    def record(self, entry: Entry) -> None:
        self._run(self._record, _line(entry, new_ticket()), _day(entry), repr(entry.at), LEDGER_TTL_S)

    @override
    def entries(self, since: float, until: float) -> Iterator[Entry]:
        with self._reached():
            for day in self._days("days", since, until):
                yield from self._of_day(day, since, until)

    @override
    def totals(self, query: Query) -> Sequence[Total]:
        with self._reached():
            rolled = [
                _of_rolled(day, text)
                for day in self._days("rolled", query.since, query.until)
                for text in self._client.lrange(f"{self._prefix}rolled:{day}", 0, -1)
            ]
        return combine(query, sum_entries(query, self.entries(query.since, query.until)), rolled)

    @override
    def prune(self, before: float) -> int:
        with self._reached():
            end = before // DAY_S * DAY_S
            return sum(self._prune(day) for day in self._days("days", -math.inf, end))

    @override
    def load(self, kind: str) -> Mapping[str, tuple[int, str]]:
        with self._reached():
            found: Mapping[bytes, bytes] = self._client.hgetall(f"{self._prefix}record:{kind}")
        parts = {key.decode(): value.decode().partition("|") for key, value in found.items()}
        return {key: (int(version), value) for key, (version, _, value) in parts.items()}

    @override
    def swap(self, kind: str, key: str, version: int, value: str) -> bool:
        return bool(self._run(self._swap, key, version, value, key=f"record:{kind}"))

    @override
    def once(self, key: str, *, until: float, now: float) -> bool:
        stays = math.ceil(max(until - now, 0) + SLACK_S)
        return bool(self._run(self._once, repr(now), repr(until), stays, new_ticket(), key=f"once:{key}"))

    @override
    def get(self, key: str, *, now: float) -> bytes | None:
        with self._reached():
            found: bytes | None = self._client.get(f"{self._prefix}kept:{key}")
        if found is None:
            return None
        expires, _, value = found.partition(b" ")
        return value if float(expires) > now else None

    @override
    def put(self, key: str, value: bytes, *, expires: float, now: float) -> None:
        stays = max(1, math.ceil(expires - now))
        with self._reached():
            self._client.set(f"{self._prefix}kept:{key}", repr(expires).encode() + b" " + value, ex=stays)

    @override
    def purge(self, prefix: str = "") -> int:
        start = f"{self._prefix}kept:{prefix}"
        with self._reached():
            keys = set(self._client.scan_iter(match=f"{_literal(start)}*", count=CHUNK))
            return int(self._client.delete(*keys)) if keys else 0

    @override
    def close(self) -> None:
        self._client.close()

    @override
    def after_fork(self) -> None:
        self._abandoned.append(self._client)
        self._connect()

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except (redis.ConnectionError, redis.TimeoutError, redis.ReadOnlyError) as error:
            raise StoreDown(self._name, type(error).__name__) from None

    def _run(self, script: Script, *arguments: str | int, key: str = "") -> Any:
        with self._reached():
            return script(keys=[self._prefix + key], args=arguments)

    def _days(self, name: str, since: float, until: float) -> Sequence[int]:
        """The days that there is something of, in order."""
        first = "-inf" if since == -math.inf else since // DAY_S
        found = self._client.zrangebyscore(self._prefix + name, first, f"({until / DAY_S}")
        return [int(day) for day in found]

    def _of_day(self, day: int, since: float, until: float) -> Iterator[Entry]:
        start, key = 0, f"{self._prefix}ledger:{day}"
        while texts := self._client.zrangebyscore(key, since, f"({until!r}", start=start, num=CHUNK):
            yield from map(_of_line, texts)
            start += len(texts)

    def _prune(self, day: int) -> int:
        """Replace the entries of a day by their totals, unless one came meanwhile: then again."""
        entries, rolled = f"{self._prefix}ledger:{day}", f"{self._prefix}rolled:{day}"

        def replace_entries(pipe: Any) -> int:
            texts = pipe.zrange(entries, 0, -1)
            pipe.multi()
            for total in sum_entries(roll(day), map(_of_line, texts)):
                pipe.rpush(rolled, _to_rolled(total))
            pipe.expire(rolled, LEDGER_TTL_S)
            pipe.zadd(f"{self._prefix}rolled", {str(day): day})
            pipe.delete(entries)
            pipe.zrem(f"{self._prefix}days", str(day))
            return len(texts)

        return int(self._client.transaction(replace_entries, entries, value_from_callable=True))


def _sent(claim: Claim, now: float, stays: int) -> Sequence[str | int | bool]:
    """A claim as the scripts read it; the key outlives its charges and the reservation."""
    counts_s = 0.0 if claim.held else claim.frame.ends - now
    ttl = max(stays, math.ceil(min(counts_s, LEDGER_TTL_S) + SLACK_S))
    frame = claim.frame
    return (claim.account, str(frame.newest), str(claim.amount), claim.held, ttl, frame.oldest, str(claim.capacity))


def _split(charges: Sequence[bytes]) -> tuple[Mapping[int, int], Mapping[int, int], int]:
    """Settled and pending charges by bucket, and what is held, of an account's hash."""
    amounts = {field.decode(): int(amount) for field, amount in zip(charges[::2], charges[1::2], strict=True)}
    held = amounts.pop("held", 0)
    settled, pending = (
        {int(field[1:]): amount for field, amount in amounts.items() if field[0] == kind} for kind in "so"
    )
    return settled, pending, held


def _obstacle(claim: Claim, charges: Sequence[bytes]) -> Blocked | None:
    return obstacle(claim, *_split(charges))


def _level(frame: Frame, charges: Sequence[bytes]) -> Level:
    settled, pending, held = _split(charges)
    counted = [sum(amount for bucket, amount in each.items() if bucket >= frame.oldest) for each in (settled, pending)]
    return Level(counted[0], counted[1] + held)


def _day(entry: Entry) -> int:
    return int(entry.at // DAY_S)


def _to_rolled(total: Total) -> str:
    return json.dumps([total.key, to_numbers(total), to_bins(total)])


def _of_rolled(day: int, text: bytes) -> Rolled:
    key, numbers, bins = json.loads(text)
    return Rolled(day, of_numbers(tuple(key), numbers, [of_bins(each) for each in bins]))


def _literal(text: str) -> str:
    """A pattern of Redis's that means just this text."""
    return "".join(f"\\{letter}" if letter in "*?[]\\^-" else letter for letter in text)


def _line(entry: Entry, name: str) -> str:
    """A ledger line: two equal entries are two lines, and a line that is sent twice is one."""
    return f"{name}{to_json(entry)}"


def _of_line(line: bytes) -> Entry:
    return from_json(line[_NAME_LENGTH:])
