"""`llm-router spend` and `llm-router ledger prune`: what a spec's store tells on the command line."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from llm_router.cli.figures import BAR, amount, bar
from llm_router.cli.main import main
from llm_router.messages import Usage
from llm_router.state.entry import Entry
from llm_router.state.sqlite import SqliteStore
from llm_router.testing import Emulator, Say, serve
from tests.cli.running import running

SPEC = """\
version: 1
timezone: Europe/Berlin
state: {url: sqlite:ledger.db}
ledger: {keep: 90d}
rules:
  - use: [openai:gpt-4o-mini, groq:openai/gpt-oss-120b]
"""
DOLLAR = 10**12
Run = Callable[..., tuple[int, str, str]]


def entry(number: int, deployment: str, cost: int | None, **said: object) -> Entry:
    usage = Usage(input=1000 * number, output=10)
    basis = "unknown" if cost is None else "reported"
    made = {"at": time.time() - 1, "user": "ada", **said}
    return Entry(decision_id=f"d{number}", deployment=deployment, usage=usage, cost=cost, basis=basis, **made)  # type: ignore[arg-type]  # a test's own words


@pytest.fixture
def spec(tmp_path: Path) -> str:
    """A spec whose ledger has three requests of today, and two old ones."""
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC, encoding="utf-8")
    store = SqliteStore(tmp_path / "ledger.db")
    store.record(entry(1, "small", DOLLAR // 4))
    store.record(entry(2, "big", 2 * DOLLAR, user="=bob"))
    store.record(entry(3, "new", None, outcome="failed"))
    store.record(entry(4, "small", DOLLAR, at=time.time() - 86_400 - 1))
    store.record(entry(5, "small", DOLLAR, at=time.time() - 100 * 86_400))
    store.close()
    return str(path)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


def test_a_table_with_bars(run: Run, spec: str) -> None:
    code, out, _ = run("spend", spec, "--since", "24h")
    lines = out.splitlines()
    assert code == 0
    assert lines[0].startswith("2.2500 USD from ")
    assert "3 requests, 3 attempts, 1 failed; 0.750000 USD a request" in lines[1]
    assert "225 % of the usual 1.0000 USD; 1.0000 USD in the same span before" in out
    assert "plus 1 of unknown cost" in out
    table = [line.split() for line in lines[lines.index("") + 1 :]]
    assert [row[0] for row in table] == ["deployment", "big", "small", "new"]
    assert table[1][-1] == "█" * BAR
    assert 0 < len(table[2][-1]) < BAR / 4
    assert table[3][1:4] == ["0.000000", "+", "1"]


def test_csv_has_every_digit_and_nothing_that_a_spreadsheet_would_run(run: Run, spec: str) -> None:
    code, out, _ = run("spend", spec, "--since", "24h", "--by", "user,deployment", "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert [(row["user"], row["deployment"], row["cost_usd"]) for row in rows] == [
        ("'=bob", "big", "2"),
        ("ada", "small", "0.25"),
        ("ada", "new", "0"),
    ]
    assert rows[2]["unknown"] == "1"


def test_json_is_the_spending(run: Run, spec: str) -> None:
    code, out, _ = run("spend", spec, "--since", "24h", "--by", "day", "--where", "user=ada", "--json")
    told = json.loads(out)
    assert code == 0
    assert (told["total"]["requests"], told["total"]["cost_usd"]) == (2, "0.25")
    assert sum(Decimal(each["cost_usd"]) for each in told["groups"]) == Decimal("0.25")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--by", "colour"], 1, "the ledger knows no `colour`"),
        (["--where", "user"], 1, "--where takes WHAT=VALUE, not `user`"),
        (["--since", "soon"], 1, "`soon` is no moment"),
        (["--csv", "--follow"], 1, "--csv is written once"),
        (["--week", "--until", "1h"], 1, "`week` has its own bounds"),
    ],
)
def test_what_cant_be_asked_is_refused(run: Run, spec: str, arguments: list[str], code: int, message: str) -> None:
    found, out, err = run("spend", spec, *arguments)
    assert (found, out) == (code, "")
    assert message in err


@pytest.mark.parametrize("verb", [["spend"], ["ledger", "prune"]])
def test_a_ledger_in_memory_has_nothing_to_read(run: Run, tmp_path: Path, verb: list[str]) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC.replace("sqlite:ledger.db", "memory"), encoding="utf-8")
    code, out, err = run(*verb, str(path))
    assert (code, out) == (1, "")
    assert "keeps its ledger in the memory of each process" in err
    assert "sqlite:llm-router.db" in err


def test_pruning_says_how_much(run: Run, spec: str) -> None:
    assert run("ledger", "prune", spec)[:2] == (0, "1 entry was dropped\n")
    assert run("ledger", "prune", spec)[:2] == (0, "0 entries were dropped\n")
    Path(spec).write_text(SPEC.replace("ledger: {keep: 90d}\n", ""), encoding="utf-8")
    assert run("ledger", "prune", spec)[0] == 1


def test_following_shows_what_changes_until_interrupted(spec: str) -> None:
    with running("spend", spec, "--today", "--json", "--follow") as process:
        before = json.loads(process.out.readline())["total"]["attempts"]
        store = SqliteStore(Path(spec).with_name("ledger.db"))
        store.record(entry(9, "small", 1, at=time.time()))
        store.close()
        assert json.loads(process.out.readline())["total"]["attempts"] == before + 1
        assert process.interrupted() == 130


def test_amounts_and_bars_never_hide_what_there_is() -> None:
    assert [amount(cost) for cost in (0, 1, 600_000, DOLLAR // 4, 3 * DOLLAR)] == [
        "0.000000",
        "<0.000001",
        "0.000001",
        "0.250000",
        "3.0000",
    ]
    assert [len(bar(share)) for share in (0, 1e-9, 0.5, 1)] == [0, 1, BAR // 2, BAR]
    assert bar(0.5, plain=True) == "#" * (BAR // 2)


def test_asking_tells_what_it_cost_and_what_was_saved(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(
        'version: 1\nproviders: {openai: {base_url: "${env:AT}/v1"}}\n'
        "deployments:\n  small: {provider: openai, model: gpt-4o-mini}\n  big: {provider: openai, model: gpt-4o}\n"
        "rules: [{use: [small, big]}]\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    for option in ([], ["--no-stream"]):
        with serve(Emulator({"*": Say("so", usage=Usage(input=1_000_000, output=0))})) as address:
            monkeypatch.setenv("AT", address)
            code, out, err = run("ask", "hi", "--spec", str(path), *option)
        assert (code, out) == (0, "so\n")
        assert "cost: 0.15 USD; saved 94 % against big" in err
