"""A relay in front of a server: it ends TLS, or is a proxy, so that both are tried without a network."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

OPENSSL = shutil.which("openssl")


def certificate(folder: Path) -> Path:
    """A file with a fresh key and its self-signed certificate for 127.0.0.1."""
    file = folder / "certificate.pem"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    assert OPENSSL is not None
    subprocess.run(
        [OPENSSL, *command, *subject, "-keyout", file, "-out", folder / "c.pem"], check=True, capture_output=True
    )
    file.write_text(file.read_text() + (folder / "c.pem").read_text())
    return file


@contextmanager
def relay(target: str | None = None, tls: Path | None = None) -> Iterator[tuple[str, list[str]]]:
    """The relay's address, and the first lines of what it was asked.

    With a `target` it passes everything on to that; without one it is a proxy.
    """
    heard: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        context = None
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)
        thread = threading.Thread(target=_accept, args=(listener, target, context, heard), daemon=True)
        thread.start()
        try:
            yield f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}", heard
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _accept(listener: socket.socket, target: str | None, context: ssl.SSLContext | None, heard: list[str]) -> None:
    threads: list[threading.Thread] = []
    with contextlib.suppress(OSError):
        while True:
            inward, _ = listener.accept()
            threads.append(threading.Thread(target=_serve, args=(inward, target, context, heard)))
            threads[-1].start()
    for thread in threads:
        thread.join(5)


def _serve(inward: socket.socket, target: str | None, context: ssl.SSLContext | None, heard: list[str]) -> None:
    with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
        stack.enter_context(inward)
        connection = inward if context is None else stack.enter_context(context.wrap_socket(inward, server_side=True))
        data = connection.recv(65536)
        line = data.partition(b"\r\n")[0].decode()
        heard.append(line)
        address = urlsplit(target or (line.split()[1] if "://" in line else f"//{line.split()[1]}"))
        outward = stack.enter_context(socket.create_connection((address.hostname or "", address.port or 80)))
        if line.startswith("CONNECT"):
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        else:
            outward.sendall(data.replace(f"{address.scheme}://{address.netloc}".encode(), b"", 1 if not target else 0))
        back = threading.Thread(target=_pump, args=(outward, connection))
        back.start()
        _pump(connection, outward)
        back.join(5)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
