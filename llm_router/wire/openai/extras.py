"""Gathers what a reply says beyond the neutral form, under the provider's names.

In a stream these come repeated (citations in every chunk) or in pieces (log probabilities); they are gathered and told
once, when the answer is finished.
"""

from __future__ import annotations

from collections.abc import Iterable

from llm_router.messages import Extra, Json, JsonObject
from llm_router.wire.reading import as_object, look_up

_OF_REPLY = (
    "system_fingerprint",
    "service_tier",
    "provider",
    "citations",
    "search_results",
    "related_questions",
    "images",
    "moderation",
    "prompt_filter_results",
    "content_filters",
    "usage_breakdown",
    "warnings",
)
_OF_CHOICE = ("native_finish_reason", "content_filter_results")
_GROWING = (
    "annotations",
    "executed_tools",
    "images",
    "citations",
    "output_items",
)
"""Lists of a message; in a stream each chunk has the next items."""

_TEXTS_OF_AUDIO = ("data", "transcript")


class Extras:
    """What one answer says beyond the neutral form."""

    def __init__(self) -> None:
        self._found: dict[str, Json] = {}
        self._lists: dict[str, list[Json]] = {}
        self._logprobs: dict[str, list[Json]] = {}
        self._audio: dict[str, list[str]] = {}
        self._untold: set[str] = set()

    def read_reply(self, reply: JsonObject) -> None:
        """Take the fields of a whole reply or chunk."""
        self._replace(reply, _OF_REPLY)
        cost = look_up(reply, "usage.cost")
        if cost is not None:
            self._put("cost", cost)

    def read_choice(self, choice: JsonObject, delta: JsonObject) -> None:
        """Take the fields of a choice and of its message or delta."""
        self._replace(choice, _OF_CHOICE)
        for name in _GROWING:
            self._grow(self._lists, name, name, delta.get(name))
        for name, values in as_object(choice.get("logprobs")).items():
            self._grow(self._logprobs, name, "logprobs", values)
        self._hear(as_object(delta.get("audio")))

    def tell(self) -> list[Extra]:
        """What was found since it was last told."""
        fields = {name: self._value(name) for name in sorted(self._untold)}
        self._untold.clear()
        return [Extra(fields)] if fields else []

    def _value(self, name: str) -> Json:
        if name == "logprobs":
            return {key: list(values) for key, values in self._logprobs.items()}
        if name in self._lists:
            return list(self._lists[name])
        if name == "audio":
            return {**as_object(self._found[name]), **{key: "".join(texts) for key, texts in self._audio.items()}}
        return self._found[name]

    def _replace(self, values: JsonObject, names: Iterable[str]) -> None:
        for name in names:
            if values.get(name) not in (None, [], {}):
                self._put(name, values[name])

    def _put(self, name: str, value: Json) -> None:
        if self._found.get(name) != value:
            self._found[name] = value
            self._untold.add(name)

    def _grow(self, lists: dict[str, list[Json]], key: str, name: str, values: Json) -> None:
        if isinstance(values, list) and values:
            lists.setdefault(key, []).extend(values)
            self._untold.add(name)

    def _hear(self, audio: JsonObject) -> None:
        """Sound that the model made: its data and transcript grow, the rest is replaced."""
        if not audio:
            return
        for name in _TEXTS_OF_AUDIO:
            text = audio.get(name)
            if isinstance(text, str):
                self._audio.setdefault(name, []).append(text)
        rest = {name: value for name, value in audio.items() if name not in _TEXTS_OF_AUDIO}
        self._found["audio"] = {**as_object(self._found.get("audio")), **rest}
        self._untold.add("audio")
