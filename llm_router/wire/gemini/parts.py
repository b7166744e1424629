"""Encodes the parts of messages: texts, media, calls and results."""

from __future__ import annotations

from collections.abc import Mapping

from llm_router.messages import Json, JsonObject, Media, Text, ToolCall, ToolResult
from llm_router.wire.codec import Unsupported
from llm_router.wire.gemini.quirks import Quirks
from llm_router.wire.media import base64_text, media_type
from llm_router.wire.tool_calls import arguments_of


def encode_text(text: str) -> JsonObject:
    """A part of text."""
    return {"text": text}


def encode_media(media: Media) -> JsonObject:
    """Data in place, or a file by its URL (of the Files API, the web or YouTube). Raises Unsupported for neither.

    `detail` has no counterpart here and is left out; the media type of a URL is only said where it is known.
    """
    if media.url is None:
        return _inline(media_type(media), base64_text(media))
    head, comma, data = media.url.partition(",")
    if head.startswith("data:") and head.endswith(";base64") and comma:
        return _inline(head.removeprefix("data:").removesuffix(";base64"), data)
    known = {} if media.media_type is None else {"mimeType": media.media_type}
    return {"fileData": {**known, "fileUri": media.url}}


def encode_call(call: ToolCall) -> dict[str, Json]:
    """A call with its id. Raises Unsupported for arguments that aren't a JSON object."""
    return {"functionCall": {"id": call.id, "name": call.name, "args": arguments_of(call)}}


def encode_result(result: ToolResult, names: Mapping[str, str], quirks: Quirks) -> list[JsonObject]:
    """A tool's answer, and after it the media that can't stand inside. Raises Unsupported without the tool's name.

    The two keys of `response` are those that the API knows: `output`, and `error` for what went wrong.
    """
    name = result.name or names.get(result.call_id)
    if name is None:
        raise Unsupported(f"a result of the call `{result.call_id}`, which the conversation doesn't have")
    text = "".join(part.text for part in result.parts if isinstance(part, Text))
    media = [part for part in result.parts if isinstance(part, Media)]
    within = [part for part in media if part.url is None and quirks.result_media == "inside"]
    said: dict[str, Json] = {"id": result.call_id, "name": name}
    said["response"] = {"error" if result.is_error else "output": text}
    if within:
        said["parts"] = [encode_media(part) for part in within]
    return [{"functionResponse": said}, *(encode_media(part) for part in media if part not in within)]


def _inline(kind: str, data: str) -> JsonObject:
    return {"inlineData": {"mimeType": kind, "data": data}}
