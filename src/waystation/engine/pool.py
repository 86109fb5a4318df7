"""Pool: the owners of all accounts in this process.

Rules: one owner per account; an account that is removed keeps its owner until its jobs have ended
or the grace is over (R33).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextvars import Context
from datetime import timedelta

import structlog

from waystation.engine.feed import Bell, race
from waystation.engine.owner import Adapters, Owner, OwnerLimits
from waystation.jobs import Failed, Job
from waystation.ports import Account

__all__ = ["Pool"]

log = structlog.get_logger("waystation.pool")

REMOVAL_GRACE = timedelta(minutes=30)
"""How long a removed account's jobs may go on (R33)."""


class Pool:
    """Starts, finds and stops owners."""

    def __init__(self, adapters: Adapters, limits: OwnerLimits, holder: str) -> None:
        self._adapters = adapters
        self._limits = limits
        self._holder = holder
        self._owners: dict[str, Owner] = {}
        self._group: asyncio.TaskGroup | None = None
        self._stopping = Bell()

    async def run(self) -> None:
        """Own every account until `stop`."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for account in await self._adapters.store.list_accounts():
                await self.put(account)
            await self._stopping.wait()
            self._group = None

    async def stop(self) -> None:
        """Stop all owners side by side; their gateway sessions stay resumable."""
        await asyncio.gather(*(owner.stop() for owner in self._owners.values()))
        self._stopping.ring()

    async def put(self, account: Account) -> None:
        """Own a new account, or let its owner take over the changed row."""
        owner = self._owners.get(account.account_id)
        if owner is not None:
            await owner.revive(account)
            return
        if self._group is None:
            return
        owner = Owner(account, self._adapters, self._limits, self._holder)
        self._owners[account.account_id] = owner
        self._group.create_task(self._own(owner), context=Context())

    def get(self, account_id: str) -> Owner | None:
        """Return an account's owner."""
        return self._owners.get(account_id)

    @property
    def owners(self) -> Sequence[Owner]:
        """All owners."""
        return tuple(self._owners.values())

    def jobs(self, account_id: str) -> Sequence[Job]:
        """Return an account's unfinished jobs and ghosts."""
        owner = self._owners.get(account_id)
        return () if owner is None else owner.jobs

    @property
    def states(self) -> Mapping[str, int]:
        """How many accounts are in which state; no names (R48)."""
        return Counter(owner.state for owner in self._owners.values())

    async def remove(self, account: Account, *, force: bool) -> None:
        """Let a removed account's jobs end, then forget it (R33).

        Args: force: fail them now
        """
        owner = self._owners.get(account.account_id)
        if owner is None or self._group is None:
            await self._adapters.store.erase_account(account.account_id)
            return
        await owner.revive(account)
        if force or not _unfinished(owner):
            # at once, so that the channel can be set up anew right after
            await self._retire(owner, force)
        else:
            self._group.create_task(self._retire(owner, force))

    async def _retire(self, owner: Owner, force: bool) -> None:
        clock = self._adapters.clock
        until = clock.now() + (timedelta() if force else REMOVAL_GRACE)
        while (left_s := (until - clock.now()).total_seconds()) > 0 and _unfinished(owner):
            await race(
                asyncio.ensure_future(owner.moved.wait()),
                asyncio.ensure_future(clock.sleep(left_s)),
            )
        for job in _unfinished(owner):
            await owner.fail(job.jobid, Failed(502, "The account was removed"))
        await owner.stop()
        await self._adapters.store.erase_account(owner.account.account_id)

    async def _own(self, owner: Owner) -> None:
        try:
            await owner.run()
        finally:
            self._owners.pop(owner.account.account_id, None)


def _unfinished(owner: Owner) -> Sequence[Job]:
    return [job for job in owner.jobs if not job.final]
