"""Where each deployment of a bound program is reached, and in which dialect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from llm_router.catalog.providers import PROVIDERS
from llm_router.policy.binding import Binding, Endpoint
from llm_router.policy.program import Deployment
from llm_router.wire.codec import Codec, Target
from llm_router.wire.dialects import CODECS


@dataclass(frozen=True, slots=True)
class Wiring:
    """What the attempts of a bound program need, by the name of the deployment.

    `unbound` maps the others to the reason why the environment leaves them without key or address. `secrets` are the
    values that must never be shown. `variables` is the environment for `env.<NAME>`.
    """

    targets: Mapping[str, Target]
    codecs: Mapping[str, Codec]
    unbound: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)


def wire(binding: Binding) -> Wiring:
    """The wiring of a binding."""
    program = binding.program
    kinds = {name: program.deployments[name].provider.kind for name in binding.endpoints}
    keys = {each.key.reveal() for each in binding.endpoints.values() if each.key is not None}
    return Wiring(
        {name: _target(program.deployments[name], each) for name, each in binding.endpoints.items()},
        {name: CODECS[PROVIDERS[kind].dialect] for name, kind in kinds.items()},
        binding.unbound,
        tuple(sorted(keys, key=len, reverse=True)),
        binding.variables,
    )


def _target(deployment: Deployment, endpoint: Endpoint) -> Target:
    row = PROVIDERS[deployment.provider.kind]
    headers: dict[str, str] = {}
    if endpoint.key is not None:
        headers.update(row.auth_headers(endpoint.key.reveal()))
    if endpoint.organization is not None and row.organization_header is not None:
        headers[row.organization_header.lower()] = endpoint.organization
    quirks = row.quirks_for(deployment.supports, deployment.model)
    return Target(endpoint.base_url, deployment.model, headers, endpoint.query, quirks, deployment.max_output)
