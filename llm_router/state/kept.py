"""A whole answer as bytes and back, exactly: what the cache keeps.

A JSON text behind one byte that says in which version it is, compressed where it is long. Bytes that aren't of a known
version are no answer.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from llm_router.messages import (
    ChatResponse,
    Message,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Usage,
)
from llm_router.messages import Media as MediaPart

PLAIN, PACKED = b"\x01", b"\x02"
PACKED_FROM = 1024
"""Texts of so many bytes are compressed."""

_PARTS: Mapping[str, type[Part]] = {
    "text": Text,
    "media": MediaPart,
    "reasoning": Reasoning,
    "refusal": Refusal,
    "call": ToolCall,
    "result": ToolResult,
}
_WORDS = {kind: word for word, kind in _PARTS.items()}


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer, who gave it, and when (`at`, epoch seconds).

    `identity` is that of the deployment, whatever a program calls it; `sent` is the hash of the settings that it was
    sent.
    """

    response: ChatResponse
    identity: str
    sent: str
    at: float


def to_bytes(kept: Kept) -> bytes:
    """The bytes from which it is read back."""
    response = kept.response
    said = {
        "identity": kept.identity,
        "sent": kept.sent,
        "at": kept.at,
        "message": _message(response.message),
        "finish": response.finish_reason,
        "usage": {each.name: getattr(response.usage, each.name) for each in fields(Usage)},
        "model": response.model,
        "request": response.provider_request_id,
        "extra": response.extra,
    }
    text = json.dumps(said, separators=(",", ":")).encode("ascii")
    return PLAIN + text if len(text) < PACKED_FROM else PACKED + zlib.compress(text)


def from_bytes(value: bytes) -> Kept | None:
    """What was kept; `None` for what another version wrote, or for what is damaged."""
    unpack = _UNPACK.get(value[:1])
    if unpack is None:
        return None
    try:
        return _kept(json.loads(unpack(value[1:])))
    except (zlib.error, ValueError, KeyError, TypeError):
        return None


_UNPACK: Mapping[bytes, Callable[[bytes], bytes]] = {PLAIN: bytes, PACKED: zlib.decompress}


def _kept(said: Mapping[str, Any]) -> Kept:
    message = said["message"]
    response = ChatResponse(
        Message(message["role"], tuple(map(_read, message["parts"])), message["name"], message["deployment"]),
        said["finish"],
        Usage(**said["usage"]),
        said["model"],
        said["request"],
        said["extra"],
    )
    return Kept(response, said["identity"], said["sent"], said["at"])


def _message(message: Message) -> dict[str, Any]:
    return {
        "role": message.role,
        "parts": [_told(part) for part in message.parts],
        "name": message.name,
        "deployment": message.deployment,
    }


def _told(part: Part) -> dict[str, Any]:
    told = {each.name: getattr(part, each.name) for each in fields(part) if getattr(part, each.name) != each.default}
    if isinstance(part, ToolResult):
        told["parts"] = [_told(each) for each in part.parts]
    if isinstance(part, MediaPart) and part.data is not None:
        told["data"] = base64.b64encode(part.data).decode("ascii")
    return {"is": _WORDS[type(part)], **told}


def _read(told: Mapping[str, Any]) -> Any:
    """The part that was told; its kind's own fields are its keys."""
    kind = _PARTS[told["is"]]
    values = {name: value for name, value in told.items() if name != "is"}
    if kind is ToolResult:
        values["parts"] = tuple(map(_read, values["parts"]))
    if kind is MediaPart and "data" in values:
        values["data"] = base64.b64decode(values["data"])
    return kind(**values)
