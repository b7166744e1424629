"""Prints what importing the router costs, as a ratio to the libraries that it stands on. Run it as a program.

CPU time, not wall time, of fresh processes: the least of several, because only disturbance makes it more.
"""

from __future__ import annotations

import subprocess
import sys

ROUNDS = 9
YARDSTICK = "import httpx, pydantic; pydantic.BaseModel"
MEASURED = (
    "import llm_router",
    "from llm_router import Router",
    "from llm_router.testing import Emulator",
    f"from llm_router import Router; {YARDSTICK}",
)


def cpu_s(code: str) -> float:
    """CPU seconds that this code takes in a fresh process, apart from starting Python."""
    program = f"import time\nbefore = time.process_time()\n{code}\nprint(time.process_time() - before)"
    command = [sys.executable, "-c", program]
    done = (subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(ROUNDS))
    return min(float(each.stdout) for each in done)


def main() -> None:
    """Print one line for each import."""
    yardstick = cpu_s(YARDSTICK)
    print(f"{yardstick * 1000:7.1f} ms  1.00  {YARDSTICK}")
    for code in MEASURED:
        cost = cpu_s(code)
        print(f"{cost * 1000:7.1f} ms  {cost / yardstick:4.2f}  {code}")


if __name__ == "__main__":
    main()
