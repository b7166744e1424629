"""What Replicate's predictions accept: addresses, and the inputs that language models have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from llm_router.testing.question import Problem
from llm_router.testing.shapes import Anything, Array, Flag, Misfit, Number, Object, Shape, String

_PART = r"[A-Za-z0-9][A-Za-z0-9._-]*"
KNOWN = re.compile(
    rf"/(?:(?:models|deployments)/(?P<model>{_PART}/{_PART})/predictions"
    rf"|predictions(?:/(?P<ident>[a-z0-9]+)(?:/(?P<verb>cancel|stream))?)?)$"
)
"""The end of a path that is about predictions."""

_URI = String(pattern=r"https?://.+|data:.+;base64,.+")
_INPUTS: Mapping[str, Shape] = {
    "prompt": String(short=1),
    "system_prompt": String(),
    "temperature": Number(low=0, high=5),
    "top_p": Number(low=0, high=1),
    "top_k": Number(low=0, integer=True),
    "stop_sequences": String(),
    "seed": Number(integer=True),
    "image": _URI,
    "image_input": Array(_URI),
    **dict.fromkeys(("max_tokens", "max_new_tokens", "max_completion_tokens"), Number(low=1, integer=True)),
}


@dataclass(frozen=True, slots=True)
class Place:
    """What a path is about: `verb` is create, get, cancel or stream."""

    verb: str
    model: str | None = None
    ident: str = ""


def read_place(path: str) -> Place:
    """What a path that is known is about."""
    found = KNOWN.search(path.partition("?")[0])
    assert found is not None  # INVARIANT: asked only of paths that the dialect claims
    ident = found["ident"] or ""
    return Place(found["verb"] or ("get" if ident else "create"), found["model"], ident)


def body_shape(also: frozenset[str], *, versioned: bool) -> Object:
    """What the body of a creation must look like."""
    fields: dict[str, Shape] = {**dict.fromkeys(also, Anything()), "input": Object(_INPUTS, ("prompt",))}
    fields |= {"stream": Flag(), "webhook": String(), "webhook_events_filter": Array(String())}
    if versioned:
        fields["version"] = String(short=8)
    return Object(fields, ("input", "version") if versioned else ("input",))


def misfit_problem(misfit: Misfit) -> Problem:
    """A misfit in words like the server's."""
    words = {
        "type": f"Invalid type. Expected: {misfit.expected.split(' ', 1)[-1]}, given: {misfit.got.split(' ', 1)[-1]}",
        "missing": f"{misfit.path.rpartition('.')[2]} is required",
        "unknown": f"Additional property {misfit.path.rpartition('.')[2]} is not allowed",
    }
    told = words.get(misfit.kind, f"Must fit {misfit.expected}, given: {misfit.got}")
    return Problem(422, f"- {misfit.path}: {told}", "Input validation failed")
