"""Encodes the request that creates a prediction.

A wire name is `owner/name` (an official model), `owner/name:version` or a version alone, or `deployments/owner/name`.
Predictions know no tools, no JSON Schema, no reasoning and no end user: these are refused, and so is what the model
has no input for. `settings.extra` goes into the body; in it, `input` adds to the inputs. A whole answer asks the
provider to wait for a second, so that a quick one needs no second exchange; it may wait no longer, because until it
answers there is nothing that could be cancelled.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from llm_router.messages import ChatRequest, Json, JsonObject, Media, Settings
from llm_router.wire.codec import HttpRequest, Target, Unsupported
from llm_router.wire.media import any_url
from llm_router.wire.reading import as_object
from llm_router.wire.replicate.prompt import prompt_of
from llm_router.wire.replicate.quirks import Quirks, read_quirks
from llm_router.wire.sending import json_body, merged, request_headers, url

_FIXED = frozenset({"version", "stream"})
_OWN_INPUTS = frozenset({"prompt"})
_ANYWAY = {"temperature": 1, "top_p": 1}
"""What a model without such an input does anyway."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
_VERSION = re.compile(r"[A-Za-z0-9-]{8,64}")


def encode(request: ChatRequest, target: Target, *, stream: bool) -> HttpRequest:
    """The request for a prediction. Raises Unsupported."""
    quirks, settings = read_quirks(target.quirks), request.settings
    _check(request)
    path, version = _place(target.model)
    extra = {key: value for key, value in settings.extra.items() if key != "input"}
    inputs = merged(_inputs(request, quirks), as_object(settings.extra.get("input")), fixed=_OWN_INPUTS)
    own: JsonObject = {"input": inputs, **version, **({"stream": True} if stream else {})}
    headers = request_headers(target, settings, "application/json")
    if not stream:
        headers = {"prefer": "wait=1", **headers}
    return HttpRequest("POST", url(target, path), headers, json_body(merged(own, extra, fixed=_FIXED)))


def _check(request: ChatRequest) -> None:
    """Raises Unsupported for what no prediction can do."""
    settings = request.settings
    if request.tools and request.tool_choice != "none":
        raise Unsupported("tools: a prediction takes a prompt and gives a text")
    if request.response_format is not None:
        raise Unsupported("an answer in JSON: a prediction has no way to ask for it")
    for name in ("user", "logprobs"):
        if getattr(settings, name) is not None:
            raise Unsupported(f"`{name}`")
    if settings.reasoning not in (None, "none"):
        raise Unsupported("`reasoning`: say the model's own input by `extra: {input: …}`")


def _place(model: str) -> tuple[str, Mapping[str, Json]]:
    """The path below the base URL, and the body's version. Raises Unsupported."""
    name, _, version = model.partition(":")
    if version and _NAME.fullmatch(name) and _VERSION.fullmatch(version):
        return "/predictions", {"version": version}
    deployed = name.removeprefix("deployments/")
    if not version and deployed != name and _NAME.fullmatch(deployed):
        return f"/deployments/{deployed}/predictions", {}
    if not version and _NAME.fullmatch(name):
        return f"/models/{name}/predictions", {}
    if re.fullmatch(r"[0-9a-f]{64}", model):
        return "/predictions", {"version": model}
    raise Unsupported(f"the model `{model}`: its name is `owner/name`, `owner/name:version` or a version")


def _inputs(request: ChatRequest, quirks: Quirks) -> Mapping[str, Json]:
    prompt = prompt_of(request.messages)
    told = [prompt.text] if quirks.system == "yes" or not prompt.system else [prompt.system, prompt.text]
    inputs: dict[str, Json] = {"prompt": "\n\n".join(told)}
    if prompt.system and quirks.system == "yes":
        inputs["system_prompt"] = prompt.system
    return {**inputs, **_settings(request.settings, quirks), **_images(prompt.images, quirks)}


def _settings(settings: Settings, quirks: Quirks) -> JsonObject:
    known: Mapping[str, tuple[bool, Json]] = {
        "temperature": (quirks.sampling == "yes", settings.temperature),
        "top_p": (quirks.sampling == "yes", settings.top_p),
        "stop": (quirks.stop == "yes", _stop(settings.stop)),
        "seed": (quirks.seed == "yes", settings.seed),
    }
    for name, (there, value) in known.items():
        if value is not None and not there and value != _ANYWAY.get(name):
            raise Unsupported(f"`{name}`: the model has no such input")
    names = {"stop": "stop_sequences"}
    said = {names.get(name, name): value for name, (there, value) in known.items() if there}
    said[quirks.max_tokens_name] = settings.max_output_tokens
    return {name: value for name, value in said.items() if value is not None}


def _stop(words: tuple[str, ...] | None) -> str | None:
    """One text, with commas between (the inputs of meta's models, 2023 to 2025)."""
    if not words:
        return None
    if any("," in word for word in words):
        raise Unsupported("a stop sequence with a comma")
    return ",".join(words)


def _images(images: tuple[Media, ...], quirks: Quirks) -> JsonObject:
    if not images:
        return {}
    if quirks.images == "none":
        raise Unsupported("images: the model has no input for them that is known")
    if quirks.images == "image":
        if len(images) > 1:
            raise Unsupported("several images: the model takes one")
        return {"image": any_url(images[0])}
    return {"image_input": [any_url(image) for image in images]}
