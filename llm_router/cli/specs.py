"""Specs as the verbs need them: checked, compiled, explained; what is wrong is printed on the way."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from llm_router.cli.console import Console
from llm_router.diagnostics import Diagnostic, in_order, render_text

if TYPE_CHECKING:
    from llm_router.messages import ChatRequest
    from llm_router.policy.explain import Explanation
    from llm_router.policy.program import Program
    from llm_router.spec.read import Reading


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the command line says it; `embed` names the embedding that its text is for, if it is for one."""

    request: ChatRequest
    hints: Mapping[str, object]
    stream: bool = False
    embed: str | None = None

    def by(self, program: Program) -> Program:
        """The program that decides it. Raises RequestError for an embedding that there isn't."""
        if self.embed is None:
            return program
        from llm_router.catalog.tokens import count_request
        from llm_router.engine.embedding.call import embedding_named
        from llm_router.policy.embeddings import program_for

        embedding = embedding_named(program, self.embed)
        return program_for(program, embedding, count_request(self.request, embedding.model).value)


def compiled(path: str, console: Console) -> tuple[Program, Reading] | None:
    """The program of this file with what it was read from; if it has errors, they are printed."""
    from llm_router.policy.compile import compile_spec
    from llm_router.spec.read import read

    text = Path(path).read_bytes()
    reading = read(text, path)
    program, found = compile_spec(reading)
    if program is None:
        console.error(f"{path} doesn't compile")
        show_found(console, found, {path: reading.source.text})
        return None
    return program, reading


def check(path: str, *, environment: bool) -> tuple[tuple[Diagnostic, ...], str]:
    """Everything that is wrong with this file, its tests' names included, and its text."""
    from llm_router.engine.loading import Origin
    from llm_router.policy.alerting import bind_alerts
    from llm_router.policy.binding import bind
    from llm_router.policy.compile import compile_spec
    from llm_router.spec.read import read
    from llm_router.spec.refs import Environment
    from llm_router.testing import check_cases

    origin = Origin.of_path(path)
    text = origin.read()
    if isinstance(text, Diagnostic):
        return (text,), ""
    here = Environment.of_process(origin.directory) if environment else None
    reading = read(text, path, here)
    program, found = compile_spec(reading, here)
    if program is not None:
        found = (*found, *check_cases(program, reading))
    if program is not None and here is not None:
        alerts = bind_alerts(program, here, reading.source)
        found = (*found, *bind(program, here, reading.source).diagnostics, *alerts.diagnostics)
    return in_order(found), reading.source.text


def explanation(path: str, call: Asked, console: Console, *, environment: bool) -> Explanation | None:
    """Who would answer, and why; nothing if the spec doesn't compile, which is printed."""
    from llm_router.policy.binding import bind
    from llm_router.policy.explain import explain
    from llm_router.policy.features import Call, compute
    from llm_router.policy.hints import Hints
    from llm_router.policy.snapshot import Snapshot
    from llm_router.spec.refs import Environment

    done = compiled(path, console)
    if done is None:
        return None
    program, reading = done
    now = time.time()
    binding = bind(program, Environment.of_process(Path(path).parent), reading.source) if environment else None
    hints = Hints.read(call.hints, program)
    program = call.by(program)
    features = compute(
        program,
        Call(call.request, hints, "explain", now, call.stream, exactly=environment),
        variables=binding.variables if binding else {},
    )
    return explain(program, features, Snapshot(now=now, unbound=binding.unbound if binding else {}))


def show_found(console: Console, found: Sequence[Diagnostic], sources: Mapping[str, str]) -> None:
    """Print diagnostics to standard error."""
    if found:
        print(render_text(found, sources, colour=console.err_colour), file=console.err)
