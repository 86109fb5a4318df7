"""StoreIdentifies: `ports.Identifies`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from waystation.store.columns import Values, instant, micros
from waystation.store.transactions.database import Database, Reading, Writing

__all__ = ["StoreIdentifies"]


class StoreIdentifies:
    """The IDENTIFYs of the last day."""

    def __init__(self, writer: Writing, reads: Reading) -> None:
        self._writer = writer
        self._reads = reads

    async def after(self, discord_user_id: str, moment: datetime) -> Sequence[datetime]:
        named: Values = {"discord_user_id": discord_user_id, "after": micros(moment)}
        rows = await self._reads.run(lambda reads: reads.all("identifies_after", named))
        return [instant(at) for (at,) in rows]

    async def add(self, discord_user_id: str, at: datetime, forget: datetime) -> None:
        def write(database: Database) -> None:
            database.run("drop_identifies", {"until": micros(forget)})
            database.run("add_identify", {"discord_user_id": discord_user_id, "at": micros(at)})

        await self._writer.run(write)
