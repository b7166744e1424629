"""The TLS context that all connections of the process share: making one takes some 20 ms."""

from __future__ import annotations

import ssl
from functools import cache

from llm_router.engine.transport.library import httpx


@cache
def tls_context() -> ssl.SSLContext:
    """The context that httpx would make, with the environment's certificates honoured."""
    return httpx.create_ssl_context()
