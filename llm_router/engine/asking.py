"""How scripts ask a store that may be down: what is found out of it is told, once for all requests."""

from __future__ import annotations

from typing import TypeVar

from llm_router.engine.effects import Tell
from llm_router.engine.events import StoreFailed, StoreRecovered
from llm_router.engine.storing import AccountEffect
from llm_router.errors import StoreDown
from llm_router.state.accounts import Accounts

T = TypeVar("T")


async def asked(effect: AccountEffect[T]) -> T:
    """What the effect gives; that the store failed, or is back, is told by the first to find out. Raises StoreDown."""
    try:
        result = await effect
    except StoreDown:
        await _tell_news(effect.accounts)
        raise
    await _tell_news(effect.accounts)
    return result


async def _tell_news(accounts: Accounts) -> None:
    while (news := accounts.reach.news()) is not None:
        what, words = news
        await Tell(StoreFailed(words) if what == "down" else StoreRecovered(words))
