"""Places that alerts go to, on this machine: a receiver of webhooks, and a server that takes mail."""

from __future__ import annotations

import base64
import contextlib
import email
import json
import socketserver
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from typing_extensions import override


@dataclass
class Delivery:
    """One request that a receiver got."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def said(self) -> dict[str, Any]:
        """The JSON in it."""
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Receiver:
    """A webhook's receiver: answers with `statuses` one after the other, then with 200, once `open` is set."""

    url: str
    statuses: list[int]
    got: list[Delivery] = field(default_factory=list)
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    open: threading.Event = field(default_factory=threading.Event)

    @property
    def events(self) -> list[str]:
        """The events that it was told of."""
        return [each.said["event"] for each in self.got]


@contextmanager
def receiver(statuses: Sequence[int] = (), *, held: bool = False) -> Iterator[Receiver]:
    """A receiver; one that is `held` doesn't answer before it is opened."""
    here = Receiver("", list(statuses))

    class Asked(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            here.got.append(Delivery(self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            here.arrived.release()
            here.open.wait(30)
            self.send_response(here.statuses.pop(0) if here.statuses else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        @override
        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Asked) as server:
        here.url = f"http://127.0.0.1:{server.server_port}"
        if not held:
            here.open.set()
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield here
        finally:
            here.open.set()
            server.shutdown()
            thread.join()


@dataclass
class MailServer:
    """A server that takes mail: what it was told, and the messages; `refuses` maps a verb to its reply."""

    port: int = 0
    refuses: Mapping[str, str] = field(default_factory=dict)
    tls: Path | None = None
    offers_login: bool = False
    heard: list[str] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)

    def login(self) -> str:
        """User and password as they were told, with a colon between them."""
        (told,) = (line.split()[2] for line in self.heard if line.startswith("AUTH PLAIN"))
        return base64.b64decode(told).decode().removeprefix("\0").replace("\0", ":")


@contextmanager
def mail_server(server: MailServer) -> Iterator[MailServer]:
    """The server, at its port of 127.0.0.1 while the block runs."""

    class Dialogue(socketserver.StreamRequestHandler):
        @override
        def handle(self) -> None:
            with contextlib.suppress(ssl.SSLError):  # the client doesn't like the certificate
                _converse(self, server)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Dialogue) as listener:
        server.port = listener.server_address[1]
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()


def _converse(line: socketserver.StreamRequestHandler, server: MailServer) -> None:
    """Speak SMTP until the client leaves."""
    reader: Any = line.rfile  # buffered or not: there is no type for both
    writer: Any = line.wfile
    connection, secure = line.connection, False
    writer.write(b"220 here\r\n")
    while said := reader.readline().decode().strip():
        verb = said.split()[0].upper()
        server.heard.append(verb + said[len(verb) :])
        writer.write(_reply(verb, server, secure=secure).encode())
        if verb == "STARTTLS":
            assert server.tls is not None
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(server.tls)
            connection = context.wrap_socket(connection, server_side=True)
            reader, writer, secure = connection.makefile("rb"), connection.makefile("wb", buffering=0), True
        if verb == "DATA" and verb not in server.refuses:
            server.messages.append(email.message_from_bytes(b"".join(_until_dot(reader))))
            writer.write(b"250 taken\r\n")
        if verb == "QUIT":
            break
    if secure:
        connection.close()


def _reply(verb: str, server: MailServer, *, secure: bool) -> str:
    if verb in server.refuses:
        return f"{server.refuses[verb]}\r\n"
    if verb == "EHLO":
        offers = ["STARTTLS"] if server.tls is not None and not secure else []
        offers += ["AUTH PLAIN"] if server.offers_login else []
        return "".join(f"250-{line}\r\n" for line in ("here", *offers)) + "250 8BITMIME\r\n"
    return {"STARTTLS": "220 go on", "DATA": "354 go on", "AUTH": "235 welcome", "QUIT": "221 bye"}.get(
        verb, "250 fine"
    ) + "\r\n"


def _until_dot(reader: Any) -> Iterator[bytes]:
    while (line := reader.readline()) not in (b".\r\n", b""):
        yield line
