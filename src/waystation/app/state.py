"""State: the database, the vault and the clock, opened for the service or a command."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec

from waystation.clock import SystemClock
from waystation.errors import ConfigurationError
from waystation.ports import ServiceStore
from waystation.settings import Settings
from waystation.vault import KEY_FILE, Vault, confirm, open_vault

__all__ = ["State", "key_place", "open_state", "require_postgresql"]


@dataclass(frozen=True, slots=True)
class State:
    """The opened store and vault, and the clock by which the store counts."""

    store: ServiceStore
    vault: Vault
    clock: SystemClock


@contextlib.asynccontextmanager
async def open_state(settings: Settings) -> AsyncIterator[State]:
    """Open the database, migrated as needed, and the vault that belongs to it.

    Raises: ConfigurationError, SchemaMismatch, StoreError, VaultError: each names the mend
    """
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigurationError(
            f"The data directory {settings.data_dir} cannot be made: {error.strerror}. "
            "Set WAYSTATION_DATA_DIR to a directory that this user may write."
        ) from error
    clock = SystemClock()
    store = await _opened(settings, clock)
    try:
        shared = await store.shared_time()
        if shared is not None:
            clock.follow(shared)
        check = await store.load_check()
        embedded = settings.postgresql_url is None
        vault = open_vault(
            settings.data_dir,
            sealed_rows_exist=await store.has_sealed_rows(),
            check=check,
            key=settings.key if settings.key.reveal() else None,
            makes=embedded,
        )
        if check is None:
            # another node may have been first, with another key
            standing = await store.first_check(vault.new_check())
            confirm(vault, standing, key_place(settings))
        store.publish_keys(vault.names)
        yield State(store, vault, clock)
    finally:
        await store.close()


def key_place(settings: Settings) -> str:
    """Return where the key ring is, in words."""
    return "WAYSTATION_KEY" if settings.key.reveal() else str(settings.data_dir / KEY_FILE)


def require_postgresql() -> None:
    """Make sure that the packages of the extra are there. Raises: ConfigurationError."""
    missing = [name for name in ("asyncpg", "greenlet") if find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"The database is PostgreSQL, and {' and '.join(missing)} "
            f"{'are' if len(missing) > 1 else 'is'} not installed. Install the packages of "
            "waystation[postgresql]: `pip install --require-hashes -r requirements/postgresql.txt`."
        )


async def _opened(settings: Settings, clock: SystemClock) -> ServiceStore:
    ghost_age = timedelta(seconds=settings.ghost_life_s)
    url = settings.postgresql_url
    # one database is used, and the other's driver costs memory
    if url is None:
        from waystation.store.sqlite.store import SqliteStore

        return await SqliteStore.open(settings.database_path, clock, ghost_age=ghost_age)
    require_postgresql()
    from waystation.app.pooling import pool_bounds
    from waystation.store.postgresql.store import PostgresStore

    bounds = pool_bounds(settings)
    return await PostgresStore.open(url, clock, ghost_age=ghost_age, bounds=bounds)
