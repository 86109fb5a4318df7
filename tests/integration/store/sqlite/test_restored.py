from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.harness.filled import fill
from waystation.clock import SystemClock
from waystation.errors import Conflict
from waystation.store.sqlite.connections import open_connections
from waystation.store.sqlite.moving import opened_to_move
from waystation.store.sqlite.restored import declare
from waystation.store.sqlite.serving import serving
from waystation.store.transactions.restored import COPIED, UNSETTLED, mark_of


def test_a_file_that_was_moved_is_a_copy_from_now_on(tmp_path: Path) -> None:
    path = tmp_path / "waystation.db"
    fill(path)
    with opened_to_move(path, "there") as origin:
        origin.leave()
    declare(path)
    with opened_to_move(path, "elsewhere") as origin:
        marks: dict[str, object] = dict(origin.rows("meta", ["name", "value"]))
    assert marks["restored"] == str(COPIED)
    opened = open_connections(path, SystemClock())
    assert mark_of(opened.near) == UNSETTLED
    opened.close()


def test_a_served_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "waystation.db"
    fill(path)
    handle = serving(path)
    with pytest.raises(Conflict, match="A service uses"):
        declare(path)
    os.close(handle)
