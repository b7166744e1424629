"""Fits a conversation to the deployment about to be asked, whoever wrote it so far, by these rules:

**Thoughts.** A signature is kept for the kind of provider that wrote it, else dropped; who wrote a message stands in
`Message.deployment`, and what nobody is known to have written is nobody's. Hidden (redacted) thoughts are kept for
their writer where the dialect knows such, else dropped. What is left of a thought is kept where the dialect has a place
for it: `any`, those with a text, those that are signed, or none at all. Signed ones at the end of a message, behind
which nothing was said, are cut off there. The phase of a text is kept and dropped as a signature is.
**Calls and results.** A result stands right behind the message of its call, in the order of the calls; it answers the
last call of its id before it. A call without a result gets an error that says so. A result without a call becomes what
the user says. Where results must be answered before the user speaks, `BRIDGE` answers them. Ids are unique in a
conversation, and one that the dialect doesn't take is replaced on both sides, always by the same one. Where there are
no tools, calls and results are told in words.
**Contents.** Empty texts are left out, where the dialect refuses them those of nothing but white space too; and then
messages of which nothing is left. A conversation of which nothing is left is refused.
**Names of speakers** are kept where the dialect has a place for them. Elsewhere a user's stands before what was said
("Ada: hello"); those of others, who are known by their role, are left out.
**The beginning.** Where nobody may speak before the user, the user says `BEGINNING` before those who do, and instead of
nothing.
**Marks of the cache** are kept where the dialect knows them: the last ones, as many as it takes.

Where system messages stand, who speaks when, and how media go is a matter of each dialect's form, and so of its codec.
Text is never lost.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from llm_router.messages import (
    ChatRequest,
    Media,
    Message,
    Part,
    Reasoning,
    Refusal,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from llm_router.wire.codec import CallIds, HistoryForm, Unsupported

BEGINNING = "(The conversation begins.)"
"""What the user says before an answer that came unasked, where the user must speak first."""

BRIDGE = "(No answer.)"
"""What stands between results and the user, where something must."""

NO_RESULT = "This call was not answered."
"""What a call without a result is answered with."""

_TAKEN: Mapping[CallIds, re.Pattern[str]] = {
    "any": re.compile(r".+", re.DOTALL),
    "short": re.compile(r".{1,40}", re.DOTALL),
    "word": re.compile(r"[a-zA-Z0-9_-]+"),
    "nine": re.compile(r"[a-zA-Z0-9]{9}"),
}
_Marked = TypeVar("_Marked", Text, Media, Text | Media, ToolResult, Tool)


def fitted(request: ChatRequest, form: HistoryForm, *, own: Callable[[str], bool]) -> ChatRequest:
    """The request with its conversation as a dialect of this form takes it.

    `own` tells of a deployment's name whether its provider is of the kind that is to be asked. Fitting twice is fitting
    once. Raises Unsupported for a conversation without content.
    """
    kept = [_kept(message, form, own) for message in request.messages]
    paired = _paired([message for message in kept if message.parts], form)
    paired = paired if form.tools else [_in_words(message) for message in paired]
    messages = tuple(_bridged(paired) if form.bridged else paired) or _empties(request, form)
    messages = _begun(messages) if form.user_first else messages
    return _marked(replace(request, messages=messages), form.marks)


def _begun(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The messages with the user in front of all but the system."""
    place = next((place for place, message in enumerate(messages) if message.role != "system"), len(messages))
    if place < len(messages) and messages[place].role == "user":
        return messages
    return (*messages[:place], Message("user", (Text(BEGINNING),)), *messages[place:])


def _empties(request: ChatRequest, form: HistoryForm) -> tuple[Message, ...]:
    """What system and user said of a conversation without content. Raises Unsupported where that can't be sent."""
    said = tuple(message for message in request.messages if message.role in ("system", "user") and message.parts)
    if not said or not form.blanks:
        raise Unsupported("a conversation without content")
    if form.user_first and all(message.role == "system" for message in said):
        return ()  # what begins the conversation is content, beside which the empty ones are left out
    return said


def _kept(message: Message, form: HistoryForm, own: Callable[[str], bool]) -> Message:
    """The message with what may be sent of it."""
    ours = message.deployment is not None and own(message.deployment)
    parts = [kept for part in message.parts if (kept := _part(part, form, ours=ours)) is not None]
    while form.thoughts == "signed" and parts and isinstance(parts[-1], Reasoning):
        parts.pop()
    told = message if tuple(parts) == message.parts else replace(message, parts=tuple(parts))
    return told if form.names or told.name is None else _unnamed(told)


def _unnamed(message: Message) -> Message:
    """The message without its name; a user's stands before the first text, or on its own before anything else."""
    parts = message.parts
    if message.role == "user" and parts:
        first = parts[0]
        label = f"{message.name}: "
        begun = replace(first, text=label + first.text) if isinstance(first, Text) else None
        parts = (begun, *parts[1:]) if begun else (Text(label), *parts)
    return replace(message, name=None, parts=parts)


def _part(part: Part, form: HistoryForm, *, ours: bool) -> Part | None:
    match part:
        case Reasoning():
            return _thought(part if ours else replace(part, signature=None), form)
        case Text(text) | Refusal(text):
            kept = part if ours or isinstance(part, Refusal) or part.phase is None else replace(part, phase=None)
            return kept if (text if form.blanks else text.strip()) else None
        case ToolResult():
            told = tuple(left for each in part.parts if (left := _part(each, form, ours=ours)) is not None)
            return part if told == part.parts else replace(part, parts=told)  # type: ignore[arg-type]  # as they were
        case _:
            return part


def _thought(thought: Reasoning, form: HistoryForm) -> Reasoning | None:
    if thought.redacted:
        return thought if thought.signature and form.thoughts == "signed" else None
    told = {
        "any": bool(thought.text or thought.signature),
        "text": bool(thought.text),
        "signed": bool(thought.signature),
        "none": False,
    }
    return thought if told[form.thoughts] else None


# calls and results


@dataclass(slots=True)
class _Asked:
    """A call under its new id, and the result that was found for it."""

    call: ToolCall
    written: str
    turn: int
    result: ToolResult | None = None


@dataclass(slots=True)
class _Ids:
    """Ids that a dialect takes, each once."""

    taken: re.Pattern[str]
    words: CallIds
    used: set[str] = field(default_factory=set)

    def fit(self, written: str) -> str:
        """The id as it was written, or one that stands for it."""
        fit, turn = written, 0
        while not self.taken.fullmatch(fit) or fit in self.used:
            fit, turn = _made(f"{written}\0{turn}" if turn else written, self.words), turn + 1
        self.used.add(fit)
        return fit


def _made(of: str, words: CallIds) -> str:
    """An id made of another (mistral: nine letters and digits, any other is a 400; docs, 2025)."""
    digest = hashlib.sha256(of.encode("utf-8", "replace")).hexdigest()
    return digest[:9] if words == "nine" else f"toolu_{digest[:20]}" if words == "word" else f"call_{digest[:20]}"


def _paired(messages: Sequence[Message], form: HistoryForm) -> list[Message]:
    """The messages with each result behind the message of its call."""
    ids = _Ids(_TAKEN[form.call_ids], form.call_ids)
    asked: list[_Asked] = []
    told: list[tuple[Message, Sequence[_Asked]]] = []
    for turn, message in enumerate(messages):
        if message.role == "tool":
            told += [(left, ()) for left in _answered(message, asked)]
            continue
        calls = [_Asked(replace(call, id=ids.fit(call.id)), call.id, turn) for call in _calls(message)]
        asked += calls
        told.append((message, calls))
    return [placed for message, calls in told for placed in _placed(message, calls)]


def _calls(message: Message) -> list[ToolCall]:
    return [part for part in message.parts if message.role == "assistant" and isinstance(part, ToolCall)]


def _answered(message: Message, asked: Sequence[_Asked]) -> Iterator[Message]:
    """Gives each result to its call; yields what has none, and what is no result."""
    for part in message.parts:
        found = _find(part.call_id, asked) if isinstance(part, ToolResult) else None
        if not isinstance(part, ToolResult):
            yield replace(message, parts=(part,))
        elif found is None:
            yield from _orphan(part)
        else:
            found.result = replace(part, call_id=found.call.id)


def _find(written: str, asked: Sequence[_Asked]) -> _Asked | None:
    """The open call of this id: of the last message that has one, the first."""
    fitting = [each for each in asked if each.written == written and each.result is None]
    return next((each for each in fitting if each.turn == fitting[-1].turn), None)


def _orphan(result: ToolResult) -> Iterator[Message]:
    if result.parts:
        yield Message("user", result.parts)


def _placed(message: Message, calls: Sequence[_Asked]) -> Iterator[Message]:
    """The message, its calls under their new ids, and behind it the results."""
    if not calls:
        yield message
        return
    renamed = iter(calls)
    parts = tuple(next(renamed).call if isinstance(part, ToolCall) else part for part in message.parts)
    yield message if parts == message.parts else replace(message, parts=parts)
    yield Message("tool", tuple(each.result or _unanswered(each.call) for each in calls))


def _bridged(messages: Sequence[Message]) -> Iterator[Message]:
    """The messages with an answer between results and the user."""
    for before, message in zip((None, *messages), messages, strict=False):
        if before is not None and before.role == "tool" and message.role == "user":
            yield Message("assistant", (Text(BRIDGE),))
        yield message


def _in_words(message: Message) -> Message:
    """The message with its calls or results as text, which the user brings: nobody else is left to."""
    if message.role == "tool":
        parts = tuple(told for part in message.parts if isinstance(part, ToolResult) for told in _result_in_words(part))
        return Message("user", parts)
    calls = [part for part in message.parts if isinstance(part, ToolCall)]
    if not calls:
        return message
    return replace(message, parts=tuple(_call_in_words(part) for part in message.parts))


def _call_in_words(part: Part) -> Part:
    return Text(f"[calls {part.name} with {part.arguments or '{}'}]") if isinstance(part, ToolCall) else part


def _result_in_words(result: ToolResult) -> tuple[Text | Media, ...]:
    verb = "failed" if result.is_error else "answered"
    return (Text(f"[{result.name or 'the tool'} {verb}] "), *result.parts)


def _unanswered(call: ToolCall) -> ToolResult:
    return ToolResult(call.id, (Text(NO_RESULT),), name=call.name, is_error=True)


# marks of the cache


@dataclass(slots=True)
class _Spare:
    """How many marks are to be taken away."""

    left: int

    def rid(self, marked: _Marked) -> _Marked:
        """The same without its mark, while there is one to spare."""
        if marked.cache is None or self.left <= 0:
            return marked
        self.left -= 1
        return replace(marked, cache=None)

    def of_part(self, part: Part) -> Part:
        """A part without marks, while there are some to spare; those within a result come before its own."""
        match part:
            case ToolResult():
                within = tuple(self.rid(each) for each in part.parts)
                return self.rid(part if within == part.parts else replace(part, parts=within))
            case Text() | Media():
                return self.rid(part)
            case _:
                return part


def _marked(request: ChatRequest, most: int) -> ChatRequest:
    """The request without its first marks, so that no more than `most` are left."""
    spare = _Spare(sum(1 for _ in _marks(request)) - most)
    if spare.left <= 0:
        return request
    tools = tuple(spare.rid(tool) for tool in request.tools)
    messages = tuple(replace(said, parts=tuple(map(spare.of_part, said.parts))) for said in request.messages)
    return replace(request, tools=tools, messages=messages)


def _marks(request: ChatRequest) -> Iterator[str]:
    parts = [part for message in request.messages for part in message.parts]
    results = [part for part in parts if isinstance(part, ToolResult)]
    marked = [part for part in parts if isinstance(part, Text | Media)]
    for each in (*request.tools, *marked, *results, *(part for result in results for part in result.parts)):
        if each.cache is not None:
            yield each.cache
