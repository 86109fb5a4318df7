"""Databases: each duty of a store is tried on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.postgresql import Cluster, needs_postgresql, put_away

DATABASES = [
    "sqlite",
    pytest.param("postgresql", marks=needs_postgresql),
    pytest.param("pgbouncer", marks=needs_postgresql),
]


@pytest.fixture(params=DATABASES)
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A new database: a path, or a URL."""
    if request.param == "sqlite":
        yield str(tmp_path / "w.db")
        return
    cluster: Cluster = request.getfixturevalue("postgresql")
    with put_away(cluster) as name:
        yield cluster.url(name) if request.param == "postgresql" else cluster.pooled_url(name)
