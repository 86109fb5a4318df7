"""Callbacks and mails that wait: claimed for a while, then recorded.

How a claim works: it moves `next_attempt_at` to its own end. So a claimed row is simply not due, a
process that dies leaves a row that becomes due again by itself, and there is no second column that
could disagree. The commit of a job's step may write its callbacks claimed, so that the process that
ends the job sends them without a second transaction. A row's `next_attempt_at` while it is claimed
is therefore the end of the claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from waystation.callbacks import Attempt, Callback, CallbackStatus
from waystation.ports import Mail
from waystation.store.columns import Values, micros
from waystation.store.rows import CALLBACKS, MAILS
from waystation.store.transactions import receivers
from waystation.store.transactions.database import Database

__all__ = [
    "KEPT_ATTEMPTS",
    "bound_waits",
    "claim_callbacks",
    "claim_mails",
    "claimed_with",
    "owe",
    "record_attempt",
    "record_mail",
]


KEPT_ATTEMPTS = 100
"""Attempts of one callback that its log keeps: whoever asks for it again and again adds some."""

_MANY = 1_000_000
"""More tries than anything gets."""


def claimed_with(
    database: Database, callbacks: Sequence[Callback], until: datetime | None
) -> Sequence[Callback]:
    """Return those of a step's callbacks that its commit claims: not those of disabled receivers.

    It reads alone, so that it comes before what the commit puts off (batches.py).

    Args: until: until when they are claimed; None: none is
    """
    if until is None:
        return ()
    # of several about the same the last one supersedes the others
    last = {(one.jobid, one.url): one for one in callbacks}
    return tuple(
        replace(one, next_attempt_at=until)
        for one in last.values()
        if not receivers.is_disabled(database, one.user_id, one.url)
    )


def owe(
    database: Database, callbacks: Sequence[Callback], claimed: Sequence[Callback] = ()
) -> None:
    """Write the callbacks of a job's step; they supersede progress that was not delivered (R41).

    Args: claimed: those of them that are written as claimed
    """
    as_claimed = {one.callback_id: one for one in claimed}
    for callback in callbacks:
        owed = as_claimed.get(callback.callback_id, callback)
        database.later("supersede_callbacks", {"jobid": owed.jobid, "url": owed.url})
        database.later("insert_callback", CALLBACKS.values(owed))


def claim_callbacks(
    database: Database, at: datetime, until: datetime, limit: int
) -> tuple[Callback, ...]:
    """Take due callbacks, first attempts before repeats (R41)."""
    claimed = _claim_callbacks(database, at, until, limit)
    if receivers.any_disabled(database):
        kept = _not_disabled(database, claimed)
        # where nothing is sent, others are not to wait for a further round
        while len(kept) < len(claimed) == limit:
            claimed = _claim_callbacks(database, at, until, limit)
            kept += _not_disabled(database, claimed)
        claimed = kept
    return tuple(sorted(claimed, key=lambda each: (each.attempts > 0, each.created_at)))


def record_attempt(
    database: Database,
    callback: Callback,
    attempt: Attempt,
    at: datetime,
    next_at: datetime | None,
    patience: timedelta,
) -> bool:
    """Record how an attempt ended; nothing when that very attempt was recorded before.

    Returns: True when a mail about the receiver is owed
    """
    database.lock(users=[callback.user_id])
    status = CallbackStatus.PENDING if next_at is not None else CallbackStatus.GIVEN_UP
    if attempt.delivered:
        status = CallbackStatus.DELIVERED
    row = database.one(
        "close_attempt",
        {
            "callback_id": callback.callback_id,
            "attempts": callback.attempts,
            "status": status.value,
            "next_at": None if next_at is None else micros(next_at),
        },
    )
    if row is not None:
        told = receivers.count(database, callback, attempt, at, patience)
        if row[0] > KEPT_ATTEMPTS:
            trim: Values = {"callback_id": callback.callback_id, "number": row[0]}
            database.run("trim_attempts", {**trim, "keep": KEPT_ATTEMPTS})
        database.run(
            "insert_attempt",
            {
                "callback_id": callback.callback_id,
                "number": row[0],
                "at": micros(at),
                "status": attempt.status,
                "reason": attempt.reason,
                "duration_s": attempt.duration_s,
            },
        )
        return told
    return False


def bound_waits(
    database: Database, at: datetime, callbacks_s: Sequence[float], mails_s: Sequence[float]
) -> None:
    """Let nothing wait longer than it would have at first (R28).

    An earlier process may have counted in another time; what it had claimed died with it.

    Args: seconds that are waited at most after no try, one, two and so on; the last one repeats
    """
    for name, waits in (("bound_callbacks", callbacks_s), ("bound_mails", mails_s)):
        for tries, wait_s in enumerate(waits):
            most = tries if tries < len(waits) - 1 else _MANY
            latest = micros(at + timedelta(seconds=wait_s))
            database.run(name, {"latest": latest, "least": tries, "most": most})


def claim_mails(database: Database, at: datetime, until: datetime, limit: int) -> tuple[Mail, ...]:
    """Take due mails, oldest first."""
    rows = database.all("claim_mails", _claim(at, until, limit))
    return tuple(sorted((MAILS.read(row) for row in rows), key=lambda mail: mail.created_at))


def record_mail(database: Database, mail: Mail, sent: bool, next_at: datetime | None) -> None:
    """Record how sending ended; nothing when that very attempt was recorded before."""
    status = "sent" if sent else "pending" if next_at is not None else "given_up"
    database.run(
        "close_mail",
        {
            "mail_id": mail.mail_id,
            "attempts": mail.attempts,
            "status": status,
            "next_at": None if next_at is None else micros(next_at),
        },
    )


def _claim_callbacks(
    database: Database, at: datetime, until: datetime, limit: int
) -> list[Callback]:
    return [
        CALLBACKS.read(row) for row in database.all("claim_callbacks", _claim(at, until, limit))
    ]


def _not_disabled(database: Database, claimed: Sequence[Callback]) -> list[Callback]:
    """Return those that are sent, and mark the others; a ping is always sent."""
    kept: list[Callback] = []
    for one in claimed:
        if one.jobid is not None and receivers.is_disabled(database, one.user_id, one.url):
            database.run("disable_callback", {"callback_id": one.callback_id})
        else:
            kept.append(one)
    return kept


def _claim(at: datetime, until: datetime, limit: int) -> Values:
    return {"at": micros(at), "until": micros(until), "limit": limit}
