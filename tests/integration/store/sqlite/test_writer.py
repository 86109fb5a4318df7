from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest

from tests import build
from waystation.errors import Conflict, StoreError
from waystation.store.sqlite.database import Database, connect
from waystation.store.sqlite.migrate import migrate
from waystation.store.sqlite.writer import Writer, store_error


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    connection = connect(":memory:")
    migrate(connection, build.later(), None)
    yield Database(connection)
    connection.close()


@pytest.fixture
async def writer(database: Database) -> AsyncIterator[Writer]:
    made = Writer(database)
    yield made
    await made.close()


def put(name: str, value: object = 1):  # type: ignore[no-untyped-def]
    def transaction(database: Database) -> str:
        database.run("put_meta", {"name": name, "value": value})  # type: ignore[dict-item]
        return name

    return transaction


def names(database: Database) -> set[str]:
    """Return the names that a test has put, beside that of a new database."""
    rows = database.connection.execute("select name from meta where name != 'feed_era'").fetchall()
    return {str(name) for (name,) in rows}


class Gate:
    """Holds the writer's thread, so that what is queued meanwhile becomes one batch."""

    def __init__(self, writer: Writer) -> None:
        self._open = threading.Event()
        self.task = asyncio.ensure_future(writer.run(lambda _: self._open.wait(10)))

    async def queue(self, *transactions) -> list[asyncio.Future[object]]:  # type: ignore[no-untyped-def]
        tasks = [asyncio.ensure_future(each) for each in transactions]
        await asyncio.sleep(0)
        return tasks

    def open(self) -> None:
        self._open.set()


async def test_a_transaction_returns_its_value_after_the_commit(
    writer: Writer, database: Database
) -> None:
    assert await writer.run(put("a")) == "a"
    assert names(database) == {"a"}


async def test_writes_that_wait_together_are_committed_together(
    writer: Writer, database: Database
) -> None:
    commits: list[int] = []
    database.connection.set_commit_hook(lambda: commits.append(1) or False)
    gate = Gate(writer)
    tasks = await gate.queue(*(writer.run(put(f"n{number}")) for number in range(50)))
    gate.open()
    await asyncio.gather(*tasks)
    # The gate's own batch may have taken the first ones along; never one commit each.
    assert len(commits) <= 3
    assert len(names(database)) == 50


async def test_writes_of_one_turn_of_the_loop_are_one_commit(
    writer: Writer, database: Database
) -> None:
    commits: list[int] = []
    database.connection.set_commit_hook(lambda: commits.append(1) or False)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # the writer's thread runs as soon as it can
    try:
        for turn in range(5):
            await asyncio.gather(*(writer.run(put(f"{turn}-{number}")) for number in range(50)))
    finally:
        sys.setswitchinterval(before)
    assert (len(commits), len(names(database))) == (5, 250)


async def test_a_rush_of_one_turn_is_written_in_commits_of_256(
    writer: Writer, database: Database
) -> None:
    commits: list[int] = []
    database.connection.set_commit_hook(lambda: commits.append(1) or False)
    rush = asyncio.gather(*(writer.run(put(str(number))) for number in range(600)))
    await asyncio.sleep(0)
    await writer.close()
    await rush
    assert (len(commits), len(names(database))) == (3, 600)


async def test_a_write_that_is_asked_just_before_the_end_is_done(
    writer: Writer, database: Database
) -> None:
    asked = asyncio.ensure_future(writer.run(put("last")))
    await asyncio.sleep(0)
    await writer.close()
    assert await asked == "last"
    assert names(database) == {"last"}


async def test_a_transaction_that_raises_loses_its_own_writes_only(
    writer: Writer, database: Database
) -> None:
    def half_done(database: Database) -> None:
        database.run("put_meta", {"name": "half", "value": 1})
        raise Conflict("no")

    gate = Gate(writer)
    before, bad, after = await gate.queue(
        writer.run(put("before")), writer.run(half_done), writer.run(put("after"))
    )
    gate.open()
    assert await before == "before"
    with pytest.raises(Conflict):
        await bad
    assert await after == "after"
    assert names(database) == {"before", "after"}


async def test_nobody_pays_for_savepoints_where_nobody_raises(
    writer: Writer, database: Database
) -> None:
    statements: list[str] = []
    database.connection.exec_trace = lambda _, statement, __: statements.append(statement) or True
    await asyncio.gather(*(writer.run(put(name)) for name in "abc"))
    assert not [one for one in statements if "savepoint" in one]
    assert statements.count("commit") == 1


async def test_a_write_beside_one_that_raises_is_done_once(
    writer: Writer, database: Database
) -> None:
    def count(database: Database) -> int:
        row = database.one("meta", {"name": "count"})
        count = 1 if row is None else int(row[0]) + 1
        database.run("put_meta", {"name": "count", "value": count})
        return count

    def broken(database: Database) -> None:
        count(database)
        raise Conflict("no")

    found = await asyncio.gather(
        writer.run(count), writer.run(broken), writer.run(count), return_exceptions=True
    )
    assert [str(one) for one in found] == ["1", "no", "2"]
    assert database.one("meta", {"name": "count"}) == (2,)


async def test_a_database_error_becomes_a_store_error_without_values(writer: Writer) -> None:
    def broken(database: Database) -> None:
        database.connection.execute("insert into meta values ('secret-name', null)")

    with pytest.raises(StoreError) as caught:
        await writer.run(broken)
    assert "meta.value" in str(caught.value.details)
    assert "secret-name" not in str(caught.value.details)


async def test_an_error_of_the_code_reaches_its_caller_unchanged(writer: Writer) -> None:
    with pytest.raises(ZeroDivisionError):
        await writer.run(lambda _: 1 // 0)
    assert await writer.run(put("still alive")) == "still alive"


async def test_a_failed_commit_fails_everyone_in_it_and_writes_nothing(
    writer: Writer, database: Database
) -> None:
    gate = Gate(writer)
    await gate.queue()
    gate.open()
    await gate.task
    database.connection.set_commit_hook(lambda: True)
    tasks = [asyncio.ensure_future(writer.run(put(name))) for name in ("a", "b")]
    for task in tasks:
        with pytest.raises(StoreError):
            await task
    database.connection.set_commit_hook(None)
    assert names(database) == set()
    assert await writer.run(put("c")) == "c"


async def test_a_commit_that_stays_open_is_rolled_back(writer: Writer, database: Database) -> None:
    def orphan(database: Database) -> None:
        database.connection.execute("pragma defer_foreign_keys = 1")
        database.run("save_session", {"account_id": "nobody", "sealed": b""})

    gate = Gate(writer)
    tasks = await gate.queue(writer.run(put("a")), writer.run(orphan))
    gate.open()
    outcomes = await asyncio.gather(gate.task, *tasks, return_exceptions=True)
    assert isinstance(outcomes[-1], StoreError)
    assert names(database) == {outcome for outcome in outcomes if isinstance(outcome, str)}
    assert await writer.run(put("c")) == "c"


async def test_a_dead_connection_answers_everyone_with_an_error(
    writer: Writer, database: Database
) -> None:
    database.connection.close()
    for _ in range(2):
        with pytest.raises(StoreError):
            await writer.run(put("a"))


def test_an_event_loop_that_is_gone_does_not_stop_the_thread(tmp_path: Path) -> None:
    connection = connect(tmp_path / "w.db")
    migrate(connection, build.later(), None)
    started, go_on = threading.Event(), threading.Event()

    def slow(database: Database) -> None:
        database.run("put_meta", {"name": "slow", "value": 1})
        started.set()
        go_on.wait(10)

    async def ask() -> Writer:
        writer = Writer(Database(connection))
        asked = asyncio.ensure_future(writer.run(slow))
        await asyncio.to_thread(started.wait, 10)
        asked.cancel()
        return writer

    writer = asyncio.run(ask())
    go_on.set()
    asyncio.run(writer.close())
    assert names(Database(connection)) == {"slow"}
    connection.close()


async def test_a_transaction_that_sqlite_gave_up_fails_the_whole_batch(
    writer: Writer, database: Database
) -> None:
    def lose_everything(database: Database) -> None:
        database.connection.execute("rollback")
        raise apsw.FullError("disk full")

    gate = Gate(writer)
    tasks = await gate.queue(
        writer.run(put("a")), writer.run(lose_everything), writer.run(put("b"))
    )
    gate.open()
    outcomes = await asyncio.gather(gate.task, *tasks, return_exceptions=True)
    lost = [outcome for outcome in outcomes if isinstance(outcome, StoreError)]
    written = names(database)
    # Whatever was answered with success is there, everything else is not.
    assert written == {outcome for outcome in outcomes if isinstance(outcome, str)}
    assert lost
    assert await writer.run(put("c")) == "c"


async def test_a_caller_that_gives_up_does_not_undo_its_transaction(
    writer: Writer, database: Database
) -> None:
    gate = Gate(writer)
    (task,) = await gate.queue(writer.run(put("a")))
    task.cancel()
    gate.open()
    await writer.run(put("b"))
    assert names(database) == {"a", "b"}
    assert task.cancelled()


async def test_closing_finishes_what_is_queued_and_refuses_more(database: Database) -> None:
    writer = Writer(database)
    tasks = [asyncio.ensure_future(writer.run(put(f"n{number}"))) for number in range(5)]
    await asyncio.sleep(0)
    await writer.close()
    assert await asyncio.gather(*tasks) == [f"n{number}" for number in range(5)]
    with pytest.raises(StoreError):
        await writer.run(put("late"))
    await writer.close()


async def test_a_rush_is_cut_into_batches_and_loses_nobody(
    writer: Writer, database: Database
) -> None:
    await asyncio.gather(*(writer.run(put(f"n{number}")) for number in range(1000)))
    assert len(names(database)) == 1000


def test_a_store_error_keeps_its_cause() -> None:
    cause = apsw.BusyError("database is locked")
    wrapped = store_error(cause)
    assert isinstance(wrapped, StoreError)
    assert wrapped.__cause__ is cause
