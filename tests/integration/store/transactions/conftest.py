"""Each database, migrated, with one user and one claimed account."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests import build
from tests.harness.blocking import blocking_database
from tests.harness.leases import claim_in
from tests.harness.postgresql import Cluster, needs_postgresql, put_away
from waystation.store.postgresql.migrate import migrate
from waystation.store.sqlite.database import Database as SqliteDatabase
from waystation.store.sqlite.database import connect
from waystation.store.sqlite.migrate import migrate as migrate_sqlite
from waystation.store.transactions import accounts
from waystation.store.transactions.database import Database

_EMPTY = """
do $$ begin
  execute (
    select 'truncate ' || string_agg(quote_ident(tablename), ', ') || ' restart identity'
    from pg_tables where schemaname = 'public' and tablename not in ('migrations', 'meta')
  );
  delete from meta where name <> 'feed_era';
end $$
"""


@pytest.fixture(scope="session")
def used_database(postgresql: Cluster) -> Iterator[tuple[Cluster, str]]:
    """A migrated database that the tests here have one after the other."""
    with put_away(postgresql) as name:
        asyncio.run(migrate(postgresql.url(name), build.later()))
        yield postgresql, name


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=needs_postgresql)])
def database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    if request.param == "sqlite":
        connection = connect(":memory:")
        migrate_sqlite(connection, build.later(), None)
        yield _with_an_account(SqliteDatabase(connection))
        connection.close()
        return
    cluster, name = request.getfixturevalue("used_database")
    cluster.say(_EMPTY, name)
    with blocking_database(cluster.url(name), monkeypatch) as made:
        yield _with_an_account(made)


def _with_an_account(made: Database) -> Database:
    accounts.add_user(made, "owner@example.org", b"hash", build.later())
    accounts.put(made, build.setup())
    claim_in(made, "account-1", "me")
    return made
