"""Deliveries: what a caller may know and decide of the callbacks of their jobs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from waystation import sentences
from waystation.engine.outbox.signing import TABLE
from waystation.errors import Throttled
from waystation.ports import Clock, IdSource, Sealer, SigningSecret, User
from waystation.ports import Deliveries as Store
from waystation.secret import Secret
from waystation.signatures import SECRET_BYTES, as_text

__all__ = ["FORMER_SIGNS", "SIGNING_AT_ONCE", "Deliveries"]

FORMER_SIGNS: Final = timedelta(hours=24)
"""How long a secret that was replaced signs, too: so long a receiver may take to learn the new one.
"""
SIGNING_AT_ONCE: Final = 6
"""Secrets of one user: each is a signature in a header of each attempt."""


class Deliveries:
    """The caller's side of callbacks."""

    def __init__(self, store: Store, sealer: Sealer, clock: Clock, ids: IdSource) -> None:
        self._store = store
        self._sealer = sealer
        self._clock = clock
        self._ids = ids

    def shown(self, moment: datetime) -> datetime:
        """Return an instant of the service's own time as people's clocks show it (R28)."""
        return moment + (self._clock.wall() - self._clock.now())

    async def secrets(self, user: User) -> Sequence[SigningSecret]:
        """Return the secrets that sign the caller's callbacks, the newest first."""
        return await self._store.signing_secrets(user.user_id, self._clock.now())

    async def new_secret(self, user: User) -> Secret:
        """Make the secret that signs the caller's callbacks from now on, and return its text.

        It is never shown again. Those before it sign, too, for `FORMER_SIGNS`.

        Raises: Throttled
        """
        now = self._clock.now()
        secret = self._ids.token(SECRET_BYTES).encode()
        secret_id = self._ids.token(18)
        sealed = self._sealer.seal(TABLE, secret_id, secret)
        row = SigningSecret(secret_id, user.user_id, sealed, now)
        former_until = now + FORMER_SIGNS
        if not await self._store.replace_signing_secret(row, former_until, SIGNING_AT_ONCE):
            raise Throttled(
                sentences.SECRETS_AT_ONCE.said(limit=SIGNING_AT_ONCE), retry_after_s=3600
            )
        return Secret(as_text(secret))
