from __future__ import annotations

import asyncio

import pytest

from tests import build
from tests.harness.postgresql import Cluster, needs_postgresql
from waystation.errors import Conflict, StoreError
from waystation.store.postgresql.migrate import migrate
from waystation.store.postgresql.restored import declare

pytestmark = needs_postgresql

_MARKS = "select name || value from meta where name in ('restored', 'moved_to')"
_NODE = """
insert into nodes (node_id, name, began_at, lease_until)
select 'n', 'desk', 0, (extract(epoch from clock_timestamp()) * 1e6)::bigint + {}
on conflict (node_id) do update set lease_until = excluded.lease_until
"""


async def test_a_database_is_a_copy_from_now_on(
    postgresql: Cluster, postgresql_database: str
) -> None:
    url = postgresql.pooled_url(postgresql_database)
    await migrate(url, build.later())
    era = postgresql.say("select value from meta where name = 'feed_era'", postgresql_database)
    await declare(url)
    assert postgresql.say(_MARKS, postgresql_database) == "restored0"
    await migrate(url, build.later())
    assert postgresql.say(_MARKS, postgresql_database) == "restored1"
    # cursors of before mean nothing
    assert era != postgresql.say(
        "select value from meta where name = 'feed_era'", postgresql_database
    )


async def test_a_served_database_and_an_empty_one_are_left_alone(
    postgresql: Cluster, postgresql_database: str
) -> None:
    url = postgresql.url(postgresql_database)
    with pytest.raises(StoreError, match="is empty"):
        await declare(url)
    await migrate(url, build.later())
    postgresql.say(_NODE.format(9_000_000), postgresql_database)
    with pytest.raises(Conflict, match="A service uses") as caught:
        await declare(url)
    assert "run the command again" in str(caught.value.details)
    assert postgresql.say(_MARKS, postgresql_database) == ""


_ANOTHER = "update meta set value = 'system:00000001:5:7' where name = 'server'"


async def test_a_standby_that_is_promoted_under_running_nodes_is_no_copy(
    postgresql: Cluster, postgresql_database: str
) -> None:
    """R39."""
    url = postgresql.url(postgresql_database)
    await migrate(url, build.later())
    postgresql.say(f"{_ANOTHER}; {_NODE.format(20_000_000)}", postgresql_database)
    opening = asyncio.create_task(migrate(url, build.later()))
    done, _ = await asyncio.wait({opening}, timeout=1)
    assert not done, "nobody has renewed the lease yet"
    postgresql.say(_NODE.format(21_000_000), postgresql_database)
    await opening
    assert postgresql.say(_MARKS, postgresql_database) == ""
    assert postgresql.say("select count(*) from nodes", postgresql_database) == "1"
    # it is noted, so that the next start waits for nothing
    await asyncio.wait_for(migrate(url, build.later()), 5)


async def test_a_copy_whose_leases_nobody_renews_is_one(
    postgresql: Cluster, postgresql_database: str
) -> None:
    """R39."""
    url = postgresql.url(postgresql_database)
    await migrate(url, build.later())
    postgresql.say(f"{_ANOTHER}; {_NODE.format(1_000_000)}", postgresql_database)
    await migrate(url, build.later())
    assert postgresql.say(_MARKS, postgresql_database) == "restored1"
    assert postgresql.say("select count(*) from nodes", postgresql_database) == "0"
