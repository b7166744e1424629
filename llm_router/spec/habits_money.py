"""What other systems call limits, budgets, caches, stores and alerts, and how it is said here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Said = tuple[str, str]
"""What a key is, and what to write."""

_FOREIGN = "a word of other systems"
_LIMITS = "write `limits: [{requests: 30, every: 1m}]` on a provider or deployment, or at the top with a `name`"
_TOKENS = "write `limits: [{tokens: 100k, every: 1m}]` on a provider or deployment, or at the top with a `name`"
_AT_ONCE = "write `limits: [{concurrent: 4}]` on a provider or deployment, or at the top with a `name`"
_BUDGETS = "write `budgets: [{name: monthly, amount: 50 USD, every: month}]` at the top"
_STATE = 'write `state: "redis://host:6379"` at the top'
_CACHE = "write `cache: {exact: {keep: 1h, entries: 10k}}` at the top"
_ALERTS = 'write `alerts: [{events: [budget_warning], webhook: "${env:SLACK_WEBHOOK}"}]` at the top'
_STICKY = "`sticky: none` on a rule or pool switches it off; else a conversation stays with who answered it"
_WINDOW = "write `every: day` (week, month, a duration) or, for one that ends now, `within: 24h`"
_ACCOUNTS = ("NamedLimitSpec", "BudgetSpec")
_CAPS = ("LimitSpec", "NamedLimitSpec")


def _all(words: Iterable[str], noun: str, advice: str) -> Mapping[str, Said]:
    return dict.fromkeys(words, (noun, advice))


def _keys(sections: Iterable[str], words: Iterable[str], noun: str, advice: str) -> Mapping[tuple[str, str], Said]:
    known = tuple(words)
    return {(section, word): (noun, advice) for section in sections for word in known}


ANYWHERE: Mapping[str, Said] = {
    **_all(("rpm", "rpm_limit", "requests_per_minute"), "a limit of requests per minute", _LIMITS),
    **_all(("tpm", "tpm_limit", "tokens_per_minute"), "a limit of tokens per minute", _TOKENS),
    **_all(
        ("max_parallel_requests", "max_concurrency", "max_concurrent_requests", "concurrency", "concurrent"),
        "a limit of concurrent requests",
        _AT_ONCE,
    ),
    **_all(("rate_limit", "limit"), "a limit", _LIMITS),
    **_all(("max_budget", "budget_limit", "max_spend", "spend_limit", "provider_budget_config"), "a budget", _BUDGETS),
    **_all(("budget", "budgets"), "a key of the top", _BUDGETS),
    **_all(("soft_budget",), "a threshold of alerts", "write `warn_at: 80%` on a budget"),
    **_all(("budget_duration", "reset_budget", "budget_reset"), "a budget's window", _WINDOW),
    **_all(
        ("redis_url", "redis_host", "redis_port", "redis_password", "database_url", "db_url", "storage", "store"),
        "another name for the store",
        _STATE,
    ),
    **_all(("cache_params", "caching", "cache_responses", "response_cache"), "another name for the cache", _CACHE),
    **_all(("alerting", "alerting_args", "notifications", "slack_webhook"), "another name for alerts", _ALERTS),
    **_all(("session_affinity", "affinity", "sticky_sessions"), _FOREIGN, _STICKY),
    **_all(("sticky",), "a key of rules and pools", _STICKY),
    **_all(("hedge",), "a key of `fallback`", "write `fallback: {hedge: {after: 2s, extra_cost: 5%}}`"),
    **_all(("check_every",), "a key of `health`", "write `health: {check_every: 1m}`"),
    **_all(("health_check_interval",), _FOREIGN, "write `health: {check_every: 1m}`"),
    **_all(("limits",), "a key of providers, deployments and the top", _LIMITS),
}

IN_SECTION: Mapping[tuple[str, str], Said] = {
    **_keys(_CAPS, ("rpm", "rps", "request"), "no unit of its own", "write `{requests: 30, every: 1m}`"),
    **_keys(("Spec", "ProviderSpec", "DeploymentSpec"), ("rate_limits",), _FOREIGN, _LIMITS),
    **_keys(_CAPS, ("tpm", "token"), "no unit of its own", "write `{tokens: 100k, every: 1m}`"),
    **_keys(
        ("LimitSpec",), ("for", "per", "name"), "a key of limits at the top", "write it below `limits:` at the top"
    ),
    **_keys(
        (*_CAPS, "BudgetSpec"),
        ("per_minute", "window", "period", "interval", "duration", "time_period", "budget_duration"),
        _FOREIGN,
        _WINDOW,
    ),
    **_keys(
        _ACCOUNTS, ("when", "if", "match", "where"), "a key of rules", "what is counted is `for: {provider: openai}`"
    ),
    **_keys(
        _ACCOUNTS,
        ("scope", "by", "key", "group_by"),
        _FOREIGN,
        "what is counted apart is `per: user`, `per: session` or `per: metadata.key`",
    ),
    **_keys(
        ("BudgetSpec",), ("limit", "max", "usd", "max_budget", "cost", "budget"), _FOREIGN, "write `amount: 50 USD`"
    ),
    **_keys(("BudgetSpec",), ("alert_at", "warn", "soft_budget", "threshold"), _FOREIGN, "write `warn_at: 80%`"),
    **_keys(
        ("BudgetSpec",),
        ("on_exceeded", "action", "then", "use", "instead", "fallback"),
        _FOREIGN,
        "write `when_spent: out`, `warn` or `{use: name}`",
    ),
    **_keys(
        ("CacheSpec",),
        ("keep", "ttl", "entries", "bytes", "share", "vary", "enabled", "mode", "type"),
        "a key of `exact`, or of other systems",
        "write `cache: {exact: {keep: 1h, entries: 10k}}`",
    ),
    **_keys(
        ("CacheSpec",),
        ("semantic", "similarity_threshold"),
        "not part of this version",
        "only equal requests are answered from the cache: `cache: {exact: {keep: 1h}}`",
    ),
    **_keys(("ExactCacheSpec",), ("ttl", "max_age", "expires", "expiry"), _FOREIGN, "write `keep: 1h`"),
    **_keys(
        ("ExactCacheSpec",),
        ("max_size", "max_entries", "size", "maxsize"),
        _FOREIGN,
        "write `entries: 10k`, or `bytes: 100M`",
    ),
    **_keys(("LedgerSpec",), ("retention", "ttl", "days", "keep_days"), _FOREIGN, "write `keep: 400d`"),
    **_keys(
        ("LedgerSpec",),
        ("log_prompts", "store_prompts", "store_prompts_in_spend_logs", "prompts"),
        _FOREIGN,
        "write `keep_prompts: true`",
    ),
    **_keys(("LedgerSpec",), ("url", "path", "database"), "a key of `state`", 'write `state: "sqlite:router.db"`'),
    **_keys(
        ("StateSpec",),
        ("redis_url", "type", "path", "host", "uri", "dsn", "backend"),
        _FOREIGN,
        "write `url:` with `sqlite:router.db`, `redis://host:6379` or `postgresql://host/database`",
    ),
    **_keys(
        ("StateSpec",),
        ("fail_open", "fail_closed", "on_error", "when_down"),
        _FOREIGN,
        "write `fail: open`, or `fail: closed`",
    ),
    **_keys(
        ("AlertSpec",),
        ("on", "event", "types", "alert_types", "when"),
        _FOREIGN,
        "write `events: [budget_warning, budget_spent]`",
    ),
    **_keys(
        ("AlertSpec",),
        ("slack", "url", "slack_webhook", "webhook_url", "to"),
        _FOREIGN,
        'write `webhook: "${env:SLACK_WEBHOOK}"`, or `email: {to: …, smtp: …}`',
    ),
    **_keys(
        ("EmailSpec",),
        ("host", "server", "smtp_host", "smtp_server", "url"),
        _FOREIGN,
        'write `smtp: "smtp://host:587"`',
    ),
    **_keys(
        ("HedgeSpec",),
        ("delay", "wait", "delay_ms", "timeout"),
        _FOREIGN,
        "write `after: 2s`, or a percentile: `after: p95`",
    ),
    **_keys(
        ("HealthSpec",), ("interval", "check_interval", "active", "ping_every"), _FOREIGN, "write `check_every: 1m`"
    ),
    **_keys(
        ("ProviderSpec", "DeploymentSpec"),
        ("max_cost",),
        "a budget at the wrong place",
        "write `budgets: [{name: …, amount: …, every: day, for: {provider: name}}]` at the top",
    ),
    **_keys(
        ("RequestSpec",), ("spent",), "a fact of the world", "write `given: {spent.monthly: 90%}` beside `request`"
    ),
}
