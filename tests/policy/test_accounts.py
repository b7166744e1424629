"""What is written of limits, budgets, memory, alerts and hedges is what the program holds."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from llm_router.messages import ChatRequest, user
from llm_router.policy.compile import compile_spec
from llm_router.policy.decide import decide
from llm_router.policy.features import Call, compute
from llm_router.policy.hints import Hints
from llm_router.policy.plan import as_json, condition_json
from llm_router.policy.program import (
    Alert,
    Budget,
    Cache,
    Email,
    Hedge,
    Ledger,
    Limit,
    Program,
    State,
    Window,
)
from llm_router.policy.snapshot import Snapshot
from llm_router.spec.conditions.condition import ALWAYS
from llm_router.spec.conditions.spelling import expression_of, structure_of
from llm_router.spec.read import read
from llm_router.spec.refs import Environment, Reference

RULES = "rules: [{name: all, use: [mini, house]}]"
PREAMBLE = """version: 1
metadata: {tenant: text}
deployments:
  mini: {provider: openai, model: gpt-4o-mini}
  house: {provider: ollama, model: qwen2.5}
"""
DOLLAR = 10**12
DAY = 86_400.0


def program_of(text: str, environment: Environment | None = None) -> Program:
    rules = "" if "rules:" in text else RULES
    whole = text if text.startswith("version") else f"{PREAMBLE}{rules}\n{text}"
    program, found = compile_spec(read(whole, "spec.yaml", environment), environment)
    assert program is not None, found
    return program


BUDGETS: Mapping[str, Budget] = {
    "amount: 50 USD, every: month, warn_at: 80%": Budget(
        "a", 50 * DOLLAR, Window("month"), warn_at=Fraction(4, 5), when_spent="out"
    ),
    "amount: 0.25 USD, every: week, when_spent: warn": Budget("a", DOLLAR // 4, Window("week"), when_spent="warn"),
    "amount: 1 USD, every: day, per: user": Budget("a", DOLLAR, Window("day"), per="user"),
    "amount: 1 USD, every: 12h": Budget("a", DOLLAR, Window("duration", DAY / 2)),
    "amount: 1 USD, within: 24h, per: metadata.tenant": Budget(
        "a", DOLLAR, Window("rolling", DAY), per="metadata.tenant"
    ),
}


@pytest.mark.parametrize("written", BUDGETS)
def test_a_budget_is_what_is_written(written: str) -> None:
    assert program_of(f"budgets: [{{name: a, {written}}}]").budgets == (BUDGETS[written],)


@pytest.mark.parametrize(
    "written",
    ["spent.a > 80%", "spent.a between 50% and 90.5%", "spent.a in [0%, 100%]", 'not spent.a <= 0.01% and task == "b"'],
)
def test_a_share_of_a_budget_reads_as_it_is_spelt(written: str) -> None:
    budgets = "budgets: [{name: a, amount: 1 USD, every: day}]"
    program = program_of(f"rules: [{{if: '{written}', use: mini}}, {{use: house}}]\n{budgets}")
    condition = program.rules[0].condition
    assert expression_of(condition) == written
    assert "%" in str(condition_json(condition))
    again = program_of(f"rules: [{{when: {dict(structure_of(condition))}, use: mini}}, {{use: house}}]\n{budgets}")
    assert again.rules[0].condition == condition


def test_conditions_see_what_is_spent_unless_the_request_says_it() -> None:
    program = program_of(
        "rules: [{name: dear, when: {spent.a: {below: 50%}}, use: mini}, {name: rest, use: house}]\n"
        "budgets: [{name: a, amount: 1 USD, every: day}]"
    )
    asked = Call(ChatRequest((user("hi"),)), Hints(), "r-1", 0.0)
    features = compute(program, asked, variables={})
    stated = compute(program, asked, variables={}, given={"spent.a": 0.2})
    assert [
        decide(program, features, Snapshot()).rule,
        decide(program, features, Snapshot(spent={"a": 0.49})).rule,
        decide(program, features, Snapshot(spent={"a": 0.5})).rule,
        decide(program, stated, Snapshot(spent={"a": 0.5})).rule,
    ] == ["dear", "dear", "rest", "dear"]


def test_a_spent_budget_asks_others_up_to_a_hard_amount() -> None:
    budget = program_of(
        "budgets: [{name: a, amount: 1 USD, every: day, when_spent: {use: [house, mini]}, hard: 2 USD}]"
    ).budgets[0]
    assert isinstance(budget.when_spent, tuple)
    assert ([tier.members for tier in budget.when_spent], budget.hard) == ([("house",), ("mini",)], 2 * DOLLAR)


def test_what_is_counted_is_a_condition_over_request_and_attempt() -> None:
    covers = "{provider: openai, rule: all, messages: {above: 5}, model: gpt-4o-mini, deployment: [mini, house]}"
    program = program_of(f"budgets: [{{name: a, amount: 1 USD, every: day, for: {covers}}}]")
    assert condition_json(program.budgets[0].covers) == {
        "all": [
            {"provider": {"is": "openai"}},
            {"rule": {"is": "all"}},
            {"messages": {"above": 5}},
            {"model": {"is": "gpt-4o-mini"}},
            {"deployment": {"in": ["mini", "house"]}},
        ]
    }
    assert program.reads == {"messages"}


LIMITS: Mapping[str, Limit] = {
    "requests: 30, every: 1m": Limit("a", "requests", 30, Window("duration", 60.0)),
    "tokens: 14.4k, every: day, wait: 5s": Limit("a", "tokens", 14_400, Window("day"), 5.0),
    "tokens: 1M, within: 1h, per: session": Limit("a", "tokens", 10**6, Window("rolling", 3600.0), per="session"),
    "concurrent: 4, wait: 500ms": Limit("a", "concurrent", 4, None, 0.5, ALWAYS),
}


@pytest.mark.parametrize("written", LIMITS)
def test_a_limit_is_what_is_written(written: str) -> None:
    assert program_of(f"limits: [{{name: a, {written}}}]").limits == (LIMITS[written],)


def test_limits_of_providers_and_deployments_are_numbered_and_each_key_has_its_own() -> None:
    program = program_of(
        "version: 1\n"
        'providers: {groq: {api_keys: ["${env:A}", "${env:B}"], limits: [{requests: 5, every: 1s}, {concurrent: 2}]}}\n'
        "deployments: {fast: {provider: groq, model: m, price: free, limits: [{concurrent: 1}]}}\n"
        "rules: [{use: fast}]"
    )
    assert [limit.name for limit in program.providers["groq"].limits] == ["groq/1", "groq/2"]
    assert [limit.name for each in program.deployments.values() for limit in each.limits] == ["fast#1/1", "fast#2/1"]


VALUES: Mapping[str, tuple[str, Any]] = {
    "cache: {exact: {keep: 1h}}": ("cache", Cache(3600.0, 10_000)),
    "cache: {exact: {keep: 1h, entries: 5, share: all, vary: [metadata.tenant, task], bytes: 1k}}": (
        "cache",
        Cache(3600.0, 5, True, ("metadata.tenant", "task"), 1000),
    ),
    "name: no cache": ("cache", None),
    "ledger: {keep: 400d, keep_prompts: true}": ("ledger", Ledger(400 * DAY, True)),
    "name: no ledger": ("ledger", Ledger(None, False)),
    "name: no state": ("state", State("memory", None)),
    'state: "sqlite:router.db"': ("state", State("sqlite:router.db")),
    'state: {url: "redis://${env:HOST}:6379", fail: closed}': (
        "state",
        State(Reference("redis://${env:HOST}:6379"), "closed"),
    ),
    "state: postgresql://router:hunter2@db/llm": ("state", State(Reference("postgresql://router:hunter2@db/llm"))),
    "alerts: [{events: [budget_spent], log: true}]": ("alerts", (Alert(("budget_spent",), log=True),)),
    'alerts: [{events: [deployment_down, deployment_up], webhook: "${env:HOOK}", secret: "${env:S}"}]': (
        "alerts",
        (Alert(("deployment_down", "deployment_up"), Reference("${env:HOOK}"), Reference("${env:S}")),),
    ),
    'alerts: [{events: [budget_spent], email: {to: a@b.example, smtp: "smtp://mail.example:25"}}]': (
        "alerts",
        (Alert(("budget_spent",), email=Email(("a@b.example",), "smtp://mail.example:25")),),
    ),
}


@pytest.mark.parametrize("written", VALUES)
def test_memory_and_alerts_are_what_is_written(written: str) -> None:
    name, expected = VALUES[written]
    assert getattr(program_of(written), name) == expected


HEDGES: Mapping[str, Hedge] = {
    "{after: 2s}": Hedge(2.0, None, Fraction(1, 20)),
    "{after: p95, extra_cost: 10%}": Hedge(None, 95, Fraction(1, 10)),
}


@pytest.mark.parametrize("written", HEDGES)
def test_a_hedge_is_what_is_written(written: str) -> None:
    assert program_of(f"fallback: {{hedge: {written}}}").fallback.hedge == HEDGES[written]


def test_rules_and_pools_may_leave_stickiness_and_the_cache() -> None:
    program = program_of(
        "pools: {a: {of: [mini, house], balance: least-busy, sticky: none}, b: [mini, house]}\n"
        "rules: [{when: {stream: true}, use: a, sticky: none, cache: none}, {use: b}]\n"
        "health: {check_every: 1m}"
    )
    assert [(rule.sticky, rule.cache) for rule in program.rules] == [(False, False), (True, True)]
    assert [(tier.sticky, tier.balance) for tier in program.pools.values()] == [(False, "least-busy"), (True, "order")]
    assert (program.health.check_every_s, program.fallback.on_break) == (60.0, "continue")


SECRETS = MappingProxyType(
    {
        "STATE": "redis://:hunter2@127.0.0.1:6379",
        "HOOK": "https://hooks.example.com/hunter2",
        "PASSWORD": "hunter2",
    }
)


def test_no_password_of_a_store_webhook_or_mail_server_is_shown() -> None:
    written = (
        'state: "${env:STATE}"\n'
        'alerts: [{events: [budget_spent], webhook: "${env:HOOK}"}, {events: [budget_spent], webhook: '
        '"https://hooks.example.com/hunter2"}, {events: [budget_spent], email: {to: a@b.example, smtp: '
        '"smtp://me:${env:PASSWORD}@mail.example"}}]'
    )
    program = program_of(written, Environment(SECRETS, Path()))
    assert "hunter2" not in repr(program) + str(as_json(program))
    assert isinstance(program.state.url, Reference)
    assert program.state.url.text == SECRETS["STATE"]


@pytest.mark.parametrize(
    "written",
    [
        "state: postgres://router:hunter2@db/llm",
        "state: redis:hunter2@db",
        "alerts: [{events: [budget_spent], webhook: 'hooks.example.com/services/hunter2'}]",
        "alerts: [{events: [budget_spent], email: {to: a@b.example, smtp: 'me:hunter2@mail.example'}}]",
    ],
)
def test_no_message_repeats_what_may_be_a_password(written: str) -> None:
    _, found = compile_spec(read(f"{PREAMBLE}{RULES}\n{written}", "spec.yaml"))
    assert found
    assert all("hunter2" not in each.message + each.help for each in found)
