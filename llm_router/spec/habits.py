"""What people write who come from other systems, and how it is said here: tables, and two look-ups.

A habit never decides whether a spec is right: the grammar does. It only knows better words for what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from llm_router.spec import habits_money

FOREIGN_KEY = "LR220"
FOREIGN_VALUE = "LR221"
NOT_YET = "LR210"


@dataclass(frozen=True, slots=True)
class Habit:
    """What to say of a key or value: `message` has `{written}` for the user's words."""

    code: str
    message: str
    help: str


def key_habit(section: str, key: str) -> Habit | None:
    """What is known of a key that the section (its class's name) doesn't have."""
    later = _LATER.get(key)
    if later is not None and (not later or section in later):
        return Habit(NOT_YET, f"`{key}` is not part of this version", _LATER_HELP.get(key, _LEAVE_OUT))
    known = _IN_SECTION.get((section, key)) or _ANYWHERE.get(key)
    if known is not None:
        return Habit(FOREIGN_KEY, f"`{key}` is {known[0]}", known[1])
    spaceless = re.fullmatch(r"([a-z_]+):(\S.*)", key)
    if spaceless:
        return Habit(FOREIGN_KEY, f"a space is missing in `{key}`", f"write `{spaceless[1]}: {spaceless[2]}`")
    return None


def value_habit(text: str, noun: str) -> Habit | None:
    """What is known of a text that can't be read as the thing that `noun` names."""
    for habit in _VALUES:
        match = re.search(habit.pattern, text)
        if match and (not habit.nouns or noun in habit.nouns):
            return Habit(habit.code, habit.message.replace("{written}", f"`{text}`"), habit.help(match))
    return None


@dataclass(frozen=True, slots=True)
class _ValueHabit:
    pattern: str
    message: str
    help: Callable[[re.Match[str]], str]
    code: str = FOREIGN_VALUE
    nouns: tuple[str, ...] = ()


TRUTHS: Mapping[str, str] = {
    **dict.fromkeys(("true", "yes", "on", "y", "1"), "true"),
    **dict.fromkeys(("false", "no", "off", "n", "0"), "false"),
}
"""How people write true and false, in lower case, and how YAML 1.2 does."""

NAME_IN_USE = "the name of whom to ask"
CREDENTIAL = "a key"

_LEAVE_OUT = "leave it out: a section is accepted once it works"
_LATER: Mapping[str, frozenset[str]] = {
    "include": frozenset({"Spec"}),
}
_LATER_HELP: Mapping[str, str] = {
    "include": "leave it out: one file states the whole policy",
}

_WHO = "`use: [first, second]` on a rule names whom to ask, in this order"
_RULES = "write `rules:` with one rule each: `- {when: {task: code}, use: [provider:model]}`"
_OTHERWISE = "a last rule without a condition, `- use: name`, is for everything else"
_AFTER = "`fallback: {after: {rate_limit: {retry: 1, next: any}}}` says what follows each failure"
_MODEL = "deployments go below `deployments:`, as `name: {provider: openai, model: gpt-4o}`"

_ANYWHERE: Mapping[str, tuple[str, str]] = {
    "model_list": ("LiteLLM's list of models", _MODEL),
    "litellm_params": ("LiteLLM's", "write `provider`, `model` and `settings` right on the deployment"),
    "litellm_settings": ("LiteLLM's", "call parameters go below `settings:`, retries below `fallback:`"),
    "router_settings": ("LiteLLM's", "write `rules:`, `pools:` with `balance`, `fallback:` and `timeouts:`"),
    "general_settings": ("LiteLLM's", "there is no server to set up here; leave it out"),
    "model_name": ("LiteLLM's name for a deployment", _MODEL),
    "model_info": ("LiteLLM's", "write `price`, `context` and `supports` right on the deployment"),
    "model_group_alias": ("LiteLLM's", "a pool is a name for several: `pools: {name: {of: [a, b]}}`"),
    "routing_strategy": ("LiteLLM's", "`use: {from: …, by: cost}` ranks; a pool's `balance` spreads load"),
    "num_retries": ("a retry count of other systems", _AFTER),
    "max_retries": ("a retry count of other systems", _AFTER),
    "retries": ("a retry count of other systems", _AFTER),
    "retry": ("not at home here", _AFTER),
    "retry_policy": ("another system's", _AFTER),
    "allowed_fails": ("LiteLLM's", "write `health: {failures: 5, within: 30s, cooldown: 15s}`"),
    "cooldown_time": ("LiteLLM's", "write `health: {cooldown: 15s}`, or `cooldown` in `fallback: {after: …}`"),
    "fallbacks": (
        "other systems' list of fallbacks",
        "whom to ask next is the rest of the list: `use: [first, second]`",
    ),
    "context_window_fallbacks": ("LiteLLM's", "write `fallback: {after: {context_length: {next: larger-context}}}`"),
    "content_policy_fallbacks": ("LiteLLM's", "write `fallback: {after: {content_filter: {next: [name]}}}`"),
    "default_fallbacks": ("LiteLLM's", "whom to ask next is the rest of the list: `use: [first, second]`"),
    "fallback_models": ("another system's", "whom to ask next is the rest of the list: `use: [first, second]`"),
    "on_status_codes": ("Portkey's", "failures have classes here, the same for all providers: " + _AFTER),
    "strategy": ("Portkey's", "`use: [a, b]` falls back, a pool's `balance` spreads load"),
    "targets": ("Portkey's list of targets", _WHO),
    "override_params": ("Portkey's", "call parameters go below `settings:`"),
    "virtual_key": ("Portkey's", "name a provider, with `api_key` where its usual variable isn't used"),
    "conditions": ("another system's", "write `when:` or `if:` on a rule"),
    "api_base": ("another name for the address", "write `base_url` on the provider"),
    "endpoint": ("another name for the address", "write `base_url` on the provider"),
    "url": ("another name for the address", "write `base_url` on the provider"),
    "host": ("another name for the address", "write `base_url` on the provider"),
    "azure_endpoint": ("another name for the address", "write `base_url` on the provider"),
    "key": ("another name for the key", "write `api_key` on the provider"),
    "api_key_env": ("another way to name a key", 'write `api_key: "${env:NAME}"` on the provider'),
    "api_key_env_var": ("another way to name a key", 'write `api_key: "${env:NAME}"` on the provider'),
    "max_tokens": ("another name for the output's length", "write `max_output_tokens` below `settings:`"),
    "max_completion_tokens": ("another name for the output's length", "write `max_output_tokens` below `settings:`"),
    "reasoning_effort": ("another name for the effort", "write `reasoning` below `settings:`"),
    "stop_sequences": ("a word of other systems", "write `stop` below `settings:`"),
    "extra_body": ("a word of other systems", "write `extra` below `settings:`"),
    "extra_headers": ("a word of other systems", "write `headers` below `settings:`"),
    "weight": (
        "a share of the load at the wrong place",
        "shares stand in a pool: `pools: {name: {of: {a: 90%, b: 10%}}}`",
    ),
    "weights": (
        "a share of the load at the wrong place",
        "shares stand in a pool: `pools: {name: {of: {a: 90%, b: 10%}}}`",
    ),
    "priority": ("an order by number", "the order in `use: [first, second]` is the order of asking"),
    "order": ("an order by number", "the order in `use: [first, second]` is the order of asking"),
    "default": ("another system's", _OTHERWISE),
    "default_model": ("a key of providers", _OTHERWISE),
    "else": ("not needed", _OTHERWISE),
    "otherwise": ("not needed", _OTHERWISE),
    "then": ("not needed", "`use` (or `refuse`) stands beside the condition: `- {when: {task: code}, use: name}`"),
    "models": ("other systems' list of models", _MODEL),
    "routes": ("other systems' rules", _RULES),
    "routing": ("other systems' rules", _RULES),
    "routing_rules": ("other systems' rules", _RULES),
    "policies": ("other systems' rules", _RULES),
    "condition": ("a word of other systems", "write `when: {feature: value}`, or `if: feature == value` as text"),
    "match": ("a word of other systems", "write `when: {feature: value}`, or `if: feature == value` as text"),
    "where": ("a word of other systems", "write `when: {feature: value}`, or `if: feature == value` as text"),
    "action": ("a word of other systems", "write `use`, or `refuse` with a message, beside the condition"),
    "route": ("a word of other systems", _WHO),
    "route_to": ("a word of other systems", _WHO),
    "target": ("a word of other systems", _WHO),
    "deny": ("a word of other systems", "write `refuse` with a message on a rule, `never` on a guard"),
    "block": ("a word of other systems", "write `refuse` with a message on a rule, `never` on a guard"),
    "allow": ("a word of other systems", "write `only` on a guard"),
    "load_balance": ("a word of other systems", "write `balance` on a pool"),
    "load_balancing": ("a word of other systems", "write `balance` on a pool"),
    "timeout": (
        "one timeout for everything",
        "write `timeouts: {connect: 5s, first_token: 10s, stall: 15s, total: 2m}`",
    ),
    "request_timeout": ("one timeout for everything", "write `timeouts: {total: 2m}`"),
    "stream_timeout": ("a word of other systems", "write `timeouts: {first_token: 10s}`"),
    "temperature": ("a call parameter", "write it below `settings:`"),
    "top_p": ("a call parameter", "write it below `settings:`"),
    "max_output_tokens": ("a call parameter", "write it below `settings:`"),
    "input_cost_per_token": ("a price per token", "write `price: {input: 2.5, output: 10}`, in USD per million tokens"),
    "output_cost_per_token": (
        "a price per token",
        "write `price: {input: 2.5, output: 10}`, in USD per million tokens",
    ),
    "cost": ("not at home here", "facts about money are `price: {input: 2.5, output: 10}`, in USD per million tokens"),
    "context_window": ("a word of other systems", "write `context`"),
    "context_length": ("a word of other systems", "write `context`"),
    "max_input_tokens": ("a word of other systems", "write `context`"),
    "capabilities": ("a word of other systems", "write `supports: [tools, images]`"),
    "tags": ("not at home here", "facts about providers and deployments that guards read are `labels: {region: eu}`"),
    "type": ("a word of other systems", "write `kind`"),
    "vars": ("not needed", 'what varies is `"${env:NAME:-default}"` at its place'),
    "variables": ("not needed", 'what varies is `"${env:NAME:-default}"` at its place'),
    "env": ("not needed", 'what varies is `"${env:NAME:-default}"` at its place'),
    "on_error": ("a word of other systems", _AFTER),
    "guardrails": ("a word of other systems", "write `guards:`, with `only` or `never`"),
    **habits_money.ANYWHERE,
}

_IN_SECTION: Mapping[tuple[str, str], tuple[str, str]] = {
    ("Spec", "rule"): ("one rule", _RULES),
    ("Spec", "use"): ("a key of rules", "write `rules: [{use: …}]`"),
    ("Spec", "api_key"): ("a key of providers", 'write `providers: {openai: {api_key: "${env:NAME}"}}`'),
    ("Spec", "provider"): ("a key of deployments", _MODEL),
    ("Spec", "model"): ("a key of deployments", _MODEL),
    ("RuleSpec", "model"): ("a key of deployments", "whom to ask is `use: provider:model`, or a deployment's name"),
    ("RuleSpec", "models"): ("a word of other systems", _WHO),
    ("RuleSpec", "provider"): ("a key of deployments", "whom to ask is `use: provider:model`, or a deployment's name"),
    ("RuleSpec", "providers"): ("a word of other systems", _WHO),
    ("RuleSpec", "deployment"): ("a word of other systems", _WHO),
    ("RuleSpec", "deployments"): ("a word of other systems", _WHO),
    ("RuleSpec", "by"): ("a key of `use`", "write `use: {from: [a, b], by: cost}`"),
    ("RuleSpec", "from"): ("a key of `use`", "write `use: {from: [a, b], by: cost}`"),
    ("RuleSpec", "balance"): ("a key of `use`", "write `use: {from: [a, b], balance: random}`"),
    ("RuleSpec", "max_cost"): ("a key of `use`", "write `use: {from: [a, b], max_cost: 1 USD}`"),
    ("RuleSpec", "only"): ("a key of guards", "write it below `guards:`"),
    ("RuleSpec", "never"): ("a key of guards", "write it below `guards:`"),
    ("GuardSpec", "use"): ("a key of rules", "who serves when a guard leaves nobody is `instead`"),
    ("PoolSpec", "members"): ("a word of other systems", "write `of: [a, b]`"),
    ("PoolSpec", "models"): ("a word of other systems", "write `of: [a, b]`"),
    ("PoolSpec", "deployments"): ("a word of other systems", "write `of: [a, b]`"),
    ("PoolSpec", "use"): ("a key of rules", "write `of: [a, b]`"),
    ("PoolSpec", "by"): ("a key of `use`", "a rule ranks: `use: {from: pool, by: cost}`"),
    ("GroupSpec", "of"): ("a key of pools", "write `from: [a, b]`"),
    ("GroupSpec", "sort"): ("a word of other systems", "write `by: cost`"),
    ("DeploymentSpec", "base_url"): ("a key of providers", "an address is a provider's: name a second provider"),
    ("DeploymentSpec", "api_key"): ("a key of providers", "a key is a provider's: name a second provider"),
    ("DeploymentSpec", "kind"): ("a key of providers", "write `provider: name`"),
    ("DeploymentSpec", "capability"): ("a feature of requests", "write `supports: [reasoning]`"),
    ("DeploymentSpec", "latency"): (
        "a word of other systems",
        "write `speed: {first_token: 500ms, tokens_per_second: 80}`",
    ),
    ("DeploymentSpec", "local"): ("a key of providers", "write it on the provider"),
    ("ProviderSpec", "model"): ("a key of deployments", "write `default_model`, or a deployment of this provider"),
    ("ProviderSpec", "models"): ("a word of other systems", _MODEL),
    ("ProviderSpec", "headers"): ("a call parameter", "write `settings: {headers: {…}}`"),
    ("ProviderSpec", "region"): ("a fact of your own", "write `labels: {region: …}`"),
    ("DeploymentSpec", "region"): ("a fact of your own", "write `labels: {region: …}`"),
    ("PriceSpec", "prompt"): ("a word of other systems", "write `input`"),
    ("PriceSpec", "completion"): ("a word of other systems", "write `output`"),
    ("PriceSpec", "cached"): ("a word of other systems", "write `cache_read`"),
    ("ExpectSpec", "provider"): ("not looked at", "write `only: {provider: name}`"),
    ("ExpectSpec", "model"): ("not looked at", "write `deployment: name`, or `only: {model: name}`"),
    ("CaseSpec", "prompt"): ("a word of other systems", "write `request: {text: …}`"),
    ("CaseSpec", "input"): ("a word of other systems", "write `request: {text: …}`"),
    ("CaseSpec", "assert"): ("a word of other systems", "write `expect: {deployment: …}`"),
    ("RequestSpec", "prompt"): ("a word of other systems", "write `text`"),
    **habits_money.IN_SECTION,
}


def _slashed(match: re.Match[str]) -> str:
    return f"write `{match[1].lower()}:{match[2]}`"


def _variable(match: re.Match[str]) -> str:
    return f'write `"${{env:{match["name"]}}}"`'


_VALUES: tuple[_ValueHabit, ...] = (
    _ValueHabit(r"os\.environ/(?P<name>\w+)", "{written} is LiteLLM's way to name a variable", _variable),
    _ValueHabit(r"(?:os\.)?environ\[['\"](?P<name>\w+)", "{written} is Python's way to name a variable", _variable),
    _ValueHabit(r"\$\{\{.*?(?P<name>[A-Za-z_]\w*)\s*\}\}", "{written} is a template of another system", _variable),
    _ValueHabit(r"\{\{.*?(?P<name>[A-Za-z_]\w*)\s*\}\}", "{written} is a template, and nothing fills it in", _variable),
    _ValueHabit(r"^\$\{(?P<name>[A-Za-z_]\w*)\}$", "{written} is the shell's way to name a variable", _variable),
    _ValueHabit(r"^\$(?P<name>[A-Za-z_]\w*)$", "{written} is the shell's way to name a variable", _variable),
    _ValueHabit(
        r"\$\{(?:ENV|Env|env)[:.](?P<name>[A-Za-z_]\w*)",
        "{written} is not a reference as they are written here",
        _variable,
    ),
    _ValueHabit(
        r"\$\{(?P<name>[A-Za-z_]\w*)?",
        "{written} is not a reference as they are written here",
        lambda _: "references are `${env:NAME}`, `${env:NAME:-default}`, `${file:PATH}` and `${keyring:NAME}`",
    ),
    _ValueHabit(
        r"^([A-Za-z_-]+)/(\S+)$",
        "{written} is not how a model of a provider is named here",
        _slashed,
        nouns=(NAME_IN_USE,),
    ),
    _ValueHabit(
        r"^\S+(?: *(?:,|\||->|>| or | and | then ) *\S+)+$",
        "{written} is not one name",
        lambda match: (
            "write a list, first choice first: `["
            + ", ".join(re.split(r" *(?:,|\||->|>| or | and | then ) *", match[0]))
            + "]`"
        ),
        nouns=(NAME_IN_USE,),
    ),
)
