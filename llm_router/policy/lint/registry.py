"""What the linter looks for: one generator a lint, whose docstring is its documentation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from llm_router.diagnostics import Diagnostic
from llm_router.policy.lint import accounts, candidates, facts, failures, guards, memory, rules, unused
from llm_router.policy.lint.subject import Subject


@dataclass(frozen=True, slots=True)
class Lint:
    """One lint: its code, and the function that finds; its name is the function's."""

    code: str
    find: Callable[[Subject], Iterator[Diagnostic]]

    @property
    def name(self) -> str:
        """The lint's name, with hyphens."""
        return self.find.__name__.replace("_", "-")


LINTS: tuple[Lint, ...] = (
    Lint("LR401", rules.rule_never_holds),
    Lint("LR402", rules.rule_shadowed),
    Lint("LR403", rules.no_last_rule),
    Lint("LR404", rules.analysis_incomplete),
    Lint("LR405", rules.name_twice),
    Lint("LR411", unused.unused_deployment),
    Lint("LR412", unused.unused_pool),
    Lint("LR413", unused.unused_provider),
    Lint("LR414", unused.unused_task),
    Lint("LR415", unused.unused_metadata),
    Lint("LR416", unused.unread_fact),
    Lint("LR421", candidates.candidate_cannot),
    Lint("LR422", candidates.need_not_stated),
    Lint("LR423", candidates.dearer_than_max_cost),
    Lint("LR424", candidates.too_few_attempts),
    Lint("LR425", candidates.one_provider),
    Lint("LR426", candidates.setting_left_out),
    Lint("LR427", candidates.nobody_enabled),
    Lint("LR431", guards.guard_never_holds),
    Lint("LR432", guards.guard_leaves_nobody),
    Lint("LR433", guards.instead_cannot),
    Lint("LR434", guards.guard_leaves_no_vectors),
    Lint("LR441", facts.ranks_by_unknown),
    Lint("LR442", facts.price_per_token),
    Lint("LR443", facts.literal_secret),
    Lint("LR444", facts.provider_beside_its_own),
    Lint("LR445", facts.retired_model),
    Lint("LR446", facts.usual_name_on_the_wire),
    Lint("LR451", failures.idle_step),
    Lint("LR461", accounts.account_never_counts),
    Lint("LR462", accounts.budget_below_one_request),
    Lint("LR463", accounts.barred_by_budget),
    Lint("LR464", accounts.limit_below_one_request),
    Lint("LR465", accounts.duration_for_calendar),
    Lint("LR466", accounts.budget_forgets),
    Lint("LR471", memory.hedge_of_one),
    Lint("LR472", memory.cache_unused),
    Lint("LR473", memory.vary_by_user),
    Lint("LR474", memory.alert_never_sent),
)


def findings(subject: Subject) -> tuple[Diagnostic, ...]:
    """What all lints find, in the order of the lints."""
    return tuple(found for lint in LINTS for found in lint.find(subject))
