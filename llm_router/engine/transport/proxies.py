"""The proxy that the environment names for an address: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`."""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from llm_router.engine.transport.library import httpcore


class Proxies:
    """The proxies of one transport; the environment is read once for each place."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str | None] = {}

    def for_url(self, url: str) -> str | None:
        """The address of the proxy that requests to `url` go through, if any."""
        place = urlsplit(url)
        key = (place.scheme, place.netloc.rpartition("@")[2])
        if key not in self._known:
            self._known[key] = _look_up(*key)
        return self._known[key]


def _look_up(scheme: str, host: str) -> str | None:
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or proxy_bypass(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def proxy_of(address: str) -> httpcore.Proxy:
    """The library's own form of a proxy's address, with its credentials taken out of it."""
    place = urlsplit(address)
    host = place.netloc.rpartition("@")[2]
    auth = None if place.username is None else (place.username, place.password or "")
    return httpcore.Proxy(f"{place.scheme}://{host}", auth=auth)
