"""Hints that hold around code: `with routing(task="code"): …`.

They reach everything that copies the context: tasks, `asyncio.to_thread`, the frameworks' executors. Threads and
processes of your own need `bind_context(fn)`. A generator that is first iterated after the block is outside of it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar

from typing_extensions import override

from llm_router.errors import RequestError
from llm_router.tracking import Tracks, current_tracks, only_tracks

P = ParamSpec("P")
T = TypeVar("T")

_HINTS: ContextVar[Mapping[str, object]] = ContextVar("llm_router_hints")
_NONE: Mapping[str, object] = {}


@contextmanager
def routing(**hints: object) -> Iterator[None]:
    """Let these hints hold for every request in the block that doesn't say otherwise.

    An inner block goes over an outer one. Hints are checked when a request is made, against the spec it is decided by.
    """
    token = _HINTS.set(merge_hints(hints, current_hints()))
    try:
        yield
    finally:
        _HINTS.reset(token)


@contextmanager
def only_hints(hints: Mapping[str, object]) -> Iterator[None]:
    """Let these hints hold in the block, and none from around it: for code that took its hints earlier."""
    token = _HINTS.set(hints)
    try:
        yield
    finally:
        _HINTS.reset(token)


def current_hints() -> Mapping[str, object]:
    """The hints that hold here by `with routing()`."""
    return _HINTS.get(_NONE)


def merge_hints(*layers: Mapping[str, object] | None) -> dict[str, object]:
    """The hints of several layers, the first that says a key being heard; `metadata` is merged key by key as well.

    `None` is unsaid, and `budget` is `cost`: raises RequestError for a layer that says both, and not the same.
    """
    merged: dict[str, object] = {}
    for layer in layers:
        _refuse_both(layer or {})
        for key, value in (layer or {}).items():
            _fill(merged, "cost" if key == "budget" else key, value)
    return merged


def _refuse_both(layer: Mapping[str, object]) -> None:
    cost, budget = layer.get("cost"), layer.get("budget")
    if cost is not None and budget is not None and cost != budget:
        raise RequestError("`budget` is another word for `cost`, and they differ", help="say one of them")


def _fill(merged: dict[str, object], key: str, value: object) -> None:
    said = merged.get(key)
    if said is None:
        if value is not None:
            merged[key] = value
    elif key == "metadata" and isinstance(said, Mapping) and isinstance(value, Mapping):
        merged[key] = {**value, **said}


def bind_context(function: Callable[P, T]) -> Callable[P, T]:
    """The function, with the hints and the `track()` that hold now; give it to a thread, an executor or a process.

    What is asked in another process isn't counted by a block in this one.
    """
    return _Bound(function, dict(current_hints()), current_tracks())


@dataclass(frozen=True, slots=True)
class _Bound(Generic[P, T]):
    """A function with its hints; can be pickled if the function can, without the tracks."""

    function: Callable[P, T]
    hints: Mapping[str, object]
    tracks: Tracks = ()

    @override
    def __reduce__(self) -> tuple[type[_Bound[P, T]], tuple[Callable[P, T], Mapping[str, object]]]:
        return type(self), (self.function, self.hints)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        if inspect.iscoroutinefunction(self.function):
            # a coroutine runs later, so its hints must hold inside of it; it is a T all the same
            return self._later(*args, **kwargs)  # type: ignore[return-value]
        with routing(**self.hints), only_tracks(self.tracks):
            return self.function(*args, **kwargs)

    async def _later(self, *args: Any, **kwargs: Any) -> Any:
        with routing(**self.hints), only_tracks(self.tracks):
            return await self.function(*args, **kwargs)  # type: ignore[misc]  # checked to be a coroutine function
