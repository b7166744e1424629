"""A real browser, asked over its own pipe: opens a page in a window of a size, and tells what it sees there.

Speaks the DevTools protocol (JSON texts with a zero after each, in on descriptor 3, out on 4), so that it needs no
package and no port.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
JOINED = """import fcntl, os, sys
high = [fcntl.fcntl(int(each), fcntl.F_DUPFD, 10) for each in sys.argv[1:3]]
os.dup2(high[0], 3)
os.dup2(high[1], 4)
os.execv(sys.argv[3], sys.argv[3:])"""
"""Becomes the browser, with the ends of our pipes where it looks for them."""
MISSING = "no browser is here: none of " + ", ".join(NAMES)


def found() -> str:
    """The path of a browser. Skips the test where there is none; in CI, fails."""
    path = next((there for name in NAMES if (there := shutil.which(name))), None)
    if path is None and os.environ.get("CI"):
        raise AssertionError(MISSING)
    return path or pytest.skip(MISSING)


@dataclass(frozen=True, slots=True)
class Window:
    """How a page is looked at."""

    width: int
    scheme: Literal["light", "dark"] = "light"
    height: int = 900


@dataclass(slots=True)
class Browser:
    """A browser with one page. `events` is what it told since the page was opened."""

    into: int
    out: int
    buffer: bytes = b""
    number: int = 0
    session: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)

    def ask(self, method: str, **parameters: Any) -> Any:
        """The answer to one command."""
        self.number += 1
        said = {"id": self.number, "method": method, "params": parameters}
        said |= {"sessionId": self.session} if self.session else {}
        os.write(self.into, json.dumps(said).encode() + b"\0")
        while (told := self._next()).get("id") != self.number:
            self.events.append(told)
        assert "error" not in told, told
        return told["result"]

    def open(self, path: Path, window: Window) -> None:
        """Show the page in this window, wholly loaded."""
        if not self.session:
            self._attach()
        self.events.clear()
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=window.width,
            height=window.height,
            deviceScaleFactor=1,
            mobile=window.width < 600,
        )
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": window.scheme}])
        self.ask("Page.navigate", url=path.as_uri())
        while not self.told("Page.loadEventFired"):
            self.events.append(self._next())

    def told(self, method: str) -> list[dict[str, Any]]:
        """What events of this kind said."""
        return [event["params"] for event in self.events if event.get("method") == method]

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        done = self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def picture(self) -> bytes:
        """The whole page as PNG."""
        return base64.b64decode(self.ask("Page.captureScreenshot", captureBeyondViewport=True)["data"])

    def paper(self) -> bytes:
        """The page as PDF, on A4."""
        done = self.ask("Page.printToPDF", printBackground=False, paperWidth=8.27, paperHeight=11.69)
        return base64.b64decode(done["data"])

    def _attach(self) -> None:
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self.buffer:
            more = os.read(self.out, 1 << 16)
            assert more, "the browser went away"
            self.buffer += more
        text, _, self.buffer = self.buffer.partition(b"\0")
        told: dict[str, Any] = json.loads(text)
        return told


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser with a profile of its own."""
    path = found()
    (theirs_in, ours_in), (ours_out, theirs_out) = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [sys.executable, "-c", JOINED, str(theirs_in), str(theirs_out), path, *FLAGS]
        command.append(f"--user-data-dir={profile}")
        process = subprocess.Popen(
            command, pass_fds=(theirs_in, theirs_out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            yield Browser(ours_in, ours_out)
        finally:
            os.close(ours_in)
            process.terminate()
            process.wait(60)
            os.close(ours_out)
