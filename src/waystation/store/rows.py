"""The tables of the database: which class each one keeps, and how events are written.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import get_args

import msgspec

from waystation.callbacks import Callback
from waystation.jobs import PRESSED_ONCE, Job, JobEvent, JobStatus, MessageRole
from waystation.ports import (
    Account,
    AccountSetup,
    AuditEntry,
    Delivery,
    Mail,
    MediaKey,
    SigningSecret,
    User,
    UserChanges,
)
from waystation.receivers import Receiver
from waystation.store.columns import Columns, Row, Values

__all__ = [
    "ACCOUNTS",
    "AUDIT",
    "CALLBACKS",
    "DELIVERIES",
    "JOBS",
    "MAILS",
    "MEDIA_KEYS",
    "RECEIVERS",
    "SETUPS",
    "SIGNING_SECRETS",
    "USERS",
    "event_of",
    "event_values",
    "once_key",
    "substitutions",
    "user_changes",
    "user_of",
]

_ACCEPTED_ONCE = frozenset(
    {
        "jobid", "user_id", "account_id", "channel", "verb", "created_at", "discord", "params",
        "max_jobs", "reply_url", "reply_ref", "discord_user_id", "parent_jobid", "reply_progress",
        "server", "wall_ahead", "queue_until", "trace",
    }
)  # fmt: skip
"""Columns of a job that never change, so that an update need not write them."""

_encode = msgspec.json.Encoder().encode

_EVENT_DECODERS: Mapping[str, Callable[[str], JobEvent]] = {
    kind.__name__: msgspec.json.Decoder(kind).decode for kind in get_args(JobEvent)
}


def once_key(job: Job) -> str | None:
    """Return what no two jobs may share: parent and button of a press that is made once (R38).

    What failed and runs nowhere has made nothing, so it does not count; what was cancelled does.
    """
    if job.button not in PRESSED_ONCE:
        return None
    if job.status is JobStatus.FAILED and not job.ghost:
        return None
    return f"{job.parent_jobid}/{job.button}"


def _result_message(job: Job) -> str | None:
    for message_id, role in job.messages.items():
        if role is MessageRole.RESULT:
            return message_id
    return None


USERS = Columns(User)
ACCOUNTS = Columns(Account)
SETUPS = Columns(AccountSetup)
"""Columns of an account that a caller sets."""
JOBS = Columns(
    Job,
    {
        "result_message_id": _result_message,
        "parent_jobid": lambda job: job.parent_jobid,
        "once": once_key,
    },
)
CALLBACKS = Columns(Callback)
DELIVERIES = Columns(Delivery)
MAILS = Columns(Mail)
MEDIA_KEYS = Columns(MediaKey)
SIGNING_SECRETS = Columns(SigningSecret)
RECEIVERS = Columns(Receiver)
AUDIT = Columns(AuditEntry)

_USER_CHANGES = tuple(name for name in USERS.names if name in UserChanges.__annotations__)


def substitutions() -> Mapping[str, str]:
    """Return what stands for the `{…}` marks of the query file."""
    changing = [name for name in JOBS.names if name not in _ACCEPTED_ONCE]
    return {
        "{user_columns}": ", ".join(USERS.names),
        "{user_changes}": ", ".join(
            f"{name} = case when :writes_{name} <> 0 then :{name} else {name} end"
            for name in _USER_CHANGES
        ),
        "{account_columns}": ", ".join(ACCOUNTS.names),
        "{audit_columns}": ", ".join(AUDIT.names),
        "{callback_columns}": ", ".join(CALLBACKS.names),
        "{callback_values}": ", ".join(f":{name}" for name in CALLBACKS.names),
        "{delivery_columns}": ", ".join(DELIVERIES.names),
        "{receiver_columns}": ", ".join(RECEIVERS.names),
        "{receiver_values}": ", ".join(f":{name}" for name in RECEIVERS.names),
        "{media_key_columns}": ", ".join(MEDIA_KEYS.names),
        "{media_key_values}": ", ".join(f":{name}" for name in MEDIA_KEYS.names),
        "{signing_columns}": ", ".join(SIGNING_SECRETS.names),
        "{signing_values}": ", ".join(f":{name}" for name in SIGNING_SECRETS.names),
        "{job_columns}": ", ".join(JOBS.names),
        "{found_columns}": ", ".join(f"jobs.{name}" for name in JOBS.names),
        "{job_values}": ", ".join(f":{name}" for name in JOBS.names),
        "{job_changes}": ", ".join(f"{name} = :{name}" for name in changing),
    }


@lru_cache(maxsize=1_000)
def user_of(row: Row) -> User:
    """Read a row of USERS. Remembered, because every request reads the same few."""
    return USERS.read(row)


def user_changes(changes: UserChanges) -> Values:
    """Return the values of a change of some columns, and which columns it writes."""
    values: Values = {}
    for name in _USER_CHANGES:
        values[f"writes_{name}"] = int(name in changes)
        values[name] = USERS.value(name, changes.get(name)) if name in changes else None
    return values


def event_of(kind: str, body: str) -> JobEvent:
    """Read an event. Raises: KeyError: no such kind."""
    return _EVENT_DECODERS[kind](body)


def event_values(event: JobEvent) -> Values:
    """Return an event's kind and body."""
    return {"kind": type(event).__name__, "body": _encode(event).decode()}
