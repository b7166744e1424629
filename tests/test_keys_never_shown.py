"""Keys are planted everywhere that keys can come from; then everything that is written is searched for them."""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import keyring
import pytest

from llm_router import Environment, ProviderError, Router, SpecError
from llm_router.cli.main import main
from llm_router.engine.loading import Loaded, Origin, loaded
from llm_router.policy.binding import bind
from llm_router.testing import Emulator, serve
from tests.cli.test_key import InMemory

MARK = "PLANTED"
KEYS = {name: f"sk-{MARK}-{name}-0123456789abcdef" for name in ("env", "usual", "file", "kept", "a", "b", "header")}
WRITTEN = f"sk-{MARK}-written-0123456789abcdef"

SPEC = """\
version: 1
providers:
  one: {{kind: openai, base_url: "{url}/v1", api_key: "${{env:ENV_KEY}}"}}
  mistral: {{base_url: "{url}/mistral/v1"}}
  two: {{kind: anthropic, base_url: "{url}/anthropic", api_key: "${{file:key}}"}}
  three: {{kind: gemini, base_url: "{url}/v1beta", api_key: "${{keyring:work}}"}}
  four: {{kind: groq, base_url: "{url}/v1", api_keys: ["${{env:KEY_A}}", "${{env:KEY_B}}"]}}
  five:
    {{kind: openai, base_url: "{url}/v1", api_key: "${{env:ENV_KEY}}",
      settings: {{headers: {{x-team-key: "${{env:HEADER_KEY}}"}}}}}}
deployments:
  env: {{provider: one, model: gpt-4o}}
  usual: {{provider: mistral, model: mistral-small-latest}}
  file: {{provider: two, model: claude-sonnet-4-5}}
  kept: {{provider: three, model: gemini-2.5-flash}}
  many: {{provider: four, model: openai/gpt-oss-20b}}
  header: {{provider: five, model: gpt-4o}}
rules:
  - use: [env, usual, file, kept, many, header]
fallback:
  max_attempts: 20
  after: {{authentication: {{next: any}}, bad_request: {{next: any}}, not_found: {{next: any}}}}
tests:
  - {{request: {{text: hi}}, given: {{env: authentication}}, expect: {{deployment: usual}}}}
"""

VARIABLES = {
    "ENV_KEY": KEYS["env"],
    "MISTRAL_API_KEY": KEYS["usual"],
    "KEY_A": KEYS["a"],
    "KEY_B": KEYS["b"],
    "HEADER_KEY": KEYS["header"],
}


@pytest.fixture(autouse=True)
def _keychain() -> Iterator[None]:
    before, backend = keyring.get_keyring(), InMemory()
    backend.kept["llm-router", "work"] = KEYS["kept"]
    keyring.set_keyring(backend)
    yield
    keyring.set_keyring(before)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "key").write_text(KEYS["file"] + "\n")
    return tmp_path


def spec_at(folder: Path, url: str) -> Path:
    path = folder / "spec.yaml"
    path.write_text(SPEC.format(url=url))
    return path


def environment(folder: Path) -> Environment:
    return Environment(VARIABLES, folder)


def echoing(request: httpx.Request) -> httpx.Response:
    """A provider that tells in its errors what it was sent, in several ways."""
    sent = " ".join(f"{name}={value}" for name, value in request.headers.items())
    status = 401 if "anthropic" in request.url.path else 400 if "mistral" in request.url.path else 500
    body = {"error": {"message": f"Incorrect API key provided: {sent}", "type": sent, "code": f"no_{sent}"}}
    return httpx.Response(status, json=body, headers={"x-request-id": sent, "retry-after": "0"})


def moved(request: httpx.Request) -> httpx.Response:
    key = request.headers.get("authorization") or request.headers.get("x-api-key") or ""
    return httpx.Response(302, headers={"location": f"https://elsewhere.example/?key={key.removeprefix('Bearer ')}"})


def broken(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError(f"can't send {request.headers}")


def shown(value: object) -> Iterator[str]:
    """Every way in which a value is written without anybody asking for what is inside it."""
    yield repr(value)
    yield str(value)
    yield f"{value}"
    yield repr(getattr(value, "__dict__", {}))
    if isinstance(value, BaseException):
        yield "".join(traceback.format_exception(value))
        yield repr(value.args)
        yield json.dumps({name: repr(each) for name, each in vars(value).items()})


def search(*values: object) -> None:
    """Fail if a planted key, or most of one, is in any of these."""
    for value in values:
        text = value if isinstance(value, str) else "\n".join(shown(value))
        place = text.find(MARK)
        assert place < 0, f"{type(value).__name__}: …{text[max(0, place - 80) : place + 20]}"


def test_values_show_no_key(folder: Path) -> None:
    origin = Origin.of_path(spec_at(folder, "https://host.example"))
    found = loaded(origin, environment(folder))
    assert isinstance(found, Loaded)
    assert set(KEYS.values()) <= set(found.wiring.secrets)
    binding = bind(found.program, environment(folder))
    search(found, found.program, found.wiring, found.diagnostics, environment(folder), binding)
    for each in (
        *found.wiring.targets.values(),
        *binding.endpoints.values(),
        *found.program.deployments.values(),
        *found.program.providers.values(),
    ):
        search(each)
    with pytest.raises(TypeError, match="can't be pickled"):
        pickle.dumps(next(iter(binding.endpoints.values())).key)


KEPT = """\
ledger: {keep_prompts: true}
state: sqlite:kept.db
"""


def written(folder: Path) -> Iterator[str]:
    """Every file beside that of the key, as text."""
    yield from (each.read_bytes().decode("latin-1") for each in folder.iterdir() if each.name != "key")


@pytest.mark.parametrize("kept", ["", KEPT], ids=["nothing kept", "prompts kept"])
@pytest.mark.parametrize("answers", [echoing, moved, broken], ids=lambda each: each.__name__)
async def test_requests_that_fail_show_no_key(
    folder: Path, caplog: pytest.LogCaptureFixture, answers: Any, kept: str
) -> None:
    caplog.set_level(logging.DEBUG)
    events: list[object] = []
    client = httpx.Client(transport=httpx.MockTransport(answers))
    async_client = httpx.AsyncClient(transport=httpx.MockTransport(answers))
    path = spec_at(folder, "https://host.example")
    path.write_text(path.read_text() + kept)
    options: Any = {"environment": environment(folder), "observers": [events.append]}
    async with Router.from_file(path, http_client=client, async_http_client=async_client, **options) as router:
        for hints in ({}, *({"model": name} for name in router.program.members)):
            ask: Any
            for ask in (router.chat, lambda text, **said: list(router.stream(text, **said))):
                with pytest.raises(ProviderError) as caught:
                    await asyncio.to_thread(ask, "hello", **hints)
                search(caught.value, caught.value.__cause__, caught.value.__context__)
            with pytest.raises(ProviderError) as caught:
                await router.achat("hello", **hints)
            search(caught.value)
        explained = router.explain("hello")
        search(router, explained, explained.text(), json.dumps(explained.json()), caplog.text, *events)
        search(*await asyncio.to_thread(router.prove))
        search(*await asyncio.to_thread(router.models, live=True))
        assert MARK.encode() not in pickle.dumps(router)
    await asyncio.to_thread(client.close)
    await async_client.aclose()
    assert len(events) > 20
    search(*written(folder))


def test_the_emulators_log_shows_no_key(folder: Path) -> None:
    emulator = Emulator({"*": ["authentication", "ok"]})
    with serve(emulator) as url, Router.from_file(spec_at(folder, url), environment=environment(folder)) as router:
        answer = router.chat("hello")
        search(answer, *answer.attempts, *emulator.log, json.dumps([repr(entry) for entry in emulator.log]))
    assert len(emulator.log) > 2


def test_a_key_that_is_written_out_is_shown_by_nothing_but_the_file(folder: Path) -> None:
    text = f"version: 1\nproviders: {{openai: {{api_keys: [{WRITTEN}]}}}}\nrules: [{{use: openai:gpt-4o}}]\n"
    with Router.from_text(text, environment=Environment({})) as router:
        search(router, router.program, router.diagnostics, *router.program.providers.values())
        for value in (router, *router.program.providers["openai"].api_keys):
            with pytest.raises(TypeError, match="written out"):
                pickle.dumps(value)
    with pytest.raises(SpecError) as caught:
        Router.from_text(text + "ruls: []\n")
    search(caught.value)


COMMANDS = (
    ("check", "SPEC"),
    ("check", "--env", "SPEC"),
    ("check", "--live", "SPEC"),
    ("check", "--live", "--format", "json", "SPEC"),
    ("check", "--format", "sarif", "--env", "SPEC"),
    ("plan", "SPEC"),
    ("plan", "--format", "json", "SPEC"),
    ("explain", "hi", "-s", "SPEC", "--env"),
    ("explain", "hi", "-s", "SPEC", "--env", "--format", "json"),
    ("test", "SPEC"),
    ("ask", "hi", "-s", "SPEC"),
    ("ask", "hi", "-s", "SPEC", "--no-stream"),
    ("models", "mistral"),
    ("init", "new.yaml"),
    ("key", "list"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_commands_print_no_key(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr("os.environ", {**VARIABLES, "OPENAI_API_KEY": KEYS["env"]})
    with serve(Emulator(keys=[KEYS["usual"]])) as url:
        path = spec_at(folder, url)
        main([str(path) if word == "SPEC" else word for word in command])
    told = capsys.readouterr()
    search(told.out, told.err)
    assert told.out + told.err
    if (folder / "new.yaml").exists():
        search((folder / "new.yaml").read_text())


def test_a_command_line_prints_no_key_that_is_written_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "written.yaml"
    path.write_text(
        f"version: 1\nproviders:\n  openai: {{api_key: {WRITTEN}, nonsense: 1}}\n"
        f"  two: {{kind: groq, api_keys: [{WRITTEN}, {WRITTEN}2]}}\nrules: [{{use: openai:gpt-4o}}]\n"
    )
    for shape in ("text", "json", "sarif"):
        main(["check", "--format", shape, str(path)])
    told = capsys.readouterr()
    assert "nonsense" in told.out
    search(told.out, told.err)
