"""Requests that try what a codec sends: each with the words that must go out, or the request that it must differ from.

A codec says all of a request or refuses it (`Unsupported`): what is left out in silence is the defect looked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from llm_router.messages import (
    ChatRequest,
    JsonFormat,
    Media,
    Message,
    NamedTool,
    Settings,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    assistant,
    system,
    user,
)


@dataclass(frozen=True, slots=True)
class Probe:
    """One request. `shows` are texts that must stand in what is sent; `plain` is the request that must be sent
    otherwise than this one.
    """

    name: str
    request: ChatRequest
    shows: tuple[str, ...] = ()
    plain: ChatRequest | None = field(default=None, repr=False)


HI = ChatRequest((user("kit-hello"),))
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"kit_place": {"type": "string"}},
    "required": ["kit_place"],
    "additionalProperties": False,
}
WEATHER = Tool("kit_weather", "kit-says-the-weather", SCHEMA)
TIME = Tool("kit_time", "kit-says-the-time", SCHEMA)
TOOLS = replace(HI, tools=(WEATHER, TIME))
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645"
    "400000000049454e44ae426082"
)
_PICTURE = "iVBORw0KGgo"
_CALL = ToolCall("kit_call_1", "kit_weather", '{"kit_place": "kit-rome"}')
_OTHER = ToolCall("kit_call_2", "kit_time", '{"kit_place": "kit-oslo"}')

PROBES: tuple[Probe, ...] = (
    Probe("a text", HI, ("kit-hello",)),
    Probe(
        "text of any script",
        ChatRequest((user('Zoë 漢字 🎈 "quoted" \\ back\nnew'),)),
        ("Zoë 漢字 🎈", '"quoted" \\ back'),
    ),
    Probe(
        "a system message and several turns",
        ChatRequest((system("kit-system"), user("kit-one"), assistant("kit-two"), user("kit-three", "kit-four"))),
        ("kit-system", "kit-one", "kit-two", "kit-three", "kit-four"),
    ),
    Probe(
        "a system message in the middle",
        ChatRequest((user("kit-one"), system("kit-late"), user("kit-two"))),
        ("kit-late",),
    ),
    Probe(
        "an image by its bytes",
        ChatRequest((user("kit-see", Media("image", data=PIXEL, media_type="image/png")),)),
        ("kit-see", _PICTURE),
    ),
    Probe(
        "an image by its address",
        ChatRequest((user("kit-see", Media("image", url="https://kit.test/kit.png")),)),
        ("https://kit.test/kit.png",),
    ),
    Probe(
        "a PDF by its bytes",
        ChatRequest(
            (user("kit-read", Media("file", data=b"%PDF-1.7 kit", media_type="application/pdf", name="kit.pdf")),)
        ),
        ("JVBERi0xLjcga2l0",),
    ),
    Probe(
        "sound by its bytes",
        ChatRequest((user("kit-listen", Media("audio", data=b"RIFFkit.WAVE", media_type="audio/wav")),)),
        ("UklGRmtpdC5XQVZF",),
    ),
    Probe("tools", TOOLS, ("kit_weather", "kit-says-the-weather", "kit_time", "kit_place")),
    Probe("tools of which none may be called", replace(TOOLS, tool_choice="none"), plain=TOOLS),
    Probe("tools of which one must be called", replace(TOOLS, tool_choice="required"), plain=TOOLS),
    Probe("a tool that must be called", replace(TOOLS, tool_choice=NamedTool("kit_time")), plain=TOOLS),
    Probe("one call at a time", replace(TOOLS, parallel_tool_calls=False), plain=TOOLS),
    Probe(
        "calls and their results",
        ChatRequest(
            (
                user("kit-ask"),
                assistant("kit-looking", _CALL, _OTHER),
                Message("tool", (ToolResult("kit_call_1", (Text("kit-sunny"),)),)),
                Message("tool", (ToolResult("kit_call_2", (Text("kit-no-clock"),), is_error=True),)),
            ),
            (WEATHER, TIME),
        ),
        ("kit-ask", "kit-looking", "kit_weather", "kit-rome", "kit-oslo", "kit-sunny", "kit-no-clock"),
    ),
    Probe(
        "a call that was never answered, and an answer first",
        ChatRequest((assistant("kit-first"), user("kit-ask"), assistant(_CALL), user("kit-still-there"))),
        ("kit-first", "kit-ask", "kit-rome", "kit-still-there"),
    ),
    Probe("an answer in JSON", replace(HI, response_format=JsonFormat()), plain=HI),
    Probe("an answer by a schema", replace(HI, response_format=JsonFormat(SCHEMA, "kit_form")), ("kit_place",)),
    Probe("`temperature`", replace(HI, settings=Settings(temperature=0.37)), ("0.37",)),
    Probe("`top_p`", replace(HI, settings=Settings(top_p=0.83)), ("0.83",)),
    Probe("`max_output_tokens`", replace(HI, settings=Settings(max_output_tokens=1234)), ("1234",)),
    Probe("`stop`", replace(HI, settings=Settings(stop=("kit-stop", "kit-halt"))), ("kit-stop", "kit-halt")),
    Probe("`seed`", replace(HI, settings=Settings(seed=424242)), ("424242",)),
    Probe("`reasoning`", replace(HI, settings=Settings(reasoning="high")), plain=HI),
    Probe("`logprobs`", replace(HI, settings=Settings(logprobs=3)), plain=HI),
    Probe("`user`", replace(HI, settings=Settings(user="kit-user")), ("kit-user",)),
    Probe("`extra`", replace(HI, settings=Settings(extra={"kit_extra": "kit-value"})), ("kit_extra", "kit-value")),
    Probe("`headers`", replace(HI, settings=Settings(headers={"X-Kit": "kit-header"})), ("kit-header",)),
)


def private_words() -> Iterator[str]:
    """What no message of an error may hold: the words of the prompts above."""
    for probe in PROBES:
        for message in probe.request.messages:
            yield from filter(None, message.text.split("\n"))
