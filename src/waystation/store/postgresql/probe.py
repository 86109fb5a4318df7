"""Probe: how a PostgreSQL database is reached, for `waystation doctor`. Changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import asyncpg

from waystation.store.postgresql.failures import OLDEST, not_opened, too_old, version_of
from waystation.store.postgresql.migrate import LEASES, schema_number, server_of
from waystation.store.postgresql.tries import UNUSABLE

__all__ = ["Facts", "Pooling", "probe"]

Pooling = Literal["none", "transaction", "session"]

_LOOK = "select pg_backend_pid(), clock_timestamp()"
_META = "select name, value from meta where name in ('server', 'restored')"

_NOTES: Final = 3
"""Notes of which the slowest is told."""

_HEARD_WITHIN_S: Final = 2.0
"""A note that takes longer than this does not arrive."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A database as it answers."""

    version: str
    pooling: Pooling
    """The mode of a pooler that stands in between."""
    ahead_s: float
    """How far the server's clock is ahead of this host's; half of the time of an answer may be
    wrong."""
    schema: int
    """0: nothing was set up yet."""
    wake_s: float | None
    """How long a note of NOTIFY took to arrive; None: none arrives, and nodes look at the rows."""
    is_copy: bool
    """True: the next start ends the jobs that are open (R39)."""


async def probe(url: str, now: Callable[[], datetime], connect_s: float) -> Facts:
    """Ask a database. Raises: StoreError: it cannot be used, and why"""
    try:
        async with AsyncExitStack() as stack:
            both = [await _connected(stack, url, connect_s) for _ in range(2)]
            first = both[0]
            major, told = version_of(first)
            if major < OLDEST:
                raise too_old(url, told)
            asked = now()
            server, moment = await _looked(first)
            answered = now()
            other, _ = await _looked(both[1])
            pooling: Pooling = "none"
            if server != first.get_server_pid():
                # in session mode each client keeps a server of its own
                pooling = "transaction" if other == server else "session"
            async with first.transaction():
                schema = await schema_number(first)
                is_copy = bool(schema) and await _is_copy(first)
            wake_s = await _wake_s(*both) if pooling == "none" else None
            ahead_s = (moment - asked - (answered - asked) / 2).total_seconds()
            return Facts(told, pooling, ahead_s, schema, wake_s, is_copy)
    except (*UNUSABLE, ValueError) as error:
        raise not_opened(url, error) from error


async def _connected(stack: AsyncExitStack, url: str, connect_s: float) -> Any:
    connection = await asyncpg.connect(url, statement_cache_size=0, timeout=connect_s)
    stack.push_async_callback(connection.close)
    return connection


async def _looked(connection: Any) -> tuple[int, datetime]:
    async with connection.transaction():
        row = await connection.fetchrow(_LOOK)
    return row[0], row[1]


async def _is_copy(connection: Any) -> bool:
    known = {row["name"]: row["value"] for row in await connection.fetch(_META)}
    server = known.get("server")
    if "restored" in known or server is None or server == await server_of(connection):
        return "restored" in known
    # nodes that work here have seen their server change: a standby was promoted
    return not await connection.fetchval(f"select exists ({LEASES})")


async def _wake_s(listening: Any, telling: Any) -> float | None:
    """Return how long the slowest of a few notes takes between two connections."""
    channel, heard = f"waystation_{listening.get_server_pid()}", asyncio.Event()
    now_s = asyncio.get_running_loop().time
    await listening.add_listener(channel, lambda *_: heard.set())
    slowest_s = 0.0
    for _ in range(_NOTES):
        heard.clear()
        told_at = now_s()
        await telling.execute("select pg_notify($1, '')", channel)
        try:
            async with asyncio.timeout(_HEARD_WITHIN_S):
                await heard.wait()
        except TimeoutError:
            return None
        slowest_s = max(slowest_s, now_s() - told_at)
    return slowest_s
