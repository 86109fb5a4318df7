"""Frozen: the statements of a version as it was released, and the schema that it was made for.

`python -m tests.released.frozen` writes those of this version, for its release. They are those of
PostgreSQL: a SQLite file has one process, so that no version works beside another one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from waystation.store.postgresql.database import queries
from waystation.store.postgresql.migrate import migrations
from waystation.store.postgresql.named import Statement

__all__ = ["Release", "releases"]

_FOLDER = Path(__file__).parent


class Release(NamedTuple):
    """A version that nodes may still run."""

    schema: int
    """Number of its newest migration."""
    statements: Mapping[str, Statement]


def releases() -> list[Release]:
    """Return the released versions, the oldest first."""
    found = [json.loads(path.read_bytes()) for path in sorted(_FOLDER.glob("*.json"))]
    return [
        Release(
            one["schema"],
            {
                name: Statement(text, tuple(names))
                for name, (text, names) in one["statements"].items()
            },
        )
        for one in found
    ]


def _freeze() -> Path:
    schema = migrations()[-1].number
    statements = {name: [one.text, list(one.names)] for name, one in sorted(queries().items())}
    path = _FOLDER / f"schema{schema:04}.json"
    path.write_text(json.dumps({"schema": schema, "statements": statements}, indent=1) + "\n")
    return path


if __name__ == "__main__":
    print(_freeze())
