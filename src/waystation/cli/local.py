"""Local: this host's database and key, for commands that work without a running service.

They work beside a running one too: SQLite serialises the writes, and owning the accounts is the
server's alone (R39).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from waystation.settings import Settings
    from waystation.store.sqlite import SqliteStore
    from waystation.vault import Vault

__all__ = ["Local", "opened_local", "opened_vault"]


class Local:
    """The open store and the vault that belongs to it."""

    def __init__(self, settings: Settings, store: SqliteStore, vault: Vault) -> None:
        self.settings = settings
        self.store = store
        self.vault = vault


@asynccontextmanager
async def opened_local(config: Path | None = None) -> AsyncIterator[Local]:
    """Open database and key, made or migrated as needed.

    Raises: ConfigurationError, StoreError, VaultError
    """
    from waystation import settings
    from waystation.clock import SystemClock
    from waystation.store.sqlite import SqliteStore

    found = settings.load(config)
    store = await SqliteStore.open(found.database_path, SystemClock())
    try:
        yield Local(found, store, await opened_vault(found, store))
    finally:
        await store.close()


async def opened_vault(settings: Settings, store: SqliteStore) -> Vault:
    """Open the key ring that the database was sealed with; the first use of a database makes one.

    Raises: VaultError: wrong or missing; names the mend
    """
    from waystation.vault import open_vault

    check = await store.load_check()
    vault = open_vault(
        settings.data_dir,
        sealed_rows_exist=await store.has_sealed_rows(),
        check=check,
        key=settings.key if settings.key.reveal() else None,
    )
    if check is None:
        await store.save_check(vault.new_check())
    return vault
