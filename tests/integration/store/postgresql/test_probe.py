from __future__ import annotations

from datetime import timedelta

import asyncpg
import pytest

from tests import build
from tests.harness.postgresql import Cluster, needs_postgresql
from waystation.clock import SystemClock
from waystation.errors import StoreError
from waystation.store.postgresql import probe as module
from waystation.store.postgresql.migrate import migrate, migrations
from waystation.store.postgresql.probe import probe

pytestmark = needs_postgresql


@pytest.mark.parametrize("pooling", ["none", "transaction"])
async def test_version_pooler_clock_and_schema_are_told(
    postgresql: Cluster, postgresql_database: str, pooling: str
) -> None:
    way = postgresql.url if pooling == "none" else postgresql.pooled_url
    url = way(postgresql_database)
    empty = await probe(url, SystemClock().wall, 10.0)
    assert (empty.schema, empty.pooling) == (0, pooling)
    assert int(empty.version.partition(".")[0]) >= 15
    assert abs(empty.ahead_s) < 1.0
    await migrate(url, build.later())
    behind = await probe(url, lambda: SystemClock().wall() - timedelta(minutes=5), 10.0)
    assert behind.schema == migrations()[-1].number
    assert 299 < behind.ahead_s < 301
    assert not behind.is_copy
    if pooling == "none":
        assert behind.wake_s is not None and 0 < behind.wake_s < 2
    else:
        # a pooler hands notes to nobody
        assert behind.wake_s is None


async def test_a_copy_is_told(postgresql: Cluster, postgresql_database: str) -> None:
    url = postgresql.url(postgresql_database)
    await migrate(url, build.later())
    for made, unmade in (
        ("insert into meta values ('restored', '0')", "delete from meta where name = 'restored'"),
        ("update meta set value = 'elsewhere' where name = 'server'", "delete from meta"),
    ):
        postgresql.say(made, postgresql_database)
        assert (await probe(url, SystemClock().wall, 10.0)).is_copy
        postgresql.say(unmade, postgresql_database)
        assert not (await probe(url, SystemClock().wall, 10.0)).is_copy


async def test_a_note_that_does_not_arrive_is_told(
    postgresql: Cluster, postgresql_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def deaf(self: object, channel: str, callback: object) -> None: ...

    monkeypatch.setattr(asyncpg.Connection, "add_listener", deaf)
    monkeypatch.setattr(module, "_HEARD_WITHIN_S", 0.05)
    facts = await probe(postgresql.url(postgresql_database), SystemClock().wall, 10.0)
    assert (facts.pooling, facts.wake_s) == ("none", None)


async def test_a_database_that_is_not_there_is_told(postgresql: Cluster) -> None:
    for url in (postgresql.url("nowhere"), postgresql.pooled_url("nowhere")):
        with pytest.raises(StoreError, match="There is no database nowhere"):
            await probe(url, SystemClock().wall, 10.0)
