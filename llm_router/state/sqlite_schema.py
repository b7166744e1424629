"""The tables of the SQLite store, as migrations: the nth brings `PRAGMA user_version` from n - 1 to n.

A migration that was released never changes; a new schema is one more of them. Views are for people: money in USD,
instants in ISO 8601, UTC.
"""

from __future__ import annotations

from llm_router.state.entry import TOKEN_KINDS
from llm_router.state.totals import KEPT

_TOKENS = "".join(f"{kind}_tokens INTEGER, " for kind in TOKEN_KINDS)
_TOKEN_NAMES = "".join(f"{kind}_tokens, " for kind in TOKEN_KINDS)
_KEPT = "".join(f'"{name}" TEXT NOT NULL, ' for name in KEPT)
_KEPT_NAMES = "".join(f'"{name}", ' for name in KEPT)
_TOKEN_SUMS = "".join(f"{kind}_tokens INTEGER NOT NULL, " for kind in TOKEN_KINDS)

_FIRST = f"""
CREATE TABLE entries (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, decision_id TEXT NOT NULL, program_hash TEXT NOT NULL,
    rule TEXT NOT NULL, provider TEXT NOT NULL, deployment TEXT NOT NULL, model TEXT NOT NULL, served TEXT,
    attempt INTEGER NOT NULL, outcome TEXT NOT NULL, failure TEXT, cost INTEGER, basis TEXT NOT NULL,
    first_token_s REAL, duration_s REAL, "user" TEXT, session TEXT, run TEXT, framework_run_id TEXT,
    mark TEXT NOT NULL, saved INTEGER NOT NULL, prompt TEXT, {_TOKENS}
    first_token_bin INTEGER, duration_bin INTEGER, cost_by_kind TEXT, tags TEXT NOT NULL, metadata TEXT NOT NULL
);
CREATE INDEX entries_at ON entries (at);
CREATE TABLE daily (
    day TEXT NOT NULL, {_KEPT}
    requests INTEGER NOT NULL, attempts INTEGER NOT NULL, failures INTEGER NOT NULL, lost INTEGER NOT NULL,
    cached INTEGER NOT NULL, unknown INTEGER NOT NULL, cost INTEGER NOT NULL, reserved INTEGER NOT NULL,
    saved INTEGER NOT NULL, {_TOKEN_SUMS}
    first_token_count INTEGER NOT NULL, first_token_sum_s REAL NOT NULL,
    duration_count INTEGER NOT NULL, duration_sum_s REAL NOT NULL,
    first_token_bins TEXT NOT NULL, duration_bins TEXT NOT NULL
);
CREATE INDEX daily_day ON daily (day);
CREATE TABLE settled (
    account TEXT NOT NULL, bucket INTEGER NOT NULL, amount INTEGER NOT NULL, ends REAL NOT NULL,
    PRIMARY KEY (account, bucket)
) WITHOUT ROWID;
CREATE TABLE reservations (ticket TEXT PRIMARY KEY, expires REAL NOT NULL, opening TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX reservations_expires ON reservations (expires);
CREATE TABLE claims (
    ticket TEXT NOT NULL, account TEXT NOT NULL, bucket INTEGER NOT NULL, amount INTEGER NOT NULL,
    held INTEGER NOT NULL, ends REAL NOT NULL, PRIMARY KEY (ticket, account)
) WITHOUT ROWID;
CREATE INDEX claims_account ON claims (account);
CREATE TABLE records (
    kind TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID;
CREATE TABLE marks (key TEXT PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE kept (key TEXT PRIMARY KEY, value BLOB NOT NULL, expires REAL NOT NULL);
CREATE VIEW ledger AS SELECT
    strftime('%Y-%m-%dT%H:%M:%fZ', at, 'unixepoch') AS time, decision_id, attempt, rule, provider, deployment, model,
    served, outcome, failure, mark, cost / 1e12 AS cost_usd, basis, saved / 1e12 AS saved_usd, {_TOKEN_NAMES}
    first_token_s, duration_s, "user", session, run, tags, metadata, framework_run_id, program_hash, prompt
    FROM entries;
CREATE VIEW daily_totals AS SELECT
    day, {_KEPT_NAMES} requests, attempts, failures, lost, cached, unknown, cost / 1e12 AS cost_usd,
    reserved / 1e12 AS reserved_usd, saved / 1e12 AS saved_usd, {_TOKEN_NAMES} first_token_count, first_token_sum_s,
    duration_count, duration_sum_s FROM daily;
CREATE VIEW open_reservations AS SELECT
    strftime('%Y-%m-%dT%H:%M:%fZ', expires, 'unixepoch') AS expires, ticket, account, amount, held
    FROM reservations JOIN claims USING (ticket);
"""

MIGRATIONS = (_FIRST,)
