"""Who answered last in a conversation: a bounded memory, the longest unused forgotten first."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TypeAlias

SessionKey: TypeAlias = tuple[str | None, str]
"""The user, where one is said, and the session: two users' sessions of one name are two."""

MOST_SESSIONS = 10_000


@dataclass(slots=True)
class Sessions:
    """Deployment names by session."""

    most: int = MOST_SESSIONS
    _known: OrderedDict[SessionKey, str] = field(default_factory=OrderedDict)

    def answered(self, session: SessionKey, deployment: str) -> None:
        """Remember who answered."""
        self._known[session] = deployment
        self._known.move_to_end(session)
        if len(self._known) > self.most:
            self._known.popitem(last=False)

    def previous(self, session: SessionKey | None) -> str | None:
        """Who answered last, where that is remembered."""
        return None if session is None else self._known.get(session)
