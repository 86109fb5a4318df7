from __future__ import annotations

from tests import build
from waystation.store.sqlite.database import Database as SqliteDatabase
from waystation.store.transactions.database import Database
from waystation.store.transactions.restored import (
    COPIED,
    UNSETTLED,
    UPGRADED,
    mark_of,
    settle_epochs,
)


def settle(database: Database, *, migrated: bool = False, moved: bool = False) -> None:
    kept = int if isinstance(database, SqliteDatabase) else str
    settle_epochs(database, build.later(), migrated=migrated, moved=moved, kept=kept)


def epoch(database: Database) -> int:
    row = database.one("largest_epoch")
    assert row is not None
    return int(row[0])


def test_a_database_that_nobody_copied_or_migrated_stays(database: Database) -> None:
    before = epoch(database)
    settle(database)
    assert (mark_of(database), epoch(database)) == (None, before)


def test_a_migration_raises_the_epochs_and_is_told_from_a_copy(database: Database) -> None:
    before = epoch(database)
    settle(database, migrated=True)
    assert mark_of(database) == UPGRADED and epoch(database) > before


def test_a_copy_begins_a_new_era_of_feeds_once(database: Database) -> None:
    before = database.one("meta", {"name": "feed_era"})
    settle(database, moved=True)
    after = database.one("meta", {"name": "feed_era"})
    assert mark_of(database) == UNSETTLED and after != before
    settle(database)
    assert database.one("meta", {"name": "feed_era"}) == after


def test_a_migration_of_a_copy_is_a_copy(database: Database) -> None:
    kept = COPIED if isinstance(database, SqliteDatabase) else str(COPIED)
    database.run("put_meta", {"name": "restored", "value": kept})
    settle(database, migrated=True)
    assert mark_of(database) == UNSETTLED
