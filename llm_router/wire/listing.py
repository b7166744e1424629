"""Which models a provider has: how each is asked for its list, and how the lists are read. Nothing here costs money.

What a list proves differs. Some are whole, so that a model that isn't in them isn't there; some leave out aliases, and
are asked for one name (`one`); some are shown to anybody, and so say nothing of the key (`proves_key`); some providers
have none at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias
from urllib.parse import quote, urlencode

from llm_router.wire.codec import Failure, HttpRequest, Target, WireError

Rows: TypeAlias = Any  # JSON; the readers below take out what they know


@dataclass(frozen=True, slots=True)
class Listed:
    """One model as its provider lists it: its wire name, and its limits in tokens where the provider says them."""

    name: str
    context: int | None = None
    max_output: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One answer to a question for models, and the parameters that ask for the next; None at the end."""

    models: tuple[Listed, ...]
    onward: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ListForm:
    """How one kind of provider is asked.

    `path` stands behind the base URL, `first` are the parameters of the first page. `one` is the path of one model,
    with `{}` for its name. `proof` is where the key is proven where the list doesn't. `whole` tells whether a model
    that isn't listed isn't there; `named` whether the names are those that requests use. From `cut` on, the base URL is
    that of one deployment, which has no list of its own.
    """

    path: str
    read: Callable[[Rows], Page]
    first: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    one: str | None = None
    proof: str | None = None
    proves_key: bool = True
    whole: bool = True
    named: bool = True
    cut: str | None = None


def form_of(kind: str, dialect: str) -> ListForm | None:
    """How providers of this kind are asked; None where they have no list."""
    return _KINDS[kind] if kind in _KINDS else _DIALECTS.get(dialect)


def list_request(form: ListForm, target: Target, onward: Mapping[str, str] | None = None) -> HttpRequest:
    """The request for the first page, or for the one after."""
    return _get(form, target, form.path, {**form.first, **(onward or {})})


def one_request(form: ListForm, target: Target, model: str) -> HttpRequest:
    """The request for one model. The form has `one`."""
    return _get(form, target, (form.one or "").format(quote(model, safe="/:")), {})


def proof_request(form: ListForm, target: Target) -> HttpRequest:
    """The request that proves the key. The form has `proof`."""
    return _get(form, target, form.proof or "", {})


def read_page(form: ListForm, body: bytes) -> Page:
    """A page of a list. Raises WireError for what isn't one."""
    try:
        return form.read(json.loads(body))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise WireError(Failure("malformed", "this is no list of models")) from None


def lists(page: Page, model: str) -> bool:
    """Whether a model is on the page; Ollama's `:latest` and Gemini's folder may be left out."""
    names = {each.name for each in page.models}
    return bool(names & {model, f"{model}:latest", model.removeprefix("models/")})


def _get(form: ListForm, target: Target, path: str, parameters: Mapping[str, str]) -> HttpRequest:
    query = urlencode({**target.query, **parameters})
    base = target.base_url if form.cut is None else target.base_url.partition(form.cut)[0]
    url = f"{base}{path}" + (f"?{query}" if query else "")
    return HttpRequest("GET", url, {"accept": "application/json", **form.headers, **target.headers}, b"")


def _openai(body: Rows) -> Page:
    """OpenAI's list; Together sends it bare, others add the context under one name or another."""
    rows = body if isinstance(body, list) else body["data"]
    return Page(tuple(Listed(str(row["id"]), _first_count(row, _CONTEXTS)) for row in rows))


_CONTEXTS = ("context_length", "context_window", "max_context_length", "max_model_len", "context_size")


def _anthropic(body: Rows) -> Page:
    models = tuple(Listed(str(row["id"]), _count(row.get("max_input_tokens"))) for row in body["data"])
    return Page(models, {"after_id": str(body["last_id"])} if body.get("has_more") and body.get("last_id") else None)


def _gemini(body: Rows) -> Page:
    models = tuple(
        Listed(
            str(row["name"]).removeprefix("models/"),
            _count(row.get("inputTokenLimit")),
            _count(row.get("outputTokenLimit")),
        )
        for row in body.get("models", ())
    )
    return Page(models, _token("pageToken", body.get("nextPageToken")))


def _cohere(body: Rows) -> Page:
    models = tuple(Listed(str(row["name"]), _count(row.get("context_length"))) for row in body["models"])
    return Page(models, _token("page_token", body.get("next_page_token")))


def _ollama(body: Rows) -> Page:
    return Page(tuple(Listed(str(row["name"])) for row in body["models"]))


def _nothing(_: Rows) -> Page:
    return Page(())


def _token(name: str, value: object) -> Mapping[str, str] | None:
    return {name: value} if isinstance(value, str) and value else None


def _count(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and value > 0 else None


def _first_count(row: Mapping[str, object], names: tuple[str, ...]) -> int | None:
    return next(_counts(row, names), None)


def _counts(row: Mapping[str, object], names: tuple[str, ...]) -> Iterator[int]:
    for name in names:
        if (count := _count(row.get(name))) is not None:
            yield count


_OPENAI = ListForm("/models", _openai)
_OF_ONE = replace(_OPENAI, one="/models/{}")

_DIALECTS: Mapping[str, ListForm] = {
    "openai": _OPENAI,
    # aliases aren't listed, but found: platform.claude.com/docs/en/api/models, 2026-11-21
    "anthropic": ListForm(
        "/v1/models", _anthropic, {"limit": "1000"}, {"anthropic-version": "2023-06-01"}, one="/v1/models/{}"
    ),
    "gemini": ListForm("/models", _gemini, {"pageSize": "1000"}, one="/models/{}"),
    "cohere": ListForm("/v1/models", _cohere, {"page_size": "1000"}, one="/v1/models/{}"),
    "ollama": ListForm("/api/tags", _ollama),
    # one account, and a model by owner and name: replicate.com/docs/reference/http, 2026-11-21
    "replicate": ListForm("/account", _nothing, one="/models/{}", whole=False),
    "responses": _OF_ONE,
}

_KINDS: Mapping[str, ListForm | None] = {
    "openai": _OF_ONE,
    "groq": _OF_ONE,
    "mistral": _OF_ONE,
    "xai": _OF_ONE,
    # what a resource could run, not how its deployments are called: learn.microsoft.com/azure/ai-foundry, 2026-11-21
    # the dated surface lists at `/openai/models`: Azure OpenAI REST reference, Models - List, 2024-10-21
    "azure": replace(_OPENAI, whole=False, named=False, cut="/deployments/"),
    # shown without a key; /key tells of the key: openrouter.ai/docs/api-reference, 2026-11-21
    "openrouter": replace(_OPENAI, proof="/key", proves_key=False),
    # shown without a key, and without the `:provider` that names may end in
    "huggingface": replace(_OPENAI, proves_key=False, whole=False),
    "fireworks": replace(_OPENAI, whole=False),
    "litellm": replace(_OPENAI, whole=False),  # a proxy may take wildcards
    "llamacpp": replace(_OPENAI, whole=False),  # answers to any name
    "openai-compatible": replace(_OPENAI, whole=False),
    "perplexity": None,  # no such endpoint: docs.perplexity.ai/api-reference, 2026-11-21
}
