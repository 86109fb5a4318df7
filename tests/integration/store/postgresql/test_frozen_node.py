"""A node that is frozen in the middle of several writes, and another one that takes its accounts.

The frozen node is its connections: each has sent the beginning of a write and never speaks again.
On a loaded machine several wait for the same user's row, and get it one after the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from tests import build
from tests.fakes import START, FakeClock
from tests.harness.postgresql import Cluster, needs_postgresql
from tests.limits import GHOST_AGE
from waystation.store.postgresql import pool as module
from waystation.store.postgresql.frozen import APPLICATION
from waystation.store.postgresql.store import PostgresStore

pytestmark = needs_postgresql

LONG = timedelta(hours=1)
FROZEN = 6
"""Writes that the node was in the middle of."""
LINK_S = module._IDLE_S
"""How long one of them may keep a row."""

_LOCK = (
    "select 1 from users where user_id in (1) order by user_id for no key update; "
    "select 1 from accounts where account_id in ('account-1') order by account_id for no key update"
)
_WAITING = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"


async def _frozen(connection: Any) -> None:
    with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError):
        await connection.execute(f"{module._BEGIN_WRITE}; {_LOCK}")


@pytest.fixture
async def store(postgresql: Cluster, postgresql_database: str) -> AsyncIterator[PostgresStore]:
    """The database as the other node sees it: `dead` has account 1, and its lease has ended."""
    url = postgresql.url(postgresql_database)
    made = await PostgresStore.open(url, FakeClock(), ghost_age=GHOST_AGE)
    await made.add_user("owner@example.org", b"hash", START)
    await made.put_account(build.setup())
    await made.nodes.begin("dead", "test", LONG)
    await made.nodes.take("account-1", "dead")
    postgresql.say("update nodes set lease_until = 1", postgresql_database)
    await made.nodes.begin("alive", "test", LONG)
    connections = [await asyncpg.connect(url) for _ in range(FROZEN)]
    frozen = []
    for number, connection in enumerate(connections):
        frozen.append(asyncio.create_task(_frozen(connection)))
        while int(postgresql.say(_WAITING)) < number:
            await asyncio.sleep(0.01)
        if number == 0:
            await frozen[0]
    yield made
    for connection in connections:
        connection.terminate()
    await asyncio.gather(*frozen)
    await made.close()


async def took(deed: Callable[[], Awaitable[object]]) -> float:
    began = time.monotonic()
    async with asyncio.timeout(60):
        await deed()
    return time.monotonic() - began


async def test_an_account_is_free_after_the_time_of_one_frozen_write(store: PostgresStore) -> None:
    took_s = await took(lambda: store.nodes.take("account-1", "alive"))
    assert took_s < LINK_S + 2, "one write after the other kept the rows"


async def test_an_account_is_free_of_a_node_that_is_frozen_between_a_text_and_its_values(
    postgresql: Cluster, postgresql_database: str
) -> None:
    """A statement that is new to a connection: no timeout of the server counts there."""
    url = postgresql.url(postgresql_database)
    store = await PostgresStore.open(url, FakeClock(), ghost_age=GHOST_AGE)
    frozen = await asyncpg.connect(url, server_settings={"application_name": APPLICATION})
    try:
        await store.add_user("owner@example.org", b"hash", START)
        await store.put_account(build.setup())
        await store.nodes.begin("alive", "test", LONG)
        await frozen.execute(f"{module._BEGIN_WRITE}; {_LOCK}")
        await frozen._get_statement("select 1 from users where user_id = $1", None)
        with capture_logs() as logs:
            took_s = await took(lambda: store.nodes.take("account-1", "alive"))
        assert took_s < LINK_S + module._LOCK_S + 2
        assert "store.frozen_ended" in {one["event"] for one in logs}
    finally:
        frozen.terminate()
        await store.close()


async def test_a_node_that_waits_for_a_frozen_one_keeps_its_own_lease(
    store: PostgresStore, postgresql: Cluster
) -> None:
    """R17."""
    taking = asyncio.create_task(store.nodes.take("account-1", "alive"))
    try:
        async with asyncio.timeout(LINK_S):
            while int(postgresql.say(_WAITING)) < FROZEN:
                await asyncio.sleep(0.01)
        took_s = await took(lambda: store.nodes.renew("alive", LONG))
        assert not taking.done() and took_s < LINK_S / 2
    finally:
        await asyncio.wait({taking})


async def test_a_lease_is_renewed_while_all_connections_wait(store: PostgresStore) -> None:
    """R17."""
    asking = [asyncio.create_task(store.add_job(build.draft(), START)) for _ in range(30)]
    await asyncio.sleep(0)
    took_s = await took(lambda: store.nodes.renew("alive", LONG))
    assert took_s < LINK_S / 2
    await asyncio.wait(asking)
