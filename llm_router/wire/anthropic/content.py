"""Encodes content blocks: texts, images, documents, calls, results and thoughts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from llm_router.messages import (
    CacheLife,
    Json,
    JsonObject,
    Media,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from llm_router.wire.codec import Unsupported
from llm_router.wire.media import base64_text, media_type
from llm_router.wire.tool_calls import arguments_of

_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_TEXT_TYPES = ("application/json", "application/xml", "application/yaml")
_DATA_URL = re.compile(r"data:([^;,]+);base64,(.*)", re.DOTALL)


def encode_part(part: Part) -> JsonObject:
    """One block. Raises Unsupported."""
    match part:
        case Text() | Refusal():
            return _text(part)
        case Reasoning():
            return _thought(part)
        case Media():
            return _marked(_MEDIA[part.kind](part), part.cache)
        case ToolCall():
            return {"type": "tool_use", "id": part.id, "name": part.name, "input": arguments_of(part)}
        case ToolResult():
            return _marked(_result(part), part.cache)


def cache_control(life: CacheLife | None) -> JsonObject:
    """The mark at the end of what shall be cached; five minutes are the API's own default."""
    if life is None:
        return {}
    ttl: JsonObject = {} if life == "5m" else {"ttl": life}
    return {"cache_control": {"type": "ephemeral", **ttl}}


def _marked(block: JsonObject, life: CacheLife | None) -> JsonObject:
    return {**block, **cache_control(life)}


def _text(part: Text | Refusal) -> JsonObject:
    return _marked({"type": "text", "text": part.text}, part.cache if isinstance(part, Text) else None)


def _thought(part: Reasoning) -> JsonObject:
    if not part.signature:
        raise Unsupported("a thought without signature")
    if part.redacted:
        return {"type": "redacted_thinking", "data": part.signature}
    return {"type": "thinking", "thinking": part.text, "signature": part.signature}


def _result(result: ToolResult) -> JsonObject:
    """A tool's answer; an error must have words (anthropic: a 400 otherwise, 2025)."""
    blocks = [encode_part(part) for part in result.parts]
    if result.is_error and not blocks:
        blocks = [_text(Text("The tool failed."))]
    content: JsonObject = {"content": shortest(blocks)} if blocks else {}
    error: JsonObject = {"is_error": True} if result.is_error else {}
    return {"type": "tool_result", "tool_use_id": result.call_id, **content, **error}


def shortest(blocks: Sequence[JsonObject]) -> str | Sequence[JsonObject]:
    """One text without marks as a string, anything else as the list it is."""
    (first, *rest) = blocks
    text: Json = first.get("text")
    return text if not rest and isinstance(text, str) and "cache_control" not in first else blocks


def _image(media: Media) -> JsonObject:
    return {"type": "image", "source": _inline(media, _IMAGES) or {"type": "url", "url": media.url}}


def _file(media: Media) -> JsonObject:
    title: JsonObject = {} if media.name is None else {"title": media.name}
    plain = media_type(media).startswith("text/") or media_type(media) in _TEXT_TYPES
    if plain and media.data is not None:
        text = media.data.decode("utf-8", "replace")
        return {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": text}, **title}
    source = _inline(media, ("application/pdf",)) or {"type": "url", "url": media.url}
    if source["type"] == "url" and media_type(media) != "application/pdf":
        raise Unsupported(f"files of the type `{media_type(media)}` by url")
    return {"type": "document", "source": source, **title}


def _audio(_: Media) -> JsonObject:
    raise Unsupported("audio")


def _inline(media: Media, types: Sequence[str]) -> JsonObject | None:
    """The data itself as a source, None for what a URL names. Raises Unsupported for other types than these."""
    found = _DATA_URL.fullmatch(media.url or "")
    if media.url is not None and not found:
        return None
    kind, data = (found[1], found[2]) if found else (media_type(media), base64_text(media))
    kind = kind.lower().replace("image/jpg", "image/jpeg")
    if kind not in types:
        raise Unsupported(f"{media.kind}s of the type `{kind}`")
    return {"type": "base64", "media_type": kind, "data": data}


_MEDIA = {"image": _image, "file": _file, "audio": _audio}
