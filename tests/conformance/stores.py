"""Each implementation of `ports.Store`, opened by where its database is."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import asyncpg

from tests.limits import GHOST_AGE
from waystation.ports import Clock
from waystation.store.postgresql.store import PostgresStore
from waystation.store.sqlite.store import SqliteStore

__all__ = ["opened", "quiet"]

_AT_WORK = """
select count(*) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'
"""


async def opened(where: str, clock: Clock) -> SqliteStore | PostgresStore:
    """Open the store of a URL, or of a path."""
    if where.startswith("postgresql://"):
        return await PostgresStore.open(where, clock, ghost_age=GHOST_AGE)
    return await SqliteStore.open(Path(where), clock, ghost_age=GHOST_AGE)


async def quiet(where: str) -> None:
    """Wait until the server has undone what a killed client had not committed."""
    if "://" not in where:
        return
    connection = await asyncpg.connect(where, statement_cache_size=0)
    try:
        while await _at_work(connection):
            await asyncio.sleep(0.01)
    finally:
        await connection.close()


async def _at_work(connection: Any) -> bool:
    # a transaction of its own: within one the view stays as it is first seen
    async with connection.transaction():
        return bool(await connection.fetchval(_AT_WORK))
