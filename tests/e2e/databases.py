"""Databases: a test's installation is on SQLite or, where its mark says so, on PostgreSQL too."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.records import PostgresRecords, Records
from tests.harness.postgresql import Cluster, needs_postgresql, put_away
from waystation.settings import Settings

__all__ = [
    "laid_out_on",
    "on_each_database",
    "on_postgresql_alone",
    "on_postgresql_too",
    "on_sqlite_alone",
    "open_records",
    "placed",
]

_LEASE_S = 3.0
"""A start after a crash waits for the end of the lease that the crash has left."""

_DIRECT = pytest.param("postgresql", marks=needs_postgresql)
_POOLED = pytest.param("pgbouncer", marks=needs_postgresql)

on_each_database = pytest.mark.databases("sqlite", _DIRECT, _POOLED)
"""Mark of a test that runs on SQLite, PostgreSQL, and PostgreSQL behind PgBouncer."""

on_postgresql_too = pytest.mark.databases("sqlite", _POOLED)
"""Mark of a test that runs on SQLite, and on PostgreSQL behind PgBouncer."""

on_postgresql_alone = pytest.mark.databases(_DIRECT, _POOLED)
"""Mark of a test that needs several nodes: on PostgreSQL, and on PostgreSQL behind PgBouncer."""

on_sqlite_alone = pytest.mark.databases()
"""Mark of a test that does something to a file, in a module that runs on more."""

_chosen: list[str] = []


@contextlib.contextmanager
def laid_out_on(kind: str, cluster: Cluster) -> Iterator[None]:
    """Let all that is laid out meanwhile use a new database on a server."""
    with put_away(cluster) as name:
        url = cluster.url(name) if kind == "postgresql" else cluster.pooled_url(name)
        _chosen.append(url)
        try:
            yield
        finally:
            _chosen.pop()


def placed(values: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a service, on the database of the test unless they name one."""
    if not _chosen or "database_url" in values:
        return values
    return {"database_url": _chosen[-1], "lease_s": _LEASE_S, **values}


def open_records(settings: Settings) -> Records:
    """Open the database of a service beside it."""
    url = settings.postgresql_url
    return Records(settings.database_path) if url is None else PostgresRecords(url)
