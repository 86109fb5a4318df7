"""The lock of the one serving process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.fakes import FakeClock
from tests.limits import GHOST_AGE
from waystation.errors import Conflict
from waystation.store.sqlite.database import connect
from waystation.store.sqlite.migrate import migrate, migrations, schema_number
from waystation.store.sqlite.serving import serving, unserved
from waystation.store.sqlite.store import SqliteStore


def test_one_process_at_a_time_has_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "w.db"
    handle = serving(path)
    with pytest.raises(Conflict, match="serves the database"):
        serving(path)
    with pytest.raises(Conflict, match="another version"), unserved(path):
        pass
    os.close(handle)
    with unserved(path), pytest.raises(Conflict):
        serving(path)
    os.close(serving(path))


async def test_no_command_changes_the_schema_under_a_running_service(tmp_path: Path) -> None:
    path, clock = tmp_path / "w.db", FakeClock()
    connection = connect(path)
    migrate(connection, clock.now(), None, migrations()[:-1])
    handle = serving(path)
    with pytest.raises(Conflict, match="another version"):
        await SqliteStore.open(path, clock, ghost_age=GHOST_AGE)
    assert schema_number(connection) == migrations()[-1].number - 1
    assert not (tmp_path / "backups").exists()
    os.close(handle)
    store = await SqliteStore.open(path, clock, ghost_age=GHOST_AGE)
    assert store.schema == migrations()[-1].number
    await store.close()
    connection.close()


async def test_a_running_service_of_this_schema_is_no_hindrance(tmp_path: Path) -> None:
    path, clock = tmp_path / "w.db", FakeClock()
    first = await SqliteStore.open(path, clock, ghost_age=GHOST_AGE)
    await first.own_accounts()
    second = await SqliteStore.open(path, clock, ghost_age=GHOST_AGE)
    await second.close()
    await first.close()
