"""Named keys in the keychain: kept, listed without their values, found by specs, removed."""

from __future__ import annotations

import getpass
import io
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import keyring
import keyring.backends.fail
import keyring.errors
import pytest
from keyring.backend import KeyringBackend
from typing_extensions import override

from llm_router.cli.main import main
from llm_router.spec.refs import Environment, MissingReference, Reference, resolve

Run = Callable[..., tuple[int, str, str]]


class InMemory(KeyringBackend):
    """A keychain for tests."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring leaves it untyped
        self.kept: dict[tuple[str, str], str] = {}

    @override
    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    @override
    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    @override
    def delete_password(self, service: str, username: str) -> None:
        if (service, username) not in self.kept:
            raise keyring.errors.PasswordDeleteError(username)
        del self.kept[service, username]


class Locked(InMemory):
    """A keychain that nobody opens; its error has a key in it."""

    @override
    def get_password(self, service: str, username: str) -> str | None:
        raise keyring.errors.KeyringLocked("sk-in-the-error")

    @override
    def set_password(self, service: str, username: str, password: str) -> None:
        raise keyring.errors.KeyringLocked(password)


@pytest.fixture
def kept() -> Iterator[InMemory]:
    before, backend = keyring.get_keyring(), InMemory()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def call(*arguments: str, typed: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        code = main(arguments)
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


def test_a_key_is_kept_listed_by_name_found_by_specs_and_removed(kept: InMemory, run: Run) -> None:
    for name, key in (("work", "sk-planted-work"), ("personal", "sk-planted-home")):
        code, out, err = run("key", "set", name, "--stdin", typed=key + "\n")
        assert (code, err) == (0, "")
        assert "sk-planted" not in out
    assert run("key", "list") == (0, "personal\nwork\n", "")
    assert resolve(Reference("${keyring:work}"), Environment({})) == "sk-planted-work"
    assert run("key", "remove", "work") == (0, "removed `work`\n", "")
    assert run("key", "list") == (0, "personal\n", "")
    with pytest.raises(MissingReference, match="the keychain has no `work` of `llm-router`") as caught:
        resolve(Reference("${keyring:work}"), Environment({}))
    assert caught.value.help == "run `llm-router key set work`"


def test_a_key_is_asked_for_without_showing_it(kept: InMemory, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getpass", lambda prompt: "sk-planted")
    code, out, err = run("key", "set", "work")
    assert code == 0
    assert "sk-planted" not in out + err
    assert kept.kept["llm-router", "work"] == "sk-planted"


def test_without_a_terminal_it_isnt_asked_for(kept: InMemory, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def seen(prompt: str) -> str:
        warnings.warn("Can not control echo on the terminal.", getpass.GetPassWarning, stacklevel=1)
        return "sk-planted"

    monkeypatch.setattr("getpass.getpass", seen)
    code, out, err = run("key", "set", "work", typed="sk-planted\n")
    assert (code, out, kept.kept) == (2, "", {})
    assert "pass it to --stdin" in err
    assert "sk-" not in err


def test_where_there_is_no_keychain_no_key_is_asked_for(kept: InMemory, run: Run) -> None:
    keyring.set_keyring(keyring.backends.fail.Keyring())  # type: ignore[no-untyped-call]
    for arguments in (("list",), ("set", "work"), ("set", "work", "--stdin"), ("remove", "work")):
        code, _, err = run("key", *arguments, typed="sk-planted\n")
        assert code == 1
        assert "there is no keychain on this machine: use `${env:NAME}`" in err


def test_another_services_entry_is_read_by_its_service(kept: InMemory) -> None:
    kept.kept["corp", "llm/eu"] = "sk-corp"
    assert resolve(Reference("${keyring:corp/llm/eu}"), Environment({})) == "sk-corp"
    with pytest.raises(MissingReference) as caught:
        resolve(Reference("${keyring:corp/none}"), Environment({}))
    assert caught.value.help == "run `keyring set corp none`"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("set", "a b", "--stdin"), 2, "can't be a name"),
        (("set", "work", "--stdin"), 1, "no key was given"),
        (("remove", "work"), 1, "there is no key `work`"),
    ],
)
def test_what_cant_be_done_is_said(kept: InMemory, run: Run, arguments: tuple[str, ...], code: int, told: str) -> None:
    got, _, err = run("key", *arguments)
    assert got == code
    assert told in err


def test_a_keychain_that_cant_be_used_is_said_without_its_own_words(kept: InMemory, run: Run) -> None:
    keyring.set_keyring(Locked())
    for arguments in (("key", "list"), ("key", "set", "work", "--stdin")):
        code, out, err = run(*arguments, typed="sk-planted\n")
        assert code == 1
        assert "the keychain can't be used here (KeyringLocked): unlock it" in err
        assert "sk-" not in out + err


def test_without_the_package_the_extra_is_named(
    kept: InMemory, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    code, _, err = run("key", "list")
    assert code == 1
    assert 'pip install "llm-router-core[keyring]"' in err
    spec = tmp_path / "spec.yaml"
    spec.write_text('version: 1\nproviders: {openai: {api_key: "${keyring:work}"}}\nrules: [{use: openai:gpt-4o}]\n')
    code, out, _ = run("check", "--env", str(spec))
    assert code == 1
    assert "llm-router-core[keyring]" in out
