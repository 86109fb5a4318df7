"""A SQLite database with rows in every table that an installation fills."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from tests import build
from waystation.store.sqlite.database import connect
from waystation.store.sqlite.migrate import migrate

__all__ = ["FILLED", "PROMPT", "fill"]

PROMPT = "A Straße of 100% — ﬁne"
"""A prompt that changes when it is folded."""

_JOB = "job:20261124093001123-user:1-channel:12-bot:midjourney-imagine"

FILLED: Mapping[str, str] = {
    "meta": "insert into meta values ('vault_check', x'00ff10'), ('epoch_floor', 1764000000),"
    " ('search_below', 'job;'), ('clock', '2026-11-24T09:30:01+00:00')",
    "users": "insert into users (user_id, email, created_at, token_hash, name, feed_last)"
    " values (1, 'Ada@example.org', 1764000000000000, x'01', 'Ada', 7),"
    " (3, 'g@x', 1, x'', null, 0)",
    "accounts": "insert into accounts (account_id, user_id, discord_user_id, channel, max_jobs,"
    " sealed_token, masked_token, created_at, epoch) values"
    " ('a1', 1, '10', '12', 3, x'01fe', 'M…', 5, 9)",
    "former_accounts": "insert into former_accounts (account_id, user_id, discord_user_id, channel,"
    " created_at, removed_at) values ('a0', 1, '10', '11', 1, 2)",
    "account_shares": "insert into account_shares values ('a1', 3, 6)",
    "account_failings": "insert into account_failings values ('a1', 29400000, 2)",
    "gateway_sessions": "insert into gateway_sessions values ('a1', x'0a0b')",
    "jobs": "insert into jobs (jobid, user_id, account_id, channel, verb, status, created_at,"
    " updated_at, discord, params, slot, ghost, code, version, finished_at, messages, content)"
    f" values ('{_JOB}', 1, 'a1', '12', 'imagine', 'completed', 1, 2, 'M…',"
    f' \'{{"prompt": "{PROMPT}"}}\', 0, 0, 200, 4, 3,'
    " '{\"1\": \"result\"}', 'a' || char(0) || 'b'),"
    " ('job:20261124093001124-user:1-channel:0-bot:midjourney-info', 1, '', '0', 'info', 'created',"
    " 1, 2, '', null, 0, 0, 200, 1, null, null, null)",
    "job_events": f"insert into job_events values ('{_JOB}', 1, 2, 'Submitted', '{{}}')",
    "feed": f"insert into feed values (1, 6, '{_JOB}', 0), (1, 7, '{_JOB}', 1)",
    "callbacks": "insert into callbacks (callback_id, jobid, user_id, url, body, created_at,"
    f" next_attempt_at, attempts) values ('c1', '{_JOB}', 1, 'https://x/', x'7b7d', 1, 2, 1)",
    "callback_attempts": "insert into callback_attempts values ('c1', 1, 2, 500, null, 0.1)",
    "asked_lately": "insert into asked_lately values (1, 'ping', 2), (1, 'ping', 2)",
    "signing_secrets": "insert into signing_secrets values ('s1', 1, x'01', 2, null)",
    "receivers": "insert into receivers values (1, 'https://x', 1, 2, 'no', 0, 0, null, null)",
    "mails": "insert into mails values ('m1', 'a@x', 'Halted', 'why', 1, 2, 0, 'pending')",
    "unrecognised": "insert into unrecognised values ('a1', '99', 3, x'ff00')",
    "seen_messages": "insert into seen_messages values (41, '10', '12', 'seen', '98', 4, x'00')",
    "job_inputs": f"insert into job_inputs values ('i1', 1, '{_JOB}', 3145728, 2, x'0102')",
    "job_input_parts": "insert into job_input_parts values ('i1', 1, randomblob(1048576)),"
    " ('i1', 2, randomblob(1048576)), ('i1', 3, randomblob(1048576)),"
    " ('i1', 4, randomblob(1048576)), ('i1', 5, randomblob(1048576)), ('i1', 6, x'')",
    "audit": "insert into audit values (17, 1, 'host', 'users add', 1, null, null, 2, 3)",
    "job_finds": f"insert into job_finds values (4400000000001, '{_JOB}'),"
    " (4400000000002, 'job:20261124093001124-user:1-channel:0-bot:midjourney-info')",
    "idempotency_keys": f"insert into idempotency_keys values (1, 'r', 'k', '{_JOB}', x'dd', 9)",
    "queue": "insert into queue (number, jobid, user_id, priority, takes_slot, waiting) values"
    " (23, 'job:20261124093001124-user:1-channel:0-bot:midjourney-info', 1, 3, 0, 1)",
    "queue_turns": "insert into queue_turns values ('a1', 3, 1, 5, 0.25, 1e-9)",
    "identifies": "insert into identifies values ('10', 8)",
    "media_keys": "insert into media_keys values (1, x'cc', 2)",
    "kept_files": "insert into kept_files values ('f1', x'd1', 100, 20)",
    "kept_cuts": "insert into kept_cuts values ('f1', 'tile-1', 20)",
    "copies": "insert into copies (jobid, number, attachment_id, name)"
    f" values ('{_JOB}', 0, '77', 'f1'), ('{_JOB}', 1, '78', null)",
    "tallies": "insert into tallies values ('logins', '10.0.0.1', 5, 3)",
    # what stays behind
    "nodes": "insert into nodes (node_id, name, began_at, lease_until) values ('n1', 'desk', 1, 2)",
    "assignments": "insert into assignments (account_id, node_id, epoch) values ('a1', 'n1', 9)",
    "commands": "insert into commands values"
    " ('d1', 'a1', 'cancel', '{}', 'waiting', 2, null, null)",
}
"""Rows of each table, as statements. `jobs` fills `job_counts` by its triggers."""


def fill(path: Path) -> None:
    """Make a database of this version, and fill it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(connect(path)) as connection:
        migrate(connection, build.later(), None)
        for statement in FILLED.values():
            connection.execute(statement)
        # numbers that were given once are never given again
        connection.execute("delete from users where user_id = 2")
        connection.execute("update sqlite_sequence set seq = 50 where name = 'seen_messages'")
