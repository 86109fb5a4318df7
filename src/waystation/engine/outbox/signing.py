"""Signing: the headers of an attempt, signed with the secrets of the job's user.

How it works: the secrets are rows, read and unsealed for each attempt, so that a new secret signs
the next attempt whichever process makes it. Nothing is signed for a user who has no secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from waystation.callbacks import Callback
from waystation.ports import Clock, Deliveries, Sealer
from waystation.signatures import signatures

__all__ = ["TABLE", "Signing"]

TABLE: Final = "signing_secrets"
"""Table under which the vault seals a secret."""


class Signing:
    """Makes the headers by which a receiver knows a callback."""

    def __init__(self, store: Deliveries, sealer: Sealer, clock: Clock) -> None:
        self._store = store
        self._sealer = sealer
        self._clock = clock

    async def headers(self, callback: Callback) -> Mapping[str, str]:
        """Return the headers of one attempt.

        Source: Standard Webhooks 1.0.0, "Webhook headers"
        Raises: StoreError; VaultError: a secret cannot be opened
        """
        timestamp = int(self._clock.wall().timestamp())
        rows = await self._store.signing_secrets(callback.user_id, self._clock.now())
        secrets = [self._sealer.unseal(TABLE, row.secret_id, row.sealed) for row in rows]
        headers = {
            "webhook-id": callback.callback_id,
            "webhook-timestamp": str(timestamp),
            "waystation-sequence": str(callback.sequence),
        }
        if secrets:
            headers["webhook-signature"] = signatures(
                secrets, callback.callback_id, timestamp, callback.body
            )
        return headers
