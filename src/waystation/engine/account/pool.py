"""Pool: the owners of all accounts in this process.

Rules: one owner per account; the row decides, so that whatever was asked side by side ends in one
state: an account that stands is owned, one that is removed keeps its owner until its jobs have
ended or the grace is over, and is then gone (R33).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from waystation import sentences
from waystation.engine.account.adapters import Adapters, OwnerLimits
from waystation.engine.account.line import Line
from waystation.engine.account.owner import Owner
from waystation.engine.feed import race
from waystation.engine.nodes.node import Node
from waystation.errors import Conflict, StoreError
from waystation.ignored import Ignored
from waystation.jobs import Failed, Job, JobStatus
from waystation.ports import Account

__all__ = ["REMOVAL_GRACE", "Pool"]

log = structlog.get_logger("waystation.pool")

REMOVAL_GRACE = timedelta(minutes=30)
"""How long a removed account's jobs may go on (R33)."""

_RETIRE_AGAIN_S = (1.0, 5.0, 30.0)
"""Waits when an account could not be erased, by how often; the last one repeats."""

RETIRED_WITHIN_S = 3.0
"""How long a caller waits for an account without jobs to be gone; it goes all the same."""


class Pool:
    """Starts, finds and stops owners."""

    def __init__(
        self,
        adapters: Adapters,
        limits: OwnerLimits,
        node: Node,
        *,
        alone: bool = True,
        unowned: Callable[[], None] = lambda: None,
    ) -> None:
        """Args: alone: no other node may own an account; unowned: called where one may be free"""
        self._unowned = unowned
        self._adapters = adapters
        self._limits = limits
        self._node = node
        self._line = Line(adapters.clock)
        self._alone = alone
        self._owners: dict[str, Owner] = {}
        self._group: asyncio.TaskGroup | None = None
        self._retiring: dict[str, asyncio.Task[None]] = {}
        self._forced: set[str] = set()
        """Removed accounts whose jobs must end now."""
        self._stopping = asyncio.Event()
        self.started = asyncio.Event()
        """Set when every account has its owner: from then on jobs can be accepted."""

    async def run(self) -> None:
        """Own every account until `stop`; of several nodes, those that `own` is told of."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for account in await self._all_accounts() if self._alone else ():
                self._take(account)
            self.started.set()
            await self._stopping.wait()
            self._group = None

    async def _all_accounts(self) -> Sequence[Account]:
        """Return all accounts, those with unfinished jobs first: they are taken over first."""
        store = self._adapters.store
        busy = await store.busy_accounts()
        return sorted(await store.list_accounts(), key=lambda one: one.account_id not in busy)

    async def stop(self) -> None:
        """Stop all owners side by side; their gateway sessions stay resumable."""
        for retiring in self._retiring.values():
            retiring.cancel()
        await asyncio.gather(*(owner.stop() for owner in self._owners.values()))
        await self._node.leave()
        self._stopping.set()

    async def put(self, account_id: str) -> None:
        """Own an account that stands, or let its owner take over the changed row."""
        while (owner := self._owners.get(account_id)) is not None and owner.leaving:
            # it was erased, and is there again; two owners at once would write against each other
            await owner.ended.wait()
        account = await self._adapters.store.get_account(account_id)
        if account is None or self._group is None:
            return
        owner = self._owners.get(account_id)
        if owner is not None:
            await owner.revive(account)
        elif self._alone:
            self._line.hasten(account_id)
            self._own(account)
        else:
            self._unowned()

    async def refresh(self) -> None:
        """Let owners take over the rows that another process has changed. Raises: StoreError"""
        for account in await self._adapters.store.list_accounts():
            owner = self._owners.get(account.account_id)
            if owner is None or owner.leaving or not _differ(owner.account, account):
                continue
            await self.put(account.account_id)
            if account.removed_at is not None and account.account_id not in self._retiring:
                self._begin_to_retire(owner)

    async def own(self, account_id: str) -> None:
        """Own an account that this node may take. Raises: StoreError"""
        if account_id not in self._owners and self._group is not None:
            account = await self._adapters.store.get_account(account_id)
            if account is not None and account_id not in self._owners:
                self._take(account)

    async def give(self, account_id: str) -> None:
        """Give an account back: nothing more is asked, and its gateway session stays resumable."""
        owner = self._owners.get(account_id)
        if owner is not None:
            await owner.rest()
            self._retire_no_more(account_id)
            await owner.stop()
            await owner.ended.wait()

    async def lose(self, account_id: str) -> None:
        """Drop an account that another node has, or that is gone."""
        owner = self._owners.get(account_id)
        if owner is not None:
            self._retire_no_more(account_id)
            await owner.leave()

    def _retire_no_more(self, account_id: str) -> None:
        """Leave the end of a removed account to the node that has it next."""
        retiring = self._retiring.get(account_id)
        if retiring is not None:
            retiring.cancel()

    def _take(self, account: Account) -> None:
        self._own(account)
        if account.removed_at is not None:
            # it was being retired when an earlier process ended
            self._begin_to_retire(self._owners[account.account_id])

    def _own(self, account: Account) -> None:
        assert self._group is not None, "accounts are owned while the pool runs"
        owner = Owner(account, self._adapters, self._limits, self._node, self._line)
        self._owners[account.account_id] = owner
        self._group.create_task(self._run(owner), context=Context())

    async def _run(self, owner: Owner) -> None:
        try:
            await owner.run()
            await owner.give_back()
        finally:
            self._owners.pop(owner.account.account_id, None)
            owner.ended.set()

    def get(self, account_id: str) -> Owner | None:
        """Return an account's owner."""
        return self._owners.get(account_id)

    def knows(self, account_id: str) -> bool:
        """Tell whether this process knows an account: it holds it, or no other one may."""
        owner = self._owners.get(account_id)
        return self._alone or (owner is not None and owner.state != "waiting")

    def holds(self, account_id: str) -> bool:
        """Tell whether this process acts for an account now, or as soon as its turn comes."""
        owner = self._owners.get(account_id)
        return account_id in self._line or (owner is not None and owner.state != "waiting")

    @property
    def owners(self) -> Sequence[Owner]:
        """All owners."""
        return tuple(self._owners.values())

    def holding(self, account_id: str) -> Sequence[Job]:
        """Return an account's jobs that are not final or hold a slot.

        Ghosts that another account has left under the same Discord user do not count (R19).
        """
        owner = self._owners.get(account_id)
        held = () if owner is None else owner.holding
        return [job for job in held if job.account_id == account_id]

    async def adopted(self, account_id: str) -> None:
        """Wait until `holding` knows of an account's change that is being committed."""
        owner = self._owners.get(account_id)
        if owner is not None:
            await owner.adopted()

    def jobs(self, account_id: str) -> Sequence[Job]:
        """Return an account's unfinished jobs and ghosts; those of others do not count (R19)."""
        owner = self._owners.get(account_id)
        return () if owner is None else [job for job in owner.jobs if job.account_id == account_id]

    @property
    def states(self) -> Mapping[str, int]:
        """How many accounts are in which state; no names (R48)."""
        return Counter(owner.state for owner in self._owners.values())

    @property
    def silent_since(self) -> datetime | None:
        """Since when the gateway has told nothing of an account: the longest; None where it does.

        A halted account is not meant to be connected.
        """
        moments = (owner.silent_since for owner in self._owners.values() if not owner.account.halt)
        return min((moment for moment in moments if moment is not None), default=None)

    @property
    def ignored(self) -> Mapping[Ignored, int]:
        """How many messages have changed no job since the start, by the reason."""
        return self._adapters.ignored

    # ── removal (R33) ──

    async def remove(self, account_id: str, *, force: bool) -> None:
        """Let the jobs of an account that was marked as removed end, then forget it.

        An account whose removal was taken back meanwhile stays.

        Args: force: fail the jobs now
        """
        await self.put(account_id)
        account = await self._adapters.store.get_account(account_id)
        if account is None or account.removed_at is None:
            return
        owner = self._owners.get(account_id)
        if owner is None or self._group is None:
            if self._alone:
                await self._erase(account_id)
            # else by the node that has the account, or takes it
            return
        if force:
            self._forced.add(account_id)
        retiring = self._retiring.get(account_id)
        if retiring is None or retiring.done():
            retiring = self._begin_to_retire(owner)
        owner.moved.ring()
        if force or not await self._unfinished(owner):
            # at once, so that the channel can be set up anew right after
            await asyncio.wait({retiring}, timeout=RETIRED_WITHIN_S)

    def _begin_to_retire(self, owner: Owner) -> asyncio.Task[None]:
        assert self._group is not None, "owners are retired while the pool runs"
        account_id = owner.account.account_id
        retiring = self._group.create_task(self._retire(owner), context=Context())
        self._retiring[account_id] = retiring

        def retired(done: asyncio.Task[None]) -> None:
            if self._retiring.get(account_id) is done:
                del self._retiring[account_id]
                self._forced.discard(account_id)

        retiring.add_done_callback(retired)
        return retiring

    async def _retire(self, owner: Owner) -> None:
        """Erase an account once its jobs have ended, however often its hold or the store breaks."""
        tries = 0
        while True:
            try:
                if await self._went(owner):
                    return
            except StoreError as error:
                if tries == 0:
                    account_id = owner.account.account_id
                    log.warning("account.not_erased", account=account_id, reason=error.message)
            except Exception:
                # one of the engine's loops: it records what happened and goes on
                log.exception("account.not_erased", account=owner.account.account_id)
            wait_s = _RETIRE_AGAIN_S[min(tries, len(_RETIRE_AGAIN_S) - 1)]
            tries += 1
            await self._until_moved(owner, wait_s)

    async def _went(self, owner: Owner) -> bool:
        """Tell whether there is nothing left to do: the account is gone, or stands again."""
        account_id, clock = owner.account.account_id, self._adapters.clock
        while True:
            moved = asyncio.ensure_future(owner.moved.wait())
            try:
                account = await self._adapters.store.get_account(account_id)
                if account is None or account.removed_at is None:
                    return True
                unfinished = await self._unfinished(owner)
                # R28: an instant of another time does not make it longer
                now = clock.now()
                left_s = (min(account.removed_at, now) + REMOVAL_GRACE - now).total_seconds()
                if not unfinished or left_s <= 0 or account_id in self._forced:
                    break
                await race(moved, clock.sleep(left_s))
            finally:
                moved.cancel()
        for job in unfinished:
            ghost = job.status is not JobStatus.CREATED
            await owner.fail(job.jobid, Failed.by(sentences.ACCOUNT_REMOVED, ghost=ghost))
        return await self._erase(account_id, owner)

    async def _erase(self, account_id: str, owner: Owner | None = None) -> bool:
        """Erase an account; False when a job is left, or it stands again."""
        try:
            await self._adapters.store.erase_account(account_id)
        except Conflict:
            return False
        if owner is not None:
            await owner.leave()
            await owner.ended.wait()
        return True

    async def _until_moved(self, owner: Owner, wait_s: float) -> None:
        await race(owner.moved.wait(), self._adapters.clock.sleep(wait_s))

    async def _unfinished(self, owner: Owner) -> Sequence[Job]:
        """As the store knows them: an owner knows none before it has its lease."""
        account_id = owner.account.account_id
        jobs = await self._adapters.store.in_flight_jobs(account_id)
        return [job for job in jobs if not job.final and job.account_id == account_id]


def _differ(known: Account, stored: Account) -> bool:
    """Tell whether a row has changed, but for its epoch."""
    return replace(known, epoch=stored.epoch) != stored
