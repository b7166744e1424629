"""Encodes the parts of messages: texts, images, files and sound."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from llm_router.messages import JsonObject, Media, Text
from llm_router.wire.codec import Unsupported
from llm_router.wire.media import any_url, audio_format, base64_text, data_url, media_type
from llm_router.wire.openai.quirks import Quirks


def encode_content(parts: Sequence[Text | Media], quirks: Quirks) -> str | list[JsonObject]:
    """The content of a message: one text as a string, anything else as a list. Raises Unsupported."""
    if not parts:
        return ""
    if len(parts) == 1 and isinstance(parts[0], Text):
        return parts[0].text
    return [encode_part(part, quirks) for part in parts]


def encode_part(part: Text | Media, quirks: Quirks) -> JsonObject:
    """One part of a content list. Raises Unsupported."""
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    return _MEDIA[part.kind](part, quirks)


def _image(media: Media, quirks: Quirks) -> JsonObject:
    if quirks.images == "no":
        raise Unsupported("images")
    url = {"url": any_url(media)}
    return {"type": "image_url", "image_url": url if media.detail is None else {**url, "detail": media.detail}}


def _audio(media: Media, quirks: Quirks) -> JsonObject:
    if quirks.audio == "no":
        raise Unsupported("audio")
    return {"type": "input_audio", "input_audio": {"data": base64_text(media), "format": audio_format(media)}}


def _file(media: Media, quirks: Quirks) -> JsonObject:
    encode = _FILES.get(quirks.files)
    if encode is None:
        raise Unsupported("files")
    return encode(media)


def _file_data(media: Media) -> JsonObject:
    """OpenAI's own form, which takes data only."""
    return {"type": "file", "file": {"filename": file_name(media), "file_data": data_url(media)}}


def _file_any(media: Media) -> JsonObject:
    """OpenRouter's: the same, but `file_data` may be a URL."""
    return {"type": "file", "file": {"filename": file_name(media), "file_data": any_url(media)}}


def _document_url(media: Media) -> JsonObject:
    """Mistral's: a URL or a data URL."""
    part = {"type": "document_url", "document_url": any_url(media)}
    return part if media.name is None else {**part, "document_name": media.name}


def _file_url(media: Media) -> JsonObject:
    """Perplexity's: a URL, or base64 without the `data:` prefix."""
    return {"type": "file_url", "file_url": {"url": media.url if media.url is not None else base64_text(media)}}


def file_name(media: Media) -> str:
    """The file's name, else one that shows its type."""
    subtype = media_type(media).partition("/")[2].partition(";")[0]
    return media.name or f"file.{'txt' if subtype == 'plain' else subtype}"


_MEDIA: Mapping[str, Callable[[Media, Quirks], JsonObject]] = {"image": _image, "audio": _audio, "file": _file}
_FILES: Mapping[str, Callable[[Media], JsonObject]] = {
    "data": _file_data,
    "url": _file_any,
    "document_url": _document_url,
    "file_url": _file_url,
}
