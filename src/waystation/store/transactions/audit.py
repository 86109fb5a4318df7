"""Audit: changes of users, tokens and accounts, each with a row of who made it.

How it works: these make the changes of accounts.py, and write the row in the same transaction.

Rules: it holds no secret. A change that a user or the service repeats within an hour counts up its
entry. A user makes so many entries in 24 hours, and removes accounts beyond that. Users are changed
on the host alone, but for their name and default replyUrl; accounts by their user, except that the
service erases those that were removed (R33, R44) and that they are shared on the host (R32).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from waystation import sentences
from waystation.errors import Throttled
from waystation.ports import AccountSetup, User, UserChanges
from waystation.quotas import Quota, UserQuotas
from waystation.store.columns import Row, Values, instant, micros
from waystation.store.rows import ACCOUNTS
from waystation.store.transactions import accounts
from waystation.store.transactions.database import Database

__all__ = [
    "AUDIT_AGE",
    "CHANGES",
    "CHANGES_WITHIN",
    "HOST",
    "REPEATED_WITHIN",
    "add_user",
    "change_user",
    "erase",
    "keep",
    "note_account",
    "put",
    "remove",
    "reset",
    "user_name",
]

AUDIT_AGE: Final = timedelta(days=400)
"""How long an entry is kept: a year, and a month to ask about it."""

REPEATED_WITHIN: Final = timedelta(hours=1)
"""Span after a change in which the same one by the same caller makes no further entry."""

CHANGES: Final = 1000
"""Entries that a user makes in `CHANGES_WITHIN`: one for each account that a user may have."""

CHANGES_WITHIN: Final = timedelta(hours=24)
"""Span in which they count."""

HOST: Final = "host"
"""Whoever runs the command line on the service's machine."""

_SERVICE: Final = "service"
"""Waystation itself."""

_REMOVED: Final = "account removed"
"""A user who has made too many changes takes their token away all the same."""

_PROFILE: Final = {
    "email": "e-mail changed",
    "name": "name changed",
    "reply_url": "replyUrl changed",
}
"""Column of a user's own record → the action of its change."""


def add_user(
    database: Database, email: str, token_hash: bytes, at: datetime, wall: datetime
) -> User:
    """Insert a user. Raises: Conflict: the e-mail exists."""
    user = accounts.add_user(database, email, token_hash, at)
    _note(database, wall, HOST, "user added", user.user_id, details=email)
    return user


def change_user(database: Database, user_id: int, changes: UserChanges, wall: datetime) -> None:
    """Write some columns of a user. Raises: NotFound; Conflict: the e-mail is another user's."""
    accounts.change_user(database, user_id, changes)
    for column in sorted(_PROFILE.keys() & changes.keys()):
        _note(database, wall, user_name(user_id), _PROFILE[column], user_id)
    for action, told in _by_host(changes):
        _note(database, wall, HOST, action, user_id, details=told)


def put(database: Database, setup: AccountSetup, wall: datetime) -> bool:
    """Set an account up, or change one; True when it was not there. Raises: Conflict."""
    database.lock(accounts=[setup.account_id])
    before = database.one("account_by_id", {"account_id": setup.account_id})
    created = accounts.put(database, setup)
    actions = ["account added"] if created else _changes(setup, before)
    for action in actions:
        note_account(database, wall, setup.account_id, action)
    return created


def reset(
    database: Database, account_id: str, at: datetime, seen: str | None, wall: datetime
) -> None:
    """Lift an account's halt. Raises: NotFound."""
    accounts.reset(database, account_id, at, seen)
    note_account(database, wall, account_id, "account reset")


def remove(database: Database, account_id: str, at: datetime, wall: datetime) -> None:
    """Mark an account as removed. Raises: NotFound."""
    accounts.remove(database, account_id, at)
    note_account(database, wall, account_id, _REMOVED)


def keep(database: Database, account_id: str, wall: datetime) -> None:
    """Take a removal back; nothing when the account is gone."""
    if database.run("keep_account", {"account_id": account_id}):
        note_account(database, wall, account_id, "account removal taken back", _SERVICE)


def erase(database: Database, account_id: str, wall: datetime) -> None:
    """Delete a removed account but for its identity. Raises: Conflict: it may not go yet."""
    database.lock(accounts=[account_id])
    before = database.one("owner_of_account", {"account_id": account_id})
    accounts.erase(database, account_id)
    if before is not None:
        user_id, channel = before
        _note(database, wall, _SERVICE, "account erased", user_id, channel)


def _changes(setup: AccountSetup, before: Row | None) -> Sequence[str]:
    known = None if before is None else ACCOUNTS.read(before)
    limit = known is not None and setup.max_jobs not in (None, known.max_jobs)
    happened = {
        "account token replaced": setup.sealed_token is not None,
        "account limit changed": limit,
        "account removal taken back": known is not None and known.removed_at is not None,
    }
    return [action for action, is_so in happened.items() if is_so]


def _note(
    database: Database,
    at: datetime,
    by: str,
    action: str,
    user_id: int,
    channel: str | None = None,
    details: str | None = None,
) -> None:
    values: Values = {
        "at": micros(at),
        "by": by,
        "action": action,
        "user_id": user_id,
        "channel": channel,
        "details": details,
    }
    repeated = {**values, "since": micros(at - REPEATED_WITHIN)}
    if by != HOST and database.run("repeat_audit", repeated):
        return
    if by == user_name(user_id) and action != _REMOVED:
        _see_room(database, at, user_id)
    database.run("insert_audit", values)


def _see_room(database: Database, at: datetime, user_id: int) -> None:
    """See that a user may make one more entry. Raises: Throttled: the change must not be made."""
    values: Values = {
        "user_id": user_id,
        "by": user_name(user_id),
        "since": micros(at - CHANGES_WITHIN),
        "newer": CHANGES - 1,
    }
    row = database.one("audit_entry_before", values)
    if row is None:
        return
    # an entry of a clock that ran ahead counts for no longer than any other
    room = min(instant(row[0]), at) + CHANGES_WITHIN - at
    seconds = max(1, math.ceil(room.total_seconds()))
    window_s = round(CHANGES_WITHIN.total_seconds())
    raise Throttled(
        sentences.CHANGES_A_DAY.said(limit=CHANGES),
        retry_after_s=seconds,
        quota=Quota("changes", CHANGES, 0, window_s, seconds),
    )


def note_account(
    database: Database,
    at: datetime,
    account_id: str,
    action: str,
    by: str | None = None,
    details: str | None = None,
) -> None:
    """Write a row about an account that is there. Args: by: None: its user"""
    row = database.one("owner_of_account", {"account_id": account_id})
    if row is not None:
        user_id, channel = row
        _note(database, at, by or user_name(user_id), action, user_id, channel, details)


def _by_host(changes: UserChanges) -> Sequence[tuple[str, str | None]]:
    found: list[tuple[str, str | None]] = []
    if "token_hash" in changes:
        found.append(("token replaced", None))
    elif "revoked_at" in changes:
        found.append(("token revoked" if changes["revoked_at"] else "revocation lifted", None))
    if "expires_at" in changes:
        end = changes["expires_at"]
        found.append(("subscription changed", "never ends" if end is None else f"ends {end}"))
    queue = {
        "queue": changes.get("queues"),
        "weight": changes.get("queue_weight"),
        "highest priority": changes.get("queue_priority"),
    }
    said = [f"{name}: {value}" for name, value in queue.items() if value is not None]
    if said:
        found.append(("queue changed", ", ".join(said)))
    if "is_admin" in changes:
        found.append(("admin granted" if changes["is_admin"] else "admin taken back", None))
    if "quotas" in changes:
        limits = msgspec.to_builtins(changes["quotas"] or UserQuotas())
        told = ", ".join(f"{name} {value}" for name, value in limits.items())
        found.append(("quotas changed", told or "no limit"))
    return found


def user_name(user_id: int) -> str:
    """Return how a user is named as whoever has made a change."""
    return f"user:{user_id}"
