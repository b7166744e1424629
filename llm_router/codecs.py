"""Codecs of your own: what one is made of, and how the router learns of it. `recipes/custom-api.md` takes you there.

    register_codec("acme", Acme(), base_url="https://api.acme.example", key_variables=("ACME_API_KEY",))

and in the spec `providers: {acme: {kind: "custom:acme"}}`. A codec is pure: it does no I/O, reads no clock and keeps
nothing between two calls, so that one serves all threads and loops. `llm_router.testing.check_codec` says whether it
is right.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from llm_router.catalog.custom import register_row
from llm_router.catalog.providers import CUSTOM, CUSTOM_NAME_PATTERN, ProviderRow
from llm_router.errors import FailureClass
from llm_router.wire.codec import (
    CallIds,
    Codec,
    Decoder,
    Failure,
    HistoryForm,
    HttpRequest,
    Target,
    Unsupported,
    WireError,
)
from llm_router.wire.course import Ask, Course, Coursed, Give, Play, Rest, Step, Told
from llm_router.wire.dialects import register_custom
from llm_router.wire.error_body import failure_of
from llm_router.wire.framing import JsonLines, ServerEvent, ServerEvents, gather
from llm_router.wire.media import base64_text
from llm_router.wire.reading import (
    as_count,
    as_list,
    as_object,
    as_text,
    look_up,
    malformed,
    parse,
    parse_object,
    truncated,
)
from llm_router.wire.sending import json_body, merged, request_headers, url

__all__ = [
    "Ask",
    "CallIds",
    "Codec",
    "Course",
    "Coursed",
    "Decoder",
    "Failure",
    "FailureClass",
    "Give",
    "HistoryForm",
    "HttpRequest",
    "JsonLines",
    "Play",
    "Rest",
    "ServerEvent",
    "ServerEvents",
    "Step",
    "Target",
    "Told",
    "Unsupported",
    "WireError",
    "as_count",
    "as_list",
    "as_object",
    "as_text",
    "base64_text",
    "failure_of",
    "gather",
    "json_body",
    "look_up",
    "malformed",
    "merged",
    "parse",
    "parse_object",
    "register_codec",
    "request_headers",
    "truncated",
    "url",
]

_PARTS = ("history", "encode", "decode", "decode_error", "decoder")


def register_codec(
    name: str,
    codec: Codec,
    *,
    base_url: str | None = None,
    key_variables: Sequence[str] = (),
    auth: str = "bearer",
) -> None:
    """Let specs say `kind: custom:NAME`, for all routers that this process makes from now on.

    `base_url` is the provider's address where a spec says none. Where a spec gives no key, the first of
    `key_variables` that is set holds it; without any the provider is asked without one. The key goes out as `auth`
    says: `bearer`, or alone in the header of that name. To register a name again is to replace it. Raises ValueError
    for a name that isn't one, TypeError for what isn't a codec.
    """
    if not re.fullmatch(CUSTOM_NAME_PATTERN, name):
        raise ValueError(f"`{name}` is no name for a codec: write lower case letters, digits, `-` and `_`")
    absent = [part for part in _PARTS if not callable(getattr(codec, part, None))]
    if absent:
        raise TypeError(f"{type(codec).__name__} is no codec: it lacks {', '.join(f'`{part}`' for part in absent)}")
    if isinstance(key_variables, str):
        raise TypeError(f"`key_variables` is a list of names: write `({key_variables!r},)`")
    kind = f"{CUSTOM}{name}"
    address = base_url.rstrip("/") if base_url else None
    variables = tuple(key_variables)
    row = ProviderRow(
        kind,
        "custom",
        address,
        variables,
        key_required=bool(variables),
        auth=auth if auth == "bearer" else auth.lower(),
    )
    register_custom(kind, codec)
    register_row(row)
