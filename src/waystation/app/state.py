"""State: the database, the vault and the clock, opened for the service or a command."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

from waystation.clock import SystemClock
from waystation.errors import ConfigurationError
from waystation.settings import Settings
from waystation.store.sqlite.store import SqliteStore
from waystation.vault import Vault, open_vault

__all__ = ["State", "open_state"]


@dataclass(frozen=True, slots=True)
class State:
    """The opened store and vault, and the clock by which the store counts."""

    store: SqliteStore
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
    store = await SqliteStore.open(
        settings.database_path, clock, ghost_age=timedelta(seconds=settings.ghost_life_s)
    )
    try:
        check = await store.load_check()
        vault = open_vault(
            settings.data_dir,
            sealed_rows_exist=await store.has_sealed_rows(),
            check=check,
            key=settings.key if settings.key.reveal() else None,
        )
        if check is None:
            await store.save_check(vault.new_check())
        yield State(store, vault, clock)
    finally:
        await store.close()
