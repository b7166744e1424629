"""What Ollama's /api/chat accepts.

The real server ignores fields that it doesn't know; here they are errors, because a setting that does nothing is what
a test should find. Wording follows Go's JSON decoder and recorded errors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from llm_router.messages import JsonObject
from llm_router.testing.dialects.dialect import objects
from llm_router.testing.dialects.openai_rules import is_base64
from llm_router.testing.question import Problem
from llm_router.testing.shapes import Anything, Array, Either, Flag, Misfit, Number, Object, Shape, String

_INTEGER = Number(integer=True)
_FUNCTION = Object({"name": String(short=1), "description": String(), "parameters": Object(open=True)}, ("name",))
_CALLED = Object({"index": _INTEGER, "name": String(short=1), "arguments": Object(open=True)}, ("name", "arguments"))
_MESSAGE = Object(
    {
        "role": String(("system", "user", "assistant", "tool")),
        "content": String(),
        "thinking": String(),
        "images": Array(String()),
        "tool_calls": Array(Object({"id": String(), "type": String(), "function": _CALLED}, ("function",))),
        "tool_name": String(),
        "tool_call_id": String(),
    },
    ("role",),
)
_OPTIONS: Mapping[str, Shape] = {
    **dict.fromkeys(
        (
            "num_keep",
            "seed",
            "num_predict",
            "top_k",
            "repeat_last_n",
            "num_ctx",
            "num_batch",
            "num_gpu",
            "main_gpu",
            "num_thread",
        ),
        _INTEGER,
    ),
    **dict.fromkeys(
        (
            "top_p",
            "min_p",
            "typical_p",
            "temperature",
            "repeat_penalty",
            "presence_penalty",
            "frequency_penalty",
            "tfs_z",
            "mirostat_tau",
            "mirostat_eta",
        ),
        Number(),
    ),
    "mirostat": _INTEGER,
    "stop": Array(String()),
    **dict.fromkeys(("use_mmap", "use_mlock", "numa", "low_vram", "penalize_newline"), Flag()),
}
_FIELDS: Mapping[str, Shape] = {
    "model": String(),
    "messages": Array(_MESSAGE),
    "tools": Array(Object({"type": String(("function",)), "function": _FUNCTION}, ("type", "function"))),
    "format": Either((String(("json", "")), Object(open=True))),
    "options": Object(_OPTIONS),
    "stream": Flag(),
    "keep_alive": Either((String(), Number())),
    "think": Either((Flag(), String(("low", "medium", "high")))),
    "truncate": Flag(),
    "shift": Flag(),
    "logprobs": Flag(),
    "top_logprobs": _INTEGER,
}


def body_shape(also: frozenset[str]) -> Object:
    """What a body must look like."""
    return Object({**dict.fromkeys(also, Anything()), **_FIELDS})


def misfit_problem(misfit: Misfit) -> Problem:
    """A misfit in the words of the server."""
    field = misfit.path.rpartition(".")[2].partition("[")[0]
    words = {
        "type": f"json: cannot unmarshal {misfit.got.split(' ', 1)[-1]} into Go struct field "
        f"ChatRequest.{misfit.path} of type {misfit.expected.split(' ', 1)[-1]}",
        "value": f"invalid {field}: {misfit.got!r}",
        "missing": f"{field} is required",
        "unknown": f'json: unknown field "{misfit.path}"',
    }
    return Problem(400, words.get(misfit.kind, f"invalid {field}: {misfit.got}"))


def broken_rules(body: JsonObject) -> Iterator[Problem]:
    """What a body of the right shape still has wrong."""
    calls = 0
    for message in objects(body.get("messages")):
        images = message.get("images")
        for image in images if isinstance(images, list) else []:
            if not is_base64(str(image)):
                yield Problem(400, "illegal base64 data at input byte 0")
        if message.get("role") == "tool":
            calls -= 1
            if calls < 0:
                yield Problem(400, "message with role tool answers no tool call")
        else:
            calls = len(objects(message.get("tool_calls")))
