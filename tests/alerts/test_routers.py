"""A spec's alerts, from a request to whom it tells: over every store, at a reload, at the end of a program."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from llm_router import Environment, Router
from llm_router.engine.events import BudgetWarning, Event, HealthChanged
from llm_router.errors import ProviderError
from llm_router.messages import ChatRequest, Usage
from llm_router.testing import Emulator, Say, serve
from tests.alerts.places import MailServer, Receiver, mail_server, receiver
from tests.engine.world import KEY, spec_of
from tests.router.ways import WAYS

SECRET = "planted-secret"
PROMPT = "a planted prompt"
ANSWER = Say("a planted answer", usage=Usage(input=5, output=9))
FACTS = {"price": {"input": 0, "output": 1000}, "max_output": 10}
QUICK = {"failures": 1, "cooldown": "1ms"}
PATIENT = {"failures": 1, "cooldown": "10m"}
EVENTS = ["budget_warning", "budget_spent", "deployment_down", "deployment_up", "authentication_failed"]
ONCE = {"after": {"unavailable": {"retry": 0}}}


@contextmanager
def alerting(
    here: Receiver, script: Mapping[str, Any], spec: Mapping[str, Any], observers: Any = ()
) -> Iterator[Router]:
    """A router that tells everything by a webhook."""
    with serve(Emulator(script)) as url, at(url, here, script, spec, observers=observers) as router:
        yield router


def at(url: str, here: Receiver, script: Mapping[str, Any], spec: Mapping[str, Any], *, observers: Any = ()) -> Router:
    """The same before an emulator that runs."""
    alert = {"events": EVENTS, "webhook": "${env:HOOK}", "secret": "${env:SECRET}"}
    facts = dict.fromkeys(script, FACTS)
    case = {"names": sorted(script), "facts": facts, "spec": {"alerts": [alert], "fallback": ONCE, **spec}}
    environment = Environment({"HOOK": f"{here.url}/planted-token", "SECRET": SECRET})
    return Router.from_spec(spec_of(case, url), environment=environment, observers=observers)


def budget(**more: Any) -> dict[str, Any]:
    return {"budgets": [{"name": "b", "amount": "0.1 USD", "every": "day", **more}]}


@pytest.mark.parametrize("way", WAYS)
def test_every_event_of_a_spec_is_told_and_nothing_planted(way: str, caplog: pytest.LogCaptureFixture) -> None:
    spec = {**budget(warn_at="5%"), "health": PATIENT}
    script = {"a": ANSWER, "b": "authentication", "c": "unavailable"}
    heard: list[Event] = []
    spec["rules"] = [{"use": ["c", "b", "a"]}]
    with caplog.at_level(logging.DEBUG), receiver() as here, alerting(here, script, spec, [heard.append]) as router:
        for _ in range(12):
            WAYS[way](router, ChatRequest.of(PROMPT), {})
        router.close()
    assert sorted(set(here.events)) == sorted({*EVENTS} - {"deployment_up"})
    assert len(here.events) == 5  # two are down, and each else once
    told = "".join(each.body.decode() for each in here.got) + caplog.text + repr(heard)
    assert not [word for word in (SECRET, KEY, PROMPT, "planted-token", "planted answer") if word in told]


def test_that_a_deployment_is_back_is_told() -> None:
    script = {"a": ["unavailable", ANSWER]}
    with receiver() as here, alerting(here, script, {"health": QUICK}) as router:
        with pytest.raises(ProviderError):
            router.chat("hello")
        router.chat("hello")
        router.chat("hello")
        router.close()
    assert here.events == ["deployment_down", "deployment_up"]


def test_one_that_goes_up_and_down_makes_two_alerts() -> None:
    script = {"a": ["unavailable", "ok"] * 20}
    with receiver() as here, alerting(here, script, {"health": QUICK}) as router:
        for _ in range(40):
            with contextlib.suppress(ProviderError):
                router.chat("hello")
        router.close()
    assert here.events == ["deployment_down", "deployment_up"]


def test_two_routers_on_one_file_tell_once(tmp_path: Path) -> None:
    spec = {**budget(warn_at="10%"), "health": PATIENT, "state": f"sqlite:{tmp_path / 'state.db'}"}
    script: dict[str, Any] = {"a": ANSWER, "b": "unavailable"}
    spec["rules"] = [{"use": ["b", "a"]}]
    with receiver() as here, serve(Emulator(script)) as url:
        both = [at(url, here, script, spec) for _ in range(2)]
        for router in both * 3:
            router.chat("hello")
        for router in both:
            router.close()
    assert sorted(here.events) == ["budget_warning", "deployment_down"]


def test_a_request_does_not_wait_for_a_webhook() -> None:
    with receiver(held=True) as here, alerting(here, {"a": ANSWER}, budget(warn_at="5%")) as router:
        assert router.chat("hello").deployment == "a"
        assert here.arrived.acquire(timeout=60)
        assert router.chat("hello").deployment == "a"  # the webhook hasn't answered yet
        here.open.set()
    assert here.events == ["budget_warning"]


def test_a_reload_changes_who_is_told(tmp_path: Path) -> None:
    with receiver() as here, serve(Emulator({"a": ANSWER})) as url:
        file = tmp_path / "router.yaml"

        def write(alerts: str) -> None:
            file.write_text(
                f"{{version: 1, providers: {{p: {{kind: openai-compatible, base_url: '{url}/a/v1', api_key: k}}}},"
                " deployments: {a: {provider: p, model: a, price: {input: 0, output: 1000}, max_output: 10}},"
                " budgets: [{name: b, amount: 0.1 USD, every: day, warn_at: 5%}], rules: [{use: a}]"
                f"{alerts}}}"
            )

        write("")
        with Router.from_file(file) as router:
            router.chat("hello")
            write(f", alerts: [{{events: [budget_spent], webhook: '{here.url}'}}]")
            router.reload()
            for _ in range(10):
                router.chat("hello")
            with pytest.raises(Exception, match="budget"):
                router.chat("hello")
    assert here.events == ["budget_spent"]


def test_an_alert_in_the_log_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    spec = {**budget(warn_at="5%"), "alerts": [{"events": ["budget_warning"], "log": True}]}
    case = {"names": ["a"], "facts": {"a": FACTS}, "spec": spec}
    with serve(Emulator({"a": ANSWER})) as url, Router.from_spec(spec_of(case, url)) as router:
        router.chat("hello")
    (record,) = [record for record in caplog.records if record.name == "llm_router.alerts"]
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("budget `b`: 9% of 0.1 USD is spent; the window ends at ")


def test_an_alert_by_mail(caplog: pytest.LogCaptureFixture) -> None:
    with serve(Emulator({"a": ANSWER})) as url, mail_server(MailServer()) as server:
        email = {"to": "ops@example.com", "smtp": f"smtp://127.0.0.1:{server.port}"}
        spec = {**budget(warn_at="5%"), "alerts": [{"events": ["budget_warning"], "email": email}]}
        case = {"names": ["a"], "facts": {"a": FACTS}, "spec": spec}
        with Router.from_spec(spec_of(case, url)) as router:
            router.chat("hello")
    (got,) = server.messages
    assert got["subject"].startswith("llm-router: budget `b`: 9% of 0.1 USD is spent")


def test_an_observer_is_the_callable_that_is_alerted() -> None:
    """It hears all events, alerts or not, and picks those that it is for."""
    paged: list[str] = []

    def page(event: Event) -> None:
        match event:
            case BudgetWarning(budget=name, spent=spent, amount=amount):
                paged.append(f"{name} {spent / amount:.0%}")
            case HealthChanged(deployment=name, change=change) if change.after == "cooling":
                paged.append(name)

    case: dict[str, Any] = {
        "names": ["a", "b"],
        "use": ["b", "a"],
        "facts": {"a": FACTS, "b": FACTS},
        "given": {"a": ANSWER, "b": "unavailable"},
        "spec": {**budget(warn_at="5%"), "health": PATIENT, "fallback": ONCE},
    }
    with serve(Emulator(case["given"])) as url, Router.from_spec(spec_of(case, url), observers=[page]) as router:
        router.chat("hello")
    assert paged == ["b", "b 9%"]


def test_alerts_go_out_of_a_program_that_closes_nothing(tmp_path: Path) -> None:
    with receiver() as here, serve(Emulator({"a": ANSWER})) as url:
        spec = {**budget(warn_at="5%"), "alerts": [{"events": ["budget_warning"], "webhook": here.url}]}
        made = spec_of({"names": ["a"], "facts": {"a": FACTS}, "spec": spec}, url)
        code = f"from llm_router import Router; router = Router.from_spec({made!r}); router.chat('hello')"
        subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert here.events == ["budget_warning"]
