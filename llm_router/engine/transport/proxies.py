"""The proxy that the environment names for an address: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`."""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from llm_router.engine.transport.library import httpcore


def proxy_for(url: str) -> str | None:
    """The address of the proxy that requests to `url` go through, if any."""
    place = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(place.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(place.netloc.rpartition("@")[2]):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def proxy_of(address: str) -> httpcore.Proxy:
    """The library's own form of a proxy's address, with its credentials taken out of it."""
    place = urlsplit(address)
    host = place.netloc.rpartition("@")[2]
    auth = None if place.username is None else (place.username, place.password or "")
    return httpcore.Proxy(f"{place.scheme}://{host}", auth=auth)
