"""Whatever can be asked, of whichever kind of provider: it is answered, or refused before anything is sent.

The emulator is as strict as the real ones, so a request that it rejects is one that we shouldn't have sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from llm_router import ChatRequest, Environment, NoCandidate, Router, Tool, assistant, system, user
from llm_router.catalog.providers import PROVIDERS
from llm_router.errors import InvalidOutput
from llm_router.messages import JsonFormat, JsonObject, Media, Message, NamedTool, Part, Settings, Text
from llm_router.testing import Emulator, serve

MODELS: Mapping[str, tuple[str, ...]] = {
    "openai": ("gpt-4o", "gpt-5.4", "o3"),
    "azure": ("gpt-4o", "gpt-5.4"),
    "groq": ("meta-llama/llama-4-scout-17b-16e-instruct",),
    "together": ("meta-llama/Llama-3.3-70B-Instruct-Turbo",),
    "mistral": ("mistral-medium-latest",),
    "perplexity": ("sonar",),
    "deepseek": ("deepseek-v4-flash",),
    "huggingface": ("openai/gpt-oss-20b:together",),
    "openrouter": ("anthropic/claude-haiku-4.5",),
    "xai": ("grok-4.3",),
    "fireworks": ("accounts/fireworks/models/gpt-oss-20b",),
    "anthropic": ("claude-sonnet-4-5", "claude-sonnet-5-5", "claude-3-5-haiku-latest"),
    "gemini": ("gemini-2.5-flash", "gemini-2.5-pro", "gemini-3.8-flash"),
    "cohere": ("command-a-03-2025", "command-a-reasoning-08-2025", "command-r-plus"),
    "replicate": ("meta/meta-llama-3-70b-instruct",),
    "ollama": ("llama3.2", "gpt-oss:20b"),
}
"""Some of the models of each kind; of other kinds one that nobody knows, and that can do everything."""
ALL = ["tools", "images", "files", "audio", "json_schema", "reasoning"]

SCHEMA: JsonObject = {
    "type": "object",
    "properties": {"x": {"type": "string"}},
    "required": ["x"],
    "additionalProperties": False,
}
TOOL = Tool("look_up", "Looks it up.", SCHEMA)
PNG = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010806000000")


def asking(*parts: Part, **said: Any) -> ChatRequest:
    return ChatRequest((Message("user", (Text("hello"), *parts)),), **said)


FEATURES: Mapping[str, ChatRequest] = {
    "several turns": ChatRequest((system("be kind"), user("a"), assistant("b"), user("c"))),
    "tools": asking(tools=(TOOL,)),
    **{f"tools {choice}": asking(tools=(TOOL,), tool_choice=choice) for choice in ("auto", "none", "required")},
    "a named tool": asking(tools=(TOOL,), tool_choice=NamedTool("look_up")),
    "a strict tool": asking(tools=(Tool("look_up", "Looks it up.", SCHEMA, True),)),
    "one call at a time": asking(tools=(TOOL,), parallel_tool_calls=False),
    "json by schema": asking(response_format=JsonFormat(SCHEMA)),
    "json and tools": asking(tools=(TOOL,), response_format=JsonFormat(SCHEMA)),
    "any json": asking(response_format=JsonFormat()),
    "an image by url": asking(Media("image", url="https://x.example/a.png")),
    "an image": asking(Media("image", data=PNG, media_type="image/png")),
    "a pdf by url": asking(Media("file", url="https://x.example/a.pdf", media_type="application/pdf")),
    "a pdf": asking(Media("file", data=b"%PDF-1.4", media_type="application/pdf", name="a.pdf")),
    "sound": asking(Media("audio", data=b"RIFF0000WAVE", media_type="audio/wav")),
    **{
        f"effort {effort}": asking(settings=Settings(reasoning=effort)) for effort in ("none", "minimal", "low", "high")
    },
    "a budget": asking(settings=Settings(reasoning=2000, max_output_tokens=4000)),
    "thought and tools": asking(tools=(TOOL,), settings=Settings(reasoning="medium")),
    "stop": asking(settings=Settings(stop=("END",))),
    "temperature": asking(settings=Settings(temperature=0.3)),
    "top_p": asking(settings=Settings(top_p=0.5)),
    "seed": asking(settings=Settings(seed=3)),
    "a cap": asking(settings=Settings(max_output_tokens=50)),
    "log probabilities": asking(settings=Settings(logprobs=2)),
    "a user": asking(settings=Settings(user="u-1")),
}
UNREADABLE = frozenset({"json by schema", "json and tools", "any json"})
"""Where a provider has no form for JSON it is told in words, which the emulator doesn't read."""


@pytest.fixture(scope="module")
def emulator() -> Iterator[str]:
    with serve(Emulator()) as url:
        yield url


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("kind", "model"), [(kind, model) for kind in PROVIDERS for model in MODELS.get(kind, ("house-model",))]
)
def test_it_is_answered_or_refused_before_it_is_sent(emulator: str, kind: str, model: str, stream: bool) -> None:
    known = {} if kind in MODELS else {"supports": ALL}
    place = {"provider": kind, "model": model, **known}
    spec = {"version": 1, "deployments": {"it": place}, "rules": [{"use": "it"}], "fallback": "none"}
    answered, misread = set[str](), set[str]()
    with Router.from_spec(spec, environment=Environment(emulator=emulator)) as router:
        for name, request in FEATURES.items():
            try:
                if stream:
                    list(router.stream(request))
                else:
                    router.chat(request)
            except NoCandidate:
                continue
            except InvalidOutput:
                misread.add(name)
            else:
                answered.add(name)
    assert misread <= UNREADABLE
    assert {"several turns", "a cap"} <= answered
    assert "effort none" in answered or model in ("o3", "gemini-2.5-pro", "gemini-3.8-flash"), "who doesn't think"
