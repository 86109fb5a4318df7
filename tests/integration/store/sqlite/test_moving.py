from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import pytest

from tests.fakes import START
from tests.harness.filled import FILLED, PROMPT, fill
from tests.limits import GHOST_AGE
from waystation.clock import SystemClock
from waystation.errors import Conflict, SchemaMismatch
from waystation.store.folding import folded
from waystation.store.moving import DERIVED, LEFT
from waystation.store.sqlite.connections import open_connections
from waystation.store.sqlite.database import connect
from waystation.store.sqlite.moving import opened_to_move
from waystation.store.sqlite.serving import serving
from waystation.store.sqlite.store import SqliteStore

PLACE = "postgresql://here:5432/waystation"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    fill(tmp_path / "waystation.db")
    return tmp_path / "waystation.db"


def test_each_table_that_an_installation_fills_is_named_and_filled(path: Path) -> None:
    with opened_to_move(path, PLACE) as origin:
        tables = origin.tables()
        assert tables.keys() - {DERIVED, "migrations", "job_counts"} == FILLED.keys()
        for table, columns in tables.items():
            assert list(origin.rows(table, sorted(columns))), table
    assert set(LEFT) - {"commit_marks"} <= tables.keys()


def test_values_are_told_as_postgresql_takes_them(path: Path) -> None:
    with opened_to_move(path, PLACE) as origin:
        meta: dict[str, object] = dict(origin.rows("meta", ["name", "value"]))
        assert (meta["vault_check"], meta["epoch_floor"]) == ("AP8Q", "1764000000")
        assert origin.check == b"\x00\xff\x10"
        contents = [content for (content,) in origin.rows("jobs", ["content"])]
        assert contents == ["ab", None]
        texts = list(origin.rows(DERIVED, ["prompt", "number"]))
        assert texts == [(folded(PROMPT), 4400000000001)]
        assert origin.greatest("seen_messages") == 50
        assert origin.greatest("queue") == 23
        assert origin.greatest("accounts") == 0


def test_nobody_serves_or_writes_meanwhile(path: Path) -> None:
    with opened_to_move(path, PLACE):
        with pytest.raises(Conflict):
            serving(path)
        other = connect(path)
        other.set_busy_timeout(0)
        with pytest.raises(apsw.BusyError):
            other.execute("delete from mails")
        other.close()


def test_a_served_database_is_not_opened(path: Path) -> None:
    import os

    handle = serving(path)
    with pytest.raises(Conflict, match="A service uses"), opened_to_move(path, PLACE):
        pass
    os.close(handle)
    with opened_to_move(path, PLACE):
        pass


def test_a_moved_database_is_opened_no_more(path: Path) -> None:
    with opened_to_move(path, PLACE) as origin:
        origin.leave()
    with pytest.raises(Conflict, match=f"was moved to {PLACE}"):
        open_connections(path, SystemClock())
    # what was broken off is run again; what was moved goes nowhere else
    with opened_to_move(path, PLACE) as origin:
        assert "moved_to" not in dict(origin.rows("meta", ["name", "value"]))
    with (
        pytest.raises(Conflict, match="already"),
        opened_to_move(path, "postgresql://elsewhere:5432/waystation"),
    ):
        pass


def test_a_database_that_was_not_moved_after_all_is_opened(path: Path) -> None:
    with opened_to_move(path, PLACE) as origin:
        origin.leave()
        origin.stay()
    open_connections(path, SystemClock()).close()


@pytest.mark.parametrize(("number", "mend"), [(0, "waystation migrate"), (9999, "newer")])
def test_another_schema_is_refused(path: Path, number: int, mend: str) -> None:
    connection = apsw.Connection(str(path))
    newest = "(select max(number) from migrations)"
    connection.execute(f"update migrations set number = ? where number = {newest}", (number,))
    connection.close()
    with pytest.raises(SchemaMismatch, match=mend), opened_to_move(path, PLACE):
        pass


def test_a_process_that_writes_is_waited_for_and_named(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("waystation.store.sqlite.database._BUSY_TIMEOUT_MS", 1)
    other = connect(path)
    other.execute("begin immediate")
    with pytest.raises(Conflict, match="Another process writes"), opened_to_move(path, PLACE):
        pass
    other.close()


async def test_a_command_that_waited_for_the_lock_writes_nothing_into_a_file_that_was_moved(
    path: Path,
) -> None:
    # it would say that it has, and the rows are elsewhere
    store = await SqliteStore.open(path, SystemClock(), ghost_age=GHOST_AGE)
    try:
        with opened_to_move(path, PLACE) as origin:
            adding = asyncio.create_task(store.add_user("late@example.org", b"hash", START))
            done, _ = await asyncio.wait({adding}, timeout=0.2)
            assert not done
            origin.leave()
        with pytest.raises(Conflict, match="was moved to"):
            await adding
    finally:
        await store.close()
    found = connect(path).execute("select 1 from users where email like 'late%'").fetchall()
    assert found == []
