"""Faults as a client meets them: in the provider's own shape, and on the socket."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from llm_router.errors import FAILURE_CLASSES
from llm_router.testing import FAULTS, Asked, Emulator, Fault, On, Pause, Reply, Say, serve

SDK_ERRORS = [
    ("rate_limit", openai.RateLimitError, "rate_limit_exceeded"),
    ("rate_limit_without_retry_after", openai.RateLimitError, "rate_limit_exceeded"),
    ("quota_exhausted", openai.RateLimitError, "insufficient_quota"),
    ("unavailable", openai.InternalServerError, "server_error"),
    ("overloaded", openai.InternalServerError, "overloaded"),
    ("authentication", openai.AuthenticationError, "invalid_api_key"),
    ("permission", openai.PermissionDeniedError, None),
    ("not_found", openai.NotFoundError, "model_not_found"),
    ("context_length", openai.BadRequestError, "context_length_exceeded"),
    ("content_filter", openai.BadRequestError, "content_filter"),
    ("bad_request", openai.BadRequestError, "invalid_value"),
    ("409", openai.ConflictError, None),
    ("502", openai.InternalServerError, None),
    ("html_error", openai.InternalServerError, None),
    ("reset", openai.APIConnectionError, None),
    ("connection_lost", openai.APIConnectionError, None),
    ("reset_after_headers", openai.APIConnectionError, None),
    ("cut", openai.APIConnectionError, None),
    ("silence", openai.APITimeoutError, None),
    ("stall", openai.APITimeoutError, None),
]
LONG_S = 60.0
"""Nothing here takes so long, however slow the machine: what does, hangs."""


def chat(model: str, *, stream: bool = False) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "tell me everything you know"}], "stream": stream}


def patience_s(fault: str) -> float:
    """How long a client waits: not long for what never comes, and for all else as long as the machine needs."""
    return 0.2 if fault in ("silence", "stall") else LONG_S


def reply_to(fault: str | Fault, *, path: str = "/v1/chat/completions", stream: bool = False) -> Reply:
    body = json.dumps(chat("m", stream=stream)).encode()
    return Emulator({"m": fault}).answer(Asked("POST", path, {"authorization": "Bearer k"}, body))


@pytest.mark.parametrize(("fault", "error", "code"), SDK_ERRORS)
def test_the_sdk_raises_what_it_raises_for_the_provider(fault: str, error: type[Exception], code: str | None) -> None:
    with (
        serve(Emulator({"m": fault})) as url,
        openai.OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0, timeout=patience_s(fault)) as client,
        pytest.raises(error) as raised,
    ):
        client.chat.completions.create(**chat("m"))
    assert getattr(raised.value, "code", None) == code


@pytest.mark.parametrize("fault", ["cut", "reset_after_headers", "stall", "malformed", "error_in_stream", "error_body"])
def test_a_broken_stream_is_an_error_for_the_sdk(fault: str) -> None:
    with (
        serve(Emulator({"m": fault})) as url,
        openai.OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0, timeout=patience_s(fault)) as client,
        pytest.raises((openai.APIError, httpx.TransportError, json.JSONDecodeError)),
    ):
        list(client.chat.completions.create(**chat("m", stream=True)))


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/api/chat"])
@pytest.mark.parametrize("fault", sorted({*FAULTS, *FAILURE_CLASSES}))
@pytest.mark.parametrize("stream", [False, True])
def test_every_failure_class_and_fault_is_known_in_every_dialect(path: str, fault: str, *, stream: bool) -> None:
    good = reply_to("ok", path=path, stream=stream)
    bad = reply_to(fault, path=path, stream=stream)
    if not (fault == "no_end_marker" and not stream):
        assert (bad.status, bad.steps, bad.ending, bad.head_after_s) != (
            good.status,
            good.steps,
            good.ending,
            good.head_after_s,
        )


def test_a_rate_limit_says_when_to_come_back_unless_it_does_not() -> None:
    assert reply_to(Fault("rate_limit", retry_after_s=7)).headers["retry-after"] == "7"
    assert "retry-after" not in reply_to("rate_limit_without_retry_after").headers


def test_a_fault_may_have_a_status_and_a_message_of_its_own() -> None:
    reply = reply_to(Fault("unavailable", status=599, message="gone fishing"))
    assert reply.status == 599
    assert json.loads(reply.body)["error"]["message"] == "gone fishing"


def test_a_broken_stream_lets_so_many_pieces_through() -> None:
    for fault in ("cut", "stall", "ends_early"):
        assert reply_to(Fault(fault, after=3), stream=True).body.count(b'"content":"') == 1 + 3  # the role's is empty
        assert b'"finish_reason":"stop"' not in reply_to(Fault(fault, after=99), stream=True).body


def test_a_slow_first_token_comes_after_the_role() -> None:
    steps = reply_to(Fault("slow_first_token", pause_s=9), stream=True).steps
    assert steps[1] == Pause(9)
    assert isinstance(steps[0], bytes)
    assert b'"role":"assistant"' in steps[0]


def test_an_invalid_output_does_not_fit_what_was_asked() -> None:
    schema = {"type": "object", "properties": {}}
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    body = json.dumps({**chat("m"), "response_format": form}).encode()
    asked = Asked("POST", "/v1/chat/completions", {"authorization": "Bearer k"}, body)
    said = json.loads(Emulator({"m": "invalid_output"}).answer(asked).body)["choices"][0]["message"]["content"]
    assert not isinstance(json.loads(said), dict)


def test_a_reset_is_a_reset_on_the_socket() -> None:
    with serve(Emulator({"m": "reset"})) as url, raw(url) as connection:
        connection.sendall(request("m"))
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_a_cut_stream_is_closed_without_its_last_chunk() -> None:
    with serve(Emulator({"m": "cut"})) as url, raw(url) as connection:
        connection.sendall(request("m", stream=True))
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b'" was"' in received
    assert not received.endswith(b"0\r\n\r\n")


def test_a_stream_is_flushed_piece_by_piece() -> None:
    with (
        serve(Emulator({"m": "stall"})) as url,
        httpx.stream("POST", f"{url}/api/chat", json=chat("m", stream=True)) as got,
    ):
        lines = got.iter_lines()
        assert json.loads(next(lines))["message"]["content"] == "m"
        assert json.loads(next(lines))["message"]["content"] == " was"


def test_a_connection_serves_many_requests() -> None:
    emulator = Emulator()
    with serve(emulator) as url, raw(url) as connection:
        for _ in range(3):
            connection.sendall(request("m"))
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        connection.sendall(request("m", stream=True))
        received = b""
        while not received.endswith(b"0\r\n\r\n"):
            received += connection.recv(65536)
    assert len(emulator.log) == 4


def test_nonsense_gets_a_400_and_the_connection_ends() -> None:
    with serve() as url, raw(url) as connection:
        connection.sendall(b"HELLO\r\n\r\n")
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert received.startswith(b"HTTP/1.1 400")


def test_a_script_that_fails_is_told_to_the_client() -> None:
    def fail(question: object) -> Say:
        raise LookupError("no such weather")

    with serve(Emulator([On(fail)])) as url:
        reply = httpx.post(f"{url}/api/chat", json=chat("m"))
    assert reply.status_code == 500
    assert "no such weather" in reply.text


def test_a_client_that_leaves_is_noted() -> None:
    emulator = Emulator({"m": "stall"})
    with serve(emulator) as url:
        with httpx.stream("POST", f"{url}/api/chat", json=chat("m", stream=True)) as got:
            next(got.iter_lines())
        wait_for(lambda: emulator.log[0].ending == "abandoned")


def test_two_hundred_streams_run_side_by_side() -> None:
    emulator = Emulator(pace_s=0.01)
    texts: list[str] = []

    def read() -> None:
        texts.append(client.post("/api/chat", json=chat("m", stream=True)).text)

    limits = httpx.Limits(max_connections=200)
    with serve(emulator) as url, httpx.Client(base_url=url, timeout=LONG_S, limits=limits) as client:
        readers = [threading.Thread(target=read) for _ in range(200)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
    assert len(texts) == 200
    assert {text.count("\n") for text in texts} == {texts[0].count("\n")}
    assert all(entry.ending == "sent" for entry in emulator.log)


def test_closing_ends_everything_at_once_and_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    began = time.monotonic()
    emulator = Emulator({"a": "silence", "b": "stall", "c": Fault("slow_first_token", pause_s=2 * LONG_S)})
    with contextlib.ExitStack() as clients:
        with serve(emulator) as url:
            for model in "abc":
                clients.enter_context(raw(url)).sendall(request(model, stream=True))
            idle = clients.enter_context(raw(url))
            idle.sendall(request("d"))
            assert idle.recv(65536)
            wait_for(lambda: len(emulator.log) == 4)
        assert idle.recv(1) == b""
    assert time.monotonic() - began < LONG_S
    assert set(threading.enumerate()) == before


def test_a_port_can_be_asked_for_and_is_free_afterwards() -> None:
    with serve() as url:
        port = int(url.rpartition(":")[2])
    with serve(port=port) as again:
        assert again == url
        with pytest.raises(OSError, match="in use"), serve(port=port):
            pass


@contextlib.contextmanager
def raw(url: str) -> Iterator[socket.socket]:
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=LONG_S) as connection:
        yield connection


def request(model: str, *, stream: bool = False) -> bytes:
    body = json.dumps(chat(model, stream=stream)).encode()
    return b"POST /api/chat HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


def wait_for(condition: Any) -> None:
    """Return when the condition holds; fail after a minute. The event loop of the server is another thread's."""
    end = time.monotonic() + LONG_S
    ticker = threading.Event()
    while not condition():
        assert time.monotonic() < end
        ticker.wait(0.005)
