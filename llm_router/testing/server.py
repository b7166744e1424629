"""The emulator behind HTTP/1.1: one thread with an event loop of its own, a task for each reply under way.

Pauses are timers of that loop, so closing ends them at once; a client that leaves ends the reply it was reading.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import h11
from typing_extensions import override

from llm_router.testing.emulator import Emulator
from llm_router.testing.faults import sized
from llm_router.testing.reply import Asked, Pause, Reply

BACKLOG = 512


@contextmanager
def serve(emulator: Emulator | None = None, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """The address of a server that answers as the emulator does, while the block runs; port 0 takes any free one.

    An OpenAI base URL is the address plus `/v1`, Ollama's the address itself. Raises OSError where the port is taken.
    """
    server = _Server(emulator or Emulator(), host, port)
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


class _Server:
    """The thread, its loop, and all connections."""

    def __init__(self, emulator: Emulator, host: str, port: int) -> None:
        self._emulator = emulator
        self._listener = socket.create_server((host, port), backlog=BACKLOG)
        bound_host, bound_port = self._listener.getsockname()[:2]
        self.url = f"http://{bound_host}:{bound_port}"
        self._connections: set[_Connection] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._closing: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="llm-router-emulator", daemon=True)

    def start(self) -> None:
        """Return once connections are taken."""
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """Close everything, at once, and return when the thread has ended."""
        self._loop.call_soon_threadsafe(self._end)
        self._thread.join()

    def _end(self) -> None:
        assert self._closing is not None
        self._closing.set()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._closing = asyncio.Event()
        server = await self._loop.create_server(
            lambda: _Connection(self._emulator, self._connections), sock=self._listener, backlog=BACKLOG
        )
        self._ready.set()
        await self._closing.wait()
        server.close()
        for connection in tuple(self._connections):
            connection.abort()
        under_way = asyncio.all_tasks() - {asyncio.current_task()}
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        await asyncio.sleep(0)  # the transports' own last calls


class _Connection(asyncio.Protocol):
    """One connection: requests one after another, each answered before the next is read."""

    def __init__(self, emulator: Emulator, connections: set[_Connection]) -> None:
        self._emulator = emulator
        self._connections = connections
        self._http = h11.Connection(h11.SERVER)
        self._request: h11.Request | None = None
        self._body = bytearray()
        self._task: asyncio.Task[None] | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        connected: socket.socket = transport.get_extra_info("socket")
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connections.add(self)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._task is not None:
            self._task.cancel()
        self._connections.discard(self)

    @override
    def pause_writing(self) -> None:
        self._flowing.clear()

    @override
    def resume_writing(self) -> None:
        self._flowing.set()

    @override
    def data_received(self, data: bytes) -> None:
        self._http.receive_data(data)
        self._advance()

    def abort(self) -> None:
        """Drop the connection."""
        self._transport.abort()

    def _advance(self) -> None:
        """Take what has arrived, until more is needed or a reply is under way."""
        while self._task is None:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                return self._refuse(error)
            if event is h11.NEED_DATA or event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                return None
            self._take(event)
        return None

    def _take(self, event: h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]) -> None:
        match event:
            case h11.Request():
                self._request, self._body = event, bytearray()
                if self._http.they_are_waiting_for_100_continue:
                    self._send(h11.InformationalResponse(status_code=100, headers=[]))
            case h11.Data():
                self._body += event.data
            case h11.EndOfMessage():
                self._task = asyncio.get_running_loop().create_task(self._respond(self._asked()))
            case _:
                return

    def _asked(self) -> Asked:
        assert self._request is not None
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in self._request.headers}
        method, path = self._request.method.decode("ascii"), self._request.target.decode("latin-1")
        return Asked(method, path, headers, bytes(self._body))

    async def _respond(self, asked: Asked) -> None:
        reply = self._answer(asked)
        try:
            await self._play(reply)
        except asyncio.CancelledError:
            self._emulator.ended(reply.number, "abandoned")
            raise
        self._emulator.ended(reply.number, "sent")
        self._task = None
        if reply.ending == "complete":
            self._recycle()

    def _answer(self, asked: Asked) -> Reply:
        """The emulator's reply; a script that can't be followed is told to the client, who runs the test."""
        try:
            return self._emulator.answer(asked)
        except Exception as error:
            told = f"the emulator's script can't be followed: {error}".encode()
            return sized(Reply(500, {"content-type": "text/plain"}, (told,), number=len(self._emulator.log)))

    async def _play(self, reply: Reply) -> None:
        """Send the reply as it is scripted, its faults included."""
        await asyncio.sleep(reply.head_after_s)
        if reply.status is not None:
            self._send(h11.Response(status_code=reply.status, headers=_headers(reply)))
        for step in reply.steps:
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
                continue
            self._send(h11.Data(data=step))
            await self._flowing.wait()
            await asyncio.sleep(0)  # so that each piece is a write of its own and all connections have their turn
        if reply.ending == "silence":
            await asyncio.get_running_loop().create_future()
        elif reply.ending == "complete":
            self._send(h11.EndOfMessage())
        else:
            self._break(reset=reply.ending == "reset")

    def _break(self, *, reset: bool) -> None:
        """End the connection before its time: with a FIN, or with a RST."""
        if not reset:
            self._transport.close()
            return
        connected: socket.socket = self._transport.get_extra_info("socket")
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def _recycle(self) -> None:
        """Keep the connection for the next request, or close it as was agreed."""
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
            self._advance()
        else:
            self._transport.close()

    def _refuse(self, error: h11.RemoteProtocolError) -> None:
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            headers = [("content-length", "0"), ("connection", "close")]
            self._send(h11.Response(status_code=error.error_status_hint, headers=headers))
            self._send(h11.EndOfMessage())
        self._transport.close()

    def _send(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data:
            self._transport.write(data)


def _headers(reply: Reply) -> list[tuple[str, str]]:
    framing = [("transfer-encoding", "chunked")] if reply.streamed else []
    return [*reply.headers.items(), *framing]
