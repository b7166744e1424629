"""Readers of recorded bodies that share nothing with the codecs: the plainest code that could be right."""

from __future__ import annotations

import json
from typing import Any

Plain = dict[str, Any]


def chunks_of(body: bytes) -> list[Plain]:
    """The JSON objects of a stream, or the one of a whole reply."""
    text = body.decode()
    try:
        return [json.loads(text)]
    except ValueError:
        pass
    if text.startswith("{"):
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    lines = [line[5:].strip() for line in text.splitlines() if line.startswith("data:")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def openai_reply(body: bytes, *, stream: bool) -> Plain:
    """Text, calls and prompt tokens of the first choice."""
    text = ""
    calls: dict[Any, list[str]] = {}
    usage: Plain = {}
    for chunk in chunks_of(body):
        usage = chunk.get("usage") or (chunk.get("x_groq") or {}).get("usage") or usage
        for choice in (chunk.get("choices") or [])[:1] if not stream else chunk.get("choices") or []:
            if stream and choice.get("index"):
                continue
            said = choice.get("delta" if stream else "message") or {}
            text += _text(said)
            _collect(calls, said, stream=stream)
    return {"text": text, "calls": list(calls.values()), "prompt_tokens": usage.get("prompt_tokens")}


def _text(said: Plain) -> str:
    content = said.get("content")
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part["type"] == "text")
    return content or (said.get("audio") or {}).get("transcript") or ""


def _collect(calls: dict[Any, list[str]], said: Plain, *, stream: bool) -> None:
    found = said.get("tool_calls") or []
    if said.get("function_call"):
        found = [{"function": said["function_call"]}]
    for place, call in enumerate(found):
        mine = calls.setdefault(call.get("index", place) if stream else place, ["", ""])
        mine[0] += call["function"].get("name") or ""
        mine[1] += call["function"].get("arguments") or ""


def ollama_reply(body: bytes) -> Plain:
    """Text, thinking, calls and prompt tokens."""
    lines = chunks_of(body)
    said = [line["message"] for line in lines]
    calls = [call["function"] for message in said for call in message.get("tool_calls") or []]
    return {
        "text": "".join(message.get("content") or "" for message in said),
        "reasoning": "".join(message.get("thinking") or "" for message in said),
        "calls": [(call["name"], call["arguments"]) for call in calls],
        "prompt_tokens": lines[-1].get("prompt_eval_count"),
    }
