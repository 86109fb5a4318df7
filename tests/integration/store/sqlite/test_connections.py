from __future__ import annotations

import contextlib
from pathlib import Path

import apsw
import pytest

from tests.fakes import FakeClock
from waystation.errors import StoreError
from waystation.store.sqlite.connections import open_connections


def test_one_connection_writes_and_the_others_only_read(tmp_path: Path) -> None:
    connections = open_connections(tmp_path / "new" / "w.db", FakeClock())
    connections.writer.run("put_meta", {"name": "a", "value": 1})
    for reader in (connections.near, connections.far, connections.search):
        assert reader.one("meta", {"name": "a"}) == (1,)
        with pytest.raises(apsw.ReadOnlyError):
            reader.run("put_meta", {"name": "a", "value": 2})
    assert (tmp_path / "new" / "w.db").stat().st_mode & 0o077 == 0
    connections.close()


def test_a_file_that_is_no_database_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "w.db").write_bytes(b"no database at all, and long enough to be none" * 30)
    with pytest.raises(StoreError, match="cannot be used"):
        open_connections(tmp_path / "w.db", FakeClock())


def _unnamed_files() -> set[str]:
    """Return the open files that have no name any more, as SQLite's temporary ones."""
    found: set[str] = set()
    for one in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.add(str(one.readlink()))
    return {name for name in found if name.endswith("(deleted)")}


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are listed on Linux")
def test_a_large_batch_of_updates_writes_no_temporary_file(tmp_path: Path) -> None:
    connections = open_connections(tmp_path / "w.db", FakeClock())
    connection = connections.writer.connection
    connection.execute("create table rows (number integer primary key, body text)")
    connection.execute("create table counted (number integer)")
    # a statement with a trigger may have to be taken back
    connection.execute(
        "create trigger counting after update on rows begin insert into counted values (1); end"
    )
    before = _unnamed_files()
    connection.execute("begin immediate")
    for number in range(200):
        connection.execute("insert into rows values (?, ?)", (number, "x" * 4000))
    for _ in range(3):
        connection.execute("update rows set body = upper(body)")
    assert _unnamed_files() <= before
    connection.execute("commit")
    connections.close()
