"""StoreDeliveries: what users may know and decide of the callbacks of their jobs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from waystation.ports import SigningSecret
from waystation.store.columns import micros
from waystation.store.rows import SIGNING_SECRETS
from waystation.store.sqlite.database import Database
from waystation.store.sqlite.reader import Reader
from waystation.store.sqlite.writer import Writer

__all__ = ["StoreDeliveries", "purge", "replace_signing_secret"]


class StoreDeliveries:
    """`ports.Deliveries` on the connections of a store."""

    def __init__(self, writer: Writer, near: Reader) -> None:
        self._writer = writer
        self._near = near

    async def signing_secrets(self, user_id: int, at: datetime) -> Sequence[SigningSecret]:
        rows = self._near.all("signing_secrets", {"user_id": user_id, "at": micros(at)})
        return [SIGNING_SECRETS.read(row) for row in rows]

    async def replace_signing_secret(
        self, secret: SigningSecret, former_until: datetime, most: int
    ) -> bool:
        return await self._writer.run(
            lambda database: replace_signing_secret(database, secret, former_until, most)
        )

    async def purge(self, at: datetime) -> None:
        await self._writer.run(lambda database: purge(database, at))


def replace_signing_secret(
    database: Database, secret: SigningSecret, former_until: datetime, most: int
) -> bool:
    """Let a new secret sign beside those before it; False when `most` sign already."""
    at = micros(secret.made_at)
    signing = database.all("signing_secrets", {"user_id": secret.user_id, "at": at})
    if len(signing) >= most:
        return False
    database.run("end_signing_secret", {"user_id": secret.user_id, "ends_at": micros(former_until)})
    database.run("insert_signing_secret", SIGNING_SECRETS.values(secret))
    return True


def purge(database: Database, at: datetime) -> None:
    """Delete what is over."""
    database.run("purge_signing_secrets", {"at": micros(at)})
