"""What a router runs on, put together."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

    from llm_router.engine.driving.runtime import Runtime
    from llm_router.engine.events import Observer


def assembled(
    http_client: httpx.Client | None, async_http_client: httpx.AsyncClient | None, observers: Sequence[Observer]
) -> Runtime:
    """A runtime on the caller's clients, or on connections of its own; garbage closes its sockets."""
    from llm_router.engine.driving.runtime import Runtime
    from llm_router.engine.transport.blocking import BlockingTransport
    from llm_router.engine.transport.injected import InjectedAsyncTransport, InjectedTransport
    from llm_router.engine.transport.looped import LoopedTransport

    blocking = BlockingTransport() if http_client is None else InjectedTransport(http_client)
    looped = LoopedTransport() if async_http_client is None else InjectedAsyncTransport(async_http_client)
    home = None if http_client is not None else looped if async_http_client is None else LoopedTransport()
    runtime = Runtime(blocking, looped, observers, home=home)
    for each in (blocking, looped, runtime.home, *([] if home is None else [home])):
        weakref.finalize(runtime, each.release)
    return runtime
