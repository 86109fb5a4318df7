"""Keys: the key that signs a user's links, kept sealed (R45, R47).

How it works: the key is a row, read and unsealed for each link. So another key ends all links of a
user at once, whichever process made it.
"""

from __future__ import annotations

from typing import Final

from waystation.media.links import KEY_BYTES
from waystation.ports import Clock, IdSource, MediaKey, MediaKeys, Sealer

__all__ = ["TABLE", "Keys"]

TABLE: Final = "media_keys"
"""Table under which the vault seals a key."""


class Keys:
    """Makes and reads the keys."""

    def __init__(self, store: MediaKeys, sealer: Sealer, clock: Clock, ids: IdSource) -> None:
        self._store = store
        self._sealer = sealer
        self._clock = clock
        self._ids = ids

    async def known(self, user_id: int) -> bytes | None:
        """Return a user's key, None before one was made. Raises: StoreError, VaultError."""
        row = await self._store.get(user_id)
        return None if row is None else self._opened(row)

    async def of(self, user_id: int) -> bytes:
        """Return a user's key, made where there is none yet. Raises: StoreError, VaultError."""
        key = await self.known(user_id)
        return self._opened(await self._store.add(self._new(user_id))) if key is None else key

    async def rotate(self, user_id: int) -> None:
        """Make a new key: links that were signed before work no more. Raises: StoreError."""
        await self._store.replace(self._new(user_id))

    def _new(self, user_id: int) -> MediaKey:
        key = self._ids.token(KEY_BYTES).encode()
        return MediaKey(user_id, self._sealer.seal(TABLE, str(user_id), key), self._clock.now())

    def _opened(self, row: MediaKey) -> bytes:
        return self._sealer.unseal(TABLE, str(row.user_id), row.sealed)
