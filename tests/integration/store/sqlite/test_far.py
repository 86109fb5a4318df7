from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from tests import build
from waystation.errors import StoreError
from waystation.store.sqlite.database import Database, connect
from waystation.store.sqlite.far import FarReader
from waystation.store.sqlite.migrate import migrate


@pytest.fixture
def reading(tmp_path: object) -> Iterator[Database]:
    writer = connect(f"{tmp_path}/w.db")
    migrate(writer, build.later(), None)
    connection = connect(f"{tmp_path}/w.db", read_only=True)
    yield Database(connection)
    connection.close()
    writer.close()


async def test_reads_run_in_a_thread_of_their_own_one_after_the_other(reading: Database) -> None:
    reader = FarReader(reading, "far")
    threads = await asyncio.gather(
        *(reader.run(lambda _: threading.current_thread().name) for _ in range(5))
    )
    assert set(threads) == {"far_0"}
    assert await reader.run(lambda database: database.all("all_users")) == []
    await reader.close()


async def test_an_error_of_the_database_is_the_stores(reading: Database) -> None:
    reader = FarReader(reading, "far")
    with pytest.raises(StoreError):
        await reader.run(lambda database: database.run("put_meta", {"name": "a", "value": 1}))
    await reader.close()


async def test_a_closed_reader_reads_nothing(reading: Database) -> None:
    reader = FarReader(reading, "far")
    asked = asyncio.create_task(reader.run(lambda database: database.all("all_users")))
    await asyncio.sleep(0)
    await reader.close()
    assert await asked == []
    with pytest.raises(StoreError, match="closed"):
        await reader.run(lambda database: database.all("all_users"))
