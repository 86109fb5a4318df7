"""Restored: what a database needs that is a copy of an earlier moment, or was migrated (R39).

How it works: a mark in `meta` says how far it is. Epochs are raised at once, so that nobody writes
who acted before; the jobs that were open are ended by the next service, which then drops the mark.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from waystation.store.columns import Value
from waystation.store.moving import MOVED_TO
from waystation.store.transactions.accounts import raise_epochs
from waystation.store.transactions.database import Database, Reads
from waystation.store.transactions.feeds import begin_era

__all__ = ["COPIED", "UNSETTLED", "UPGRADED", "declare_copied", "mark_of", "settle_epochs"]

COPIED, UNSETTLED, UPGRADED = 0, 1, 2
"""Values of `meta.restored`: a copy nobody opened yet; opened, or migrated in place, and its jobs
not yet failed."""


def mark_of(database: Reads) -> int | None:
    """Return the mark, None where there is none."""
    row = database.one("meta", {"name": "restored"})
    return None if row is None else int(row[0])


def settle_epochs(
    database: Database,
    at: datetime,
    *,
    migrated: bool,
    moved: bool = False,
    kept: Callable[[int], Value] = int,
) -> None:
    """Raise every epoch once after a migration or in a restored copy.

    Args: moved: it is a copy without a mark; kept: how this database keeps a number in `meta`
    """
    mark = mark_of(database)
    copied = moved or mark == COPIED
    if migrated or copied:
        raise_epochs(database, at)
        if copied:
            begin_era(database)
        value = UPGRADED if mark is None and not copied else UNSETTLED
        database.run("put_meta", {"name": "restored", "value": kept(value)})


def declare_copied(database: Database, *, kept: Callable[[int], Value]) -> None:
    """Mark a database as a copy that nobody opened yet; if it was moved, take that back.

    Args: kept: how this database keeps a number in `meta`
    """
    database.run("put_meta", {"name": "restored", "value": kept(COPIED)})
    database.run("drop_meta", {"name": MOVED_TO})
