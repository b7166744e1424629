"""A doorway to a server that can be shut: to its clients the server is then gone; or frozen: then it says nothing."""

from __future__ import annotations

import contextlib
import select
import socket
import threading


class Doorway:
    """Passes bytes between `address` and a server on 127.0.0.1, while it is open."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._threads: list[threading.Thread] = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self._listener: socket.socket | None = None
        self._flows = threading.Event()

    def open(self) -> None:
        """Let clients in."""
        self._flows.set()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._start(self._accept, self._listener)

    def freeze(self) -> None:
        """Keep connections, and take new ones, but pass nothing on any more."""
        self._flows.clear()

    def shut(self) -> None:
        """End all connections and refuse new ones."""
        self._flows.set()
        if self._listener is not None:
            _end(self._listener)
        self._listener = None
        for pair in self._pairs:
            for end in pair:
                _end(end)
        for thread in self._threads:
            thread.join()
        self._pairs, self._threads = [], []

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
                self._pairs.append((client, server))
                self._start(self._pass_on, client, server)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        others = {client: server, server: client}
        with contextlib.suppress(OSError, ValueError):
            while True:
                for end in select.select([client, server], [], [])[0]:
                    data = end.recv(65536)
                    self._flows.wait()
                    if not data:
                        return _both(client, server)
                    others[end].sendall(data)
        return _both(client, server)

    def _start(self, act: object, *ends: socket.socket) -> None:
        thread = threading.Thread(target=act, args=ends)  # type: ignore[arg-type]  # a function of sockets
        self._threads.append(thread)
        thread.start()


def _both(client: socket.socket, server: socket.socket) -> None:
    _end(client)
    _end(server)


def _end(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
