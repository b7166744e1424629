"""What the emulator answers, as its user writes it down: turns, and for whom they are.

A turn is a text to say, the name of a fault, or a value: `Say`, `Fault`, a whole `ChatResponse`, or a function of the
question that gives one of these. In a file it is a word or a mapping: `rate_limit`, `{say: hello}`,
`{fault: stall, after: 3}`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TypeAlias

from typing_extensions import override

from llm_router.diagnostics import closest
from llm_router.messages import (
    ChatResponse,
    FinishReason,
    Json,
    JsonObject,
    Message,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Usage,
)
from llm_router.testing.faults import FAULTS, Fault, read_fault
from llm_router.testing.invent import invent
from llm_router.testing.question import Question

OK = "ok"
"""The turn that answers as if nothing were scripted."""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call to make; without `arguments` they are invented to fit the tool's schema."""

    name: str
    arguments: JsonObject | str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Say:
    """A good answer. What is None is made up to fit the question; `delay_s` passes before the first byte."""

    text: str | None = None
    calls: tuple[Call, ...] = ()
    reasoning: str | None = None
    refusal: str | None = None
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    model: str | None = None
    delay_s: float = 0.0


Given: TypeAlias = "str | int | Say | Fault | ChatResponse | Mapping[str, Json]"
"""One turn as a user may write it."""
Turn: TypeAlias = "Given | Callable[[Question], Given]"
Turns: TypeAlias = "Turn | Sequence[Turn]"


@dataclass(frozen=True, slots=True)
class On:
    """Turns for the questions whose model, deployment and last user text match these globs (case is ignored).

    The deployment is what the path names: of a router under `emulated(url)`, the deployment's name in its spec. The
    turns are taken one after another, counted for each model of each deployment; the last is repeated.
    """

    turns: Turns
    model: str = "*"
    deployment: str = "*"
    text: str = "*"

    def matches(self, question: Question) -> bool:
        """Whether this entry speaks of the question."""
        return (
            _fits(self.model, question.model)
            and _fits(self.deployment, question.deployment or "")
            and _fits(self.text, question.text)
        )


@dataclass(frozen=True, slots=True)
class _Keyed(On):
    """Turns for whom `key` names: a model, a deployment, or `deployment:model`."""

    key: str = "*"

    @override
    def matches(self, question: Question) -> bool:
        """Whether any reading of the key fits: a wire name may hold a colon (`llama3:8b`), a deployment's too."""
        deployment = question.deployment or ""
        return any(_fits(self.key, name) for name in (question.model, deployment, f"{deployment}:{question.model}"))


def _fits(pattern: str, word: str) -> bool:
    return pattern == "*" or fnmatchcase(word.lower(), pattern.lower())


Script: TypeAlias = Mapping[str, Turns] | Sequence[On]


def read_script(script: Script) -> tuple[On, ...]:
    """The entries of a script, each turn checked. A key is a model, a deployment or `deployment:model`, globs allowed.

    Raises ValueError for a turn that can't be read.
    """
    keyed = (_Keyed(turns, key=key) for key, turns in script.items()) if isinstance(script, Mapping) else script
    return tuple(replace(entry, turns=_checked(entry.turns)) for entry in keyed)


def _checked(turns: Turns) -> Sequence[Turn]:
    several = turns if isinstance(turns, Sequence) and not isinstance(turns, str) else (turns,)
    if not several:
        raise ValueError("a script's list of turns is empty")
    return tuple(turn if callable(turn) else read_turn(turn) for turn in several)


def read_turn(turn: Given) -> Say | Fault | ChatResponse:
    """A turn as a value. Raises ValueError, with the nearest name, for what can't be read."""
    match turn:
        case Say() | Fault() | ChatResponse():
            return turn
        case str() if turn == OK:
            return Say()
        case str() | int():
            return read_fault(str(turn))
        case Mapping():
            return _read_mapping(turn)
        case _:
            raise ValueError(f"`{turn!r}` is no turn; write a fault's name, `ok`, or {{say: a text}}")


def _read_mapping(turn: Mapping[str, Json]) -> Say | Fault:
    if "fault" in turn:
        return read_fault(str(turn["fault"]), {key: value for key, value in turn.items() if key != "fault"})
    known = ("say", "calls", "reasoning", "refusal", "finish_reason", "delay_s", "fault")
    for key in turn:
        if key not in known:
            near = closest(key, known)
            raise ValueError(f"`{key}` is no part of a turn" + (f"; did you mean `{near}`?" if near else ""))
    calls = turn.get("calls")
    return Say(
        text=_text(turn.get("say")),
        calls=tuple(_call(call) for call in calls) if isinstance(calls, list) else (),
        reasoning=_text(turn.get("reasoning")),
        refusal=_text(turn.get("refusal")),
        finish_reason=_finish(turn.get("finish_reason")),
        delay_s=_seconds(turn.get("delay_s", 0)),
    )


def _text(value: Json) -> str | None:
    return None if value is None else value if isinstance(value, str) else json.dumps(value)


def _seconds(value: Json) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise ValueError(f"`delay_s: {value}` is no number of seconds")
    return float(value)


def _finish(value: Json) -> FinishReason | None:
    reasons: Mapping[Json, FinishReason] = {
        "stop": "stop",
        "length": "length",
        "tool_calls": "tool_calls",
        "content_filter": "content_filter",
    }
    if value is not None and value not in reasons:
        raise ValueError(f"`{value}` is no finish reason; write one of {', '.join(map(str, reasons))}")
    return reasons.get(value)


def _call(call: Json) -> Call:
    if isinstance(call, str):
        return Call(call)
    if isinstance(call, Mapping) and isinstance(call.get("name"), str):
        arguments = call.get("arguments")
        return Call(str(call["name"]), arguments if isinstance(arguments, (Mapping, str)) else None)
    raise ValueError("a call is a tool's name, or {name: …, arguments: {…}}")


def answer(question: Question, say: Say, serial: int) -> ChatResponse:
    """The whole good answer to a question: what `say` fixes, and for the rest something that fits."""
    say = say if say.calls or say.text is not None else _made_up(question, say)
    parts: list[Part] = []
    if say.reasoning:
        parts.append(Reasoning(say.reasoning))
    if say.refusal:
        parts.append(Refusal(say.refusal))
    text, finish = _cut_to_size(say.text or "", question)
    parts.extend([Text(text)] if text else [])
    parts.extend(_made_call(call, place, question, serial) for place, call in enumerate(say.calls))
    reason = say.finish_reason or ("tool_calls" if say.calls else finish)
    message = Message("assistant", tuple(parts))
    return ChatResponse(message, reason, say.usage or _usage(question, parts), say.model or question.model)


def _made_up(question: Question, say: Say) -> Say:
    """The default: call what must be called, give the JSON that is asked for, else say who was asked what."""
    if say.refusal:
        return say
    if question.must_call is not None:
        name = question.tools[0].name if question.must_call == "*" else question.must_call
        return replace(say, calls=(Call(name),))
    if question.schema is not None:
        return replace(say, text=json.dumps(invent(question.schema), ensure_ascii=False))
    if question.wants_json:
        return replace(say, text=json.dumps({"answer": question.text}, ensure_ascii=False))
    return replace(say, text=f"{question.model} was asked: {question.text}")


def _made_call(call: Call, place: int, question: Question, serial: int) -> ToolCall:
    arguments = call.arguments
    if arguments is None:
        tool = next((tool for tool in question.tools if tool.name == call.name), None)
        arguments = invent(tool.parameters) if tool else {}  # type: ignore[assignment]  # an object by the tool's schema
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return ToolCall(call.id or f"call_{serial:06d}{place:02d}", call.name, text)


def _cut_to_size(text: str, question: Question) -> tuple[str, FinishReason]:
    """The text up to the first stop sequence and the cap of tokens, and why it ends there."""
    ends = [text.index(stop) for stop in question.stop if stop and stop in text]
    text = text[: min(ends)] if ends else text
    words = pieces(text)
    if question.max_output_tokens is None or len(words) <= question.max_output_tokens:
        return text, "stop"
    return "".join(words[: question.max_output_tokens]), "length"


def _usage(question: Question, parts: Sequence[Part]) -> Usage:
    """What such an answer would cost: one token for each piece of text."""
    reasoning = sum(len(pieces(part.text)) for part in parts if isinstance(part, Reasoning))
    text = sum(len(pieces(part.text)) for part in parts if isinstance(part, (Text, Refusal)))
    calls = sum(8 + len(part.arguments) // 4 for part in parts if isinstance(part, ToolCall))
    return Usage(input=question.input_tokens, output=reasoning + text + calls, cache_read=0, reasoning=reasoning)


def pieces(text: str) -> list[str]:
    """The text cut as it is streamed: words with the space before them, at most eight characters each."""
    found: list[str] = []
    start = 0
    for end in range(1, len(text) + 1):
        if end == len(text) or text[end].isspace() or end - start == 8:
            found.append(text[start:end])
            start = end
    return found


DEFAULT = On(OK)
"""What is said to questions that no entry matches."""

__all__ = ["DEFAULT", "FAULTS", "OK", "Call", "Given", "On", "Say", "Script", "Turn", "Turns", "answer", "pieces"]
