"""Pool: the owners of all accounts in this process.

Rules: one owner per account; an account that is removed keeps its owner until its jobs have ended
or the grace is over (R33).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextvars import Context
from datetime import datetime, timedelta

import structlog

from waystation.engine.feed import race
from waystation.engine.owner import Adapters, Owner, OwnerLimits
from waystation.errors import Conflict, StoreError
from waystation.jobs import Failed, Job
from waystation.ports import Account

__all__ = ["Pool"]

log = structlog.get_logger("waystation.pool")

REMOVAL_GRACE = timedelta(minutes=30)
"""How long a removed account's jobs may go on (R33)."""

RETIRE_AGAIN_S = 1.0
"""Wait when an account could not be erased."""

RETIRED_WITHIN_S = 3.0
"""How long a caller waits for an account without jobs to be gone; it goes all the same."""


class Pool:
    """Starts, finds and stops owners."""

    def __init__(self, adapters: Adapters, limits: OwnerLimits, holder: str) -> None:
        self._adapters = adapters
        self._limits = limits
        self._holder = holder
        self._owners: dict[str, Owner] = {}
        self._group: asyncio.TaskGroup | None = None
        self._retiring: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self.started = asyncio.Event()
        """Set when every account has its owner: from then on jobs can be accepted."""

    async def run(self) -> None:
        """Own every account until `stop`."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for account in await self._adapters.store.list_accounts():
                await self.put(account)
                if account.removed_at is not None:
                    # it was being retired when an earlier process ended
                    self._begin_to_retire(self._owners[account.account_id], force=False)
            self.started.set()
            await self._stopping.wait()
            self._group = None

    async def stop(self) -> None:
        """Stop all owners side by side; their gateway sessions stay resumable."""
        for retiring in self._retiring:
            retiring.cancel()
        await asyncio.gather(*(owner.stop() for owner in self._owners.values()))
        self._stopping.set()

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
        retiring = self._begin_to_retire(owner, force)
        if force or not await self._unfinished(owner):
            # at once, so that the channel can be set up anew right after
            await asyncio.wait({retiring}, timeout=RETIRED_WITHIN_S)

    def _begin_to_retire(self, owner: Owner, force: bool) -> asyncio.Task[None]:
        assert self._group is not None, "owners are retired while the pool runs"
        retiring = self._group.create_task(self._retire(owner, force), context=Context())
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)
        return retiring

    async def _retire(self, owner: Owner, force: bool) -> None:
        """Erase an account once its jobs have ended, however often its hold or the store breaks."""
        clock = self._adapters.clock
        removed_at = owner.account.removed_at or clock.now()
        until = clock.now() if force else removed_at + REMOVAL_GRACE
        while True:
            try:
                await self._end_jobs(owner, until)
                await owner.stop()
                await self._adapters.store.erase_account(owner.account.account_id)
            except (StoreError, Conflict) as error:
                account_id = owner.account.account_id
                log.warning("account.not_erased", account=account_id, reason=error.message)
                await clock.sleep(RETIRE_AGAIN_S)
            else:
                return

    async def _end_jobs(self, owner: Owner, until: datetime) -> None:
        clock = self._adapters.clock
        while True:
            moved = asyncio.ensure_future(owner.moved.wait())
            try:
                unfinished = await self._unfinished(owner)
                left_s = (until - clock.now()).total_seconds()
                if unfinished and left_s > 0:
                    await race(moved, asyncio.ensure_future(clock.sleep(left_s)))
                    continue
            finally:
                moved.cancel()
            for job in unfinished:
                await owner.fail(job.jobid, Failed(502, "The account was removed"))
            return

    async def _unfinished(self, owner: Owner) -> Sequence[Job]:
        """As the store knows them: an owner knows none before it has its lease."""
        jobs = await self._adapters.store.in_flight_jobs(owner.account.account_id)
        return [job for job in jobs if not job.final]

    async def _own(self, owner: Owner) -> None:
        try:
            await owner.run()
        finally:
            self._owners.pop(owner.account.account_id, None)
