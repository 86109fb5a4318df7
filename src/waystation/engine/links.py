"""Links: working links in place of those of a job that have ended (R41).

How it works: what has ended is renewed through the account whose job it is, remembered until it
ends too, and never written to the store. Where that cannot be had, the old link stays: a form with
a dead link is better than none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from waystation.callbacks import Callback
from waystation.engine.account.deeds import Deeds
from waystation.engine.throttle import Throttle
from waystation.errors import StoreError, Throttled, TransportError, Unavailable
from waystation.ports import Clock, Jobs
from waystation.signed_links import expired_links, expires_at, with_links

__all__ = ["KEPT_LINKS", "RENEWALS", "Links"]

_log = structlog.get_logger("waystation.links")

_WAIT_S: Final = 5.0
"""How long a reader or a callback waits for Discord."""
_AGAIN_S: Final = 30.0
"""How long an account is not asked again after it failed to renew."""
_MISSED_S: Final = 600.0
"""How long a link is not asked for again that Discord did not renew."""
_GATHER_S: Final = 0.02
"""How long a file waits for others whose links are renewed with its own."""
_AT_ONCE: Final = 50
"""Discord's most links per request. Source: wire notes 1.6."""
RENEWALS: Final = 60
"""Of one account and minute, whoever reads its jobs; a request renews `_AT_ONCE` links."""
KEPT_LINKS: Final = 10_000
"""Links remembered, some 500 bytes each."""


class Links:
    """Renews links, each once, however many ask for them.

    Args: discord_now: what time Discord has, which is what its links end by (R28)
    """

    def __init__(
        self,
        store: Jobs,
        deeds: Deeds,
        clock: Clock,
        discord_now: Callable[[], datetime] | None = None,
    ) -> None:
        self._store = store
        self._deeds = deeds
        self._clock = clock
        self._discord_now = discord_now or clock.wall
        self._fresh: dict[str, str] = {}
        self._missed: dict[str, float] = {}
        """Link that Discord does not renew → monotonic seconds before which it is left alone."""
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._gathering: dict[str, tuple[asyncio.Task[None], dict[str, None]]] = {}
        """Account → links that are asked for together in a moment."""
        self._renewals = Throttle(timedelta(minutes=1), RENEWALS)
        self._not_before: dict[str, float] = {}
        """Account → monotonic seconds before which it is not asked again."""

    async def in_form(self, account_id: str, body: bytes) -> bytes:
        """Return a job form with working links."""
        expired = expired_links(body, self._discord_now())
        if not expired:
            return body
        unknown = [link for link in expired if not (self._works(link) or self._is_missed(link))]
        if unknown:
            await self._renewed(account_id, unknown[:_AT_ONCE])
        return with_links(body, {link: self._fresh[link] for link in expired if self._works(link)})

    async def working(self, account_id: str, link: str) -> str | None:
        """Return a link that works in the place of one, None where Discord does not renew it."""
        ends = expires_at(link)
        if ends is None or ends > self._discord_now().timestamp():
            return link
        if not (self._works(link) or self._is_missed(link)):
            await self._gathered(account_id, link)
        return self._fresh[link] if self._works(link) else None

    async def in_callback(self, callback: Callback) -> Callback:
        """Return a callback whose body has working links."""
        if callback.jobid is None or not expired_links(callback.body, self._discord_now()):
            return callback
        job = await self._store.get_job(callback.jobid, None)
        if job is None:
            return callback
        return replace(callback, body=await self.in_form(job.account_id, callback.body))

    def _works(self, link: str) -> bool:
        ends = expires_at(self._fresh.get(link, ""))
        return ends is not None and ends > self._discord_now().timestamp()

    def _is_missed(self, link: str) -> bool:
        return self._missed.get(link, 0.0) > self._clock.monotonic()

    async def _gathered(self, account_id: str, link: str) -> None:
        """Renew a link together with those of its account that others ask for just now.

        A page shows many files at once, and an account renews only so often.
        """
        renewing, links = self._gathering.get(account_id, (None, dict[str, None]()))
        if renewing is None or len(links) >= _AT_ONCE:
            links = {}
            renewing = asyncio.create_task(self._renew_soon(account_id, links))
            self._gathering[account_id] = renewing, links
        links[link] = None
        await asyncio.wait({renewing})

    async def _renew_soon(self, account_id: str, links: dict[str, None]) -> None:
        await self._clock.sleep(_GATHER_S)
        if self._gathering.get(account_id, (None, None))[1] is links:
            del self._gathering[account_id]
        await self._renewed(account_id, tuple(links))

    async def _renewed(self, account_id: str, links: Sequence[str]) -> None:
        """Wait until these were renewed, or could not be; who asks meanwhile waits with it."""
        fresh = [link for link in links if link not in self._under_way]
        if fresh:
            task = asyncio.create_task(self._renew(account_id, fresh))
            self._under_way |= dict.fromkeys(fresh, task)
        await asyncio.wait({self._under_way[link] for link in links})

    async def _renew(self, account_id: str, links: Sequence[str]) -> None:
        try:
            await self._ask(account_id, links)
        finally:
            for link in links:
                del self._under_way[link]

    async def _ask(self, account_id: str, links: Sequence[str]) -> None:
        now = self._clock.monotonic()
        if not self._deeds.has_owner(account_id) or self._not_before.get(account_id, now) > now:
            return
        if self._renewals.full(account_id, self._clock.now()):
            return
        self._renewals.add(account_id, self._clock.now())
        try:
            async with asyncio.timeout(_WAIT_S):
                fresh = await self._deeds.refresh_links(account_id, links)
        except (TransportError, StoreError, Throttled, Unavailable, TimeoutError) as error:
            self._not_before[account_id] = now + _AGAIN_S
            _log.warning("links.not_renewed", account=account_id, reason=str(error))
            return
        self._fresh |= fresh
        _bound(self._fresh)
        self._missed |= dict.fromkeys(set(links) - set(fresh), now + _MISSED_S)
        _bound(self._missed)


def _bound(kept: dict[str, Any]) -> None:
    """Let the oldest go."""
    while len(kept) > KEPT_LINKS:
        del kept[next(iter(kept))]
