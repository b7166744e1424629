"""`kind: custom:NAME`: a spec compiles and is tested anywhere, and is served where the codec is registered."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
import yaml

from llm_router import Environment, Router
from llm_router.codecs import register_codec
from llm_router.diagnostics import SpecError
from llm_router.errors import NoCandidate
from llm_router.messages import ChatRequest, Settings, TextDelta, user
from llm_router.policy.binding import Binding, bind
from llm_router.policy.compile import compile_spec
from llm_router.spec.read import read
from llm_router.spec.schema import json_schema
from llm_router.testing import emulated_providers, run_cases
from tests.codecs.acme import Acme

SPEC = """
version: 1
providers:
  acme: {kind: "custom:NAME"}
deployments:
  rocket: {provider: acme, model: rocket-2, price: free, context: 32k, supports: []}
rules:
  - use: [rocket, "openai:gpt-4o-mini"]
tests:
  - name: openai when acme is down
    request: {text: hello}
    given: {rocket: unavailable}
    expect: {attempts: [rocket, rocket, "openai:gpt-4o-mini"]}
  - name: acme first
    request: {text: hello}
    expect: {deployment: rocket}
"""
KEYS = {"ACME_API_KEY": "acme-secret-key", "OPENAI_API_KEY": "sk-other"}


@pytest.fixture(autouse=True)
def registered() -> None:
    """Acme, as its module registers it; other names are each test's own."""
    register_codec(
        "acme", Acme(), base_url="https://api.acme.example", key_variables=("ACME_API_KEY",), auth="Acme-Key"
    )


def spec(name: str = "acme") -> str:
    return SPEC.replace("NAME", name)


def bound(name: str, variables: dict[str, str] = KEYS) -> Binding:
    reading = read(spec(name), "spec.yaml")
    program, found = compile_spec(reading)
    assert program is not None, found
    return bind(program, Environment(variables), reading.source)


def test_it_compiles_and_fits_the_schema_where_nobody_has_registered_it() -> None:
    program, found = compile_spec(read(spec("unheard-of"), "spec.yaml"))
    assert program is not None
    assert found == ()
    jsonschema.validate(yaml.safe_load(spec("unheard-of")), json_schema())


@pytest.mark.parametrize("name", ["", "Acme", "ac me", "-acme"])
def test_a_name_that_is_none_is_told(name: str) -> None:
    program, found = compile_spec(read(spec(name), "spec.yaml"))
    assert program is None
    assert "names no codec" in found[0].message
    assert "write `custom:` and a codec's name" in found[0].help


def test_its_policy_is_tested_where_nobody_has_registered_it() -> None:
    reading = read(spec("unheard-of"), "spec.yaml")
    program, _ = compile_spec(reading)
    assert program is not None
    assert [result.differences for result in run_cases(program, reading)] == [(), ()]


def test_it_is_emulated_like_the_others() -> None:
    with (
        emulated_providers({"rocket-2": {"say": "hello"}}) as providers,
        providers.router(spec("unheard-of")) as router,
    ):
        assert router.chat("Hi").text == "hello"


def test_without_its_codec_its_deployments_cant_be_asked_and_the_others_can() -> None:
    binding = bound("unheard-of")
    assert dict(binding.unbound) == {"rocket": "no codec is registered as `unheard-of`"}
    (told,) = binding.diagnostics
    assert (told.code, told.severity, told.span.line) == ("LR524", "warning", 4)
    assert told.message == "no codec is registered as `unheard-of`, so `rocket` can't be asked"
    assert 'call `register_codec("unheard-of", …)` before the router is made' in told.help


@pytest.mark.parametrize(
    ("variables", "missing"),
    [(KEYS, None), ({"OPENAI_API_KEY": "sk"}, "`ACME_API_KEY` is not set")],
    ids=["with its key", "without"],
)
def test_the_facts_of_its_registration_hold_where_the_spec_says_nothing(
    variables: dict[str, str], missing: str | None
) -> None:
    binding = bound("acme", variables)
    assert binding.unbound.get("rocket") == missing
    if missing is None:
        assert binding.endpoints["rocket"].base_url == "https://api.acme.example"


def test_an_address_that_nobody_says_is_told() -> None:
    register_codec("bare", Acme())
    assert dict(bound("bare").unbound) == {"rocket": "its address isn't known"}


def at_acme(asked: list[httpx.Request]) -> httpx.MockTransport:
    """Acme, as its page describes it."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        body: dict[str, Any] = json.loads(request.content)
        said = body["turns"][-1]["says"]
        if said == "too much":
            return httpx.Response(429, json={"oops": {"code": "too_fast", "text": "Slow down."}})
        end = {"why": "done", "spent": {"in": 3, "out": 2}}
        if body["stream"]:
            lines = [{"engine": "rocket-2"}, {"says": "Hello "}, {"says": said}, end]
            return httpx.Response(200, content="".join(f"{json.dumps(line)}\n" for line in lines).encode())
        return httpx.Response(200, json={"engine": "rocket-2", "says": f"Hello {said}", **end})

    return httpx.MockTransport(answer)


def router(asked: list[httpx.Request]) -> Router:
    alone = spec().replace(', "openai:gpt-4o-mini"]', "]")
    alone = alone[: alone.index("tests:")]
    clients = {
        "http_client": httpx.Client(transport=at_acme(asked)),
        "async_http_client": httpx.AsyncClient(transport=at_acme(asked)),
    }
    return Router.from_text(alone, environment=Environment(KEYS), **clients)  # type: ignore[arg-type]  # two clients


async def test_it_is_asked_in_all_four_ways() -> None:
    asked: list[httpx.Request] = []
    with router(asked) as made:
        assert made.chat("you").text == "Hello you"
        assert (await made.achat("you")).text == "Hello you"
        with made.stream("you") as stream:
            assert [event.text for event in stream if isinstance(event, TextDelta)] == ["Hello ", "you"]
        async with made.astream("you") as running:
            assert [event.text async for event in running if isinstance(event, TextDelta)] == ["Hello ", "you"]
    assert {str(each.url) for each in asked} == {"https://api.acme.example/v2/complete"}
    assert {each.headers["acme-key"] for each in asked} == {"acme-secret-key"}


def test_its_failures_are_the_routers_own_and_show_no_key() -> None:
    with router([]) as made, pytest.raises(Exception, match="Slow down") as caught:
        made.chat("too much")
    assert type(caught.value).__name__ == "RateLimited"
    assert "acme-secret-key" not in f"{caught.value!r} {caught.value}"


def test_a_live_check_cant_tell_of_its_models() -> None:
    with router([]) as made:
        (finding,) = made.prove()
    assert (finding.key, finding.inquiry.keyless) == ("unknown", False)
    assert finding.reason == "the provider has no list of models"


def test_what_it_cant_say_is_refused_by_name() -> None:
    with router([]) as made, pytest.raises(NoCandidate, match="settings other than temperature"):
        made.chat(ChatRequest((user("Hi"),), settings=Settings(seed=3)))


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages with one that names two modules as codecs, of which one is broken."""
    facts = tmp_path / "acme_codec-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-codec\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[llm_router.codecs]\nfound = acme_found\nbroken = acme_broken\n")
    (tmp_path / "acme_found.py").write_text(
        "from llm_router.codecs import register_codec\nfrom tests.codecs.acme import Acme\n"
        "register_codec('found', Acme(), base_url='https://found.example')\n"
    )
    (tmp_path / "acme_broken.py").write_text("raise RuntimeError('not today')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("acme_found", "acme_broken"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def test_an_installed_package_registers_it_when_it_is_needed(installed: Path) -> None:
    assert bound("found").endpoints["rocket"].base_url == "https://found.example"


def test_an_installed_package_that_is_broken_is_told(installed: Path) -> None:
    (told,) = bound("broken").diagnostics
    assert told.message.startswith("the entry point `broken` of the group `llm_router.codecs` can't be imported (Runt")
    assert "acme_broken" in told.help


@pytest.mark.parametrize(
    ("name", "codec", "variables", "error", "told"),
    [
        ("Acme", Acme(), (), ValueError, "lower case"),
        ("acme", object(), (), TypeError, "object is no codec: it lacks `history`, `encode`"),
        ("acme", Acme(), "ACME_API_KEY", TypeError, "is a list of names"),
    ],
)
def test_what_cant_be_registered_is_told(
    name: str, codec: Any, variables: Any, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        register_codec(name, codec, key_variables=variables)


def test_a_router_whose_only_deployment_has_no_codec_isnt_made() -> None:
    alone = spec("unheard-of").replace(', "openai:gpt-4o-mini"]', "]")
    with pytest.raises(SpecError, match="no codec is registered as `unheard-of`"):
        Router.from_text(alone[: alone.index("tests:")], environment=Environment({}))


def test_a_kind_that_is_none_is_told_of_codecs_of_ones_own() -> None:
    program, found = compile_spec(read(spec().replace("custom:acme", "acme"), "spec.yaml"))
    assert program is None
    assert found[0].help.endswith("`ollama`, or `custom:` and a codec of your own")
