"""A cache in a store that processes share; its loss; and what the command line does with it."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest

from llm_router.cli.main import main
from llm_router.engine.events import Event, StoreFailed
from llm_router.state.cache import PREFIX, TRUSTED_S, Answers, Bounds
from llm_router.state.kept import from_bytes
from llm_router.state.sqlite import SqliteStore
from tests.cache.test_hits import TEXT, hits, spec
from tests.engine.world import spec_of
from tests.router.ways import emulated
from tests.state.doorway import Doorway
from tests.state.stores import NOW, SHARED, require, store_of, url_of

BOUNDS = Bounds(3600.0, 10)


@pytest.mark.parametrize("kind", SHARED)
def test_what_one_router_paid_for_another_has(kind: str, tmp_path: Path) -> None:
    with url_of(kind, tmp_path) as url, emulated(spec(state=url)) as (first, emulator):
        with type(first).from_text(first._loaded.text, environment=first._life.environment) as second:
            assert (hits(first, {}), hits(second, {})) == ([False], [True])
            assert second.chat(TEXT).response == first.chat(TEXT).response
        total = first.spend().total
    assert (len(emulator.log), total.requests, total.cached) == (1, 4, 3)


def test_no_text_of_a_request_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret, kept = "a-word-that-nobody-else-says", []
    put = SqliteStore.put

    def spy(self: SqliteStore, key: str, value: bytes, *, expires: float, now: float) -> None:
        kept.append((key, from_bytes(value)))
        put(self, key, value, expires=expires, now=now)

    monkeypatch.setattr(SqliteStore, "put", spy)
    with (
        url_of("sqlite", tmp_path) as url,
        emulated(spec(state=url, given={"a": {"say": "hello"}})) as (router, _),
    ):
        router.chat(secret, user=f"{secret}@home")
    assert len(kept) == 1
    assert secret not in f"{kept}"
    assert kept[0][0].startswith(PREFIX)
    assert kept[0][1] is not None
    assert kept[0][1].response.text == "hello"


def test_a_store_that_is_down_is_a_miss_and_told_once() -> None:
    require("redis")
    heard: list[Event] = []
    door = Doorway(6379)
    url = f"redis://127.0.0.1:{door.port}/0?prefix=test_{uuid.uuid4().hex}"
    door.open()
    with emulated(spec(state=url), observers=[heard.append]) as (router, emulator):
        assert hits(router, {}, {}) == [False, True]
        door.shut()
        assert hits(router, {}, text="another") == [False]
        assert hits(router, {}, text="and another") == [False]
        assert sum(isinstance(event, StoreFailed) for event in heard) == 1
        assert hits(router, {}, text="another") == [True]
    assert len(emulator.log) == 3


@pytest.mark.parametrize("kind", SHARED)
def test_a_purge_by_another_process_reaches_the_first_level_soon(kind: str, tmp_path: Path) -> None:
    with store_of(kind, tmp_path) as store:
        here, there = Answers(store), Answers(store)
        here.hold("all:x", b"value", BOUNDS, now=NOW)
        here.share("all:x", b"value", BOUNDS, now=NOW)
        assert there.get("all:x", BOUNDS, now=NOW + 1) == b"value"
        assert there.purge() == 1
        assert here.get("all:x", BOUNDS, now=NOW + TRUSTED_S - 1) == b"value"
        assert here.get("all:x", BOUNDS, now=NOW + TRUSTED_S) is None


def test_what_another_version_wrote_is_a_miss(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(SqliteStore, "get", lambda self, key, *, now: b"\x07 something else")
    with url_of("sqlite", tmp_path) as url, emulated(spec(state=url)) as (router, _):
        assert hits(router, {}) == [False]


def test_the_cases_of_a_spec_find_nothing_of_each_other(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    fails = {"a": "rate_limit"}
    cases = [
        {"name": "first", "request": {"text": "hello"}, "expect": {"deployment": "a"}},
        {"name": "second", "request": {"text": "hello"}, "given": fails, "expect": {"deployment": "b"}},
    ]
    path = tmp_path / "spec.yaml"
    path.write_text(json.dumps(spec_of(spec(tests=cases))))
    assert main(["test", str(path)]) == 0, capsys.readouterr()


def test_the_command_line_counts_and_drops(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    with url_of("sqlite", tmp_path) as url, emulated(spec(state=url)) as (router, _):
        path.write_text(router._loaded.text)
        hits(router, {}, {}, {"user": "ada"}, {"user": "ada"}, {"user": "ada"})
        router.record(deployment="a", cost="1 USD")  # made outside, past the cache
        assert main(["cache", "stats", str(path)]) == 0
        told = capsys.readouterr().out
        assert told.split()[1] == "5"
        assert "60.0 %" in told
        assert main(["cache", "stats", str(path), "--user", "ada"]) == 0
        assert "66.7 %" in capsys.readouterr().out
        assert main(["cache", "purge", str(path), "--user", "ada"]) == 0
        assert main(["cache", "purge", str(path)]) == 0
        assert capsys.readouterr().out == "1 answer was dropped\n1 answer was dropped\n"


@pytest.mark.parametrize(
    ("said", "error"),
    [("state: sqlite:x.db", "keeps no answers"), ("cache: {exact: {keep: 1h}}", "in the memory of each process")],
    ids=["no cache", "memory"],
)
def test_the_command_line_says_where_nothing_is_kept(
    said: str, error: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(f"version: 1\n{said}\nproviders: {{ollama: {{}}}}\nrules: [{{use: 'ollama:llama3.2'}}]\n")
    assert main(["cache", "purge", str(path)]) == 1
    assert error in capsys.readouterr().err
