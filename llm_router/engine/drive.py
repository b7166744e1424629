"""The two drivers: they step a script, perform what it asks for, and send the result in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, TypeVar

from llm_router.engine.effects import Cancelled, Effect, Script

T = TypeVar("T")

Perform: TypeAlias = Callable[[Effect[Any]], Any]
"""Performs one effect: returns its result or raises what the effect says that it raises."""

PerformAsync: TypeAlias = Callable[[Effect[Any]], Awaitable[Any]]


def run(script: Script[T], perform: Perform) -> T:
    """What the script returns. Whatever `perform` raises is thrown into the script, an interrupt by the user too."""
    return resume(script, script.send, None, perform)


def resume(script: Script[T], step: Callable[[Any], Effect[Any]], value: Any, perform: Perform) -> T:
    """What the script returns when it goes on with `step(value)`, its own `send` or `throw`."""
    while True:
        try:
            effect = step(value)
        except StopIteration as end:
            result: T = end.value
            return result
        try:
            step, value = script.send, perform(effect)
        except BaseException as error:
            step, value = script.throw, error
