"""A commit whose answer is lost on the way: a proxy of ours cuts the connection at the commit."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.harness.cutting import Cut, Cutter, cutter
from tests.harness.postgresql import Cluster, needs_postgresql
from waystation.errors import StoreError
from waystation.store.postgresql import tries
from waystation.store.postgresql.database import Database
from waystation.store.postgresql.named import compiled
from waystation.store.postgresql.pool import Pool, open_pool

pytestmark = needs_postgresql

_TABLES = """
create table marks (name text not null);
create table commit_marks (
  process bigint not null, number bigint not null, at bigint not null, primary key (process, number)
)
"""
_SLOW = """
create function wait() returns trigger language plpgsql as
  'begin perform pg_sleep(0.3); return null; end';
create constraint trigger wait after insert on marks deferrable initially deferred
  for each row execute function wait()
"""
_TEXTS = {
    "put": "insert into marks (name) values (:name)",
    "names": "select name from marks order by name",
    "sum": "select count(*) from commit_marks",
}
STATEMENTS = {name: compiled(text) for name, text in _TEXTS.items()}


@pytest.fixture(params=["direct", "pooled"])
async def proxy(
    request: pytest.FixtureRequest, postgresql: Cluster, postgresql_database: str
) -> AsyncIterator[Cutter]:
    postgresql.say(_TABLES, postgresql_database)
    port = 5432 if request.param == "direct" else 6432
    async with cutter(postgresql.folder / f".s.PGSQL.{port}") as made:
        yield made


@pytest.fixture
async def pool(proxy: Cutter, postgresql_database: str) -> AsyncIterator[Pool]:
    opened = await open_pool(proxy.url(postgresql_database), STATEMENTS)
    yield opened
    await opened.close()


class Deed:
    """A transaction that counts how often it runs."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.runs = 0

    def __call__(self, database: Database) -> int:
        self.runs += 1
        database.run("put", {"name": self.name})
        return self.runs


async def names(pool: Pool) -> list[str]:
    return [name for (name,) in await pool.read(lambda database: database.all("names"))]


async def test_a_commit_that_was_made_is_known_again(proxy: Cutter, pool: Pool) -> None:
    deed = Deed("a")
    proxy.cuts.append(Cut.AFTER)
    assert await pool.write(deed) == 1
    assert (await names(pool), deed.runs, proxy.made) == (["a"], 1, 1)


async def test_a_commit_that_was_never_made_is_made_by_a_second_run(
    proxy: Cutter, pool: Pool
) -> None:
    deed = Deed("a")
    proxy.cuts.append(Cut.BEFORE)
    assert await pool.write(deed) == 2
    assert (await names(pool), deed.runs, proxy.made) == (["a"], 2, 1)


async def test_a_commit_that_is_under_way_is_waited_for(
    proxy: Cutter, pool: Pool, postgresql: Cluster, postgresql_database: str
) -> None:
    postgresql.say(_SLOW, postgresql_database)
    deed = Deed("a")
    proxy.cuts.append(Cut.AT_ONCE)
    await pool.write(deed)
    assert await names(pool) == ["a"]


@pytest.mark.parametrize("second", list(Cut))
async def test_a_second_loss_is_an_error_and_nothing_is_written_twice(
    proxy: Cutter, pool: Pool, second: Cut
) -> None:
    deed = Deed("a")
    proxy.cuts += [Cut.BEFORE, second]
    with pytest.raises(StoreError):
        await pool.write(deed)
    assert deed.runs == 2
    assert (await names(pool)).count("a") <= 1


async def test_a_server_that_stays_away_makes_an_error(
    proxy: Cutter, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tries, "KNOWN_WITHIN_S", 0.3)

    def away(database: Database) -> None:
        database.run("put", {"name": "a"})
        proxy.refuses = True

    proxy.cuts.append(Cut.AFTER)
    with pytest.raises(StoreError):
        await pool.write(away)
    proxy.refuses = False
    assert await names(pool) == ["a"]


async def test_a_transaction_that_wrote_nothing_leaves_no_mark(proxy: Cutter, pool: Pool) -> None:
    await pool.write(lambda database: database.all("names"))
    assert await pool.read(lambda database: database.one("sum")) == (0,)
    proxy.cuts.append(Cut.AFTER)
    assert await pool.write(lambda database: database.all("names")) == []


async def test_a_read_whose_end_is_lost_is_read_again(proxy: Cutter, pool: Pool) -> None:
    proxy.cuts.append(Cut.BEFORE)
    assert await names(pool) == []
    assert proxy.made == 1


async def test_marks_of_transactions_that_are_known_do_not_pile_up(pool: Pool) -> None:
    for number in range(600):
        await pool.write(lambda database, n=number: database.run("put", {"name": str(n)}))  # type: ignore[misc]
    row = await pool.read(lambda database: database.one("sum"))
    assert row is not None and row[0] < 300
