"""Encodes the messages of a conversation.

There are two roles, `user` and `model`, and one system instruction: all system messages go there, in their order.
Messages of the same side become one content; the results of a turn's calls are a content of their own, because their
number is held against the number of the calls.

A thought's signature goes back on the part behind it: on the next call where there is one before another thought, else
on the next text, else on an empty one. Since the user spoke last, Gemini 3 refuses the first call of each step without
it; one that another provider made gets the placeholder that Google names for it (docs, gemini-api/thought-signatures,
2026-11).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from llm_router.messages import Json, JsonObject, Media, Message, Part, Reasoning, Refusal, Text, ToolCall, ToolResult
from llm_router.wire.codec import Unsupported
from llm_router.wire.gemini.parts import encode_call, encode_media, encode_result, encode_text
from llm_router.wire.gemini.quirks import Quirks

FOREIGN_SIGNATURE = "skip_thought_signature_validator"
"""What a call is signed with that wasn't made here."""


def encode_contents(messages: Sequence[Message], quirks: Quirks) -> list[JsonObject]:
    """The `contents` of the body, without the system messages. Raises Unsupported."""
    names = {part.id: part.name for message in messages for part in message.parts if isinstance(part, ToolCall)}
    joined: list[tuple[str, list[JsonObject]]] = []
    for message in messages:
        if message.role == "system":
            continue
        parts = _encode(message, names, quirks)
        if joined and joined[-1][0] == message.role:
            joined[-1][1].extend(parts)
        else:
            joined.append((message.role, list(parts)))
    if joined and joined[0][0] == "assistant" and any("functionCall" in part for part in joined[0][1]):
        raise Unsupported("a conversation in which a tool is called before anybody asked")
    needed = quirks.signatures == "required"
    turn = max((place for place, (role, _) in enumerate(joined) if role == "user"), default=-1)
    return [
        {"role": "user", "parts": parts}
        if role != "assistant"
        else {"role": "model", "parts": _signed(parts) if place > turn and needed else parts}
        for place, (role, parts) in enumerate(joined)
    ]


def system_texts(messages: Sequence[Message]) -> list[str]:
    """The texts of all system messages. Raises Unsupported for anything else in one."""
    texts = []
    for message in messages:
        if message.role == "system":
            if not all(isinstance(part, Text) for part in message.parts):
                raise Unsupported("media in a system message")
            texts.append(message.text)
    return [text for text in texts if text]


def _encode(message: Message, names: Mapping[str, str], quirks: Quirks) -> Sequence[JsonObject]:
    if message.role == "tool":
        return [encoded for part in message.parts for encoded in _result(part, names, quirks)]
    if message.role == "assistant":
        return _assistant(message.parts)
    return [_said(part, message.role) for part in message.parts]


def _result(part: Part, names: Mapping[str, str], quirks: Quirks) -> list[JsonObject]:
    if not isinstance(part, ToolResult):
        raise Unsupported("a tool message that holds more than results")
    return encode_result(part, names, quirks)


def _said(part: Part, role: str) -> JsonObject:
    if isinstance(part, Text):
        return encode_text(part.text)
    if isinstance(part, Media):
        return encode_media(part)
    raise Unsupported(f"tool calls, results or reasoning in a {role} message")


def _assistant(parts: Sequence[Part]) -> list[JsonObject]:
    encoded: list[JsonObject] = []
    pending: str | None = None
    for place, part in enumerate(parts):
        if isinstance(part, Reasoning):
            encoded += [*_signed_alone(pending), *_thought(part)]
            pending = part.signature
        elif pending is not None and _takes_signature(part, parts[place + 1 :]):
            encoded.append({**_of_model(part), "thoughtSignature": pending})
            pending = None
        else:
            encoded.append(_of_model(part))
    return [*encoded, *_signed_alone(pending)]


def _of_model(part: Part) -> JsonObject:
    match part:
        case ToolCall():
            return encode_call(part)
        case Text(text) | Refusal(text):
            return encode_text(text)
        case Media():
            return encode_media(part)
        case _:
            raise Unsupported("tool results in an assistant message")


def _takes_signature(part: Part, following: Iterable[Part]) -> bool:
    """Whether a signature belongs on this part: on a call, or on what no call follows before the next thought."""
    if isinstance(part, ToolCall):
        return True
    for later in following:
        if isinstance(later, ToolCall | Reasoning):
            return isinstance(later, Reasoning)
    return True


def _thought(part: Reasoning) -> list[JsonObject]:
    return [{"text": part.text, "thought": True}] if part.text else []


def _signed_alone(signature: str | None) -> list[JsonObject]:
    return [] if signature is None else [{"text": "", "thoughtSignature": signature}]


def _signed(parts: list[JsonObject]) -> list[JsonObject]:
    """The parts with a signature on the first call."""
    calls = [place for place, part in enumerate(parts) if "functionCall" in part]
    if not calls:
        return parts
    signed: Mapping[str, Json] = {"thoughtSignature": FOREIGN_SIGNATURE, **parts[calls[0]]}
    return [*parts[: calls[0]], signed, *parts[calls[0] + 1 :]]
