"""The state of an installation on PostgreSQL, and what is told where it cannot be opened."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from tests.harness.postgresql import Cluster, needs_postgresql
from waystation.app import state as module
from waystation.app.pooling import pool_bounds
from waystation.app.state import open_state
from waystation.errors import StoreError, VaultError, WaystationError
from waystation.settings import load
from waystation.vault import make_keys

pytestmark = needs_postgresql


@pytest.fixture
def environment(postgresql: Cluster, postgresql_database: str, tmp_path: Path) -> Mapping[str, str]:
    make_keys(tmp_path / "data")
    return {
        "WAYSTATION_DATA_DIR": str(tmp_path / "data"),
        "WAYSTATION_DATABASE_URL": postgresql.url(postgresql_database),
    }


async def test_a_vault_fits_the_database_that_it_was_made_for(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    settings = load(environ=environment)
    for _ in range(2):
        async with open_state(settings) as state:
            assert await state.store.load_check() is not None
            assert state.store.name.startswith("postgresql:///")
            assert not state.store.restored
    elsewhere = {**environment, "WAYSTATION_DATA_DIR": str(tmp_path / "other")}
    with pytest.raises(WaystationError, match="key"):
        async with open_state(load(environ=elsewhere)):
            raise AssertionError


async def test_no_node_makes_a_key_and_a_new_database_belongs_to_the_first(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    """R45."""
    elsewhere = {**environment, "WAYSTATION_DATA_DIR": str(tmp_path / "other")}
    with pytest.raises(VaultError, match="make-key"):
        async with open_state(load(environ=elsewhere)):
            raise AssertionError
    another = make_keys(tmp_path / "other")
    async with open_state(load(environ=environment)) as state:
        check = await state.store.load_check()
        # it began when there was no check value yet
        assert await state.store.first_check(another.new_check()) == check
    with pytest.raises(VaultError, match="not the ones"):
        async with open_state(load(environ=elsewhere)):
            raise AssertionError


async def test_a_dump_that_is_put_back_is_noticed(
    environment: Mapping[str, str], postgresql: Cluster, postgresql_database: str
) -> None:
    settings = load(environ=environment)
    async with open_state(settings):
        pass
    # pg_restore makes the table anew
    postgresql.say(
        "alter table meta rename to old; create table meta (like old including all);"
        "insert into meta select * from old; drop table old",
        postgresql_database,
    )
    async with open_state(settings) as state:
        assert state.store.restored and not state.store.upgraded
        await state.store.settle_restored()
        assert not state.store.restored
    async with open_state(settings) as state:
        assert not state.store.restored


async def test_a_migration_is_no_copy_and_ends_no_job(
    environment: Mapping[str, str], postgresql: Cluster, postgresql_database: str
) -> None:
    from waystation.clock import SystemClock
    from waystation.store.postgresql.migrate import migrate, migrations

    url = environment["WAYSTATION_DATABASE_URL"]
    await migrate(url, SystemClock().now(), migrations()[:-1])
    async with open_state(load(environ=environment)) as state:
        assert not state.store.restored and not state.store.upgraded


async def test_nodes_share_the_accounts_and_the_time_of_the_database(
    environment: Mapping[str, str],
) -> None:
    settings = load(environ=environment)
    async with open_state(settings) as first, open_state(settings) as second:
        assert [await one.store.own_accounts() for one in (first, second)] == [False, False]
        moments = [await one.store.shared_time() for one in (first, second)]
        for state, moment in zip((first, second), moments, strict=True):
            assert moment is not None
            state.clock.follow(moment)
        apart = first.clock.now() - second.clock.now()
        assert abs(apart) < timedelta(seconds=5)


async def test_the_numbers_of_the_settings_hold_on_postgresql(
    environment: Mapping[str, str], postgresql: Cluster, postgresql_database: str
) -> None:
    numbers = {"CONNECTIONS": "2", "CONNECT_S": "5", "STATEMENT_S": "0.2"}
    given = {f"WAYSTATION_DATABASE_{name}": value for name, value in numbers.items()}
    settings = load(environ={**environment, **given})
    bounds = pool_bounds(settings)
    assert bounds.connect_s == settings.database_connect_s == 5.0
    async with open_state(settings) as state:
        await asyncio.gather(*(state.store.list_users() for _ in range(20)))
        told = postgresql.say(
            f"select count(*) from pg_stat_activity where datname = '{postgresql_database}'"
        )
        assert int(told) <= settings.database_connections
        other = await asyncpg.connect(settings.postgresql_url)
        try:
            async with other.transaction():
                await other.execute("lock table users")
                with pytest.raises(StoreError):
                    await state.store.list_users()
                assert settings.database_statement_s == 0.2
        finally:
            await other.close()


async def test_a_server_that_is_away_is_told_with_its_place(tmp_path: Path) -> None:
    url = f"postgresql://ada:canary@/way?host={tmp_path}"
    given = {"WAYSTATION_DATA_DIR": str(tmp_path), "WAYSTATION_DATABASE_URL": url}
    with pytest.raises(StoreError, match="cannot be reached") as raised:
        async with open_state(load(environ=given)):
            raise AssertionError
    assert "canary" not in f"{raised.value.message} {raised.value.details}"


async def test_missing_packages_are_named(
    environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(WaystationError, match=r"requirements/postgresql.txt"):
        async with open_state(load(environ=environment)):
            raise AssertionError
