from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.harness.postgresql import Cluster, needs_postgresql
from waystation.errors import NotFound
from waystation.store.postgresql.bridge import bridged
from waystation.store.postgresql.database import Database
from waystation.store.postgresql.named import compiled

pytestmark = needs_postgresql

_TEXTS = {
    "make": "create table marks (name text, number bigint)",
    "put": "insert into marks (name, number) values (:name, :number)",
    "raise": "update marks set number = number + 1 where name = :name",
    "marks": "select name, number from marks order by name",
}


@pytest.fixture
async def database(postgresql: Cluster, postgresql_database: str) -> AsyncIterator[Database]:
    connection = await asyncpg.connect(postgresql.url(postgresql_database))
    yield Database(connection, {name: compiled(text) for name, text in _TEXTS.items()})
    await connection.close()


async def test_statements_run_by_name_and_count_their_rows(database: Database) -> None:
    def transaction() -> None:
        assert database.run("make") == 0
        assert database.one("marks") is None and database.all("marks") == []
        for name, number in (("a", 7), ("b", None)):
            assert database.run("put", {"name": name, "number": number, "more": ""}) == 1
        assert database.run("raise", {"name": "c"}) == 0
        assert database.run("raise", {"name": "a"}) == 1
        assert database.one("marks") == ("a", 8)
        assert database.all("marks") == [("a", 8), ("b", None)]

    await bridged(transaction)


async def test_a_value_that_is_not_given_is_an_error_not_null(database: Database) -> None:
    with pytest.raises(KeyError):
        await bridged(database.run, "put", {"name": "a"})


async def test_statements_that_nobody_waits_for_run_before_the_next_that_answers(
    database: Database,
) -> None:
    def transaction() -> None:
        database.run("make")
        for name, number in (("a", 1), ("b", 2)):
            database.later("put", {"name": name, "number": number})
        database.later("raise", {"name": "a"}, unless=NotFound)
        assert database.all("marks") == [("a", 2), ("b", 2)]
        database.later("raise", {"name": "b"})
        assert database.run("raise", {"name": "b"}) == 1
        database.later("raise", {"name": "c"})
        database.settle()
        assert database.one("marks") == ("a", 2)
        database.settle()

    await bridged(transaction)


@pytest.mark.parametrize("one_by_one", [True, False])
async def test_a_statement_that_must_change_a_row_says_so_when_it_has_run(
    database: Database, one_by_one: bool
) -> None:
    database = Database(database._connection, database._statements, one_by_one=one_by_one)

    def transaction() -> None:
        database.run("make")
        database.later("put", {"name": "a", "number": 1}, unless=NotFound)
        database.later("raise", {"name": "c"}, unless=NotFound)
        database.settle()

    with pytest.raises(NotFound):
        await bridged(transaction)
