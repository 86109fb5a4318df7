"""Users' and accounts' rows.

How an epoch works: the node that has an account (nodes.py) owns its gateway session, conversation
and submissions. Each take raises the account's epoch, and every change to its jobs names the epoch
it was decided under, so that a node that was away too long can write nothing (I11). An epoch is
never used twice, not even when the account is erased and added again: `meta` keeps the largest.

How identity works (R19): an account_id stands for one Discord user in one channel of one user, for
ever. `former_accounts` keeps it when the account is erased, so that the same one comes back.
"""

from __future__ import annotations

from datetime import datetime

from waystation.errors import Conflict, NotFound
from waystation.ports import AccountSetup, User, UserChanges
from waystation.store.columns import Values, micros
from waystation.store.rows import SETUPS, user_changes, user_of
from waystation.store.transactions.database import Database, Reads

__all__ = [
    "KEPT_FORMER_ACCOUNTS",
    "account_id_of",
    "add_user",
    "change_user",
    "erase",
    "put",
    "raise_epochs",
    "remove",
    "reset",
    "void_leases",
]

KEPT_FORMER_ACCOUNTS = 100
"""Erased accounts of one user whose identity is kept, beside those that have ghosts."""


def add_user(database: Database, email: str, token_hash: bytes, at: datetime) -> User:
    """Insert a user. Raises: Conflict: the e-mail exists."""
    if database.one("user_by_email", {"email": email}):
        raise Conflict("A user with this e-mail exists.")
    row = database.one("insert_user", {"email": email, "token_hash": token_hash, "at": micros(at)})
    assert row is not None
    inserted = database.one("user_by_id", {"user_id": row[0]})
    assert inserted is not None
    return user_of(inserted)


def change_user(database: Database, user_id: int, changes: UserChanges) -> None:
    """Write some columns of a user. Raises: NotFound; Conflict: the e-mail is another user's."""
    if "email" in changes:
        twin = database.one("user_by_email", {"email": changes["email"]})
        if twin is not None and twin[0] != user_id:
            raise Conflict("A user with this e-mail exists.")
    _found(database.run("change_user", {"user_id": user_id, **user_changes(changes)}))


def account_id_of(database: Reads, user_id: int, discord_user_id: str, channel: str) -> str | None:
    """Return the id of a user's account of this identity, also of one that was erased."""
    identity: Values = {
        "user_id": user_id,
        "discord_user_id": discord_user_id,
        "channel": channel,
    }
    row = database.one("account_of_identity", identity)
    return None if row is None else str(row[0])


def put(database: Database, setup: AccountSetup) -> bool:
    """Set an account up, or change one and take its removal back; True when it was not there.

    Raises: Conflict: the Discord user or channel is taken, or the account is another than it was
    when `setup` was made
    """
    values = SETUPS.values(setup)
    _refuse_twins(database, values)
    if database.run("set_account_up", values):
        if setup.sealed_token is not None:
            database.run("lift_token_halt", values)
        return False
    if setup.sealed_token is None or setup.max_jobs is None:
        raise Conflict("The account is gone meanwhile.")
    known = account_id_of(database, setup.user_id, setup.discord_user_id, setup.channel)
    if known not in (None, setup.account_id):
        raise Conflict("The account was set up meanwhile.")
    database.run("insert_account", values)
    database.run("recall_account", values)
    database.run("lift_token_halt", values)
    database.run("forget_account", values)
    return True


def _refuse_twins(database: Database, values: Values) -> None:
    identity = {name: values[name] for name in ("account_id", "discord_user_id", "channel")}
    if database.one("account_twin", identity):
        raise Conflict("This Discord user or channel is configured already.")


def reset(database: Database, account_id: str, at: datetime, seen: str | None = None) -> None:
    """Lift the halt. Raises: NotFound."""
    values: Values = {"account_id": account_id, "at": micros(at), "seen": seen}
    _found(database.run("reset_account", values))


def remove(database: Database, account_id: str, at: datetime) -> None:
    """Mark as removed. Raises: NotFound."""
    _found(database.run("remove_account", {"account_id": account_id, "at": micros(at)}))


def erase(database: Database, account_id: str) -> None:
    """Delete a removed account but for its identity; nothing when it is gone already.

    Its token and session are destroyed; its ghosts keep their slots (R31).

    Raises: Conflict: it is not removed, or jobs of it are not final (I7)
    """
    named: Values = {"account_id": account_id}
    if database.one("account_is_idle", named):
        database.run("remember_account", named)
        erased = database.one("erase_account", named)
        assert erased is not None
        epoch, user_id = erased
        database.run("lift_epoch_floor", {"epoch": epoch})
        database.run("trim_former_accounts", {"user_id": user_id, "keep": KEPT_FORMER_ACCOUNTS})
    elif database.one("account_by_id", named) is not None:
        raise Conflict("The account is not removed, or jobs of it still run.")


def void_leases(database: Database) -> None:
    """End every lease. Only right when it is certain that no other process acts on one."""
    database.run("end_nodes")


def raise_epochs(database: Database, at: datetime) -> None:
    """Lift all epochs above any ever issued, also those this database never heard of (R39).

    The seconds since 1970 are a floor that counting cannot reach: it would take a new holder every
    second since then.
    """
    largest = database.one("largest_epoch")
    assert largest is not None
    epoch = max(largest[0] + 1, int(at.timestamp()))
    database.run("lift_epoch_floor", {"epoch": epoch})
    database.run("raise_epochs", {"epoch": epoch})
    database.run("end_nodes")


def _found(changed: int) -> None:
    if not changed:
        raise NotFound
