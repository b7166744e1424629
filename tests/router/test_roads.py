"""TLS and proxies, by all four ways to ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from llm_router import ChatRequest, Environment, Router
from llm_router.engine.transport.tls import tls_context
from llm_router.testing import Emulator, serve
from tests.engine.world import spec_of
from tests.router.relay import OPENSSL, certificate, relay
from tests.router.ways import WAYS

LONG = "why is the sky blue? " * 5000
TLS = pytest.mark.skipif(OPENSSL is None, reason="openssl isn't installed, so no certificate can be made")


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A certificate that the process trusts meanwhile."""
    file = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    tls_context.cache_clear()
    yield file
    tls_context.cache_clear()


def ask(way: str, address: str) -> None:
    with Router.from_spec(spec_of({}, address), environment=Environment()) as router:
        for text in ("hello", LONG):
            seen = WAYS[way](router, ChatRequest.of(text), {})
            assert seen.outcome == "a", seen.error


@TLS
@pytest.mark.parametrize("way", WAYS)
def test_over_tls(way: str, trusted: Path) -> None:
    with serve(Emulator({"*": {"say": "all is fine"}})) as address, relay(address, trusted) as (secure, _):
        ask(way, secure)


@TLS
@pytest.mark.parametrize("way", WAYS)
def test_a_certificate_that_nobody_trusts_is_no_connection(way: str, tmp_path: Path) -> None:
    with (
        serve(Emulator({"*": {"say": "all is fine"}})) as address,
        relay(address, certificate(tmp_path)) as (secure, _),
    ):
        with Router.from_spec(spec_of({"names": ["a"]}, secure), environment=Environment()) as router:
            seen = WAYS[way](router, ChatRequest.of("hello"), {})
        assert seen.outcome == "connection_lost"
        assert "certificate" in str(seen.error).lower()


@pytest.mark.parametrize("way", WAYS)
def test_through_a_proxy(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(Emulator({"*": {"say": "all is fine"}})) as address, relay() as (proxy, heard):
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        ask(way, address)
    assert {line.split()[1] for line in heard} == {f"{address}/a/v1/chat/completions"}


@TLS
@pytest.mark.parametrize("way", WAYS)
def test_over_tls_through_a_proxy(way: str, trusted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        serve(Emulator({"*": {"say": "all is fine"}})) as address,
        relay(address, trusted) as (secure, _),
        relay() as (proxy, heard),
    ):
        monkeypatch.setenv("https_proxy", proxy.removeprefix("http://"))
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        ask(way, secure)
    assert {line.split()[:2][1] for line in heard} == {secure.removeprefix("https://")}


@pytest.mark.parametrize("way", WAYS)
def test_past_a_proxy_that_the_environment_excepts(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serve(Emulator({"*": {"say": "all is fine"}})) as address:
        ask(way, address)
