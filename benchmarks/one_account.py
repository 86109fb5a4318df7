"""One account: a new database with one user and one Discord account, for what the store costs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from waystation.ports import AccountSetup
from waystation.store.sqlite.database import Database, connect
from waystation.store.sqlite.migrate import migrate
from waystation.store.transactions import accounts

__all__ = ["ACCOUNT", "NOW", "database_at"]

NOW = datetime(2026, 1, 2, tzinfo=UTC)
"""When user and account were made."""

ACCOUNT = AccountSetup(
    account_id="account",
    user_id=1,
    discord_user_id="1",
    channel="2",
    guild_id=None,
    max_jobs=3,
    sealed_token=b"",
    masked_token="tok…secured…000",
    at=NOW,
)


def database_at(path: Path) -> Database:
    """Make the database; user 1 has the account `account`."""
    database = Database(connect(path))
    migrate(database.connection, NOW, None)
    accounts.add_user(database, "bench@example.org", b"hash", NOW)
    accounts.put(database, ACCOUNT)
    return database
