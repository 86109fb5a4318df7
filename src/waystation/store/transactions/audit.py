"""Audit: changes of users, tokens and accounts, each with a row of who made it.

How it works: these make the changes of accounts.py, and write the row in the same transaction.

Rules: it holds no secret. Users are changed on the host alone, but for their name and default
replyUrl; accounts by their user, except that the service erases those that were removed (R33, R44)
and that they are shared on the host (R32).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from waystation.ports import AccountSetup, User, UserChanges
from waystation.quotas import UserQuotas
from waystation.store.columns import Row, Values, micros
from waystation.store.rows import ACCOUNTS
from waystation.store.transactions import accounts
from waystation.store.transactions.database import Database

__all__ = [
    "AUDIT_AGE",
    "HOST",
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

HOST: Final = "host"
"""Whoever runs the command line on the service's machine."""

_SERVICE: Final = "service"
"""Waystation itself."""


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
    profile = sorted({"email", "name", "reply_url"} & changes.keys())
    if profile:
        by, details = user_name(user_id), ", ".join(profile)
        _note(database, wall, by, "profile changed", user_id, details=details)
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
    note_account(database, wall, account_id, "account removed")


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
    database.run("insert_audit", values)


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
