"""The case files of the policy tests: a spec, requests, and the decisions that are expected with their reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from llm_router.diagnostics import render_text
from llm_router.messages import (
    ChatRequest,
    JsonFormat,
    Media,
    Message,
    Settings,
    Text,
    Tool,
    ToolCall,
    tool_result,
    user,
)
from llm_router.policy.charges import accounts_of
from llm_router.policy.compile import compile_spec
from llm_router.policy.decision import Decision
from llm_router.policy.features import Call, Features, compute
from llm_router.policy.hints import Hints
from llm_router.policy.program import Program
from llm_router.policy.snapshot import Latency, Snapshot, Standing
from llm_router.spec.read import read

HERE = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Case:
    """One request to a spec, and the decision that is expected."""

    name: str
    spec: str
    said: Mapping[str, Any]


def cases(*files: str) -> list[Case]:
    """The cases of these files."""
    return [case for file in files for case in _read(file)]


def _read(file: str) -> Iterator[Case]:
    for document in yaml.safe_load_all((HERE / f"{file}.yaml").read_text(encoding="utf-8")):
        for said in document["cases"]:
            yield Case(f"{file}: {said['name']}", document["spec"], said)


def program_of(spec: str) -> Program:
    """The program of a spec that compiles."""
    program, found = compile_spec(read(spec, "spec.yaml"))
    assert program is not None, render_text(found, {"spec.yaml": spec})
    return program


def features_of(program: Program, said: Mapping[str, Any], request_id: str = "r-1") -> Features:
    """The features of a case's request."""
    hints = Hints.read(said.get("hints", {}), program)
    call = Call(_request(said.get("request", {})), hints, request_id, said.get("now", 0.0))
    return compute(program, call, variables=said.get("variables", {}), given=said.get("given", {}))


def snapshot_of(program: Program, said: Mapping[str, Any]) -> Snapshot:
    """The snapshot of a case; deployments are named, not identified."""
    world = said.get("snapshot", {})

    def by_identity(key: str) -> dict[str, Any]:
        return {program.deployments[name].identity: value for name, value in world.get(key, {}).items()}

    latencies = {identity: Latency(*value) for identity, value in by_identity("latencies").items()}
    return Snapshot(
        now=said.get("now", 0.0),
        cooling=by_identity("cooling"),
        limited=by_identity("limited"),
        latencies=latencies,
        turns=world.get("turns", {}),
        unbound=world.get("unbound", {}),
        in_flight=by_identity("in_flight"),
        previous=world.get("previous"),
        standings=_standings(program, said),
        spent=world.get("spent", {}),
    )


def _standings(program: Program, said: Mapping[str, Any]) -> dict[str, Standing]:
    """How full the request's accounts are, which cases call by their names."""
    told = said.get("snapshot", {}).get("standings", {})
    if not told:
        return {}
    accounts = accounts_of(program, features_of(program, said))
    return {account.key: Standing(*told[account.name]) for account in accounts if account.name in told}


def outline(decision: Decision) -> dict[str, Any]:
    """A decision in the words of a case file; what is as usual is left out."""
    rejected: dict[str, list[str]] = {}
    for rejection in decision.rejections:
        rejected.setdefault(rejection.deployment, []).append(rejection.code)
    told = {
        "rule": decision.rule,
        "via": decision.via if decision.via != "rule" else None,
        "guard": decision.guard,
        "refused": decision.refused,
        "pinned": decision.pinned,
        "candidates": [candidate.deployment for candidate in decision.candidates],
        "tiers": [candidate.tier for candidate in decision.candidates],
        "rejected": rejected,
        "deferred": {each.deployment: each.deferral.code for each in decision.candidates if each.deferral},
        "caps": {each.deployment: each.cap for each in decision.candidates if each.cap is not None},
        "left_out": {each.deployment: list(each.left_out) for each in decision.candidates if each.left_out},
        "turns": list(decision.turns),
        "moved": {each.deployment: each.moved for each in decision.candidates if each.moved},
    }
    return {key: value for key, value in told.items() if value}


def _request(said: Mapping[str, Any]) -> ChatRequest:
    parts = [Text(said.get("text", "hello"))]
    media = [Media(kind, url="https://example.com/it") for kind in ("image", "file", "audio") if said.get(kind)]
    return ChatRequest(
        (user(*parts, *media), *_before(said)),
        tools=(Tool("look"),) if said.get("tools") else (),
        response_format=JsonFormat() if said.get("json") else None,
        settings=Settings(**said.get("settings", {})),
    )


def _before(said: Mapping[str, Any]) -> Iterator[Message]:
    """Yields an answer of `writer`, and what a tool then gave, or the next question; nothing without `writer`."""
    if "writer" not in said:
        return
    call = ToolCall("call-1", "look", "{}")
    yield Message("assistant", (call,), deployment=said["writer"])
    yield tool_result(call.id, "there") if said.get("looping") else user("and then?")
