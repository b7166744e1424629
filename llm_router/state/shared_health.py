"""What processes tell each other of the health of deployments, through a store that they share.

A record is small: until when a deployment cools, until when its provider asks to be left alone, who is just probing it.
It is written only when that changes, by compare-and-set, and read at most once in `REFRESH_S` by a process; so one that
finds a provider down spares the others, for next to nothing. What was measured, and how many outcomes lie in a window,
stays with each process.

Instants in records are seconds since the epoch: monotonic clocks mean nothing to another machine.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace

from llm_router.state.facts import Facts
from llm_router.state.store import Store

KIND = "health"
REFRESH_S = 1.0
"""How old what a process knows of the others may be."""
PROBE_LEASE_S = 60.0
"""A probe of which nothing is heard for so long keeps nobody else from probing."""
TRIES = 5
"""How often a change is tried that others are quicker with; then they know better."""


@dataclass(frozen=True, slots=True)
class Shared:
    """One deployment, by what all processes know. `probes` are the instants at which each probe under way is over."""

    facts: Facts = Facts()
    probes: tuple[float, ...] = ()

    @classmethod
    def read(cls, text: str) -> Shared:
        """The record of this JSON; of one that can't be read, nothing is known."""
        try:
            said = json.loads(text)
            return cls(Facts(**said["facts"]), tuple(said["probes"]))
        except (ValueError, TypeError, KeyError):
            return cls()

    def text(self) -> str:
        """Its JSON."""
        return json.dumps({"facts": asdict(self.facts), "probes": self.probes}, separators=(",", ":"))


@dataclass(slots=True)
class SharedHealth:
    """This process's view of the records in one store, by the identity of a deployment. Any thread may ask."""

    store: Store
    _seen: dict[str, tuple[int, Shared]] = field(default_factory=dict)
    _unread: dict[str, Facts] = field(default_factory=dict)
    _leases: dict[str, list[float]] = field(default_factory=dict)
    _read_at: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def due(self, now: float) -> bool:
        """Whether what is known is so old that it is to be read again."""
        return self._read_at is None or not 0 <= now - self._read_at < REFRESH_S

    def news(self, now: float) -> Mapping[str, Facts]:
        """What others have written since it was last read. Raises StoreDown."""
        with self._lock:
            if not self.due(now):
                return {}
            self._read_at = now
        self._load()
        with self._lock:
            unread, self._unread = self._unread, {}
            return unread

    def differs(self, identity: str, facts: Facts, now: float) -> bool:
        """Whether others would learn something from these facts."""
        _, known = self._seen.get(identity, (0, Shared()))
        return not known.facts.at(now).is_like(facts.at(now))

    def tell(self, identity: str, facts: Facts, now: float, *, probed: bool) -> None:
        """Write down how a deployment is; `probed` says that a probe of this process is over. Raises StoreDown."""
        lease = self._returned(identity) if probed else None
        if self._change(identity, lambda known: _told(known, facts, lease, now)):
            self._unread.pop(identity, None)

    def claim_probe(self, identity: str, most: int, now: float) -> bool:
        """Whether this process may probe the deployment: not while `most` probes are under way. Raises StoreDown."""
        lease = now + PROBE_LEASE_S
        claimed = self._change(identity, lambda known: _claimed(known, lease, most, now))
        if claimed:
            with self._lock:
                self._leases.setdefault(identity, []).append(lease)
        return claimed

    def after_fork(self) -> None:
        """In a child process: the parent's probes are the parent's."""
        self._lock = threading.Lock()
        self._leases = {}

    def _change(self, identity: str, change: Callable[[Shared], Shared | None]) -> bool:
        """Replace a record by what `change` makes of it; whether it was replaced, or is so already."""
        for _ in range(TRIES):
            version, known = self._seen.get(identity, (0, Shared()))
            wanted = change(known)
            if wanted is None or wanted == known:
                return wanted is not None
            if self.store.swap(KIND, identity, version, wanted.text()):
                with self._lock:
                    self._note(identity, version + 1, wanted)
                return True
            self._load()
        return False

    def _load(self) -> None:
        """Read what there is, and keep what is new until somebody asks for news."""
        found = self.store.load(KIND)
        with self._lock:
            for identity, (version, text) in found.items():
                shared = Shared.read(text)
                if self._note(identity, version, shared):
                    self._unread[identity] = shared.facts

    def _note(self, identity: str, version: int, shared: Shared) -> bool:
        """Take a record; whether it is newer than what was known."""
        newer = version > self._seen.get(identity, (0, Shared()))[0]
        if newer:
            self._seen[identity] = (version, shared)
        return newer

    def _returned(self, identity: str) -> float | None:
        with self._lock:
            leases = self._leases.get(identity)
            return leases.pop(0) if leases else None


def _told(known: Shared, facts: Facts, lease: float | None, now: float) -> Shared:
    """The record with these facts; the longest time that a provider asked for stays."""
    asked = [until for until in (known.facts.limited_until, facts.limited_until) if until is not None and until > now]
    kept = replace(facts, limited_until=max(asked, default=None))
    return Shared(kept, tuple(until for until in known.probes if until != lease and until > now))


def _claimed(known: Shared, lease: float, most: int, now: float) -> Shared | None:
    """The record with another probe; `None` where there are enough."""
    under_way = tuple(until for until in known.probes if until > now)
    return None if len(under_way) >= most else replace(known, probes=(*under_way, lease))
