"""The emulator behind HTTP/1.1: one thread with an event loop of its own, a task for each reply under way.

Pauses are timers of that loop, so closing ends them at once; a client that leaves ends the reply it was reading.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Collection, Iterator
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
        self._taking: set[asyncio.Task[None]] = set()
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
        self._listener.setblocking(False)
        self._loop.add_reader(self._listener, self._accept)
        self._ready.set()
        await self._closing.wait()
        self._loop.remove_reader(self._listener)
        self._listener.close()
        await self._close_all()

    def _accept(self) -> None:
        """Take one connection. Not by `create_server`, which loses those that it is just taking when it is closed."""
        try:
            taken, _ = self._listener.accept()
        except BlockingIOError:
            return
        taken.setblocking(False)
        task = self._loop.create_task(self._connect(taken))
        self._taking.add(task)
        task.add_done_callback(self._taking.discard)

    async def _connect(self, taken: socket.socket) -> None:
        await self._loop.connect_accepted_socket(lambda: _Connection(self._emulator, self._connections), taken)

    async def _close_all(self) -> None:
        """Let connections that are just being taken come to be, then drop all of them and end their replies."""
        await _ended(self._taking)
        dropped = tuple(self._connections)
        for connection in dropped:
            connection.abort()
        for connection in dropped:
            await connection.gone.wait()
        await _ended(asyncio.all_tasks())


async def _ended(tasks: Collection[asyncio.Task[None]]) -> None:
    """Return when these tasks, but for the one that asks, have ended."""
    own = asyncio.current_task()
    await asyncio.gather(*(task for task in tuple(tasks) if task is not own), return_exceptions=True)


class _Connection(asyncio.Protocol):
    """One connection: requests one after another, each answered before the next is read.

    `reply` is the task that answers, while it does.
    """

    def __init__(self, emulator: Emulator, connections: set[_Connection]) -> None:
        self.reply: asyncio.Task[None] | None = None
        self._emulator = emulator
        self._connections = connections
        self._http = h11.Connection(h11.SERVER)
        self._request: h11.Request | None = None
        self._body = bytearray()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.gone = asyncio.Event()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        connected: socket.socket = transport.get_extra_info("socket")
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connections.add(self)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self.reply is not None:
            self.reply.cancel()
        self._connections.discard(self)
        self.gone.set()

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
        while self.reply is None:
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
                self.reply = asyncio.get_running_loop().create_task(self._respond(self._asked()))
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
        self.reply = None
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
            head = h11.Response(status_code=reply.status, headers=_headers(reply))
            if not reply.streamed and reply.ending == "complete":
                return self._send(head, h11.Data(data=reply.body), h11.EndOfMessage())
            self._send(head)
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
        return None

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
            self._send(h11.Response(status_code=error.error_status_hint, headers=headers), h11.EndOfMessage())
        self._transport.close()

    def _send(self, *events: h11.Event) -> None:
        """Write what these events come to, at once."""
        self._transport.write(b"".join(self._http.send(event) or b"" for event in events))


def _headers(reply: Reply) -> list[tuple[str, str]]:
    framing = [("transfer-encoding", "chunked")] if reply.streamed else []
    return [*reply.headers.items(), *framing]
