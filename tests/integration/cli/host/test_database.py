"""This host's database, opened for one command."""

from __future__ import annotations

from pathlib import Path

import pytest

from waystation.app import State
from waystation.cli.host.database import find, on_host
from waystation.errors import ConfigurationError, NotFound


async def emails(state: State) -> list[str]:
    return [user.email for user in await state.store.list_users()]


def test_a_database_that_is_not_there_is_told_and_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYSTATION_DATA_DIR", str(tmp_path / "data"))
    with pytest.raises(ConfigurationError, match="There is no database"):
        on_host(None, emails)
    assert not (tmp_path / "data").exists()


def test_a_user_who_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYSTATION_DATA_DIR", str(tmp_path))
    (tmp_path / "waystation.db").touch()
    with pytest.raises(NotFound, match="There is no user 7"):
        on_host(None, lambda state: find(state, "7"))
