"""What makes two requests equal: their canonical form, hashed, so that no text of a prompt can be read from it.

All that is said counts, but not whether it is streamed, nor who wrote an earlier message (unless there are thoughts in
it, which go back to their writer alone). Mappings count in their order: models write in that of a schema.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from hashlib import blake2b
from typing import Any

from llm_router.messages import ChatRequest, Message, Reasoning, Settings, Text
from llm_router.policy.decision import Decision
from llm_router.policy.features import Features
from llm_router.policy.follow import settings_for
from llm_router.policy.program import Cache, Program

VERSION = 1
"""Raised where equal requests get other keys than before."""


def key_of(cache: Cache, request: ChatRequest, features: Features) -> str:
    """The key of a request: its scope, then its hash with the features that it varies by."""
    varied = {name: features.values.get(name) for name in cache.vary}
    scope = "all:" if cache.share else scope_of(features.hints.user)
    return scope + _hash((VERSION, _unsigned(request), varied))


def scope_of(user: str | None) -> str:
    """How the keys of a user's answers begin; those of callers who name no user are of one scope."""
    return "nobody:" if user is None else f"{_hash(user)[:16]}:"


def sent_by(program: Program, decision: Decision, caller: Settings) -> Mapping[str, tuple[str, str]]:
    """By the name of each candidate: the identity of the deployment, and the hash of the settings that it is sent."""
    rule = None if decision.place is None else program.rules[decision.place]
    return {
        each.deployment: (
            program.deployments[each.deployment].identity,
            _hash(settings_for(program, rule, each, caller)),
        )
        for each in decision.candidates
    }


def flight_of(key: str, sent: Mapping[str, tuple[str, str]]) -> str:
    """Requests of one flight can take each other's answers, whoever gives them."""
    return f"{key}/{_hash(sorted(sent.values()))}"


def _unsigned(request: ChatRequest) -> ChatRequest:
    """The request without the writers of messages that anybody may be sent alike."""
    return replace(request, messages=tuple(map(_anonymous, request.messages)))


def _anonymous(message: Message) -> Message:
    owned = any(isinstance(part, Reasoning) or (isinstance(part, Text) and part.phase) for part in message.parts)
    return message if owned else replace(message, deployment=None)


def _hash(value: object) -> str:
    text = json.dumps(_plain(value), separators=(",", ":"))
    return blake2b(text.encode("ascii"), digest_size=20).hexdigest()


def _plain(value: Any) -> Any:
    """The value as JSON that no other value has; `None` is left out."""
    if is_dataclass(value) and not isinstance(value, type):
        said = {each.name: getattr(value, each.name) for each in fields(value)}
        told = {name: _plain(each) for name, each in said.items() if each is not None}
        return {"is": type(value).__name__, **told}
    if isinstance(value, Mapping):
        return ["mapping", [[str(name), _plain(each)] for name, each in value.items()]]
    if isinstance(value, set | frozenset):
        return ["set", sorted(map(str, value))]
    if isinstance(value, bytes):
        return ["bytes", blake2b(value, digest_size=20).hexdigest()]
    return [_plain(each) for each in value] if isinstance(value, tuple | list) else value
