"""The front door: loading, hints, reloading, closing, and what a router shows of itself."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from llm_router import (
    ChatRequest,
    Environment,
    NoCandidate,
    Refused,
    RequestError,
    Router,
    RouterClosed,
    SpecError,
    bind_context,
    load,
    merge_hints,
    routing,
    user,
)
from llm_router.engine.events import (
    AttemptFinished,
    AttemptStarted,
    DecisionMade,
    Event,
    FellBack,
    HealthChanged,
    RequestDone,
)
from llm_router.messages import Settings
from llm_router.testing import Emulator, serve
from tests.engine.world import KEY, spec_of
from tests.router.ways import connections, emulated

TASKS = {
    "tasks": ["code", "chat"],
    "metadata": {"team": "text"},
    "rules": [
        {"name": "no", "when": {"tags": "forbidden"}, "refuse": "not here"},
        {"name": "code", "when": {"task": "code"}, "use": "b"},
        {"name": "team", "when": {"metadata.team": "search"}, "use": "c"},
        {"name": "cheap", "when": {"cost": "low"}, "use": ["c", "a"]},
        {"name": "otherwise", "use": "a"},
    ],
}


def test_an_answer_tells_how_it_came_about() -> None:
    with emulated({"spec": TASKS, "given": {"c": "rate_limit"}}) as (router, _):
        answer = router.chat("hello", cost="low")
    told = answer.routing()
    assert (told["rule"], told["deployment"], told["provider"], told["model"]) == ("cheap", "a", "at-a", "a")
    attempts = told["attempts"]
    assert isinstance(attempts, list)
    assert [(each["deployment"], each["failure"]) for each in attempts] == [("c", "rate_limit"), ("a", None)]
    assert json.loads(json.dumps(told)) == told
    assert (answer.rule, answer.finish_reason, answer.decision.program_hash) == (
        "cheap",
        "stop",
        router.program.program_hash,
    )


def test_hints_are_heard_call_first_then_context_then_constructor() -> None:
    with emulated({"spec": TASKS}, hints={"task": "chat", "cost": "low"}) as (router, _):
        assert router.chat("hello").deployment == "c"
        with routing(task="code"):
            assert router.chat("hello").deployment == "b"
            assert router.chat("hello", task="chat").deployment == "c"
            with routing(budget="high", task="chat"):
                assert router.chat("hello").deployment == "a"
            assert router.chat("hello").deployment == "b"
        assert router.chat("hello").deployment == "c"


def test_hints_are_taken_when_a_method_is_called() -> None:
    async def main() -> None:
        with routing(task="code"):
            stream = router.astream("hello")
        assert stream.decision.rule == "code"
        async with stream:
            assert [event async for event in stream]

    with emulated({"spec": TASKS}) as (router, _):
        with routing(task="code"):
            stream = router.stream("hello")
        assert stream.decision.rule == "code"
        assert list(stream)
        assert stream.answer.deployment == "b"
        asyncio.run(main())


def test_hints_reach_tasks_and_bound_functions_but_no_raw_threads() -> None:
    async def ask() -> str:
        return (await router.achat("hello")).deployment

    async def main() -> list[str]:
        with routing(task="code"):
            later = bind_context(ask)
            inside = await asyncio.gather(asyncio.create_task(ask()), asyncio.to_thread(plain))
        return [*inside, await ask(), await later()]

    def plain() -> str:
        return router.chat("hello").deployment

    with emulated({"spec": TASKS}) as (router, _), ThreadPoolExecutor(1) as pool:
        assert asyncio.run(main()) == ["b", "b", "a", "b"]
        with routing(task="code"):
            assert pool.submit(plain).result() == "a"
            assert pool.submit(bind_context(plain)).result() == "b"


def test_a_bound_function_can_be_sent_to_a_process() -> None:
    with routing(task="code"):
        bound = pickle.loads(pickle.dumps(bind_context(merge_hints)))
    assert bound({"task": "chat"}) == {"task": "chat"}


def test_metadata_merges_key_by_key() -> None:
    merged = merge_hints(
        {"metadata": {"team": "search"}}, None, {"metadata": {"team": "x", "pii": True}, "budget": "low"}
    )
    assert merged == {"metadata": {"team": "search", "pii": True}, "cost": "low"}


@pytest.mark.parametrize(
    ("hints", "said"),
    [
        ({"tsak": "code"}, "did you mean `task`"),
        ({"task": "cdoe"}, "did you mean `code`"),
        ({"max_retries": 3}, "fallback"),
        ({"model": "gpt-4"}, "gpt-4"),
    ],
)
def test_a_wrong_hint_is_an_error_of_the_call(hints: dict[str, object], said: str) -> None:
    with emulated({"spec": TASKS}) as (router, emulator):
        for method in (router.chat, router.stream, router.astream, router.explain):
            with pytest.raises(RequestError, match=said):
                method("hello", **hints)
        with pytest.raises(RequestError, match=said):
            asyncio.run(router.achat("hello", **hints))
    assert emulator.log == ()


@pytest.mark.parametrize("conversation", [[], {"role": "user"}, [{"role": "user", "content": "hello"}]])
def test_a_conversation_is_made_of_messages(conversation: object) -> None:
    with emulated({}) as (router, _), pytest.raises(RequestError):
        router.chat(conversation)  # type: ignore[arg-type]  # a mistake that people make


def test_messages_and_requests_are_conversations() -> None:
    with emulated({}) as (router, _):
        for conversation in ("hello", user("hello"), [user("hello")], ChatRequest.of("hello")):
            assert "hello" in router.chat(conversation).text


def test_refusals_and_lack_of_candidates_are_raised_at_once() -> None:
    with emulated({"spec": TASKS}) as (router, emulator):
        with pytest.raises(Refused, match="not here"):
            router.stream("hello", tags=["forbidden"])
        with pytest.raises(NoCandidate) as caught:
            router.chat("hello", provider="at-c", task="code")
        assert set(caught.value.reasons) == {"b"}
    assert emulator.log == ()


def test_explaining_sends_nothing() -> None:
    with emulated({"spec": TASKS}) as (router, emulator):
        explanation = router.explain("hello", task="code")
    assert explanation.decision.rule == "code"
    assert emulator.log == ()


def test_a_wrong_spec_is_raised_with_all_diagnostics(tmp_path: Path) -> None:
    file = tmp_path / "router.yaml"
    file.write_text("version: 1\nruels: []\nrules:\n  - use: [openai:gpt-4o, groqq:x]\n")
    with pytest.raises(SpecError) as caught:
        Router.from_file(file)
    assert len(caught.value.diagnostics) >= 1
    program, diagnostics = load(file)
    assert program is None
    assert {each.code for each in diagnostics if each.severity == "error"}
    assert load(tmp_path / "missing.yaml")[1][0].code == "LR100"


def test_loading_gives_the_same_program_without_an_environment(tmp_path: Path) -> None:
    file = tmp_path / "router.yaml"
    file.write_text("version: 1\nrules:\n  - use: [openai:gpt-4o-mini]\n")
    program, _ = load(file)
    assert program is not None
    router = Router.from_file(file, environment=Environment({"OPENAI_API_KEY": KEY}))
    assert router.program.program_hash == program.program_hash


def test_a_reload_takes_the_new_spec_and_keeps_the_last_good_one(tmp_path: Path) -> None:
    file = tmp_path / "router.yaml"
    with serve(Emulator()) as address:
        file.write_text(json.dumps(spec_of({"use": ["a"]}, address)))
        with Router.from_file(file, environment=Environment()) as router:
            under_way = router.stream("hello")
            file.write_text(json.dumps(spec_of({"use": ["b"]}, address)))
            assert not [each for each in router.reload() if each.severity == "error"]
            assert router.chat("hello").deployment == "b"
            file.write_text("rules: nonsense")
            assert [each for each in router.reload() if each.severity == "error"]
            assert router.reload(tmp_path / "missing.yaml")[0].code == "LR100"
            assert router.chat("hello").deployment == "b"
            assert list(under_way)
            assert under_way.answer.deployment == "a"


def test_health_survives_a_reload() -> None:
    spec = {"health": {"failures": 1}, "fallback": {"after": {"unavailable": {"retry": 0}}}}
    with emulated({"given": {"a": "unavailable"}, "spec": spec}) as (router, emulator):
        assert router.chat("hello").deployment == "b"
        router.reload()
        assert router.chat("hello").deployment == "b"
    assert [entry.model for entry in emulator.log] == ["a", "b", "b"]


def test_observers_hear_the_life_of_a_request_without_its_prompt() -> None:
    heard: list[Event] = []

    def broken(event: Event) -> None:
        raise ValueError("an observer's own fault")

    spec = {"health": {"failures": 1}, "fallback": {"after": {"unavailable": {"retry": 0}}}}
    case = {"given": {"a": "unavailable"}, "spec": spec}
    with emulated(case, observers=[broken, heard.append]) as (router, _):
        router.chat("a prompt that nobody shall see")
    failed = [AttemptStarted, HealthChanged, AttemptFinished]
    kinds = [DecisionMade, *failed, FellBack, AttemptStarted, AttemptFinished, RequestDone]
    assert [type(event) for event in heard] == kinds
    assert isinstance(heard[-1], RequestDone)
    assert (heard[-1].outcome, heard[-1].deployment, heard[-1].attempts) == ("answered", "b", 2)
    assert "nobody shall see" not in repr(heard)
    assert KEY not in repr(heard)


def test_debug_lines_hold_no_prompt_and_no_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "llm_router")
    with emulated({"given": {"a": "rate_limit"}}) as (router, _):
        router.chat("a prompt that nobody shall see")
        assert KEY not in repr(router) + repr(vars(router))
    assert "attempt 2 at b: ok" in caplog.text
    assert "nobody shall see" not in caplog.text
    assert KEY not in caplog.text


def test_a_closed_router_says_so() -> None:
    with emulated({}) as (router, _):
        router.close()
        router.close()
        for method in (router.chat, router.stream, router.astream):
            with pytest.raises(RouterClosed):
                method("hello")


def test_pickling_carries_the_spec_and_no_live_state() -> None:
    case = {"given": {"a": "rate_limit"}, "key": "${env:WORLD_KEY:-k}"}
    with emulated(case, hints={"cost": "low"}) as (router, _):
        router.chat("hello")
        with pickle.loads(pickle.dumps(router)) as copy:
            assert copy.program.program_hash == router.program.program_hash
            assert copy._hints == {"cost": "low"}
            assert copy._runtime.book.observe(0.0, 0.0).limited == {}


def test_a_pickled_router_needs_no_file(tmp_path: Path) -> None:
    file = tmp_path / "router.yaml"
    file.write_text(json.dumps(spec_of({"key": "${env:WORLD_KEY:-k}"})))
    with Router.from_file(file) as router:
        pickled = pickle.dumps(router)
    file.unlink()
    with pickle.loads(pickled) as copy:
        assert copy.reload()[0].code == "LR100"
        assert copy.program.program_hash == router.program.program_hash


def test_what_no_dialect_can_say_is_no_candidate() -> None:
    request = ChatRequest((user("hello"),), settings=Settings(extra={"model": "another"}))
    with emulated({"names": ["a"]}) as (router, emulator), pytest.raises(NoCandidate, match=r"extra\.model"):
        router.chat(request)
    assert emulator.log == ()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_makes_connections_of_its_own() -> None:
    with emulated({}) as (router, _):
        stream = router.stream("hello")
        next(stream)
        router.chat("leave a connection in the pool")
        child = os.fork()
        if child == 0:
            with connections() as made:
                answered = router.chat("from the child").deployment
            os._exit(0 if (answered, len(made)) == ("a", 1) else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert list(stream)
        assert stream.answer.deployment == "a"
        assert router.chat("from the parent").deployment == "a"


def test_threads_and_tasks_share_a_router_while_it_reloads() -> None:
    stop = threading.Event()

    def reload() -> None:
        while not stop.is_set():
            router.reload()

    def in_loop() -> set[str]:
        async def main() -> set[str]:
            answers = await asyncio.gather(*(router.achat(f"{number}?") for number in range(20)))
            return {f"{number}" for number, answer in enumerate(answers) if f"{number}?" in answer.text}

        return asyncio.run(main())

    with emulated({"given": {"a": ["ok", "rate_limit", "ok"]}}) as (router, _), ThreadPoolExecutor(6) as pool:
        reloading = pool.submit(reload)
        loops = [pool.submit(in_loop) for _ in range(2)]
        calls = list(pool.map(lambda number: router.chat(f"{number}!").text, range(40)))
        stop.set()
        reloading.result()
        assert all(len(loop.result()) == 20 for loop in loops)
    assert all(f"{number}!" in text for number, text in enumerate(calls))


def test_routers_share_nothing() -> None:
    spec = {"health": {"failures": 1}, "fallback": {"after": {"unavailable": {"retry": 0}}}}
    with emulated({"given": {"a": "unavailable"}, "spec": spec}) as (router, emulator):
        router.chat("hello")
        with Router(router._loaded.origin, environment=Environment()) as other:
            other.chat("hello")
    assert [entry.model for entry in emulator.log] == ["a", "b", "a", "b"]


def test_injected_clients_are_used_and_left_open() -> None:
    async def main(address: str) -> None:
        async with httpx.AsyncClient(headers={"x-mine": "1"}) as client:
            router = Router.from_spec(spec_of({}, address), async_http_client=client)
            assert (await router.achat("hello")).deployment == "b"
            async with router.astream("hello") as stream:
                assert [event async for event in stream]
            await router.aclose()
            assert not client.is_closed

    emulator = Emulator({"a": {"fault": "rate_limit", "retry_after_s": 0}})
    with serve(emulator) as address:
        with httpx.Client(headers={"x-mine": "1"}) as client:
            router = Router.from_spec(spec_of({}, address), http_client=client)
            assert router.chat("hello").deployment == "b"
            assert list(router.stream("hello"))
            router.close()
            assert not client.is_closed
        asyncio.run(main(address))
    assert {entry.headers.get("x-mine") for entry in emulator.log} == {"1"}


def test_injected_clients_keep_limits_of_time() -> None:
    facts = {"a": {"timeouts": {"first_token": "300ms", "total": "300ms"}}}
    emulator = Emulator({"a": "silence"})
    with serve(emulator) as address, httpx.Client() as client:
        router = Router.from_spec(spec_of({"facts": facts}, address), http_client=client)
        assert router.chat("hello").deployment == "b"
        with router.stream("hello", timeout=60) as stream:
            assert list(stream)
        assert stream.answer.deployment == "b"


def test_every_public_name_is_there() -> None:
    import llm_router

    assert all(getattr(llm_router, name) is not None for name in llm_router.__all__)
    assert set(llm_router.__all__) <= set(dir(llm_router))
    with pytest.raises(AttributeError, match="Ruoter"):
        _ = llm_router.Ruoter
