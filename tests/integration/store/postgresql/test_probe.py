from __future__ import annotations

from datetime import timedelta

import pytest

from tests import build
from tests.harness.postgresql import Cluster, needs_postgresql
from waystation.clock import SystemClock
from waystation.errors import StoreError
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


async def test_a_database_that_is_not_there_is_told(postgresql: Cluster) -> None:
    for url in (postgresql.url("nowhere"), postgresql.pooled_url("nowhere")):
        with pytest.raises(StoreError, match="There is no database nowhere"):
            await probe(url, SystemClock().wall, 10.0)
