from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests import build
from tests.harness.filled import PROMPT, fill
from tests.harness.postgresql import Cluster, needs_postgresql
from waystation.clock import SystemClock
from waystation.errors import Conflict, StoreError
from waystation.store.columns import Row
from waystation.store.folding import folded
from waystation.store.moving import DERIVED, LEFT, Sum
from waystation.store.postgresql import moving as module
from waystation.store.postgresql.migrate import migrate
from waystation.store.postgresql.moving import receive
from waystation.store.sqlite.connections import open_connections
from waystation.store.sqlite.database import connect
from waystation.store.sqlite.moving import SqliteOrigin, opened_to_move

pytestmark = needs_postgresql


@pytest.fixture
def path(tmp_path: Path) -> Path:
    fill(tmp_path / "waystation.db")
    return tmp_path / "waystation.db"


@pytest.fixture
def url(postgresql: Cluster, postgresql_database: str) -> str:
    # behind PgBouncer, which must carry the copies, too
    return postgresql.pooled_url(postgresql_database)


async def move(path: Path, url: str) -> Any:
    with opened_to_move(path, "there") as origin:
        return await receive(url, origin, build.later())


async def rows(url: str, query: str) -> list[Row]:
    connection = await asyncpg.connect(url, statement_cache_size=0)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


def told(table: str, found: Iterable[Row]) -> list[str]:
    """Return rows as both databases have them."""
    shown = [repr(tuple(row)) for row in found]
    return sorted(shown) if table != "meta" else []


async def test_every_table_of_the_schema_is_there_row_by_row(path: Path, url: str) -> None:
    sums = await move(path, url)
    tables = await rows(
        url,
        "select table_name, string_agg(quote_ident(column_name), ', ' order by ordinal_position)"
        " from information_schema.columns join information_schema.tables"
        " using (table_schema, table_name)"
        " where table_schema = 'public' and table_type = 'BASE TABLE' group by table_name",
    )
    assert {name for name, _ in tables} - LEFT.keys() == sums.keys()
    with closing(connect(path)) as sqlite:
        for name, columns in tables:
            query = f"select {columns} from {name}"
            found = await rows(url, query)
            if name in LEFT:
                assert name == "migrations" or found == []
                continue
            assert len(found) == sums[name].rows + (name == "meta") > 0, name
            if name not in (DERIVED, "jobs"):
                assert told(name, found) == told(name, sqlite.execute(query)), name
    assert await rows(url, f"select * from {DERIVED}") == [(4400000000001, folded(PROMPT))]
    assert await rows(url, "select content from jobs order by jobid") == [("ab",), (None,)]
    meta: dict[str, str] = dict(await rows(url, "select name, value from meta"))
    assert meta.keys() == {
        *("vault_check", "epoch_floor", "search_below", "clock", "server", "feed_era"),
    }
    assert meta["vault_check"] == "AP8Q"


async def test_numbers_go_on_after_the_greatest_that_was_given(path: Path, url: str) -> None:
    await move(path, url)
    for table, number in (("users", 4), ("audit", 18), ("queue", 24), ("seen_messages", 51)):
        column = "user_id" if table == "users" else "number"
        query = f"select nextval(pg_get_serial_sequence('{table}', '{column}'))"
        assert await rows(url, query) == [(number,)], table


async def test_triggers_work_after_the_move(path: Path, url: str) -> None:
    await move(path, url)
    counts = "select status, sum(number)::int from job_counts group by status order by 1"
    before = [("completed", 1), ("created", 1)]
    assert await rows(url, counts) == before
    await rows(url, "delete from jobs where status = 'completed'")
    assert await rows(url, counts) == [("completed", 0), ("created", 1)]
    assert await rows(url, "select feed_purged from users where user_id = 1") == [(7,)]


async def test_the_target_must_be_empty_and_the_source_is_served_no_more(
    path: Path, url: str
) -> None:
    await move(path, url)
    with pytest.raises(Conflict, match="not empty"):
        await move(path, url)
    with pytest.raises(Conflict, match="was moved to"):
        open_connections(path, SystemClock())


async def test_a_target_with_tables_of_somebody_else_is_refused(path: Path, url: str) -> None:
    await rows(url, "create table users (a int)")
    with pytest.raises(Conflict, match="not empty"):
        await move(path, url)
    open_connections(path, SystemClock()).close()


class _Forgetful(SqliteOrigin):
    """An origin that reads other rows than it has."""

    def rows(self, table: str, columns: Iterable[str]) -> Iterator[Row]:
        found = super().rows(table, columns)
        return found if table != "audit" else iter([(1, 2, "a", "b", 3, None, None, 1, 1)])

    def tables(self) -> dict[str, frozenset[str]]:
        return {**super().tables(), "later": frozenset({"x"})}


async def test_a_table_that_only_one_database_has_stops_the_move(path: Path, url: str) -> None:
    with opened_to_move(path, "there") as origin:
        origin.__class__ = _Forgetful
        with pytest.raises(StoreError, match="no place for each other's later"):
            await receive(url, origin, build.later())
    assert await migrate(url, build.later()) == 0


async def test_a_table_that_differs_stops_the_move(
    path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read_back(connection: Any, table: Any, widest: int) -> Sum:
        if table.name == "mails":
            await connection.execute("update mails set subject = 'Halte'")
        return await real(connection, table, widest)

    real = module._read_back
    monkeypatch.setattr(module, "_read_back", read_back)
    with pytest.raises(StoreError, match="The table mails differs"):
        await move(path, url)
    monkeypatch.undo()
    open_connections(path, SystemClock()).close()
    assert "mails" in await move(path, url)


async def test_a_commit_that_fails_leaves_the_source_as_it_was(
    path: Path, postgresql: Cluster, postgresql_database: str
) -> None:
    url = postgresql.url(postgresql_database)

    class Ending(SqliteOrigin):
        """Breaks the connection after the source was left."""

        def leave(self) -> None:
            super().leave()
            postgresql.say(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                f" where datname = '{postgresql_database}'"
            )

    with opened_to_move(path, "there") as origin:
        origin.__class__ = Ending
        with pytest.raises(StoreError, match="was lost") as caught:
            await receive(url, origin, build.later())
    assert "Run the same command again" in str(caught.value.details)
    # nobody knows: neither is served until it was run again
    with pytest.raises(Conflict, match="was moved to"):
        open_connections(path, SystemClock())
    assert await move(path, url)


async def test_a_service_that_starts_meanwhile_waits_for_the_end(path: Path, url: str) -> None:
    starting: list[asyncio.Task[int]] = []

    with opened_to_move(path, "there") as origin:

        def told(_: str) -> None:
            if not starting:
                starting.append(asyncio.create_task(migrate(url, build.later())))

        await receive(url, origin, build.later(), told=told)
    assert await starting[0] > 0
    assert len(await rows(url, "select 1 from users")) == 2


async def test_large_pictures_go_over_in_pieces(
    path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(connect(path)) as sqlite:
        sqlite.execute(
            "with recursive n (i) as (select 7 union all select i + 1 from n where i < 12)"
            " insert into job_input_parts select 'i1', i, randomblob(1048576) from n"
        )
    sent: list[int] = []
    real = asyncpg.Connection.copy_records_to_table

    async def counted(self: Any, table: str, *, records: list[Row], **named: Any) -> Any:
        sent.append(sum(len(one) for row in records for one in row if isinstance(one, bytes)))
        return await real(self, table, records=records, **named)

    monkeypatch.setattr(asyncpg.Connection, "copy_records_to_table", counted)
    sums = await move(path, url)
    assert sums["job_input_parts"].rows == 12
    assert max(sent) <= 5 << 20
