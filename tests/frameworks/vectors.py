"""The spec by which the frameworks' tests embed, and how it is served."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from llm_router.testing import Providers, emulated_providers
from llm_router.testing.script import Script

SPEC = """\
version: 1
metadata: {pii: boolean}
tasks: [search]
providers:
  local: {kind: vllm, labels: {region: eu}}
deployments:
  small: {provider: openai, model: text-embedding-3-small}
  house: {provider: local, model: embed-v7, card: text-embedding-3-small}
  cohere-docs: {provider: cohere, model: embed-v4.0}
rules:
  - use: openai:gpt-4o-mini
guards:
  - {when: {metadata.pii: true}, only: {labels.region: eu}, instead: refuse}
embeddings:
  docs: {use: [small, house], dimensions: 64, batch: 2}
  wiki: {use: cohere-docs}
fallback: {after: {unavailable: {retry: 0}}}
"""


@contextmanager
def embedding(script: Script = ()) -> Iterator[Providers]:
    """Providers that embed, and fail as `script` says."""
    with emulated_providers(script, variables={}) as providers:
        yield providers
