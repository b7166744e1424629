"""Check the whole project: `python3 tests/check.py` on a machine that has only Python 3.11 or newer, with pip.

Makes `.venv-check` beside this checkout's files, installs what the tests need there (versions from
`tests/constraints.txt`), then runs the linters, the types, the import layers, all tests, and at last builds the
wheels and tries them in an environment of their own, so that nothing depends on the checkout. Stops at the first
step that fails and exits with its code.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv-check"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
MEMBERS = sorted(path.parent for path in ROOT.glob("integrations/*/pyproject.toml"))
PIP = ("-m", "pip", "--disable-pip-version-check", "-q")
CONSTRAINTS = ("--constraint", str(ROOT / "tests" / "constraints.txt"))


def run(title: str, *command: str | Path, cwd: Path = ROOT) -> None:
    """Run one step, showing its title and time."""
    print(f"\n== {title}", flush=True)
    began = time.monotonic()
    result = subprocess.run([str(part) for part in command], cwd=cwd, check=False)
    print(f"   {time.monotonic() - began:.0f}s", flush=True)
    if result.returncode:
        sys.exit(result.returncode)


def python_in(environment: Path) -> Path:
    """The interpreter of a virtual environment."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def make(environment: Path) -> None:
    """A virtual environment that has pip and nothing else."""
    venv.EnvBuilder(with_pip=True, clear=True).create(environment)


def install() -> None:
    """Everything that the checks need, with the project itself editable."""
    make(VENV)
    editable = [part for member in (ROOT, *MEMBERS) for part in ("-e", str(member))]
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]["dev"]
    run("install the project and its tools", BIN / "python", *PIP, "install", *CONSTRAINTS, *editable, *tools)


def wheels() -> None:
    """Build all four wheels, install them where no checkout is, and use them there."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        run("build the wheels", BIN / "python", *PIP, "wheel", "--no-deps", "-w", place / "dist", ROOT, *MEMBERS)
        make(place / "venv")
        python = python_in(place / "venv")
        run("install the wheels", python, *PIP, "install", *CONSTRAINTS, *sorted((place / "dist").glob("*.whl")))
        shutil.copy(ROOT / "tests" / "smoke.py", place / "smoke.py")
        run("use the wheels", python, "-I", place / "smoke.py", cwd=place)


def main() -> None:
    """All steps in order, quick ones first."""
    install()
    run("ruff", BIN / "ruff", "check", ".")
    run("ruff format", BIN / "ruff", "format", "--check", ".")
    run("mypy", BIN / "mypy")
    run("import layers", BIN / "lint-imports")
    wheels()
    drawn_alike = "--hypothesis-profile=ci"  # what holds here holds again; tests run by hand draw anew each time
    run("tests", BIN / "python", "-m", "pytest", "-n", "2", "--dist", "loadfile", drawn_alike)


if __name__ == "__main__":
    main()
