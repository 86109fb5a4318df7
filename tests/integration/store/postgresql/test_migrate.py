from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import apsw
import apsw.ext
import asyncpg
import pytest

from tests import build
from tests.harness.additive import adds, taken_away
from tests.harness.postgresql import Cluster, needs_postgresql
from waystation.errors import SchemaMismatch, StoreError
from waystation.store.postgresql.database import queries
from waystation.store.postgresql.migrate import migrate, migrations, schema_number
from waystation.store.sqlite.database import connect
from waystation.store.sqlite.database import queries as sqlite_queries
from waystation.store.sqlite.migrate import migrate as migrate_sqlite

pytestmark = needs_postgresql


@pytest.fixture
async def connection(postgresql: Cluster, postgresql_database: str) -> AsyncIterator[Any]:
    url = postgresql.url(postgresql_database)
    assert await migrate(url, build.later()) == 0
    connected = await asyncpg.connect(url)
    yield connected
    await connected.close()


def test_each_migration_adds_so_that_the_version_before_goes_on_beside_it() -> None:
    """A rolling upgrade has both versions on one schema."""
    for step in migrations()[1:]:
        assert taken_away(step) == [], step.name


@pytest.mark.parametrize(
    "statement",
    [
        "drop table jobs",
        "alter table jobs drop column late",
        "alter table jobs rename column late to later",
        "alter table jobs add column must text not null",
        "alter table jobs alter column late type bytea",
        "create unique index jobs_late on jobs (late)",
    ],
)
def test_a_statement_that_takes_something_away_is_seen(statement: str) -> None:
    assert not adds(statement)


async def test_every_query_compiles_against_the_schema(connection: Any) -> None:
    for name, statement in queries().items():
        assert "{" not in statement.text, name
        try:
            prepared = await connection.prepare(statement.text)
        except asyncpg.PostgresError as error:
            raise AssertionError(f"{name}: {error}") from error
        assert len(prepared.get_parameters()) == len(statement.names), name


async def test_a_query_gives_the_same_columns_on_both_databases(connection: Any) -> None:
    sqlite = connect(":memory:")
    migrate_sqlite(sqlite, build.later(), None)
    for name, text in sqlite_queries().items():
        if name in queries():
            theirs = apsw.ext.query_info(sqlite, text).description
            prepared = await connection.prepare(queries()[name].text)
            ours = prepared.get_attributes()
            assert len(ours) == len(theirs), name
            plain = [(mine.name, one[0]) for mine, one in zip(ours, theirs, strict=True)]
            assert [pair for pair in plain if pair[1].isidentifier() and pair[0] != pair[1]] == []


async def test_both_databases_have_the_same_columns_and_indexes(connection: Any) -> None:
    sqlite = connect(":memory:")
    migrate_sqlite(sqlite, build.later(), None)
    theirs = sqlite.execute(
        "select m.name, c.name from sqlite_schema as m join pragma_table_info(m.name) as c"
        " where m.type in ('table', 'view')"
        " and m.name not like 'sqlite_%' and m.name not like 'job_texts%'"
    ).fetchall()
    ours = await connection.fetch(
        "select table_name, column_name from information_schema.columns"
        " where table_schema = 'public' and table_name not in ('job_texts', 'commit_marks')"
    )
    assert set(theirs) - {tuple(row) for row in ours} == {("users", "accounts_version")}
    assert {tuple(row) for row in ours} - set(theirs) == set()
    theirs = sqlite.execute(
        "select name from sqlite_schema where type = 'index' and sql is not null"
    ).fetchall()
    ours = await connection.fetch("select indexname from pg_indexes where schemaname = 'public'")
    assert {name for (name,) in theirs} - {name for (name,) in ours} == set()


async def test_the_schema_is_made_once(postgresql: Cluster, postgresql_database: str) -> None:
    url = postgresql.url(postgresql_database)
    newest = migrations()[-1].number
    before = await asyncio.gather(*(migrate(url, build.later()) for _ in range(4)))
    assert sorted(before) == [0, newest, newest, newest]
    pooled = postgresql.pooled_url(postgresql_database)
    assert await migrate(pooled, build.later()) == newest


async def test_a_step_that_fails_leaves_no_trace(
    postgresql: Cluster, postgresql_database: str
) -> None:
    url = postgresql.url(postgresql_database)
    broken = build.replace(migrations()[0], script="create table a (b bigint); select c")
    with pytest.raises(StoreError):
        await migrate(url, build.later(), (broken,))
    assert await migrate(url, build.later()) == 0


async def test_an_extension_that_cannot_be_made_is_named_with_its_mend(
    postgresql: Cluster, postgresql_database: str
) -> None:
    postgresql.say(
        "create role plain login; grant create on schema public to plain", postgresql_database
    )
    url = postgresql.url(postgresql_database).replace("postgres@", "plain@")
    try:
        with pytest.raises(StoreError) as caught:
            await migrate(url, build.later())
        assert "CREATE EXTENSION pg_trgm" in " ".join(str(caught.value.details).split())
        postgresql.say("create extension pg_trgm", postgresql_database)
        assert await migrate(url, build.later()) == 0
    finally:
        postgresql.say("drop owned by plain cascade; drop role plain", postgresql_database)


async def test_a_newer_schema_is_refused(connection: Any, postgresql: Cluster) -> None:
    await connection.execute("insert into migrations values (99, 'later', 0)")
    assert await schema_number(connection) == 99
    with pytest.raises(SchemaMismatch, match="99"):
        await migrate(
            postgresql.url(await connection.fetchval("select current_database()")), build.later()
        )
