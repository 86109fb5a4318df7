"""Migrations: numbered files of SQL in the folder `migrations` of a database's package."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

__all__ = ["Migration", "migrations_of"]

_FILE_NAME = re.compile(r"(\d{4})_(\w+)\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema, named by its effect."""

    number: int
    name: str
    script: str


@cache
def migrations_of(package: str) -> tuple[Migration, ...]:
    """Return every migration of a package (`waystation.store.sqlite`), in order."""
    found = []
    for file in files(package).joinpath("migrations").iterdir():
        match = _FILE_NAME.fullmatch(file.name)
        if match:
            found.append(Migration(int(match[1]), match[2], file.read_text("utf-8")))
    return tuple(sorted(found, key=lambda migration: migration.number))
