"""Plays the demo: sets the scene, runs each act, and tells after each how its answer came about."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from llm_router.cli.console import Console
from llm_router.cli.demo.acts import Act, all_acts, outage
from llm_router.cli.demo.documents import Document, documents
from llm_router.cli.demo.stand_in import quote
from llm_router.cli.plan import condition_text
from llm_router.cli.specs import compiled
from llm_router.engine.events import AttemptFinished, DecisionMade, Event
from llm_router.errors import AttemptReport
from llm_router.policy.binding import bind
from llm_router.policy.decision import Candidate, Decision
from llm_router.policy.program import Program
from llm_router.router import Router
from llm_router.spec.refs import Environment
from llm_router.testing import Emulator, On, emulated, serve
from llm_router.units import PICODOLLARS_PER_DOLLAR

OWN_SPEC = Path(__file__).with_name("demo.yaml")


@dataclass(slots=True)
class Notebook:
    """Observes a router: the decision of the last request, and its attempts."""

    decision: Decision | None = None
    attempts: list[AttemptReport] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        """Take note of one event."""
        if isinstance(event, DecisionMade):
            self.decision, self.attempts = event.decision, []
        elif isinstance(event, AttemptFinished):
            self.attempts.append(event.report)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the acts are played."""

    console: Console
    known: Sequence[Document]
    notebook: Notebook = field(default_factory=Notebook)

    def perform(self, router: Router) -> None:
        """Every act of the integrations and the router."""
        for act in all_acts(router, self.known):
            self.show(act, router.program)

    def show(self, act: Act, program: Program) -> None:
        """One act: the question, the answer as it comes, and how it came about."""
        console = self.console
        console.line()
        console.line(f"{act.title}  {console.style(act.code, 'dim')}", "bold")
        console.line(f"  {console.style('Q', 'cyan')} {act.question}")
        console.write(f"  {console.style('A', 'green')} ")
        began = time.perf_counter()
        act.play(console.write)
        seconds = time.perf_counter() - began
        console.line()
        self.tell(program, seconds)

    def tell(self, program: Program, seconds: float) -> None:
        """Which rule, which deployment, which attempts, and why."""
        decision, attempts, console = self.notebook.decision, self.notebook.attempts, self.console
        if decision is None or not attempts:
            return
        rule = program.rules[decision.place] if decision.place is not None else None
        last = attempts[-1]
        model = program.deployments[last.deployment].model
        console.line(f"    rule        {rule.name if rule else 'none: named by the caller'}", "dim")
        console.line(f"    because     {condition_text(rule.condition) if rule else 'the caller named it'}", "dim")
        console.line(f"    candidates  {', '.join(map(candidate_text, decision.candidates))}", "dim")
        for attempt in attempts:
            console.line(f"    attempt     {attempt_text(attempt)}", "dim" if attempt.outcome == "ok" else "yellow")
        console.line(f"    answered    {last.deployment} ({last.provider}, {model}) in {seconds * 1000:.0f} ms", "dim")


def play(spec: str | None, console: Console, *, emulate: bool) -> int:
    """Play all acts with real providers or the emulator, then the outage with the emulator."""
    path = Path(spec) if spec else OWN_SPEC
    done = compiled(str(path), console)
    if done is None:
        return 1
    program, _ = done
    stage = Stage(console, documents())
    console.line(f"llm-router demo: {program.name or path.name}, {len(program.rules)} rules", "bold", "cyan")
    if emulate or not has_keys(program, path):
        console.line("no key is used: an emulator answers in the providers' place, by quoting what it is given", "dim")
        play_emulated(stage, path)
    else:
        console.line("with the keys of this environment (--emulate does without)", "dim")
        with Router.from_file(path, observers=[stage.notebook]) as router:
            stage.perform(router)
        play_outage(stage, path, Emulator([On(quote)]))
    return 0


def play_emulated(stage: Stage, path: Path) -> None:
    """All acts, and the outage, without providers."""
    emulator = Emulator([On(quote)])
    with serve(emulator) as url:
        environment = emulated(url, directory=path.parent)
        with Router.from_file(path, environment=environment, observers=[stage.notebook]) as router:
            stage.perform(router)
    play_outage(stage, path, emulator)


def play_outage(stage: Stage, path: Path, emulator: Emulator) -> None:
    """One more call while the first candidate's model answers 503; no provider can be asked to fail, so emulated."""
    with serve(emulator) as url:
        environment = emulated(url, directory=path.parent)
        with Router.from_file(path, environment=environment, observers=[stage.notebook]) as router:
            act, first = outage(router, stage.known)
            emulator.script([On("unavailable", model=router.program.deployments[first].model), On(quote)])
            stage.show(act, router.program)


def has_keys(program: Program, path: Path) -> bool:
    """Whether some provider that is not this machine's has its key here."""
    binding = bind(program, Environment.of_process(path.parent))
    return any(endpoint.key is not None for endpoint in binding.endpoints.values())


def candidate_text(candidate: Candidate) -> str:
    """A candidate with what it is expected to cost."""
    cost = candidate.estimate.cost
    return (
        candidate.deployment
        if cost is None
        else f"{candidate.deployment} (about {cost / PICODOLLARS_PER_DOLLAR:.2g} USD)"
    )


def attempt_text(attempt: AttemptReport) -> str:
    """An attempt in one line."""
    what = "ok" if attempt.outcome == "ok" else f"{attempt.failure} {attempt.status or ''}".rstrip()
    return f"#{attempt.number} {attempt.deployment}: {what}, {attempt.duration_s * 1000:.0f} ms"
