from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from tests.harness.postgresql import Cluster, needs_postgresql
from waystation.errors import NotFound, StoreError, VersionConflict
from waystation.store.postgresql.bridge import wait_for
from waystation.store.postgresql.database import Database
from waystation.store.postgresql.named import compiled
from waystation.store.postgresql.pool import Pool, open_pool
from waystation.store.transactions.database import Query

pytestmark = needs_postgresql

_TABLES = """
create table marks (name text primary key, number bigint not null);
create view also_marks as select * from marks;
create table commit_marks (
  process bigint not null, number bigint not null, at bigint not null, primary key (process, number)
)
"""
_TEXTS = {
    "put": "insert into marks (name, number) values (:name, :number)",
    # the same table by another name, so that both come into one batch
    "put_again": "insert into also_marks (name, number) values (:name, :number)",
    "raise": "update marks set number = number + 1 where name = :name",
    "lock": "select number from marks where name = :name for no key update",
    "number": "select number from marks where name = :name",
    "names": "select name from marks order by name",
    "who": "select pg_backend_pid()",
    "moment": "select count(*) from marks",
    "isolation": "select current_setting('transaction_isolation')",
}
STATEMENTS = {name: compiled(text) for name, text in _TEXTS.items()}


@pytest.fixture(params=["direct", "pooled"])
async def pool(
    request: pytest.FixtureRequest, postgresql: Cluster, postgresql_database: str
) -> AsyncIterator[Pool]:
    postgresql.say(_TABLES, postgresql_database)
    way = postgresql.url if request.param == "direct" else postgresql.pooled_url
    opened = await open_pool(way(postgresql_database), STATEMENTS)
    assert opened.pooled is (request.param == "pooled")
    yield opened
    await opened.close()


def put(database: Database, name: str, number: int = 0) -> int:
    return database.run("put", {"name": name, "number": number})


def number_of(database: Database, name: str) -> int | None:
    row = database.one("number", {"name": name})
    return None if row is None else row[0]


async def test_a_transaction_that_raises_has_written_nothing(pool: Pool) -> None:
    def refused(database: Database) -> None:
        put(database, "a")
        raise NotFound

    with pytest.raises(NotFound):
        await pool.write(refused)
    assert await pool.read(lambda database: database.all("names")) == []


async def test_a_broken_statement_is_the_stores_error_and_tells_no_value(pool: Pool) -> None:
    await pool.write(lambda database: put(database, "secret"))
    with pytest.raises(StoreError) as caught:
        await pool.write(lambda database: put(database, "secret"))
    told = str(caught.value.details)
    assert "marks_pkey" in told and "secret" not in told


async def test_reads_see_one_moment_and_write_nothing(pool: Pool) -> None:
    other = asyncio.Event()

    async def meanwhile() -> None:
        await pool.write(lambda database: put(database, "b"))
        other.set()

    def twice(database: Database) -> tuple[object, object]:
        before = database.one("moment")
        wait_for(meanwhile())
        return before, database.one("moment")

    await pool.write(lambda database: put(database, "a"))
    assert await pool.read(twice) == ((1,), (1,))
    assert other.is_set()
    assert await pool.read(lambda database: database.one("moment")) == (2,)
    with pytest.raises(StoreError, match="database"):
        await pool.read(lambda database: put(database, "c"))


async def test_a_write_sees_what_was_committed_while_it_waited_for_a_row(pool: Pool) -> None:
    await pool.write(lambda database: put(database, "a"))

    def raised(database: Database) -> int:
        row = database.one("lock", {"name": "a"})
        assert row is not None
        assert database.one("isolation") == ("read committed",)
        database.run("raise", {"name": "a"})
        return int(row[0])

    seen = await asyncio.gather(*(pool.write(raised) for _ in range(30)))
    assert sorted(seen) == list(range(30))


async def test_a_transaction_runs_again_once_where_its_row_was_written_meanwhile(
    pool: Pool,
) -> None:
    """The second look finds the other's row, and says what it means."""
    looked = asyncio.Barrier(2)
    tries: list[str] = []

    def once(database: Database, number: int) -> int:
        tries.append("")
        found = number_of(database, "a")
        if found is not None:
            return found
        if len(tries) <= 2:
            wait_for(looked.wait())
        put(database, "a", number)
        return number

    first, second = await asyncio.gather(
        pool.write(lambda database: once(database, 1)),
        pool.write(lambda database: once(database, 2)),
    )
    assert first == second
    assert len(tries) == 3


async def test_the_second_try_runs_each_statement_by_itself(pool: Pool) -> None:
    """The first that fails is the first that was asked for, not the row that comes behind it."""
    await pool.write(lambda database: put(database, "a"))

    def stale(database: Database) -> None:
        database.later("raise", {"name": "b"}, unless=VersionConflict)
        database.later("put_again", {"name": "a", "number": 1})

    with pytest.raises(VersionConflict):
        await pool.write(stale)
    assert await pool.read(lambda database: number_of(database, "a")) == 0


async def test_statements_put_off_are_written_at_the_end(pool: Pool) -> None:
    await pool.write(lambda database: database.later("put", {"name": "a", "number": 7}))
    assert await pool.read(lambda database: number_of(database, "a")) == 7


async def test_of_two_that_wait_for_each_other_one_runs_again(pool: Pool) -> None:
    for name in ("a", "b"):
        await pool.write(lambda database, name=name: put(database, name))  # type: ignore[misc]
    held = asyncio.Barrier(2)
    tries: list[str] = []

    def both(database: Database, first: str, second: str) -> None:
        tries.append(first)
        database.run("raise", {"name": first})
        if len(tries) <= 2:
            wait_for(held.wait())
        database.run("raise", {"name": second})

    await asyncio.gather(
        pool.write(lambda database: both(database, "a", "b")),
        pool.write(lambda database: both(database, "b", "a")),
    )
    # on a busy machine the second try takes its row before the other wakes up: both wait anew
    assert len(tries) > 2
    assert await pool.read(lambda database: number_of(database, "a")) == 2
    assert await pool.read(lambda database: number_of(database, "b")) == 2


async def test_a_caller_that_stops_waiting_stops_no_write(
    pool: Pool, postgresql: Cluster, postgresql_database: str
) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def waits() -> None:
        reached.set()
        await go_on.wait()

    def slow(database: Database) -> None:
        wait_for(waits())
        put(database, "a")

    asked = asyncio.create_task(pool.write(slow))
    await reached.wait()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    go_on.set()
    await pool.close()
    assert postgresql.say("select name from marks", postgresql_database) == "a"
    with pytest.raises(StoreError, match="closed"):
        await pool.read(lambda database: database.all("names"))


async def test_closing_finishes_what_was_begun(pool: Pool) -> None:
    asked = [
        asyncio.ensure_future(pool.write(lambda database, n=n: put(database, str(n))))  # type: ignore[misc]
        for n in range(20)
    ]
    await asyncio.sleep(0)
    await pool.close()
    await pool.close()
    assert await asyncio.gather(*asked) == [1] * 20


async def test_a_killed_connection_is_replaced(
    pool: Pool, postgresql: Cluster, postgresql_database: str
) -> None:
    await pool.write(lambda database: put(database, "a"))
    postgresql.say(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        f" where datname = '{postgresql_database}' and pid <> pg_backend_pid()"
    )
    outcomes: list[object] = []
    for _ in range(20):
        try:
            outcomes.append(await pool.read(lambda database: database.all("names")))
        except StoreError:
            outcomes.append("lost")
    assert outcomes[-1] == [("a",)]


async def test_no_server_is_a_store_error(postgresql: Cluster) -> None:
    with pytest.raises(StoreError, match="no database nowhere"):
        await open_pool(postgresql.url("nowhere"), STATEMENTS)
    with pytest.raises(StoreError, match="cannot be used"):
        await open_pool(f"postgresql:///x?host={postgresql.folder}/none", STATEMENTS)


async def test_behind_a_pooler_nothing_is_prepared(
    pool: Pool, postgresql: Cluster, postgresql_database: str
) -> None:
    """A named statement would stay with one server, and the next transaction goes to another."""
    for _ in range(3):
        await pool.read(lambda database: database.all("names"))
    prepared = "select count(*) from pg_prepared_statements"
    named = {**STATEMENTS, "prepared": compiled(prepared)}
    way = postgresql.pooled_url if pool.pooled else postgresql.url
    second = await open_pool(way(postgresql_database), named)
    try:
        told = {await second.read(lambda database: database.one("prepared")) for _ in range(5)}
    finally:
        await second.close()
    assert (told == {(0,)}) is pool.pooled


class _Heard:
    """Counts the messages that a connection of a pool is sent."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.texts: list[str] = []
        for name in ("execute", "fetch"):
            self._listen(monkeypatch, name)

    def _listen(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        real = getattr(asyncpg.Connection, name)

        async def told(connection: Any, text: str, *values: Any, **named: Any) -> Any:
            self.texts.append(text)
            return await real(connection, text, *values, **named)

        monkeypatch.setattr(asyncpg.Connection, name, told)


async def test_a_single_query_needs_no_transaction_unless_a_pooler_stands_between(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = _Heard(monkeypatch)
    assert await pool.read(Query("names")) == []
    assert len(heard.texts) == (3 if pool.pooled else 1)


async def test_the_beginning_and_the_locks_are_one_message(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, postgresql: Cluster, postgresql_database: str
) -> None:
    postgresql.say(
        "create table users (user_id bigint); create table accounts (account_id text)",
        postgresql_database,
    )
    heard = _Heard(monkeypatch)

    def locked(database: Database) -> frozenset[int] | None:
        found = database.lock(users=[2, 1], accounts=["a-1", "b_2"])
        put(database, "a")
        return found

    assert await pool.write(locked) == frozenset({1, 2})
    begin, insert, end = heard.texts
    assert begin == (
        "begin isolation level read committed; "
        "set local idle_in_transaction_session_timeout = 5000; "
        "set local lock_timeout = 2000; "
        "select 1 from users where user_id in (2, 1) order by user_id for no key update; "
        "select 1 from accounts where account_id in ('a-1', 'b_2') order by account_id"
        " for no key update"
    )
    assert insert.startswith("insert into marks") and end.endswith("commit")


async def test_locks_that_come_later_or_hold_others_off(
    pool: Pool, postgresql: Cluster, postgresql_database: str
) -> None:
    postgresql.say(
        "create table users (user_id bigint primary key, n bigint);insert into users values (1, 0)",
        postgresql_database,
    )

    def raised(database: Database) -> None:
        number_of(database, "a")
        database.lock(users=[1])
        (seen,) = wait_for(database._connection.fetchrow("select n from users"))
        wait_for(asyncio.sleep(0))
        wait_for(database._connection.execute(f"update users set n = {seen + 1}"))

    await asyncio.gather(*(pool.write(raised) for _ in range(20)))
    assert postgresql.say("select n from users", postgresql_database) == "20"


async def test_a_write_of_a_frozen_process_lets_go_of_its_rows(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = "waystation.store.postgresql.pool._BEGIN_WRITE"
    short = "begin; set local idle_in_transaction_session_timeout = 50"
    await pool.write(lambda database: put(database, "a"))
    held, thaws = asyncio.Event(), asyncio.Event()

    def freezes(database: Database) -> None:
        database.one("lock", {"name": "a"})
        held.set()
        wait_for(thaws.wait())
        put(database, "b")

    monkeypatch.setattr(begin, short)
    frozen = asyncio.create_task(pool.write(freezes))
    async with asyncio.timeout(10):
        await held.wait()
        await pool.write(lambda database: database.run("raise", {"name": "a"}))
        thaws.set()
        # it runs again on another connection, since it was not committed
        await frozen
    assert await pool.read(lambda database: number_of(database, "a")) == 1
    assert await pool.read(lambda database: number_of(database, "b")) == 0


async def test_a_write_that_says_nothing_ends(pool: Pool) -> None:
    assert await pool.write(lambda _: 7) == 7
    assert await pool.read(lambda _: 8) == 8
