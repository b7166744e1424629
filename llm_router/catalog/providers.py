"""What is known of providers: one frozen row a kind, read from `data/providers.json`.

A row says who speaks which dialect where, how it is told who asks, and how it deviates. Deviations are `quirks`: names
with values that the dialect's codec reads. Their table, with the default of each, stands with the codec that gives
them meaning (`llm_router.wire.openai.quirks`); a row names only what differs. In short:

- `max_tokens_name, seed_name, stop, reasoning`: settings that have another name or shape, or don't exist
- `stream_usage`: whether a stream must be asked for usage
- `tools, tool_choice_required, parallel_tool_calls, strict_tools, tool_call_ids`: tools
- `json`: how an answer in JSON is asked for (`schema, object, tool, prompt`)
- `images, files, audio`: media; `history_reasoning, signed_thoughts`: where earlier reasoning goes

What only some models of a provider do is told by `models`: a pattern of wire names, and the quirks of those that fit.
Where a provider has several APIs (`apis`), `api` among them is the one that these models are asked through.
To add a compatible provider is to add a row. A kind `custom:NAME` has no row here: its facts are those with which the
codec NAME was registered (`llm_router.catalog.custom`), and compiling knows only that there is such a kind.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import urlsplit

Dialect = Literal["openai", "responses", "ollama", "anthropic", "gemini", "cohere", "replicate", "custom"]
Auth = Literal["bearer", "x-api-key", "x-goog-api-key", "api-key"]
Api = Literal["chat", "responses"]

CUSTOM = "custom:"
"""What stands before the name of a codec of the user's own."""
CUSTOM_NAME_PATTERN = r"[a-z0-9][a-z0-9_-]*"


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """One kind of provider.

    `base_url` has no trailing slash and is `None` where the spec must say it; `base_url_variables` are conventional
    variables that say it instead. `key_variables` are looked at in their order; keys go as `auth` says: as
    `Authorization: Bearer`, or alone in the header of that name (any name, where the kind is custom);
    where a spec may choose bearer tokens instead, `token_variables` are theirs. `key_required` is false where a server
    usually runs without one. `local`: it usually runs on the asker's machine, and what it does is free unless priced.
    `adds` are abilities that the server gives to any model it serves (constrained decoding makes every model follow a
    JSON Schema); `lacks` are those that it has no way to ask for, whatever the model can do. `models` are the quirks of
    some models, by pattern of the wire name. `source` and `date` (ISO) are the facts' own.
    """

    kind: str
    dialect: Dialect
    base_url: str | None
    key_variables: tuple[str, ...] = ()
    key_required: bool = True
    base_url_variables: tuple[str, ...] = ()
    local: bool = False
    organization_header: str | None = None
    adds: frozenset[str] = frozenset()
    lacks: frozenset[str] = frozenset()
    quirks: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    auth: str = "bearer"
    models: tuple[tuple[str, Mapping[str, str]], ...] = ()
    apis: tuple[Api, ...] = ()
    token_variables: tuple[str, ...] = ()
    source: str = ""
    date: str = ""

    def address(self, written: str) -> str:
        """A base URL as people write it, made whole: `0.0.0.0`, `:11434` and `box:8000/` are what servers call it.

        Without a scheme it is http where servers run at home (a local row, this machine, a host without a domain), and
        https elsewhere, so that no key goes out in the clear unasked. The port is the row's own unless one is said;
        `0.0.0.0` is where a server listens, and `127.0.0.1` where it is asked. A URL with a scheme only loses its
        trailing slash.
        """
        text = written.strip().rstrip("/")
        if "://" in text:
            return text
        host, _, path = text.partition("/")
        name, _, port = host.rpartition(":") if _has_port(host) else (host, "", "")
        port = port or _port(self.base_url)
        name = name if name not in ("", "0.0.0.0", "[::]") else "127.0.0.1"
        at_home = self.local or name.startswith(("127.", "[::1]")) or not set(".:") & set(name)
        return f"{'http' if at_home else 'https'}://{name}{':' + port if port else ''}{'/' + path if path else ''}"

    def auth_headers(self, key: str, auth: str | None = None) -> Mapping[str, str]:
        """The header that says who asks; `auth` is the spec's choice."""
        auth = auth or self.auth
        return {"authorization": f"Bearer {key}"} if auth == "bearer" else {auth: key}

    @property
    def auths(self) -> tuple[str, ...]:
        """What a spec may choose between; nothing where there is no choice."""
        return (self.auth, "bearer") if self.token_variables else ()

    def api_for(self, model: str) -> Api | None:
        """The API through which a model is asked unless the spec says otherwise; None where there is but one."""
        chosen = [own["api"] for own in self._own(model) if "api" in own]
        named: tuple[Api, ...] = tuple(api for api in self.apis if api in chosen[-1:])
        return (named or self.apis or (None,))[0]

    def dialect_of(self, api: Api | None) -> Dialect:
        """The dialect in which an API is spoken."""
        return "responses" if api == "responses" else self.dialect

    def _own(self, model: str) -> list[Mapping[str, str]]:
        """What is told of the models that this wire name is one of."""
        return [own for pattern, own in self.models if fnmatchcase(model.lower(), pattern)]

    def quirks_for(self, supports: frozenset[str] | None, model: str = "") -> Mapping[str, str]:
        """The quirks for the wire name `model` with these abilities (`None`: unknown).

        All entries of `models` that fit count, a later one over an earlier one. A model that is known not to follow a
        schema is asked for JSON through a tool, or else by `json_object`.
        """
        quirks = dict(self.quirks)
        for own in self._own(model):
            quirks |= {name: value for name, value in own.items() if name != "api"}
        if supports is not None and "json_schema" not in supports and quirks.get("json", "schema") == "schema":
            quirks["json"] = "tool" if "tools" in supports else "object"
        return MappingProxyType(quirks)


def _has_port(host: str) -> bool:
    return host.rpartition(":")[2].isdigit() and (host.count(":") == 1 or "]:" in host)


def _port(url: str | None) -> str:
    port = urlsplit(url).port if url else None
    return str(port) if port else ""


def _row(kind: str, facts: Mapping[str, Any]) -> ProviderRow:
    return ProviderRow(
        kind,
        facts["dialect"],
        facts["base_url"],
        tuple(facts.get("key_variables", ())),
        facts.get("key_required", True),
        tuple(facts.get("base_url_variables", ())),
        facts.get("local", False),
        facts.get("organization_header"),
        frozenset(facts.get("adds", ())),
        frozenset(facts.get("lacks", ())),
        MappingProxyType(facts.get("quirks", {})),
        facts.get("auth", "bearer"),
        tuple((pattern, MappingProxyType(own)) for pattern, own in facts.get("models", {}).items()),
        tuple(facts.get("apis", ())),
        tuple(facts.get("token_variables", ())),
        facts["source"],
        facts["date"],
    )


def _read() -> Mapping[str, ProviderRow]:
    rows = json.loads(Path(__file__).with_name("data").joinpath("providers.json").read_bytes())
    return MappingProxyType({kind: _row(kind, facts) for kind, facts in rows.items()})


PROVIDERS: Mapping[str, ProviderRow] = _read()
"""Every kind that a spec may name, in the order in which documentation lists them."""


def row_of(kind: str) -> ProviderRow:
    """The row of a kind; for a custom one what holds of any such, whoever registers it. Raises KeyError."""
    return ProviderRow(kind, "custom", None, key_required=False) if kind.startswith(CUSTOM) else PROVIDERS[kind]
