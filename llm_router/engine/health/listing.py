"""Asking providers which models they have, and so whether keys are right: scripts that cost no money.

One question is asked for each key of each provider. What came of it is a value; nothing raises.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from llm_router.catalog.providers import row_of
from llm_router.engine.effects import Close, Expired, Lost, Now, Open, Read
from llm_router.engine.scrub import scrub
from llm_router.engine.wiring import Wiring
from llm_router.messages import ChatRequest
from llm_router.policy.program import Deployment, Program
from llm_router.wire.codec import Codec, HttpRequest, Target, WireError
from llm_router.wire.listing import (
    Listed,
    ListForm,
    Page,
    form_of,
    list_request,
    lists,
    one_request,
    proof_request,
    read_page,
)

PATIENCE_S = 15.0
"""How long one question may take."""

MOST_PAGES = 50
LONGEST_BODY = 20_000_000

KeyVerdict = Literal["accepted", "refused", "missing", "unreachable", "unknown"]
ModelVerdict = Literal["there", "missing", "unknown"]

REFUSALS = frozenset({"authentication", "permission"})


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One key of one provider (`key` counts from 0), and the deployments that are asked with it.

    `unbound` is the reason why nobody can be asked, where there is one. `keyless` ones are asked without a key.
    """

    provider: str
    kind: str
    key: int
    deployments: tuple[Deployment, ...]
    unbound: str | None = None
    keyless: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one inquiry. `models` is by deployment; `listed` is None where the provider gave no list.

    `whole` tells whether a model that isn't listed isn't there. `reason` says in words what is behind a verdict that
    isn't good; no key is in it.
    """

    inquiry: Inquiry
    key: KeyVerdict
    models: dict[str, ModelVerdict]
    listed: tuple[Listed, ...] | None = None
    whole: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes = field(repr=False)


class _Silent(Exception):
    """A question without a usable answer: the verdict on the key, and why."""

    def __init__(self, key: KeyVerdict, reason: str) -> None:
        super().__init__(reason)
        self.key: KeyVerdict = key
        self.reason = reason


def inquiries(program: Program, wiring: Wiring) -> Iterator[Inquiry]:
    """One for each provider and key that the program's deployments use, in the order of the program."""
    by_key: dict[tuple[str, int], list[Deployment]] = {}
    for deployment in program.deployments.values():
        by_key.setdefault((deployment.provider.name, deployment.key), []).append(deployment)
    for (provider, key), found in by_key.items():
        first = found[0]
        keyless = first.name in wiring.targets and not _has_key(first, wiring.targets[first.name])
        yield Inquiry(provider, first.provider.kind, key, tuple(found), wiring.unbound.get(first.name), keyless)


def _has_key(deployment: Deployment, target: Target) -> bool:
    """Whether anything is said of who asks, beside the organization: a custom kind may have any header for it."""
    organization = (row_of(deployment.provider.kind).organization_header or "").lower()
    return any(name != organization for name in target.headers)


async def inquire(inquiry: Inquiry, wiring: Wiring) -> Finding:
    """Ask the provider, and judge."""
    unknown: dict[str, ModelVerdict] = dict.fromkeys((each.name for each in inquiry.deployments), "unknown")
    if inquiry.unbound is not None:
        return Finding(inquiry, "missing", unknown, reason=inquiry.unbound)
    first = inquiry.deployments[0].name
    asking = _Asking(wiring.targets[first], wiring.codecs[first], wiring.secrets)
    form = form_of(inquiry.kind, row_of(inquiry.kind).dialect)
    if form is None:
        return Finding(inquiry, "unknown", unknown, reason="the provider has no list of models")
    try:
        page = await asking.all_pages(form)
        key: KeyVerdict = "accepted" if form.proves_key else await asking.proof(form)
        models = {each.name: await asking.verdict(form, page, each.model) for each in inquiry.deployments}
    except _Silent as silent:
        return Finding(inquiry, silent.key, unknown, reason=silent.reason)
    reason = "the list of models is shown without a key" if key == "unknown" else ""
    return Finding(inquiry, key, models, page.models if form.named else None, form.whole, reason)


@dataclass(frozen=True, slots=True)
class _Asking:
    """Questions to one provider with one key."""

    target: Target = field(repr=False)
    codec: Codec
    secrets: tuple[str, ...] = field(repr=False)

    async def all_pages(self, form: ListForm) -> Page:
        """All pages of the list as one."""
        found: list[Listed] = []
        onward = None
        for _ in range(MOST_PAGES):
            page = self._read(form, await self._ask(list_request(form, self.target, onward)))
            found += page.models
            onward = page.onward
            if onward is None:
                break
        return Page(tuple(found))

    async def proof(self, form: ListForm) -> KeyVerdict:
        """Whether the key is accepted, where the list doesn't say."""
        if form.proof is None:
            return "unknown"
        self._good(await self._ask(proof_request(form, self.target)))
        return "accepted"

    async def verdict(self, form: ListForm, page: Page, model: str) -> ModelVerdict:
        """Whether the model is there: on the list, or known to who is asked for it by name."""
        if not form.named:
            return "unknown"
        if lists(page, model):
            return "there"
        if form.one is None:
            return "missing" if form.whole else "unknown"
        answer = await self._ask(one_request(form, self.target, model))
        if answer.status in (400, 404):
            return "missing"
        return "there" if answer.status < 300 else "unknown"

    def _read(self, form: ListForm, answer: _Answer) -> Page:
        self._good(answer)
        try:
            return read_page(form, answer.body)
        except WireError as error:
            raise _Silent("unknown", f"what came from `{self._place}` isn't a list of models") from error

    def _good(self, answer: _Answer) -> None:
        """Nothing. Raises _Silent for a reply that is no answer."""
        if answer.status < 300:
            return
        failure = self.codec.decode_error(answer.status, {}, answer.body)
        said = scrub(failure.message, ChatRequest(()), self.secrets)
        if failure.kind in REFUSALS:
            raise _Silent("refused", f"{answer.status}: {said}")
        kind: KeyVerdict = "unreachable" if answer.status >= 500 else "unknown"
        raise _Silent(kind, f"{answer.status} from `{self._place}`: {said}")

    @property
    def _place(self) -> str:
        return self.target.base_url.partition("://")[2].rpartition("@")[2]

    async def _ask(self, request: HttpRequest) -> _Answer:
        """The reply to one question. Raises _Silent where there is none."""
        until = await Now() + PATIENCE_S
        try:
            reply = await Open(request, until, until)
            try:
                body = bytearray()
                while len(body) < LONGEST_BODY and (chunk := await Read(reply, until)):
                    body += chunk
            finally:
                await Close(reply, whole=True)
        except Lost as error:
            raise _Silent("unreachable", scrub(str(error), ChatRequest(()), self.secrets)) from None
        except Expired:
            raise _Silent("unreachable", f"no answer from `{self._place}` within {PATIENCE_S:g}s") from None
        return _Answer(reply.status, bytes(body))
