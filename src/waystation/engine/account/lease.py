"""Lease: the right to act for an account until a moment, renewed long before (R17).

Rules: its end is counted from before the store was asked. A renewal under another epoch means that
somebody else has held the account meanwhile.
"""

from __future__ import annotations

from datetime import timedelta

from waystation.errors import LeaseLost
from waystation.ports import Accounts, Clock

__all__ = ["Lease"]


class Lease:
    """One account's lease, from `take` on."""

    def __init__(
        self, store: Accounts, clock: Clock, account_id: str, holder: str, length_s: float
    ) -> None:
        self._store = store
        self._clock = clock
        self._account_id = account_id
        self._holder = holder
        self._length_s = length_s
        self.epoch = 0
        self.ends = 0.0
        """Monotonic seconds."""

    async def take(self) -> None:
        """Take the lease. Raises: StoreError: somebody else has it, or the store is down."""
        self.epoch, self.ends = await self._claim()

    async def keep(self) -> None:
        """Renew it until cancelled. Raises: StoreError, LeaseLost."""
        while True:
            await self._clock.sleep(self._length_s / 3)
            epoch, ends = await self._claim()
            if epoch != self.epoch:
                raise LeaseLost("The lease had run out and somebody else held it meanwhile")
            self.ends = ends

    def request_timeout_s(self, limit_s: float) -> float:
        """Return how long a request may take: never past the lease.

        Raises: LeaseLost: nothing remains
        """
        remains_s = self.ends - self._clock.monotonic() - 1
        if remains_s <= 0:
            raise LeaseLost
        return min(limit_s, remains_s)

    async def _claim(self) -> tuple[int, float]:
        now, asked_at = self._clock.now(), self._clock.monotonic()
        until = now + timedelta(seconds=self._length_s)
        epoch = await self._store.claim_account(self._account_id, self._holder, now, until)
        return epoch, asked_at + self._length_s
