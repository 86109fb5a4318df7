"""Links: working links in place of those of a job that have ended (R41).

How it works: what has ended is renewed through the account whose job it is, remembered until it
ends too, and never written to the store. Where that cannot be had, the old link stays: a form with
a dead link is better than none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import structlog

from waystation.deliveries import Delivery
from waystation.engine.pool import Pool
from waystation.errors import StoreError, TransportError
from waystation.ports import Clock, Store
from waystation.signed_links import expired_links, expires_at, with_links

__all__ = ["Links"]

_log = structlog.get_logger("waystation.links")

_WAIT_S: Final = 5.0
"""How long a reader or a delivery waits for Discord."""
_AGAIN_S: Final = 30.0
"""How long an account is not asked again after it failed to renew."""
_AT_ONCE: Final = 50
"""Discord's most links per request. Source: wire notes 1.6."""
_KEPT: Final = 10_000
"""Links remembered, some 500 bytes each."""


class Links:
    """Renews links, each once."""

    def __init__(self, store: Store, pool: Pool, clock: Clock) -> None:
        self._store = store
        self._pool = pool
        self._clock = clock
        self._fresh: dict[str, str] = {}
        self._not_before: dict[str, float] = {}
        """Account → monotonic seconds before which it is not asked again."""

    async def in_form(self, account_id: str, body: bytes) -> bytes:
        """Return a job form with working links."""
        now = self._clock.now()
        expired = expired_links(body, now)
        if not expired:
            return body
        unknown = [link for link in expired if not self._works(link)]
        if unknown:
            await self._renew(account_id, unknown[:_AT_ONCE])
        return with_links(body, {link: self._fresh[link] for link in expired if self._works(link)})

    async def in_delivery(self, delivery: Delivery) -> Delivery:
        """Return a delivery whose body has working links."""
        if not expired_links(delivery.body, self._clock.now()):
            return delivery
        job = await self._store.get_job(delivery.jobid, None)
        if job is None:
            return delivery
        return replace(delivery, body=await self.in_form(job.account_id, delivery.body))

    def _works(self, link: str) -> bool:
        ends = expires_at(self._fresh.get(link, ""))
        return ends is not None and ends > self._clock.now().timestamp()

    async def _renew(self, account_id: str, links: Sequence[str]) -> None:
        owner = self._pool.get(account_id)
        now = self._clock.monotonic()
        if owner is None or self._not_before.get(account_id, now) > now:
            return
        try:
            async with asyncio.timeout(_WAIT_S):
                fresh = await owner.transport.refresh_links(links)
        except (TransportError, StoreError, TimeoutError) as error:
            self._not_before[account_id] = now + _AGAIN_S
            _log.warning("links.not_renewed", account=account_id, reason=str(error))
            return
        self._fresh |= fresh
        while len(self._fresh) > _KEPT:
            del self._fresh[next(iter(self._fresh))]
