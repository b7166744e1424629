"""The tables of the PostgreSQL store, as migrations: the nth brings `version.number` from n - 1 to n.

A migration that was released never changes; a new schema is one more of them. Views are for people: money in USD,
instants as timestamps.
"""

from __future__ import annotations

from llm_router.state.entry import TOKEN_KINDS
from llm_router.state.totals import KEPT

_TOKENS = "".join(f"{kind}_tokens bigint, " for kind in TOKEN_KINDS)
_TOKEN_NAMES = "".join(f"{kind}_tokens, " for kind in TOKEN_KINDS)
_KEPT = "".join(f'"{name}" text NOT NULL, ' for name in KEPT)
_KEPT_NAMES = "".join(f'"{name}", ' for name in KEPT)
_TOKEN_SUMS = "".join(f"{kind}_tokens numeric NOT NULL, " for kind in TOKEN_KINDS)

_FIRST = f"""
CREATE TABLE entries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at double precision NOT NULL, decision_id text NOT NULL,
    program_hash text NOT NULL, rule text NOT NULL, provider text NOT NULL, deployment text NOT NULL,
    model text NOT NULL, served text, attempt integer NOT NULL, outcome text NOT NULL, failure text, cost bigint,
    basis text NOT NULL, first_token_s double precision, duration_s double precision, "user" text, session text,
    run text, framework_run_id text, mark text NOT NULL, saved bigint NOT NULL, prompt text, {_TOKENS}
    first_token_bin smallint, duration_bin smallint, cost_by_kind jsonb, tags jsonb NOT NULL, metadata jsonb NOT NULL
);
CREATE INDEX entries_at ON entries (at);
CREATE TABLE daily (
    day date NOT NULL, {_KEPT}
    requests bigint NOT NULL, attempts bigint NOT NULL, failures bigint NOT NULL, lost bigint NOT NULL,
    cached bigint NOT NULL, unknown bigint NOT NULL, cost numeric NOT NULL, reserved numeric NOT NULL,
    saved numeric NOT NULL, {_TOKEN_SUMS}
    first_token_count bigint NOT NULL, first_token_sum_s double precision NOT NULL,
    duration_count bigint NOT NULL, duration_sum_s double precision NOT NULL,
    first_token_bins text NOT NULL, duration_bins text NOT NULL
);
CREATE INDEX daily_day ON daily (day);
CREATE TABLE accounts (account text PRIMARY KEY);
CREATE TABLE settled (
    account text, bucket bigint, amount bigint NOT NULL, ends double precision NOT NULL, PRIMARY KEY (account, bucket)
);
CREATE TABLE reservations (ticket text PRIMARY KEY, expires double precision NOT NULL, opening text NOT NULL);
CREATE INDEX reservations_expires ON reservations (expires);
CREATE TABLE claims (
    ticket text, account text, bucket bigint NOT NULL, amount bigint NOT NULL, held boolean NOT NULL,
    ends double precision NOT NULL, PRIMARY KEY (ticket, account)
);
CREATE INDEX claims_account ON claims (account);
CREATE TABLE records (kind text, key text, version bigint NOT NULL, value text NOT NULL, PRIMARY KEY (kind, key));
CREATE TABLE marks (key text PRIMARY KEY, until double precision NOT NULL);
CREATE TABLE kept (key text PRIMARY KEY, value bytea NOT NULL, expires double precision NOT NULL);
CREATE VIEW ledger AS SELECT
    to_timestamp(at) AS time, decision_id, attempt, rule, provider, deployment, model, served, outcome, failure, mark,
    cost / 1e12 AS cost_usd, basis, saved / 1e12 AS saved_usd, {_TOKEN_NAMES} first_token_s, duration_s,
    "user", session, run, tags, metadata, framework_run_id, program_hash, prompt
    FROM entries;
CREATE VIEW daily_totals AS SELECT
    day, {_KEPT_NAMES} requests, attempts, failures, lost, cached, unknown, cost / 1e12 AS cost_usd,
    reserved / 1e12 AS reserved_usd, saved / 1e12 AS saved_usd, {_TOKEN_NAMES} first_token_count, first_token_sum_s,
    duration_count, duration_sum_s FROM daily;
CREATE VIEW open_reservations AS SELECT to_timestamp(expires) AS expires, ticket, account, amount, held
    FROM reservations JOIN claims USING (ticket);
"""

MIGRATIONS = (_FIRST,)
