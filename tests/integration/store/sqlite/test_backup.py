"""Copies of a database, and putting one back."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from tests import build
from waystation.errors import Conflict, SchemaMismatch, StoreError
from waystation.store.sqlite import backup as module
from waystation.store.sqlite.backup import back_up, look_into, put_back
from waystation.store.sqlite.database import Database, connect
from waystation.store.sqlite.migrate import migrate, migrations
from waystation.store.sqlite.serving import serving
from waystation.store.transactions import accounts

NEWEST = migrations()[-1].number


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "w.db"


@pytest.fixture
def connection(path: Path) -> Iterator[apsw.Connection]:
    path.parent.mkdir()
    made = connect(path)
    migrate(made, build.later(), None)
    yield made
    made.close()


def add_user(connection: apsw.Connection, email: str) -> None:
    accounts.add_user(Database(connection), email, b"hash", build.later())


def users(path: Path) -> list[str]:
    opened = connect(path, read_only=True)
    try:
        return [
            str(row[0]) for row in opened.execute("select email from users order by 1").fetchall()
        ]
    finally:
        opened.close()


def test_a_copy_has_all_that_was_committed_and_is_its_owners_alone(
    connection: apsw.Connection, tmp_path: Path
) -> None:
    add_user(connection, "a@example.org")
    copy = back_up(connection, tmp_path / "elsewhere" / "copy.db")
    add_user(connection, "b@example.org")
    found = look_into(copy)
    assert (found.schema, found.users, found.jobs) == (NEWEST, 1, 0)
    assert copy.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in copy.parent.iterdir()] == ["copy.db"]


def test_a_copy_that_cannot_be_finished_leaves_nothing(
    connection: apsw.Connection, tmp_path: Path
) -> None:
    target = tmp_path / "full" / "copy.db"
    (target.parent / "copy.db").mkdir(parents=True)
    with pytest.raises(OSError):
        back_up(connection, target)
    assert [file.name for file in target.parent.iterdir()] == ["copy.db"]


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a copy end as on a disk that fills up meanwhile: a journal stands beside it."""

    def fill(source: apsw.Connection, target: Path) -> None:
        target.touch()
        target.with_name(target.name + "-journal").touch()
        raise apsw.FullError("not an error")

    monkeypatch.setattr(module, "_copy", fill)


@pytest.mark.usefixtures("full")
def test_a_full_disk_is_told_and_leaves_no_file(
    connection: apsw.Connection, tmp_path: Path
) -> None:
    target = tmp_path / "full" / "copy.db"
    with pytest.raises(OSError, match="No space left on device") as caught:
        back_up(connection, target)
    assert caught.value.filename == str(target)
    assert list(target.parent.iterdir()) == []


def test_a_full_disk_leaves_the_database_that_was_to_be_replaced(
    connection: apsw.Connection, path: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    copy = back_up(connection, tmp_path / "copy.db")
    add_user(connection, "a@example.org")
    connection.close()
    path.with_name("kept.db").unlink(missing_ok=True)
    before = sorted(file.name for file in path.parent.iterdir())
    request.getfixturevalue("full")
    with pytest.raises(StoreError, match="could not be replaced") as caught:
        put_back(copy, path, path.with_name("kept.db"), NEWEST)
    assert caught.value.details == "No space left on device"
    assert users(path) == ["a@example.org"]
    assert set(before) | {"w.db.serve"} >= {file.name for file in path.parent.iterdir()}


def test_a_pipe_is_no_backup(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StoreError, match="is no file"):
        look_into(tmp_path / "pipe")


def test_a_backup_takes_the_place_of_the_database_which_is_kept(
    connection: apsw.Connection, path: Path, tmp_path: Path
) -> None:
    add_user(connection, "a@example.org")
    copy = back_up(connection, tmp_path / "copy.db")
    add_user(connection, "b@example.org")
    connection.close()
    kept = put_back(copy, path, tmp_path / "kept.db", NEWEST)
    assert (users(path), kept) == (["a@example.org"], tmp_path / "kept.db")
    assert kept is not None and users(kept) == ["a@example.org", "b@example.org"]
    assert path.stat().st_mode & 0o777 == 0o600
    again = connect(path)
    migrate(again, build.later(1), None)
    # epochs are above any ever issued, and the open jobs are to be ended
    assert Database(again).one("meta", {"name": "restored"}) == (1,)
    again.close()


def test_changes_that_stand_in_the_log_alone_are_kept_and_do_not_come_back(
    connection: apsw.Connection, path: Path, tmp_path: Path
) -> None:
    """A killed service leaves a log beside the file; it must not be played into the backup."""
    copy = back_up(connection, tmp_path / "copy.db")
    add_user(connection, "a@example.org")
    killed = tmp_path / "killed"
    shutil.copytree(path.parent, killed)
    assert (killed / "w.db-wal").stat().st_size
    kept = put_back(copy, killed / "w.db", killed / "kept.db", NEWEST)
    assert users(killed / "w.db") == []
    assert kept is not None and users(kept) == ["a@example.org"]


def test_a_new_place_gets_the_backup(
    connection: apsw.Connection, path: Path, tmp_path: Path
) -> None:
    add_user(connection, "a@example.org")
    copy = back_up(connection, tmp_path / "copy.db")
    other = tmp_path / "other" / "w.db"
    assert put_back(copy, other, tmp_path / "kept.db", NEWEST) is None
    assert users(other) == ["a@example.org"]


def test_a_database_that_is_served_stays(
    connection: apsw.Connection, path: Path, tmp_path: Path
) -> None:
    copy = back_up(connection, tmp_path / "copy.db")
    add_user(connection, "a@example.org")
    handle = serving(path)
    try:
        with pytest.raises(Conflict, match="A service uses"):
            put_back(copy, path, tmp_path / "kept.db", NEWEST)
    finally:
        os.close(handle)
    with pytest.raises(Conflict, match="Another process"):
        put_back(copy, path, tmp_path / "kept.db", NEWEST)
    assert users(path) == ["a@example.org"]
    connection.close()
    assert put_back(copy, path, tmp_path / "kept.db", NEWEST)
    assert users(path) == []


def test_a_file_that_is_no_backup_changes_nothing(
    connection: apsw.Connection, path: Path, tmp_path: Path
) -> None:
    add_user(connection, "a@example.org")
    diary, other, torn = tmp_path / "diary", tmp_path / "other.db", tmp_path / "torn.db"
    diary.write_text("no database\n" * 500)
    apsw.Connection(str(other)).execute("create table a (b)")
    whole = back_up(connection, tmp_path / "copy.db").read_bytes()
    torn.write_bytes(whole[: len(whole) // 2])
    for file in (diary, other, torn, tmp_path / "missing.db"):
        with pytest.raises(StoreError, match=str(file)):
            put_back(file, path, tmp_path / "kept.db", NEWEST)
    with pytest.raises(Conflict, match="the database itself"):
        put_back(path, path, tmp_path / "kept.db", NEWEST)
    assert users(path) == ["a@example.org"]
    assert not (tmp_path / "kept.db").exists()


def test_a_backup_of_a_newer_version_is_refused(
    connection: apsw.Connection, path: Path, tmp_path: Path
) -> None:
    copy = back_up(connection, tmp_path / "copy.db")
    with pytest.raises(SchemaMismatch, match=str(NEWEST)):
        put_back(copy, path, tmp_path / "kept.db", NEWEST - 1)
