"""What an attempt is to do: how a request is put to a deployment, with which settings and timeouts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from math import inf

from llm_router.engine.serving.attempt import Mode, Trial
from llm_router.engine.serving.continuing import GoingOn, Joint, going_on
from llm_router.engine.wiring import Wiring
from llm_router.messages import ChatRequest, ChatResponse
from llm_router.policy.decision import Candidate
from llm_router.policy.follow import settings_for, timeouts_for
from llm_router.policy.program import Program, Rule
from llm_router.wire.codec import HttpRequest, Unsupported
from llm_router.wire.history import fitted


@dataclass(frozen=True, slots=True)
class Trials:
    """Makes the trials of one request, by the program that it began with and the rule that decided."""

    program: Program
    wiring: Wiring
    rule: Rule | None
    mode: Mode

    def of(self, request: ChatRequest, candidate: Candidate, started: float, deadline: float) -> Trial:
        """A trial that begins the answer. Raises Unsupported where the dialect can't say what is asked for."""
        http = self._encoded(self._set(request, candidate), candidate.deployment)
        return self._trial(candidate, http, started, deadline)

    def going_on(self, request: ChatRequest, candidate: Candidate, started: float, spoken: ChatResponse) -> Trial:
        """A trial that goes on from what was spoken; no deadline bounds it. Raises Unsupported."""
        refused = Unsupported()
        for form in self._forms(self._set(request, candidate), candidate.deployment, spoken.text):
            try:
                http = self._encoded(form.request, candidate.deployment)
            except Unsupported as error:
                refused = error
                continue
            return self._trial(candidate, http, started, inf, Joint(spoken, form.trimmed))
        raise refused

    def _trial(
        self, candidate: Candidate, http: HttpRequest, started: float, deadline: float, joint: Joint | None = None
    ) -> Trial:
        name = candidate.deployment
        timeouts = timeouts_for(self.program, self.rule, self.program.deployments[name])
        return Trial(http, self.wiring.codecs[name], self.mode, timeouts, started, deadline, joint)

    def _set(self, request: ChatRequest, candidate: Candidate) -> ChatRequest:
        return replace(request, settings=settings_for(self.program, self.rule, candidate, request.settings))

    def _forms(self, request: ChatRequest, name: str, said: str) -> Iterator[GoingOn]:
        """How the request may be put to the deployment, the best way first."""
        able = "prefill" in (self.program.deployments[name].supports or ())
        if able and self.wiring.codecs[name].history(self.wiring.targets[name]).prefill:
            yield going_on(request, said, prefill=True)
        yield going_on(request, said, prefill=False)

    def _encoded(self, request: ChatRequest, name: str) -> HttpRequest:
        codec, target = self.wiring.codecs[name], self.wiring.targets[name]
        fit = fitted(request, codec.history(target), own=partial(_of_same_kind, self.program, name))
        return codec.encode(fit, target, stream=self.mode != "whole")


def _of_same_kind(program: Program, name: str, writer: str) -> bool:
    """Whether the deployments of these names are the program's, and their providers of one kind."""
    known = program.deployments
    return writer in known and known[writer].provider.kind == known[name].provider.kind
