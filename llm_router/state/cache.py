"""Answers that were paid for, kept for equal requests: a first level in memory, before a store that others share.

The first level holds what was used last, up to a number of entries and of bytes. Beside a store that others share it
is trusted for a moment only, so that what one process purges is soon gone in all of them. In front of memory alone it
is all there is.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from llm_router.state.flights import Flights
from llm_router.state.memory import MemoryStore
from llm_router.state.store import Store

PREFIX = "answer:"
TRUSTED_S = 10.0
"""So long an answer in memory counts without a look at the store that others share."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long an answer is kept (seconds), how many are, and how many bytes they take; `None`: as many as they do."""

    keep_s: float
    entries: int
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class CacheStats:
    """What a cache did since its router was made; `saved` is in picodollars, by the prices of the day.

    `entries` and `bytes` are those in this process's memory.
    """

    hits: int = 0
    misses: int = 0
    entries: int = 0
    bytes: int = 0
    saved: int = 0

    @property
    def rate(self) -> float:
        """The share of lookups that found an answer; 0 before the first."""
        return self.hits / (self.hits + self.misses) if self.hits else 0.0


@dataclass(frozen=True, slots=True)
class _Held:
    value: bytes
    until: float


class Answers:
    """The cache of one router, by key; instants are epoch seconds."""

    def __init__(self, store: Store) -> None:
        self.flights = Flights()
        self._store = None if isinstance(store, MemoryStore) else store
        self._lock = threading.Lock()
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._bytes = self._hits = self._misses = self._saved = 0

    def near(self, key: str, *, now: float) -> bytes | None:
        """What the first level has."""
        with self._lock:
            held = self._held.get(key)
            if held is None:
                return None
            if held.until <= now:
                self._drop(key)
                return None
            self._held.move_to_end(key)
            return held.value

    def get(self, key: str, bounds: Bounds, *, now: float) -> bytes | None:
        """What is kept. Raises StoreDown."""
        value = self.near(key, now=now)
        if value is not None or self._store is None:
            return value
        value = self._store.get(PREFIX + key, now=now)
        if value is not None:
            self._hold(key, value, bounds, now)
        return value

    def hold(self, key: str, value: bytes, bounds: Bounds, *, now: float) -> bool:
        """Keep an answer in the first level, unless it alone is larger than all may be; whether it is kept."""
        if bounds.bytes is not None and len(value) > bounds.bytes:
            return False
        self._hold(key, value, bounds, now)
        return True

    def share(self, key: str, value: bytes, bounds: Bounds, *, now: float) -> None:
        """Keep an answer in the store that others share, if there is one. Raises StoreDown."""
        if self._store is not None:
            self._store.put(PREFIX + key, value, expires=now + bounds.keep_s, now=now)

    def purge(self, scope: str = "") -> int:
        """Drop the answers of a scope, or all; how many: in the store, where there is one. Raises StoreDown."""
        with self._lock:
            keys = [key for key in self._held if key.startswith(scope)]
            for key in keys:
                self._drop(key)
        return len(keys) if self._store is None else self._store.purge(PREFIX + scope)

    def count(self, saved: int | None) -> None:
        """Count a hit with what it saved; `None` is a miss."""
        with self._lock:
            self._hits += saved is not None
            self._misses += saved is None
            self._saved += saved or 0

    def stats(self) -> CacheStats:
        """What the cache did up to now."""
        with self._lock:
            return CacheStats(self._hits, self._misses, len(self._held), self._bytes, self._saved)

    def after_fork(self) -> None:
        """In a child process: a thread of the parent's may have held the lock; nobody here waits for anything."""
        self._lock = threading.Lock()
        self.flights.after_fork()

    def _hold(self, key: str, value: bytes, bounds: Bounds, now: float) -> None:
        trusted_s = bounds.keep_s if self._store is None else min(bounds.keep_s, TRUSTED_S)
        with self._lock:
            if key in self._held:
                self._drop(key)
            self._held[key] = _Held(value, now + trusted_s)
            self._bytes += len(value)
            while len(self._held) > bounds.entries or (bounds.bytes is not None and self._bytes > bounds.bytes):
                self._drop(next(iter(self._held)))

    def _drop(self, key: str) -> None:
        self._bytes -= len(self._held.pop(key).value)
