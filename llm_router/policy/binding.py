"""A program joined to an environment: keys, addresses, and who can't be asked for want of one.

Compiling never looks at the environment; this does, once, when a router is made. A missing variable takes its
provider's deployments out, with a warning that names it, and nothing else.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import quote, urlsplit

from llm_router.catalog.custom import NotRegistered, registered_row
from llm_router.catalog.providers import CUSTOM, ProviderRow, row_of
from llm_router.diagnostics import Diagnostic, Span
from llm_router.policy import azure
from llm_router.policy.program import Deployment, Program, Provider, Rule
from llm_router.policy.secret import Secret
from llm_router.spec.refs import Environment, MissingReference, Reference, resolve
from llm_router.spec.source import Source

MISSING = "LR520"
NOT_LOCAL = "LR521"
NOBODY = "LR522"
UNREACHABLE = "LR523"
NOT_REGISTERED = "LR524"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one deployment is asked, in which dialect, and with what. `base_url` has no slash at its end.

    `dialect` is a row's, or the custom kind itself.
    """

    base_url: str
    dialect: str
    key: Secret | None = None
    organization: str | None = None
    query: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Binding:
    """What the environment makes of a program.

    `endpoints` and `unbound` (the reason, in words) share the program's deployments between them. `variables` are
    those that conditions read as `env.<NAME>`.
    """

    program: Program
    endpoints: Mapping[str, Endpoint]
    unbound: Mapping[str, str]
    variables: Mapping[str, str] = field(repr=False)
    diagnostics: tuple[Diagnostic, ...] = ()


def bind(program: Program, environment: Environment, source: Source | None = None) -> Binding:
    """The program's keys and addresses in this environment, with what is missing. `source` places the diagnostics."""
    endpoints: dict[str, Endpoint] = {}
    unbound: dict[str, _Fault] = {}
    for deployment in program.deployments.values():
        try:
            endpoints[deployment.name] = _endpoint(deployment, environment)
        except _Unbound as missing:
            unbound[deployment.name] = missing.fault
    reasons = {name: fault.reason for name, fault in unbound.items()}
    found = (*_warnings(program, unbound, source), *_deserted(program, reasons, source))
    read = {name: environment.variables.get(name.removeprefix("env.")) for name in program.reads if "env." in name}
    variables = {name.removeprefix("env."): value for name, value in read.items() if value is not None}
    return Binding(
        program, MappingProxyType(endpoints), MappingProxyType(reasons), MappingProxyType(variables), tuple(found)
    )


def can_be_asked(base_url: str) -> bool:
    """Whether an address names a host, and no port but one that there is."""
    try:
        parts = urlsplit(base_url)
        return bool(parts.hostname) and not re.search(r"\s", parts.netloc) and parts.port != 0
    except ValueError:
        return False


def is_loopback(base_url: str) -> bool:
    """Whether an address is this machine's own."""
    host = (urlsplit(base_url).hostname or "").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why a deployment is unbound, what to do about it, and under which code to say so.

    What a `${…}` in the file lacks was said when the file was read with the same environment, and has no code.
    """

    reason: str
    help: str = ""
    code: str | None = MISSING


class _Unbound(Exception):
    def __init__(self, fault: _Fault) -> None:
        super().__init__(fault.reason)
        self.fault = fault


def _endpoint(deployment: Deployment, environment: Environment) -> Endpoint:
    provider = deployment.provider
    if environment.emulator is not None:
        return _emulated(deployment, environment.emulator)
    row = _row(provider.kind)
    base_url, query = _base_url(provider, row, environment), _query(provider, row, environment)
    if provider.kind == "azure":
        if found := azure.fault(base_url, query, deployment.api):
            raise _Unbound(_Fault(*found, code=UNREACHABLE))
        base_url = azure.address(base_url, query, deployment.model, deployment.api)
    if provider.local and not is_loopback(base_url):
        raise _Unbound(_not_local(provider, base_url))
    return Endpoint(
        base_url,
        _dialect(deployment),
        _key(deployment, row, environment),
        _text(provider.organization, environment),
        query,
    )


def _row(kind: str) -> ProviderRow:
    """What is known of the kind; of a custom one what it was registered with."""
    if not kind.startswith(CUSTOM):
        return row_of(kind)
    try:
        return registered_row(kind)
    except NotRegistered as missing:
        raise _Unbound(_Fault(str(missing), missing.help, NOT_REGISTERED)) from missing


def _dialect(deployment: Deployment) -> str:
    kind = deployment.provider.kind
    return kind if kind.startswith(CUSTOM) else row_of(kind).dialect_of(deployment.api)


def _query(provider: Provider, row: ProviderRow, environment: Environment) -> Mapping[str, str]:
    """The parameters that the spec adds; Azure's version may stand in a variable, as its own library reads it."""
    query = {name: _text(value, environment) or "" for name, value in provider.query.items()}
    version = environment.variables.get(azure.VERSION_VARIABLE)
    if provider.kind != "azure" or not version or azure.VERSION in query:
        return query
    return {**query, azure.VERSION: version} if azure.is_resource(_base_url(provider, row, environment)) else query


EMULATED_PATHS = {"openai": "/{kind}/v1", "responses": "/{kind}/v1", "ollama": "", "gemini": "/{kind}/v1beta"}
"""What stands between an emulated deployment's name and the dialect's own path."""
STAND_IN = "openai-compatible"
"""As what a custom kind is emulated: nobody but its codec speaks its dialect, and a policy is what is tried then."""


def _emulated(deployment: Deployment, url: str) -> Endpoint:
    """Where a stand-in is asked for this deployment: its path says whom it stands in for, and of what kind it is."""
    custom = deployment.provider.kind.startswith(CUSTOM)
    kind = STAND_IN if custom else deployment.provider.kind
    place = f"{url.rstrip('/')}/{quote(deployment.name, safe='')}"
    if kind == "azure":
        return _emulated_azure(deployment, f"{place}/azure")
    dialect = row_of(kind).dialect_of(deployment.api)
    path = EMULATED_PATHS.get(dialect, "/{kind}")
    return Endpoint(place + path.format(kind=kind), dialect, Secret("emulated"))


def _emulated_azure(deployment: Deployment, resource: str) -> Endpoint:
    """The same surface of Azure as the real one's, as far as the spec itself tells which that is."""
    provider = deployment.provider
    query = {name: _literal(value) for name, value in provider.query.items()}
    said = _literal(provider.base_url).rstrip("/")
    base_url = resource if azure.is_resource(said) else resource + urlsplit(said).path
    address = azure.address(base_url, query, deployment.model, deployment.api)
    return Endpoint(address, _dialect(deployment), Secret("emulated"), query=query)


def _literal(value: str | Reference | None) -> str:
    """A text that stands in the spec, else a word in its place."""
    return "emulated" if isinstance(value, Reference) else value or ""


def _base_url(provider: Provider, row: ProviderRow, environment: Environment) -> str:
    said = _text(provider.base_url, environment)
    variable = next((name for name in row.base_url_variables if environment.variables.get(name)), None)
    url = said or (environment.variables[variable] if variable else None) or row.base_url
    if not url:
        first = f"set `{row.base_url_variables[0]}`, or " if row.base_url_variables else ""
        raise _Unbound(_Fault("its address isn't known", f"{first}give the provider `{provider.name}` a `base_url`"))
    if not can_be_asked(address := row.address(url)):
        place = f"`{variable}`" if variable and not said else f"the `base_url` of `{provider.name}`"
        raise _Unbound(_Fault(f"{place} is no address of a server", "write it as `http://host:port`", UNREACHABLE))
    return address


def _key(deployment: Deployment, row: ProviderRow, environment: Environment) -> Secret | None:
    provider = deployment.provider
    if provider.api_keys:
        return Secret(_resolved(provider.api_keys[deployment.key], environment))
    variables = provider.key_variables or (row.key_variables if provider.kind.startswith(CUSTOM) else ())
    values = (environment.variables.get(name) for name in variables)
    value = next((value for value in values if value), None)
    if value is None and variables and row.key_required:
        names = " or ".join(f"`{name}`" for name in variables)
        first = variables[0]
        raise _Unbound(_Fault(f"{names} is not set", f"set `{first}`, or give `{provider.name}` an `api_key`"))
    return None if value is None else Secret(value)


def _text(value: str | Reference | None, environment: Environment) -> str | None:
    return _resolved(value, environment) if isinstance(value, Reference) else value


def _resolved(reference: Reference, environment: Environment) -> str:
    try:
        return resolve(reference, environment)
    except MissingReference as missing:
        raise _Unbound(_Fault(missing.message, code=None)) from None


def _not_local(provider: Provider, base_url: str) -> _Fault:
    host = urlsplit(base_url).hostname or base_url
    return _Fault(
        f"its provider counts as local, but `{host}` isn't this machine",
        f"say `local: false` on the provider `{provider.name}`, or give it a loopback address",
        NOT_LOCAL,
    )


def _warnings(program: Program, unbound: Mapping[str, _Fault], source: Source | None) -> Iterator[Diagnostic]:
    """Yields one warning for each provider and reason."""
    said: dict[tuple[str, _Fault], list[str]] = {}
    for name, fault in unbound.items():
        said.setdefault((program.deployments[name].provider.name, fault), []).append(name)
    for (provider, fault), names in said.items():
        if fault.code is None:
            continue
        out = ", ".join(f"`{name}`" for name in names)
        message = f"{fault.reason}, so {out} can't be asked"
        place = _place(source, program.providers[provider].path)
        yield Diagnostic(fault.code, "warning", message, place, fault.help)


def _deserted(program: Program, unbound: Mapping[str, str], source: Source | None) -> Iterator[Diagnostic]:
    """Yields an error if no rule has anybody left."""
    using = [rule for rule in program.rules if rule.refuse is None]
    if using and not any(_has_anybody(program, rule, unbound) for rule in using):
        message = "no rule has anybody left who can be asked here"
        advice = "set one of the variables that the warnings name"
        yield Diagnostic(NOBODY, "error", message, _place(source, ("rules",)), advice)


def _has_anybody(program: Program, rule: Rule, unbound: Mapping[str, str]) -> bool:
    names = (name for tier in rule.tiers for member in tier.members for name in program.members[member])
    deployments = (program.deployments[name] for name in names if name not in unbound)
    return any(deployment.enabled and deployment.provider.enabled for deployment in deployments)


def _place(source: Source | None, path: tuple[str | int, ...]) -> Span:
    return source.key_span(path) if source else Span("", 1, 1, 1, 1)
