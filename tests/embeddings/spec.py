"""The spec that calls of `Router.embed` are tried with, and texts that a case can name."""

from __future__ import annotations

SPEC = """\
version: 1
metadata: {pii: boolean}
settings: {max_output_tokens: 4k, temperature: 0.5, reasoning: low, extra: {top_k: 3}}
providers:
  local: {kind: vllm, labels: {region: eu}}
  elsewhere: {kind: cohere, labels: {region: eu}}
deployments:
  small:  {provider: openai, model: text-embedding-3-small, settings: {extra: {user: team-a}}}
  router: {provider: openrouter, model: openai/text-embedding-3-small}
  house:  {provider: local, model: embed-v7, card: text-embedding-3-small}
  large:  {provider: openai, model: text-embedding-3-large}
  cohere: {provider: elsewhere, model: embed-english-v3.0}
  gpt:    {provider: openai, model: gpt-4o}
  mislabelled: {provider: local, model: embed-v8, card: bge-m3}
rules:
  - use: gpt
guards:
  - {name: eu, when: {any: [{metadata.pii: true}, {text: {contains: iban}}]}, only: {labels.region: eu}, instead: gpt}
embeddings:
  docs:  {use: [small, router, house], dimensions: 256, batch: 3}
  free:  {use: large}
  short: {use: cohere}
  told:  {use: mislabelled}
fallback:
  after: {unavailable: {retry: 0, next: gpt}, rate_limit: {longest_wait: 0s}}
"""

TEXTS = {"long": "word " * 2000, "half": "word " * 300}
"""Texts too long to write in a case: more than a window of 512 tokens, and more than half of one."""
