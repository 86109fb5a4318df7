"""Receivers' rows: counted with each recorded attempt, asked before each claim."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final

from waystation.callbacks import Attempt, Callback
from waystation.ports import Mail
from waystation.receivers import Receiver, after_failure, gone, mail_of, receiver_of
from waystation.store.columns import Values, micros
from waystation.store.rows import MAILS, RECEIVERS
from waystation.store.transactions.database import Database

__all__ = ["KEPT_RECEIVERS", "any_disabled", "count", "enable", "is_disabled"]

KEPT_RECEIVERS: Final = 1_000
"""Failing receivers of one user that are remembered; those whose failure is longest ago go."""


def count(
    database: Database, callback: Callback, attempt: Attempt, at: datetime, patience: timedelta
) -> bool:
    """Count an attempt for its receiver; True when a mail is due, which is written with it.

    A ping that fails counts for nothing: somebody tries whether the receiver works yet.
    """
    if attempt.delivered:
        enable(database, callback.user_id, callback.url)
        return False
    if callback.jobid is None:
        return False
    if attempt.gone:
        _put(database, gone(callback.user_id, callback.url, at), is_new=True)
        return False
    named: Values = {"user_id": callback.user_id, "place": receiver_of(callback.url)}
    row = database.one("receiver", named)
    before = None if row is None else RECEIVERS.read(row)
    user_id, place = callback.user_id, receiver_of(callback.url)
    now = after_failure(before, user_id, place, attempt.failure, at, patience)
    _put(database, now, is_new=before is None)
    told = before is not None and now.told > before.told
    if told:
        _mail(database, now)
    return told


def enable(database: Database, user_id: int, url: str) -> None:
    """Forget what was known of the receiver of a URL, and of the URL."""
    database.run("forget_receivers", _named(user_id, url))


def any_disabled(database: Database) -> bool:
    """Tell whether any receiver is disabled at all."""
    row = database.one("any_disabled")
    return row is not None and bool(row[0])


def is_disabled(database: Database, user_id: int, url: str) -> bool:
    """Tell whether nothing is sent to a URL."""
    row = database.one("is_disabled", _named(user_id, url))
    return row is not None and bool(row[0])


def _put(database: Database, receiver: Receiver, *, is_new: bool) -> None:
    database.run("put_receiver", RECEIVERS.values(receiver))
    if is_new:
        database.run("trim_receivers", {"user_id": receiver.user_id, "keep": KEPT_RECEIVERS})


def _mail(database: Database, receiver: Receiver) -> None:
    """Owe the mail; its id says of what it tells, so that it can be owed once only."""
    row = database.one("email_of", {"user_id": receiver.user_id})
    assert row is not None and receiver.told_at is not None
    told = (receiver.user_id, receiver.place, micros(receiver.failing_since), receiver.told)
    mail_id = "receiver-" + hashlib.sha256(repr(told).encode()).hexdigest()[:32]
    subject, body = mail_of(receiver)
    at = receiver.told_at
    database.run("insert_mail", MAILS.values(Mail(mail_id, row[0], subject, body, at, at)))


def _named(user_id: int, url: str) -> Values:
    return {"user_id": user_id, "place": receiver_of(url), "url": url}
