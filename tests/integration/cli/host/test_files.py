"""Files that a command of this host writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from waystation.cli.host.files import must_be_new
from waystation.errors import Conflict


def test_a_file_must_be_new(tmp_path: Path) -> None:
    must_be_new(tmp_path / "new")
    (tmp_path / "old").touch()
    with pytest.raises(Conflict, match="old exists"):
        must_be_new(tmp_path / "old")
