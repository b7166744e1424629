"""Alerts in an environment: what their addresses stand for, and what is said of one that can't be."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm_router import Router
from llm_router.diagnostics import SpecError
from llm_router.policy.alerting import BoundAlerts, LogLine, Mailbox, Webhook, bind_alerts
from llm_router.policy.compile import compile_spec
from llm_router.policy.secret import Secret
from llm_router.spec.read import read
from llm_router.spec.refs import Environment
from llm_router.testing import emulated_providers

SPEC = """
version: 1
rules: [{{use: x}}]
providers: {{p: {{kind: openai, api_key: "${{env:SECRET}}"}}}}
deployments: {{x: {{provider: p, model: gpt-4o}}}}
budgets: [{{name: b, amount: 1 USD, every: day, warn_at: 80%}}]
alerts:
  - {{events: [budget_warning], {0}}}
"""
VARIABLES = {
    "HOOK": "https://hooks.example.com/planted",
    "CLEAR": "http://hooks.example.com/planted",
    "HERE": "http://127.0.0.1:9/planted",
    "WORDS": "planted words",
    "MAIL": "smtps://me:planted@mail.example.com",
    "SECRET": "planted-secret",
}


def bound(alert: str, environment: Environment | None = None) -> BoundAlerts:
    """The alert as it was read without an environment, and bound in one."""
    reading = read(SPEC.format(alert), "spec.yaml")
    program, found = compile_spec(reading)
    assert program is not None, found
    return bind_alerts(program, environment or Environment(VARIABLES), reading.source)


def test_an_alert_finds_its_place() -> None:
    places = {
        'webhook: "${env:HOOK}", secret: "${env:SECRET}"': Webhook(
            Secret(VARIABLES["HOOK"]), Secret(VARIABLES["SECRET"])
        ),
        "webhook: https://x.example/y": Webhook(Secret("https://x.example/y")),
        'webhook: "${env:HERE}"': Webhook(Secret(VARIABLES["HERE"])),
        "email: {to: [a@x.example, b@x.example], smtp: smtp://mail.x.example}": Mailbox(
            ("a@x.example", "b@x.example"), Secret("smtp://mail.x.example")
        ),
        "log: true": LogLine(),
    }
    for alert, place in places.items():
        found = bound(alert)
        assert [each.place for each in found.alerts] == [place]
        assert found.diagnostics == ()


@pytest.mark.parametrize(
    ("alert", "code", "column", "message", "tells"),
    [
        ('webhook: "${env:GONE}"', "LR526", 41, "`GONE` is not set, so nobody gets this alert", 0),
        (
            'webhook: "${env:HOOK}", secret: "${env:GONE}"',
            "LR526",
            64,
            "`GONE` is not set, so nobody gets this alert",
            0,
        ),
        ('webhook: "${env:WORDS}"', "LR527", 41, "what `webhook` stands for here is no address of a webhook", 0),
        ('webhook: "${env:MAIL}"', "LR527", 41, "what `webhook` stands for here is no address of a webhook", 0),
        (
            'email: {to: a@x.example, smtp: "smtp://me:${env:WORDS}@mail.example"}',
            "LR527",
            63,
            "what `smtp` stands for here is no address of a mail server",
            0,
        ),
        (
            'webhook: "${env:CLEAR}"',
            "LR528",
            41,
            "the webhook at `hooks.example.com` is sent in clear text, its address too",
            1,
        ),
    ],
)
def test_what_is_said_of_an_address(alert: str, code: str, column: int, message: str, tells: int) -> None:
    found = bound(alert)
    (said,) = found.diagnostics
    assert (said.code, said.span.line, said.span.column, said.message) == (code, 8, column, message)
    assert said.severity == ("warning" if tells else "error")
    assert len(found.alerts) == tells
    assert "planted" not in repr(found)


@pytest.mark.parametrize("variable", ["GONE", "WORDS"])
def test_a_router_is_not_made_whose_alerts_nobody_would_get(variable: str) -> None:
    text = SPEC.format(f'webhook: "${{env:{variable}}}"')
    with pytest.raises(SpecError) as caught:
        Router.from_text(text, environment=Environment(VARIABLES))
    assert "planted" not in str(caught.value)
    assert [each.code for each in caught.value.diagnostics if each.severity == "error"] == [
        "LR219" if variable == "GONE" else "LR527"
    ]


def test_before_an_emulator_only_the_log_is_told() -> None:
    emulator = Environment(VARIABLES, emulator="http://127.0.0.1:9")
    assert bound('webhook: "${env:GONE}"', emulator) == BoundAlerts()
    assert bound("email: {to: a@x.example, smtp: smtp://mail.x.example}", emulator) == BoundAlerts()
    assert [each.place for each in bound("log: true", emulator).alerts] == [LogLine()]


def test_before_an_emulator_no_variable_of_an_alert_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "router.yaml"
    file.write_text(SPEC.format('webhook: "${env:GONE}", secret: "${file:gone}"'))
    with emulated_providers(variables={}) as providers, providers.router(file) as router:
        assert "GONE" not in str(router.diagnostics)
