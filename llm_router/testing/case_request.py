"""What a spec's test asks, as the engine takes it: bound to emulated providers, with the emulator's script."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from llm_router.engine.embedding.call import dimensions_of, embedding_named, read_texts
from llm_router.engine.embedding.work import Work
from llm_router.engine.job import Job
from llm_router.engine.wiring import Wiring, wire
from llm_router.messages import ChatRequest, JsonFormat, Message, Settings, assistant, system, user
from llm_router.policy.binding import bind
from llm_router.policy.hints import Hints
from llm_router.policy.program import Program
from llm_router.spec.model_cases import CaseSpec, RequestSpec
from llm_router.spec.refs import Environment, known
from llm_router.testing.script import On
from llm_router.units import parse_share

SOMETHING = "…"
"""What is sent where a case doesn't say what is asked: providers take no empty conversation. No condition sees it."""

_HINTS = ("task", "cost", "budget", "speed", "capability", "model", "provider", "prefer", "user", "session", "run",
          "tags", "metadata")  # fmt: skip
_STATED = ("input_tokens", "max_output_tokens", "transcript", "requested_model", "has_images", "has_files",
           "has_tools", "wants_json", "stream")  # fmt: skip
_ANSWER = JsonFormat({"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]})
_SPEAKERS: Mapping[str, Callable[[str], Message]] = {"system": system, "user": user, "assistant": assistant}


def emulated_wiring(program: Program) -> Wiring:
    """Every deployment bound to a stand-in that tells them apart by their names."""
    return wire(bind(program, Environment(emulator="http://emulator.invalid")))


def own_fields(program: Program) -> frozenset[str]:
    """The body fields that the spec adds by `settings.extra`: whoever writes them knows that the provider has them."""
    layers = [program.settings, *(rule.settings for rule in program.rules)]
    layers.extend(deployment.settings for deployment in program.deployments.values())
    return frozenset(name for layer in layers for name in layer.extra)


def script_of(case: CaseSpec, program: Program) -> tuple[On, ...]:
    """What each deployment answers; a name that stands for several keys speaks for each of them."""
    return tuple(
        On(turns, deployment=name)
        for member, turns in case.answers.items()
        for name in program.members.get(member, (member,))
    )


def dimensions_by_name(program: Program) -> Mapping[str, int]:
    """How many numbers the vectors have that each deployment gives by itself, as far as cards and spec know."""
    told = {member: each for each in program.embeddings.values() for tier in each.tiers for member in tier.members}
    return {
        name: count
        for name, deployment in program.deployments.items()
        if (each := told.get(deployment.member)) is not None
        and (count := each.usual.dimensions if each.usual else each.dimensions) is not None
    }


def asked_of(case: CaseSpec, name: str, program: Program, wiring: Wiring) -> Job | Work:
    """What a case asks for. Raises RequestError for hints and texts that the program doesn't take."""
    variables = {key.removeprefix("env."): str(value) for key, value in case.world.items() if key.startswith("env.")}
    own = replace(wiring, variables=variables)
    return _job(case, name, program, own) if case.request.embed is None else _work(case, name, program, own)


def _job(case: CaseSpec, name: str, program: Program, wiring: Wiring) -> Job:
    return Job(
        program,
        wiring,
        _chat_request(case),
        _hints(case.request, program),
        f"case {name}",
        stream=known(case.request.stream) is True,
        given={**dict(_stated(case)), **dict(_world(case.world))},
    )


def _work(case: CaseSpec, name: str, program: Program, wiring: Wiring) -> Work:
    asked = case.request
    embedding = embedding_named(program, asked.embed)
    texts = read_texts([known(each) or "" for each in asked.texts or (asked.text or SOMETHING,)])
    return Work(
        program,
        wiring,
        embedding,
        texts,
        _hints(asked, program),
        f"case {name}",
        dimensions_of(embedding, None),
        given={**_silence(asked), **dict(_world(case.world))},
    )


def _hints(asked: RequestSpec, program: Program) -> Hints:
    said = {name: getattr(asked, name) for name in _HINTS}
    hints = Hints.read(said, program)
    return replace(hints, max_cost=known(asked.max_cost), timeout_s=known(asked.timeout))


def _chat_request(case: CaseSpec) -> ChatRequest:
    asked = case.request
    cap = known(asked.max_output_tokens)
    return ChatRequest(
        _messages(asked),
        response_format=_ANSWER if _wants_json(case) else None,
        settings=Settings(max_output_tokens=cap),
    )


def _messages(asked: RequestSpec) -> tuple[Message, ...]:
    spoken = asked.messages if isinstance(asked.messages, tuple) else ()
    said = tuple(_SPEAKERS[str(turn.role)](known(turn.content) or "") for turn in spoken)
    if _is_silent(asked):
        return (user(SOMETHING),)
    text = known(asked.text)
    return said if text is None else (*said, user(text))


def _is_silent(asked: RequestSpec) -> bool:
    """Whether the case says nothing of what is asked."""
    return known(asked.text) is None and asked.texts is None and not isinstance(asked.messages, tuple)


def _wants_json(case: CaseSpec) -> bool:
    """JSON is asked for where the case says so, and where an answer shall not fit what was asked for."""
    unfit = any("invalid_output" in turns for turns in case.answers.values())
    return unfit or known(case.request.wants_json) is True


def _stated(case: CaseSpec) -> Iterator[tuple[str, object]]:
    """Yields the computed features that the case states."""
    asked = case.request
    for name in _STATED:
        value = known(getattr(asked, name))
        if value is not None:
            yield name, value
    if isinstance(asked.messages, int):
        yield "messages", asked.messages
    for name, nothing in _silence(asked).items():
        if getattr(asked, name) is None:
            yield name, nothing
    if _wants_json(case) and known(asked.wants_json) is None:
        yield "wants_json", False


def _silence(asked: RequestSpec) -> Mapping[str, str]:
    """What conditions see of a text that a case doesn't say."""
    return {"text": "", "transcript": ""} if _is_silent(asked) else {}


def _world(world: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for name in ("hour", "weekday"):
        if name in world:
            yield name, world[name]
    for name, share in world.items():
        if name.startswith("spent."):
            yield name, float(parse_share(str(share)))
