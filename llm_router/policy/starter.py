"""The spec that somebody starts with who has keys and nothing else: what `llm-router init` writes.

`Router.from_env()` and the frameworks' classes without a spec run the same text. Only the environment is looked at;
nothing is asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from llm_router.catalog.providers import PROVIDERS
from llm_router.catalog.starters import Starter, among, key_variables, starters, starters_for
from llm_router.errors import RequestError
from llm_router.policy.binding import can_be_asked, is_loopback

_TEXT = """\
# Made by `llm-router init` for the keys found here: {kinds}. It is yours: change what you like.
#
#   llm-router check {path}          is it right?
#   llm-router test {path}           do its own tests (below) hold?
#   llm-router explain "hi" --cost low -s {path}
#   llm-router check --live {path}   are the keys and the models there?
#
# Keys are read from the usual variables; they never stand in this file.
version: 1
name: starter
{elsewhere}
pools:
  # Cheap and quick. A pool's members stand in for each other, first choice first.
  small: [{small}]
  # For what is hard.
  large: [{large}]

rules:                       # the first that holds decides
  - name: cheap or urgent
    when: {{any: [{{cost: low}}, {{speed: [fast, critical]}}]}}
    use: {{from: small, by: cost}}       # cheapest first, then the others
  - name: hard
    when: {{any: [{{cost: high}}, {{capability: reasoning}}]}}
    use: [large, small]                # in this order
  - name: everything else
    use: {{from: [small, large]}}        # by: auto, weighed by what the caller says of cost and speed
{embeddings}
tests:                       # run by `llm-router test`, without a network
  - name: what is cheap goes to a small model
    request: {{cost: low}}
    expect: {{rule: cheap or urgent}}
  - name: what is hard goes to a large one
    request: {{cost: high}}
    expect: {{rule: hard, deployment: {first}}}
{spare}  - name: everything else is weighed
    request: {{text: "Why is the sky blue?"}}
    expect: {{rule: everything else}}
{embedded}"""

_SPARE = """\
  - name: and is answered when that one is down
    request: {{cost: high}}
    given: {{{first}: unavailable}}
    expect: {{deployment: {second}}}
"""

_EMBEDDED = """\
  - name: texts become vectors
    request: {{embed: texts, texts: [first page, second page]}}
    expect: {{deployment: {name}}}
"""

_EMBEDDINGS = """
embeddings:                  # Router.embed: one model, because vectors of two don't compare
  texts: {{use: {name}}}
"""

_ELSEWHERE = """
providers:
  ollama: {{local: false}}     # OLLAMA_HOST is another machine
deployments:
  ollama-small: {{provider: ollama, model: {small}, price: free}}
  ollama-large: {{provider: ollama, model: {large}, price: free}}
"""


def starter_spec(
    variables: Mapping[str, str], *, local: bool = False, path: str = "llm-router.yaml", there: Sequence[str] = ()
) -> str:
    """The YAML for the keys among these variables; `local` takes Ollama too, `path` is what its comments call it.

    `there` are the models that this Ollama has, where that is known. Raises RequestError where there is no key.
    """
    found = [_with_own(each, there) for each in starters_for(variables, local=local)]
    if not found:
        if advice := _unnamed(variables):
            raise RequestError("no key is set of a provider whose models are known", help=advice)
        advice = f"set one of {', '.join(key_variables())}; or OLLAMA_HOST, for models of your own machine"
        raise RequestError("no key of a provider is set in the environment", help=advice)
    remote = _is_remote(variables)
    small = [_name(each, each.small, "small", remote=remote) for each in found]
    large = [_name(each, each.large, "large", remote=remote) for each in found]
    first, second = large[0], next((name for name in (*large, *small) if name != large[0]), None)
    embedding = next((json.dumps(f"{each.kind}:{each.embedding}") for each in found if each.embedding), None)
    return _TEXT.format(
        kinds=", ".join(each.kind for each in found),
        path=path,
        elsewhere=_elsewhere(found) if remote else "",
        embeddings=_EMBEDDINGS.format(name=embedding) if embedding else "",
        embedded=_EMBEDDED.format(name=embedding) if embedding else "",
        small=", ".join(small),
        large=", ".join(large),
        first=first,
        spare="" if second is None else _SPARE.format(first=first, second=second),
    )


def _with_own(starter: Starter, there: Sequence[str]) -> Starter:
    """The starter, an Ollama's with models that it has."""
    return (among(starter, there) if starter.kind == "ollama" else None) or starter


def _unnamed(variables: Mapping[str, str]) -> str:
    """What to do with a key at whose provider nobody knows a model to start with."""
    found = [
        (row.kind, name)
        for row in PROVIDERS.values()
        if row.key_required and row.kind not in starters()
        for name in row.key_variables
        if variables.get(name)
    ]
    if not found:
        return ""
    kind, name = found[0]
    return f"`{name}` is set, but which models there are yours isn't known: write a spec with `use: [{kind}:MODEL]`"


def _name(starter: Starter, model: str, size: str, *, remote: bool) -> str:
    """A deployment's name as YAML reads it: in quotes, because of the colon in it."""
    return f"ollama-{size}" if remote and starter.kind == "ollama" else json.dumps(f"{starter.kind}:{model}")


def _elsewhere(found: Iterable[Starter]) -> str:
    """What must be said of an Ollama whose address isn't this machine's."""
    here = (each for each in found if each.kind == "ollama")
    return "".join(_ELSEWHERE.format(small=json.dumps(each.small), large=json.dumps(each.large)) for each in here)


def _is_remote(variables: Mapping[str, str]) -> bool:
    """Whether the address of an Ollama is another machine's."""
    address = variables.get("OLLAMA_HOST", "")
    whole = PROVIDERS["ollama"].address(address)
    return bool(address) and can_be_asked(whole) and not is_loopback(whole)
