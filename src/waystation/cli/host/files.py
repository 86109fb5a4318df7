"""Files that a command of this host writes for a person."""

from __future__ import annotations

from pathlib import Path

from waystation.errors import Conflict

__all__ = ["WRITABLE", "must_be_new"]

WRITABLE = "Name a file in a directory that this user may write, on a disk that has room."


def must_be_new(file: Path) -> None:
    """Refuse to write over a file. Raises: Conflict."""
    if file.exists():
        raise Conflict(f"The file {file} exists", details="Name another one, or move it away.")
