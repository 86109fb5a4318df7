"""StoreMediaKeys: the keys that sign links to files of jobs."""

from __future__ import annotations

from waystation.ports import MediaKey
from waystation.store.columns import Values
from waystation.store.rows import MEDIA_KEYS
from waystation.store.transactions.database import Database, Reading, Reads, Writing

__all__ = ["StoreMediaKeys", "add", "key_of"]


class StoreMediaKeys:
    """`ports.MediaKeys` on the doors of a store."""

    def __init__(self, writer: Writing, near: Reading) -> None:
        self._writer = writer
        self._near = near

    async def get(self, user_id: int) -> MediaKey | None:
        return await self._near.run(lambda reads: key_of(reads, user_id))

    async def add(self, key: MediaKey) -> MediaKey:
        return await self._writer.run(lambda database: add(database, key))

    async def replace(self, key: MediaKey) -> None:
        values = MEDIA_KEYS.values(key)
        await self._writer.run(lambda database: database.run("put_media_key", values))


def key_of(reads: Reads, user_id: int) -> MediaKey | None:
    """Return a user's key."""
    named: Values = {"user_id": user_id}
    row = reads.one("media_key", named)
    return None if row is None else MEDIA_KEYS.read(row)


def add(database: Database, key: MediaKey) -> MediaKey:
    """Keep a user's first key, and return the one that is kept."""
    database.run("add_media_key", MEDIA_KEYS.values(key))
    kept = key_of(database, key.user_id)
    assert kept is not None
    return kept
