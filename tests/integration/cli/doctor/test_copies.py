"""The doctor's finding on copies of files."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from waystation.cli.doctor.copies import look_at_copies
from waystation.settings import Settings, load

GIB = 1024**3


def settings(tmp_path: Path, **values: Any) -> Settings:
    return load(environ={}, flags={"data_dir": str(tmp_path / "data"), **values})


@pytest.fixture(autouse=True)
def disk(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Let the disk have as much room as a test says."""
    told = {"free": 50 * GIB, "total": 100 * GIB}
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(**told))
    return told


def test_copies_lie_in_the_data_directory_and_have_a_bound(tmp_path: Path) -> None:
    found = look_at_copies(settings(tmp_path, media_gib=2.5))
    assert found.level == "ok"
    assert found.what == f"copies of files lie in {tmp_path / 'data' / 'media'}, 2.5 GiB at most"


@pytest.mark.parametrize(
    "values", [{"media": "refresh"}, {"database_url": "postgresql://127.0.0.1/x"}]
)
def test_no_copies_are_told_as_such(tmp_path: Path, values: dict[str, str]) -> None:
    found = look_at_copies(settings(tmp_path, **values))
    assert (found.level, found.what.startswith("no copies of files are kept")) == ("ok", True)


def test_a_disk_without_room_is_told(tmp_path: Path, disk: dict[str, int]) -> None:
    disk["free"] = 9 * GIB
    found = look_at_copies(settings(tmp_path))
    assert found.level == "warning"
    assert "9.0 GiB free, and copies leave 10.0 GiB to others" in found.what


def test_a_folder_of_several_nodes_has_to_be_shared(tmp_path: Path) -> None:
    values = {"database_url": "postgresql://127.0.0.1/x", "media": f"local:{tmp_path}"}
    found = look_at_copies(settings(tmp_path, **values))
    assert found.level == "warning"
    assert "Mount the same folder" in found.mend


def test_a_folder_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    found = look_at_copies(settings(tmp_path, media=f"local:{tmp_path / 'a' / 'b'}"))
    assert found.what.endswith(f"this user may not write {tmp_path}")
