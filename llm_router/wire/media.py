"""Media as dialects carry them: base64 text and data URLs."""

from __future__ import annotations

import base64

from llm_router.messages import Media
from llm_router.wire.codec import Unsupported

_SIGNATURES: tuple[tuple[bytes, int, str], ...] = (
    (b"\x89PNG", 0, "image/png"),
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"GIF8", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"),
    (b"%PDF", 0, "application/pdf"),
    (b"WAVE", 8, "audio/wav"),
    (b"ID3", 0, "audio/mpeg"),
    (b"\xff\xfb", 0, "audio/mpeg"),
    (b"fLaC", 0, "audio/flac"),
    (b"OggS", 0, "audio/ogg"),
)
_USUAL = {"image": "image/png", "file": "application/pdf", "audio": "audio/wav"}

_AUDIO_FORMATS = {"mpeg": "mp3", "mp3": "mp3", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav", "x-m4a": "m4a"}


def media_type(media: Media) -> str:
    """The media type that is stated, else the one that the first bytes show, else the usual one of the kind."""
    if media.media_type:
        return media.media_type
    data = media.data or b""
    known = (name for mark, at, name in _SIGNATURES if data[at : at + len(mark)] == mark)
    return next(known, _USUAL[media.kind])


def base64_text(media: Media) -> str:
    """The data as base64. Raises Unsupported where there is none, or no byte of it."""
    if media.data is None:
        raise Unsupported(f"{_article(media)} by url: it needs the data itself")
    if not media.data:
        raise Unsupported(f"{_article(media)} of no bytes")
    return base64.b64encode(media.data).decode("ascii")


def data_url(media: Media) -> str:
    """The data as a `data:` URL. Raises Unsupported where there is none."""
    return f"data:{media_type(media)};base64,{base64_text(media)}"


def any_url(media: Media) -> str:
    """The URL as it stands, else the data as a `data:` URL. Raises Unsupported where there is neither."""
    if media.url is not None:
        return media.url
    if media.data is None:
        raise Unsupported(f"{_article(media)} without url and data")
    return data_url(media)


def audio_format(media: Media) -> str:
    """The short name of a sound's format, as `wav` or `mp3`."""
    subtype = media_type(media).partition("/")[2].partition(";")[0].lower()
    return _AUDIO_FORMATS.get(subtype, subtype)


def _article(media: Media) -> str:
    return f"{'a' if media.kind == 'file' else 'an'} {media.kind}"
