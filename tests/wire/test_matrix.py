"""The same twelve conversations through every dialect give the same answers, or a reason (`cases/matrix.yaml`)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from llm_router import NoCandidate, Router
from llm_router.catalog.providers import PROVIDERS
from llm_router.errors import ProviderError
from llm_router.messages import (
    Assembly,
    ChatRequest,
    ChatResponse,
    Message,
    Reasoning,
    Text,
    ToolResult,
    Usage,
    user,
)
from llm_router.testing import LogEntry, Providers, emulated_providers
from llm_router.testing.script import Call, Say
from llm_router.wire.dialects import CODECS
from tests.wire.conversations import read_request
from tests.wire.reading_streams import usage_summary

MATRIX: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("cases").joinpath("matrix.yaml").read_text())
DIALECTS: dict[str, dict[str, str]] = MATRIX["dialects"]
CELLS = [(dialect, case) for case in MATRIX["conversations"] for dialect in DIALECTS]


@dataclass(frozen=True)
class Desk:
    """Emulated providers, and a router for each deployment that knows nobody else."""

    providers: Providers
    routers: dict[str, Router] = field(default_factory=dict)

    def router(self, dialect: str, case: Mapping[str, Any]) -> Router:
        """The router that asks a dialect for the conversation: some need another model."""
        deployment = {**DIALECTS[dialect], **case.get("models", {}).get(dialect, {})}
        if str(deployment) not in self.routers:
            made = Router.from_spec(_spec(deployment), environment=self.providers.environment)
            self.routers[str(deployment)] = made
        return self.routers[str(deployment)]


@pytest.fixture(scope="module")
def at_desk() -> Iterator[Desk]:
    with emulated_providers(variables={}) as providers:
        desk = Desk(providers)
        yield desk
        for router in desk.routers.values():
            router.close()


def _spec(deployment: Mapping[str, str]) -> dict[str, Any]:
    return {
        "version": 1,
        "providers": {"azure": {"base_url": "https://acme.openai.azure.com", "query": {"api-version": "2024-10-21"}}},
        "deployments": {"it": deployment, "azure-other": {"provider": "azure", "model": "gpt-4o"}},
        "rules": [{"use": ["it"]}],
        "fallback": {"max_attempts": 1},
    }


def _request(node: dict[str, Any]) -> ChatRequest:
    return read_request(yaml.safe_load(yaml.safe_dump(node)))


def _turn(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    calls = tuple(Call(call["name"], call["arguments"]) for call in node.get("calls", ()))
    usage = Usage(**node["usage"]) if "usage" in node else None
    return Say(node.get("say", "" if calls else None), calls, node.get("reasoning"), usage=usage)


async def ways(router: Router, request: ChatRequest) -> list[ChatResponse]:
    """The answers of all four ways to ask."""
    async with router.astream(request) as running:
        later = _folded([event async for event in running])
    return [router.chat(request).response, (await router.achat(request)).response, _streamed(router, request), later]


def _folded(events: list[Any]) -> ChatResponse:
    assembly = Assembly()
    for event in events:
        assembly.add(event)
    return assembly.response()


def shown(response: ChatResponse, expected: Mapping[str, Any]) -> dict[str, Any]:
    """The answer as the table has it, without what is empty or none, and usage only where the table tells some."""
    reported = usage_summary(response.usage)
    said: dict[str, Any] = {
        "text": response.text,
        "reasoning": "".join(part.text for part in response.message.parts if isinstance(part, Reasoning)),
        "calls": [[call.name, json.loads(call.arguments)] for call in response.tool_calls],
        "finish": response.finish_reason,
        "usage": {kind: count for kind, count in reported.items() if count and "usage" in expected},
    }
    return {key: value for key, value in said.items() if value not in ("", [], {})}


async def outcomes(router: Router, request: ChatRequest, expected: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What comes of it, each way; a request that can't be made, or that fails, in the same form."""
    try:
        return [shown(response, expected) for response in await ways(router, request)]
    except NoCandidate as error:
        return [{"refused": str(error).splitlines()[-1].partition(": ")[2]}]
    except ProviderError as error:
        return [{"failure": type(error).__name__}]


@pytest.mark.parametrize(("dialect", "case"), CELLS, ids=[f"{case['name']}: {dialect}" for dialect, case in CELLS])
async def test_a_conversation_through_a_dialect(dialect: str, case: dict[str, Any], at_desk: Desk) -> None:
    expected = {**case["expect"], **case.get("cells", {}).get(dialect, {})}
    if "refused" in expected:
        expected = {"refused": expected["refused"]}
    expected = {key: value for key, value in expected.items() if value is not None}
    at_desk.providers.script({"*": _turn(case["answer"])})
    before = len(at_desk.providers.log)
    found = await outcomes(at_desk.router(dialect, case), _request(case["request"]), expected)
    assert found == [expected] * len(found)
    asked = at_desk.providers.log[before:]
    if "refused" in expected:
        assert asked == ()
    for wanted in _wanted(case.get("sent", {}), dialect):
        assert "refused" in expected or any(wanted in body for body in bodies(asked))


def _wanted(table: Mapping[str, Any], dialect: str) -> list[str]:
    """What is looked for in requests to a dialect: its own entry, else that of all."""
    said = table.get(dialect, table.get("all", []))
    return said if isinstance(said, list) else [said]


def bodies(log: Sequence[LogEntry]) -> list[str]:
    """The bodies that were sent, as JSON text."""
    return [json.dumps(entry.body, ensure_ascii=False) for entry in log]


RETURNED = [
    (dialect, case)
    for dialect, case in CELLS
    if "then" in case and "refused" not in case.get("cells", {}).get(dialect, {})
]


@pytest.mark.parametrize(
    ("dialect", "case"), RETURNED, ids=[f"{case['name']}: {dialect}" for dialect, case in RETURNED]
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_an_answer_goes_back_to_who_gave_it(dialect: str, case: dict[str, Any], at_desk: Desk, *, stream: bool) -> None:
    router, request = at_desk.router(dialect, case), _request(case["request"])
    at_desk.providers.script({"*": _turn(case["answer"])})
    answered = _streamed(router, request) if stream else router.chat(request).response
    at_desk.providers.script({"*": {"say": "And so on."}})
    behind = _behind(answered, case["then"])
    again = router.chat(replace(request, messages=(*request.messages, answered.message, *behind)))
    assert again.text == "And so on."
    (sent,) = bodies(at_desk.providers.log[-1:])
    assert [wanted for wanted in _wanted(case["back"], dialect) if wanted not in sent] == []


def _streamed(router: Router, request: ChatRequest) -> ChatResponse:
    with router.stream(request) as running:
        assert _folded(list(running)) == running.answer.response
    return running.answer.response


def _behind(answered: ChatResponse, then: Mapping[str, Any]) -> tuple[Message, ...]:
    """What is said behind an answer: results of its calls, or the user's next words."""
    if "user" in then:
        return (user(then["user"]),)
    calls = zip(answered.tool_calls, then["results"], strict=True)
    return tuple(Message("tool", (ToolResult(call.id, (Text(text),)),)) for call, text in calls)


def test_the_table_has_twelve_conversations_and_all_dialects() -> None:
    assert len(MATRIX["conversations"]) == 12
    named = {key for case in MATRIX["conversations"] for table in ("cells", "models") for key in case.get(table, {})}
    assert named <= set(DIALECTS)
    spoken = {PROVIDERS[each["provider"]].dialect_of(each.get("api")) for each in DIALECTS.values()}  # type: ignore[arg-type]  # case data
    assert spoken == set(CODECS)
