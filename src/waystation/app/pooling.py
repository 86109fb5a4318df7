"""Pooling: the operator's numbers of a PostgreSQL database; imported where one is used."""

from __future__ import annotations

from waystation.settings import Settings
from waystation.store.postgresql.pool import PoolBounds

__all__ = ["pool_bounds"]


def pool_bounds(settings: Settings) -> PoolBounds:
    """Return the bounds of this process's connections."""
    return PoolBounds(
        connections=settings.database_connections,
        connect_s=settings.database_connect_s,
        statement_s=settings.database_statement_s,
    )
