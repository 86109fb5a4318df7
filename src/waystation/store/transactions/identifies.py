"""StoreIdentifies: `ports.Identifies`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from waystation.store.columns import Values, instant, micros
from waystation.store.transactions.database import Database, Reading, Writing

__all__ = ["StoreIdentifies", "add"]


class StoreIdentifies:
    """The IDENTIFYs of the last day."""

    def __init__(self, writer: Writing, reads: Reading) -> None:
        self._writer = writer
        self._reads = reads

    async def after(self, discord_user_id: str, moment: datetime) -> Sequence[datetime]:
        named: Values = {"discord_user_id": discord_user_id, "after": micros(moment)}
        rows = await self._reads.run(lambda reads: reads.all("identifies_after", named))
        return [instant(at) for (at,) in rows]

    async def add(
        self, discord_user_id: str, at: datetime, forget: datetime, newest: datetime | None
    ) -> bool:
        return await self._writer.run(
            lambda database: add(database, discord_user_id, at, forget, newest)
        )


def add(
    database: Database,
    discord_user_id: str,
    at: datetime,
    forget: datetime,
    newest: datetime | None,
) -> bool:
    """Note an IDENTIFY; False: another one was noted since the newest that the caller knows of."""
    row = database.one("account_of_discord_user", {"discord_user_id": discord_user_id})
    if row is not None:
        # an account's id never changes: two processes that begin a session at once meet here
        database.lock(accounts=[str(row[0])])
    database.run("drop_identifies", {"until": micros(forget)})
    values: Values = {
        "discord_user_id": discord_user_id,
        "at": micros(at),
        "newest": micros(newest or forget),
    }
    return database.run("add_identify", values) > 0
