from __future__ import annotations

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
