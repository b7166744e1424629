"""Where each deployment of a bound program is reached, and in which dialect."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from llm_router.catalog.custom import registered_row
from llm_router.catalog.providers import CUSTOM, row_of
from llm_router.policy.binding import Binding, Endpoint
from llm_router.policy.program import Deployment
from llm_router.state.accounts import Accounts
from llm_router.wire.codec import Codec, Target
from llm_router.wire.dialects import codec_of


@dataclass(frozen=True, slots=True)
class Wiring:
    """What the attempts of a bound program need, by the name of the deployment.

    `unbound` maps the others to the reason why the environment leaves them without key or address. `secrets` are the
    values that must never be shown. `variables` is the environment for `env.<NAME>`. `accounts` are what attempts are
    charged to. `exactly` as in `Call`.
    """

    targets: Mapping[str, Target]
    codecs: Mapping[str, Codec]
    unbound: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    accounts: Accounts = field(default_factory=Accounts, repr=False)
    exactly: bool = False


def wire(binding: Binding) -> Wiring:
    """The wiring of a binding."""
    program = binding.program
    return Wiring(
        {name: _target(program.deployments[name], each) for name, each in binding.endpoints.items()},
        {name: codec_of(each.dialect) for name, each in binding.endpoints.items()},
        binding.unbound,
        tuple(sorted({each for each in _secrets(binding) if each}, key=len, reverse=True)),
        binding.variables,
    )


def _secrets(binding: Binding) -> Iterator[str]:
    """Every value that must not be shown: keys, and what headers and parameters of a credential's name hold."""
    program = binding.program
    for endpoint in binding.endpoints.values():
        if endpoint.key is not None:
            yield endpoint.key.reveal()
        yield from _credentials(endpoint.query)
        yield urlsplit(endpoint.base_url).password or ""
    deployments = (each.settings for each in program.deployments.values())
    for settings in (program.settings, *deployments, *(rule.settings for rule in program.rules)):
        yield from _credentials(settings.headers)


def _credentials(values: Mapping[str, str]) -> Iterator[str]:
    """The values whose names say that they are credentials, without the word that says of which kind."""
    return (value.rpartition(" ")[2] for name, value in values.items() if _CREDENTIAL.search(name))


_CREDENTIAL = re.compile(r"key|token|secret|auth|cookie|passw|signature|^sig$", re.IGNORECASE)


def _target(deployment: Deployment, endpoint: Endpoint) -> Target:
    custom = endpoint.dialect.startswith(CUSTOM)
    row = registered_row(endpoint.dialect) if custom else row_of(deployment.provider.kind)
    headers: dict[str, str] = {}
    if endpoint.key is not None:
        headers.update(row.auth_headers(endpoint.key.reveal(), deployment.provider.auth))
    if endpoint.organization is not None and row.organization_header is not None:
        headers[row.organization_header.lower()] = endpoint.organization
    quirks = row.quirks_for(deployment.supports, deployment.usual_name or deployment.model)
    return Target(
        endpoint.base_url, deployment.model, headers, endpoint.query, quirks, deployment.max_output, deployment.context
    )
