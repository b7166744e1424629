"""The page as text: what it says of a ledger, what it keeps to itself, and that nobody's name becomes markup."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typing_extensions import override

from llm_router import Environment, Router
from llm_router.cli.main import main
from llm_router.errors import RequestError
from llm_router.report.make import make
from llm_router.state.entry import Entry
from llm_router.state.memory import MemoryStore
from llm_router.state.sqlite import SqliteStore
from llm_router.state.store import Store
from tests.report.ledgers import DOLLAR, HOSTILE, NOW, SMALLEST, SPEC, Ledger, charged, filled, program_of
from tests.state.stores import SHARED, store_of

PASSING = (
    '<p class="note">The store is this process&#x27;s memory: what other processes asked isn&#x27;t here, '
    "and nothing outlasts it.</p>"
)
VOID = {"meta", "link", "col", "br"}


class Reader(HTMLParser):
    """Which elements a page has, and whether each is closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.handlers: list[str] = []
        self.addresses: list[str] = []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]
        if tag not in VOID:
            self.open.append(tag)

    @override
    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(page: str) -> Reader:
    """A page, read through to its end."""
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def text_of(page: str) -> str:
    """What people read, with single spaces."""
    body = page[page.index("<body>") :]
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", body))).replace(" .", ".").replace(" ,", ",")


def page_of(ledger: Ledger | None, spec: str = SPEC, since: str | None = None, until: str | None = None) -> str:
    """The page about an invented ledger."""
    return make(filled(ledger), program_of(spec), NOW, name="llm-router.yaml", since=since, until=until)


@pytest.mark.parametrize("names", ["plain", "long", "hostile"])
def test_a_page_is_sound_and_asks_for_nothing(names: str) -> None:
    reader = read(page_of(Ledger(deployments=9, names=names)))
    assert not reader.seen & {"script", "img", "iframe", "object", "base", "form"}
    assert reader.handlers == []
    assert reader.addresses == ["data:,"]


def test_every_name_of_others_is_escaped() -> None:
    entries = Ledger(deployments=9, names="hostile").entries()
    store = MemoryStore()
    for entry in entries:
        store.record(entry)
    program = replace(program_of(), name=f"desk {HOSTILE}")
    page = make(store, program, NOW, name="x")
    assert "<script" not in page
    assert "<img" not in page
    shown = re.findall(r"user-\d", page)[0]
    for word in ("desk", "code", "openai", "deployment-1", "model-1", shown):
        assert f"{word} &lt;script&gt;alert(&quot;x&quot;)" in page, word


def test_no_prompt_is_in_it() -> None:
    assert "a prompt that nobody may see" not in page_of(Ledger())


@dataclass(frozen=True, slots=True)
class Said:
    """Entries, and what their page must say of them."""

    entries: tuple[Entry, ...]
    says: tuple[str, ...]
    never: tuple[str, ...] = ()


def entry(number: int = 0, **said: object) -> Entry:
    """An answer for a dollar."""
    values: dict[str, object] = {
        "at": NOW - 60,
        "decision_id": f"d{number}",
        "rule": "code",
        "provider": "openai",
        "deployment": "gpt",
        "model": "gpt-4o",
        "cost": DOLLAR,
        "basis": "reported",
        "duration_s": 1.0,
    }
    return Entry(**(values | said))  # type: ignore[arg-type]  # fields of their own types


SAYINGS = {
    "a single answer": Said((entry(),), ("1.00 USD for 1 request", "openai 1.00 USD · 100 %", "code: 100 % of all")),
    "two attempts of one request are one fallback": Said(
        (entry(outcome="failed", failure="timeout", cost=0, basis="free"), entry(deployment="llama", attempt=2)),
        ("1.00 USD for 1 request", "1 fallback", "50 % of all calls failed", "timeout 1"),
    ),
    "a retry at the same deployment is none": Said(
        (entry(outcome="failed", failure="timeout", cost=0, basis="free"), entry(attempt=2)),
        ("There was none.", "50 % of all calls failed"),
    ),
    "unknown is never zero": Said(
        (entry(), entry(1, cost=None, basis="unknown")),
        ("Nobody knows the cost of 1 call: it is in no sum of money.", "and 1 unknown"),
    ),
    "an upper bound is told": Said(
        (entry(), entry(1, cost=2 * DOLLAR, basis="reserved", outcome="lost")),
        ("3.00 USD for 2 requests", "2.00 USD of it is the most that calls may have cost"),
    ),
    "what the cache saved": Said(
        (entry(), entry(1, outcome="cached", cost=0, basis="free", saved=DOLLAR, mark="cache")),
        ("1.00 USD for 2 requests", "The cache saved 1.00 USD", "1 answer, 50 % of all requests"),
    ),
    "only what lies in the days counts": Said(
        (entry(), entry(1, at=NOW - 40 * 86_400)),
        ("1.00 USD for 1 request", "Changes are against the 30 days before."),
        ("2.00 USD for",),
    ),
    "somebody whom nobody named": Said(
        (entry(rule="", provider=""),), ("no rule: 100 % of all", "no provider 1.00 USD")
    ),
    "nothing": Said((), ("Nothing was asked yet", "The ledger has no entry of these days.")),
}


@pytest.mark.parametrize("case", SAYINGS.values(), ids=list(SAYINGS))
def test_it_says_what_the_ledger_says(case: Said) -> None:
    store = MemoryStore()
    for each in case.entries:
        store.record(each)
    text = text_of(make(store, program_of(), NOW, name="x"))
    assert [words for words in case.says if words not in text] == []
    assert [words for words in case.never if words in text] == []


def test_the_month_is_projected_at_the_pace_of_the_last_full_days() -> None:
    store = MemoryStore()
    for day in range(1, 20):
        store.record(entry(day, at=NOW - (19 - day) * 86_400, cost=2 * DOLLAR))
    text = text_of(make(store, program_of(), NOW, name="x"))
    assert "November so far: 38.00 USD" in text
    assert "At 2.00 USD a day, as on the last full days, it ends at about 60.00 USD." in text


def test_the_month_is_whole_in_a_report_of_one_day() -> None:
    store = MemoryStore()
    for day in range(1, 20):
        store.record(entry(day, at=NOW - (19 - day) * 86_400, cost=2 * DOLLAR))
    text = text_of(make(store, program_of(), NOW, name="x", since="2026-11-19"))
    assert "2.00 USD for 1 request" in text
    assert "November so far: 38.00 USD" in text


def test_a_first_day_has_no_projection() -> None:
    store = MemoryStore()
    store.record(entry())
    assert "A projection needs one full day." in text_of(make(store, program_of(), NOW, name="x"))


def test_budgets_are_told_from_their_accounts() -> None:
    spent = {"monthly": 97 * DOLLAR, "openai-week": 50 * DOLLAR, "today": 2 * DOLLAR}
    program = program_of()
    store = charged(filled(Ledger()), program, spent, DOLLAR // 2)
    text = text_of(make(store, program, NOW, name="x"))
    assert "97.00 USD of 400.00 USD this month (24 %), 0.50 USD held by requests under way." in text
    assert "303.00 USD left" in text
    assert "It begins anew on Mon 23 Nov 2026." in text
    assert "Spent: today." in text
    assert "20.00 USD in the last 7d for each user" in text


def test_a_budget_of_one_provider_burns_by_what_that_one_cost() -> None:
    store = MemoryStore()
    for day in range(4):
        store.record(entry(day, at=NOW - day * 86_400, cost=10 * DOLLAR))
        store.record(entry(day + 10, at=NOW - day * 86_400, cost=99 * DOLLAR, provider="groq"))
    program = program_of()
    text = text_of(make(charged(store, program, {"openai-week": 40 * DOLLAR}), program, NOW, name="x"))
    assert "At 10.00 USD a day it is spent on 21 Nov." in text


def test_a_past_span_says_nothing_of_budgets() -> None:
    text = text_of(page_of(Ledger(60), since="2026-10-01", until="2026-11-01"))
    assert "1 to 31 Oct 2026 (31 days, Europe/Berlin)" in text
    assert "Budgets" not in text
    assert "so far" not in text


def test_an_empty_past_isnt_told_as_a_beginning() -> None:
    assert "Nothing was asked in these days" in text_of(page_of(None, since="2026-10-01", until="2026-11-01"))


SPANS = [
    ("2026-11-19", None, "Thu 19 Nov 2026 (1 day", "Spend per hour"),
    ("1d", None, "18 to 19 Nov 2026 (2 days", "Spend per hour"),
    (None, None, "21 Oct to 19 Nov 2026 (30 days", "Spend per day"),
    (None, "2026-11-01", "2 to 31 Oct 2026 (30 days", "Spend per day"),
    ("399d", None, "16 Oct 2025 to 19 Nov 2026 (400 days", "Spend per week"),
    ("2023-11-01", None, "1 Nov 2023 to 19 Nov 2026 (1,115 days", "Spend per month"),
]


@pytest.mark.parametrize(("since", "until", "title", "spend"), SPANS)
def test_spans_are_whole_days_drawn_in_fitting_steps(
    since: str | None, until: str | None, title: str, spend: str
) -> None:
    text = text_of(page_of(Ledger(400, requests=4), since=since, until=until))
    assert title in text
    assert spend in text


def test_a_span_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(RequestError, match="isn't before"):
        page_of(None, since="2026-11-19", until="2026-11-01")


class Counting(MemoryStore):
    """A store that counts how often it is asked for totals."""

    asked = 0

    @override
    def totals(self, query):  # type: ignore[no-untyped-def]  # passed on as it comes
        self.asked += 1
        return super().totals(query)


def test_the_ledger_is_read_few_times_however_much_is_in_it() -> None:
    store = Counting()
    filled(Ledger(100, 40, 5), store)
    make(store, program_of(), NOW, name="x", since="2026-11-19")
    assert store.asked <= 7


@pytest.mark.parametrize("kind", SHARED)
def test_every_store_gives_the_same_page(kind: str, tmp_path: Path) -> None:
    program = program_of()
    spent = {"monthly": 97 * DOLLAR, "today": DOLLAR}
    ledger = Ledger(9, 3, 8)
    expected = make(charged(filled(ledger), program, spent), program, NOW, name="x")
    with store_of(kind, tmp_path) as store:
        page = make(charged(filled(ledger, store), program, spent), program, NOW, name="x")
    assert page == expected.replace(PASSING, "")


def test_a_pruned_ledger_keeps_its_money() -> None:
    store = filled(Ledger(10))
    before = make(store, program_of(), NOW, name="x")
    assert store.prune(NOW - 3 * 86_400) > 0
    after = make(store, program_of(), NOW, name="x")
    spent = re.compile(r"<dt>Spent</dt><dd>([0-9.]+)")
    assert spent.findall(after) == spent.findall(before)


def test_every_chart_has_its_title_its_description_and_its_table() -> None:
    page = page_of(Ledger())
    charts = re.findall(r'<svg class="plot.*?</svg></svg>|<svg class="plot.*?</svg>', page)
    assert len(charts) >= 7
    assert all(
        re.match(r"<svg[^>]* role=\"img\" aria-labelledby=\"(\S+) (\S+)\"><title id=\"\1\">[^<]+</title>", each)
        for each in charts
    )
    assert page.count("<figure>") == len(charts) == page.count("<details><summary>The numbers")
    ids = re.findall(r' id="([^"]*)"', page)
    assert len(ids) == len(set(ids))


def sqlite_spec(folder: Path, text: str = SPEC) -> Path:
    """A spec file, and a ledger in the store that it names."""
    path = folder / "llm-router.yaml"
    path.write_text(text)
    return path


def recorded(store: Store, *entries: Entry) -> None:
    """Write entries, and let go of the store."""
    for each in entries:
        store.record(each)
    store.close()


def test_the_command_writes_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: NOW)
    spec = sqlite_spec(tmp_path)
    recorded(SqliteStore(tmp_path / "llm-router.db"), entry())
    assert main(["report", str(spec), "-o", str(tmp_path / "out.html")]) == 0
    assert "1.00 USD for 1 request" in text_of((tmp_path / "out.html").read_text(encoding="utf-8"))


def test_the_command_says_that_memory_has_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = sqlite_spec(tmp_path, SMALLEST)
    assert main(["report", str(spec), "-o", str(tmp_path / "out.html")]) == 1
    assert "in the memory of each process" in capsys.readouterr().err
    assert not (tmp_path / "out.html").exists()


def test_the_command_says_what_the_address_of_the_store_lacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LEDGER_URL", raising=False)
    spec = sqlite_spec(tmp_path, SMALLEST + 'state: "${env:LEDGER_URL}"\n')
    assert main(["report", str(spec)]) == 1
    assert "`LEDGER_URL` is not set" in capsys.readouterr().err


def test_a_router_gives_the_page_and_writes_it(tmp_path: Path) -> None:
    environment = Environment({"OPENAI_API_KEY": "sk-hidden", "GROQ_API_KEY": "sk-hidden"}, tmp_path)
    with Router.from_text(SMALLEST, environment=environment) as router:
        page = router.report(tmp_path / "out.html", since="7d")
    assert (tmp_path / "out.html").read_text(encoding="utf-8") == page
    assert "Nothing was asked yet" in page
    assert "The store is this process's memory" in text_of(page)
    assert "sk-hidden" not in page
