"""Finding the feature that a name means, and saying why where it means none."""

from __future__ import annotations

from collections.abc import Mapping

from llm_router.diagnostics import Span, closest
from llm_router.spec.conditions.feature_types import ALIASES, Covering, Declarations, Placement, feature_type
from llm_router.spec.conditions.literals import BUDGET, FEATURE, LABEL_KEY, METADATA_KEY, Scope, Target

_HABITS: Mapping[str, str] = {
    **dict.fromkeys(("prompt", "input", "content", "message", "query", "question", "user_input"), "text"),
    **dict.fromkeys(("tokens", "prompt_tokens", "token_count", "context_length"), "input_tokens"),
    **dict.fromkeys(("max_tokens", "output_tokens"), "max_output_tokens"),
    **dict.fromkeys(("intent", "category", "task_type", "type"), "task"),
    **dict.fromkeys(("model_name",), "requested_model"),
    **dict.fromkeys(("tag",), "tags"),
    **dict.fromkeys(("capabilities", "requires", "supports"), "capability"),
    **dict.fromkeys(("latency", "priority", "urgency"), "speed"),
    **dict.fromkeys(("price",), "cost"),
    **dict.fromkeys(("user_id",), "user"),
    **dict.fromkeys(("session_id", "conversation", "thread_id"), "session"),
    **dict.fromkeys(("run_id",), "run"),
    **dict.fromkeys(("images", "has_image", "vision"), "has_images"),
    **dict.fromkeys(("tools", "functions"), "has_tools"),
    **dict.fromkeys(("files",), "has_files"),
    **dict.fromkeys(("json", "json_mode", "response_format"), "wants_json"),
    **dict.fromkeys(("streaming",), "stream"),
    **dict.fromkeys(("time", "time_of_day"), "hour"),
    **dict.fromkeys(("day", "day_of_week"), "weekday"),
    **dict.fromkeys(("history", "full_text"), "transcript"),
}
"""What other systems call our features."""

_PLACEMENT_HABITS: Mapping[str, str] = {
    **dict.fromkeys(("providers", "vendor", "backend"), "provider"),
    **dict.fromkeys(("deployments", "target", "endpoint"), "deployment"),
    **dict.fromkeys(("models", "model_name"), "model"),
}


def find_target(name: str, span: Span, scope: Scope) -> Target | None:
    """The feature that `name` means under the scope's declarations; `None` after a report."""
    found = feature_type(name, scope.declarations)
    if found is not None:
        return Target(ALIASES.get(name, name), name, found)
    code, message, advice = _unknown(name, scope)
    scope.fault(code, message, span, advice)
    return None


def _unknown(name: str, scope: Scope) -> tuple[str, str, str]:
    prefix, dot, _ = name.partition(".")
    if isinstance(scope.declarations, Placement):
        return _unknown_of_deployment(name, scope)
    if prefix == "spent":
        return _unknown_budget(name, scope)
    if isinstance(scope.declarations, Covering) and (prefix == "labels" or name == "local"):
        asked = ", ".join(scope.declarations.attempt())
        return FEATURE, f"`{name}` doesn't say what is counted", f"`for` reads {asked}, and features of the request"
    if dot and prefix == "metadata":
        return METADATA_KEY, f"`{name}` isn't declared", _meant(name, scope) or _declare(name)
    if feature_type(name, _ANY_PLACEMENT) is not None or prefix == "labels":
        meant = "; the model that the caller named is `requested_model`" if name == "model" else ""
        return FEATURE, f"`{name}` isn't known yet when a rule is chosen", f"guards' `only` and `never` read it{meant}"
    if prefix == "env":
        return FEATURE, f"`{name}` names no variable", "write `env.NAME`"
    return FEATURE, f"`{name}` is no feature", _meant(name, scope) or f"features are {', '.join(scope.features)}"


def _unknown_budget(name: str, scope: Scope) -> tuple[str, str, str]:
    if isinstance(scope.declarations, Covering):
        return FEATURE, f"`{name}` doesn't say what is counted", "leave it out: what is spent is counted here"
    known = [feature for feature in scope.features if feature.startswith("spent.")]
    advice = _nearest(name, known) or (known[0] if len(known) == 1 else None)
    if advice:
        return BUDGET, f"there is no budget for `{name}`", f"did you mean `{advice}`?"
    declare = "declare it at the top: `budgets: [{name: monthly, amount: 50 USD, every: month}]`"
    named = f"budgets are {', '.join(feature.removeprefix('spent.') for feature in known)}"
    return BUDGET, f"there is no budget for `{name}`", named if known else declare


def _unknown_of_deployment(name: str, scope: Scope) -> tuple[str, str, str]:
    if name.startswith("labels."):
        return LABEL_KEY, f"no provider or deployment has the label `{name[7:]}`", _meant(name, scope) or _LABELLING
    if feature_type(name, Declarations()) is not None or name.startswith("metadata."):
        return FEATURE, f"`{name}` says nothing about a deployment", "it is a feature of the request: put it in `when`"
    return FEATURE, f"`{name}` says nothing about a deployment", _meant(name, scope) or _placement_names(scope)


def _placement_names(scope: Scope) -> str:
    return f"`only` and `never` read {', '.join(scope.features)}"


def _meant(name: str, scope: Scope) -> str:
    for candidate in (f"metadata.{name}", f"labels.{name}"):
        if candidate in scope.features:
            return f"did you mean `{candidate}`?"
    habits = _PLACEMENT_HABITS if isinstance(scope.declarations, Placement) else _HABITS
    meant = habits.get(name.lower()) or _nearest(name, [*scope.features, *ALIASES])
    return f"did you mean `{meant}`?" if meant else ""


def _nearest(name: str, features: list[str]) -> str | None:
    """The closest feature; behind a prefix only the keys are compared, since the prefix is always the same."""
    prefix = next((prefix for prefix in ("metadata.", "labels.", "spent.") if name.startswith(prefix)), "")
    keys = {feature.removeprefix(prefix): feature for feature in features if feature.startswith(prefix)}
    found = closest(name.removeprefix(prefix), keys)
    return keys[found] if found else None


def _declare(name: str) -> str:
    key = name.removeprefix("metadata.")
    return f"declare it at the top, for example `metadata: {{{key}: text}}`"


_LABELLING = "give it to one, for example `labels: {region: eu}`"
_ANY_PLACEMENT = Placement()
