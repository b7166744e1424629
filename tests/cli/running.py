"""The command as a process of its own, which can be interrupted as from a keyboard."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO


class Running:
    """A command under way; `out` is what it prints."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self._process = process
        self.out: IO[str] = process.stdout

    def interrupted(self) -> int:
        """Interrupt it; its exit code."""
        self._process.send_signal(signal.SIGINT)
        self._process.communicate(timeout=60)
        return self._process.returncode


@contextmanager
def running(*arguments: str) -> Iterator[Running]:
    """`llm-router` with these arguments; it doesn't outlive the block."""
    command = [sys.executable, "-m", "llm_router.cli.main", *arguments]
    mine = signal.signal(signal.SIGINT, signal.default_int_handler)  # a child inherits that an interrupt is ignored
    try:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
        )
    finally:
        signal.signal(signal.SIGINT, mine)
    with process:
        try:
            yield Running(process)
        finally:
            process.kill()
