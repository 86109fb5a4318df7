"""News: how this process hears of other nodes, and tells them, by the settings."""

from __future__ import annotations

from waystation.ports import Clock, IdSource, ServiceStore
from waystation.ports.wakes import Alone, Wakes
from waystation.settings import Settings

__all__ = ["wakes_of"]


def wakes_of(settings: Settings, store: ServiceStore, clock: Clock, ids: IdSource) -> Wakes:
    """Return how this node hears of the others, and tells them."""
    url = settings.postgresql_url
    if url is None:
        return Alone()
    # one database is used, and the other's driver costs memory
    from waystation.store.postgresql.listening import PostgresWakes

    return PostgresWakes(settings.listens_at(pooled=store.pooled), url, clock, ids)
