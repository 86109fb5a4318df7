from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests import build
from waystation.errors import StoreError
from waystation.store.sqlite.database import Database, connect
from waystation.store.sqlite.migrate import migrate
from waystation.store.sqlite.reader import Reader
from waystation.store.sqlite.writer import Writer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    connection = connect(tmp_path / "w.db")
    migrate(connection, build.later(), None)
    connection.close()
    return tmp_path / "w.db"


async def test_a_reader_who_was_told_of_a_commit_reads_it(path: Path) -> None:
    connection = connect(path)
    writer, reader = Writer(Database(connection)), Reader(Database(connect(path, read_only=True)))

    async def write_then_read(number: int) -> object:
        values: dict[str, Any] = {"name": f"mark-{number}", "value": number}
        await writer.run(lambda database: database.run("put_meta", dict(values)))
        return reader.one("meta", {"name": f"mark-{number}"})

    async def read_without_end() -> None:
        while True:
            reader.one("meta", {"name": "mark-0"})
            await asyncio.sleep(0)

    readers = [asyncio.create_task(read_without_end()) for _ in range(3)]
    found = await asyncio.gather(*(write_then_read(number) for number in range(50)))
    assert found == [(number,) for number in range(50)]
    for each in readers:
        each.cancel()
    await writer.close()


async def test_a_turn_reads_one_state_and_the_next_turn_the_newest(path: Path) -> None:
    beside = Database(connect(path))
    reader = Reader(Database(connect(path, read_only=True)))
    assert reader.one("meta", {"name": "mark"}) is None
    beside.run("put_meta", {"name": "mark", "value": 1})
    assert reader.one("meta", {"name": "mark"}) is None
    await asyncio.sleep(0)
    assert reader.one("meta", {"name": "mark"}) == (1,)


async def test_no_read_holds_the_log_longer_than_a_turn(path: Path) -> None:
    database = Database(connect(path, read_only=True))
    reader = Reader(database)
    assert reader.all("meta", {"name": "mark"}) == []
    assert database.connection.in_transaction
    await asyncio.sleep(0)
    assert not database.connection.in_transaction


async def test_a_broken_read_does_not_stop_the_next(path: Path) -> None:
    beside = connect(path)
    reader = Reader(Database(connect(path, read_only=True)))
    beside.execute("alter table mails rename to letters")
    with pytest.raises(StoreError):
        reader.one("next_due")
    await asyncio.sleep(0)
    assert reader.one("meta", {"name": "mark"}) is None


async def test_a_closed_reader_says_so(path: Path) -> None:
    reader = Reader(Database(connect(path, read_only=True)))
    reader.close()
    with pytest.raises(StoreError, match="closed"):
        reader.one("meta", {"name": "mark"})
