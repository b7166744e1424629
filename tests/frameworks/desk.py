"""The spec that the frameworks' tests run, and what they look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from llm_router import Router
from llm_router.testing import Emulator, serve
from llm_router.testing.script import Script

SPEC = """\
version: 1
name: desk
metadata: {team: [search, support]}
tasks: [code, chat, call, bound, config, ambient, constructor]
providers:
  openai: {base_url: "URL/v1", api_key: "${env:DESK_ONE:-sk-one}"}
  house:  {kind: openai-compatible, base_url: "URL/v1", api_key: "${env:DESK_TWO:-sk-two}"}
  local:  {kind: ollama, base_url: "URL"}
deployments:
  gpt:    {provider: openai, model: gpt-4o}
  mini:   {provider: openai, model: gpt-4o-mini}
  llama:  {provider: house, model: llama-3.3-70b, context: 128k, supports: [tools, images, json_schema]}
  pocket: {provider: local, model: qwen2.5, context: 32k, supports: [tools, images, json_schema]}
rules:
  - {name: nothing medical, when: {tags: medical}, refuse: this desk gives no medical advice}
  - {name: code, when: {task: code}, use: [gpt, llama]}
  - {name: local, when: {metadata.team: support}, use: [pocket]}
  - {name: very important, when: {tags: vip}, use: [llama]}
  - {name: cheap, when: {cost: low}, use: [mini]}
  - {name: call, when: {task: call}, use: [gpt]}
  - {name: bound, when: {task: bound}, use: [gpt]}
  - {name: config, when: {task: config}, use: [gpt]}
  - {name: ambient, when: {task: ambient}, use: [gpt]}
  - {name: constructor, when: {task: constructor}, use: [gpt]}
  - {name: otherwise, use: [mini, gpt, llama]}
fallback: {after: {unavailable: {retry: 0}, rate_limit: {longest_wait: 0s}}}
"""


@dataclass(frozen=True, slots=True)
class Desk:
    """A router, and the emulator that answers it."""

    router: Router
    emulator: Emulator
    spec: str

    @property
    def asked(self) -> list[str | None]:
        """The models that were asked, in order."""
        return [entry.model for entry in self.emulator.log]

    @property
    def bodies(self) -> list[Any]:
        """The bodies of all requests, in order."""
        return [entry.body for entry in self.emulator.log]

    @property
    def body(self) -> Mapping[str, Any]:
        """The body of the last request."""
        body = self.emulator.log[-1].body
        assert isinstance(body, dict)
        return body


@contextmanager
def desk(script: Script = ()) -> Iterator[Desk]:
    """A router whose providers answer as `script` says."""
    emulator = Emulator(script)
    with serve(emulator) as url:
        spec = SPEC.replace("URL", url)
        with Router.from_text(spec) as router:
            yield Desk(router, emulator, spec)
