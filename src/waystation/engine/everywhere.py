"""Everywhere: what is known of an account, whichever node has it (ADR 28).

How it works: where the account's owner holds it here, the owner knows. Else the rows tell: those of
its jobs, and what its node has told (nodes/telling.py), which is a second old at most, as long as
that node's lease runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from waystation.engine.account.owner import Owner
from waystation.engine.account.pool import Pool
from waystation.jobs import Job
from waystation.ports import Account, AccountTold, Clock, Standing, Store, ToldWait

__all__ = ["Everywhere", "Known"]


@dataclass(frozen=True, slots=True)
class Known:
    """An account at one moment."""

    state: str
    """As `Owner.state`."""
    reason: str = ""
    """Why its connection broke or could not be made; empty while it stands."""
    slots: Sequence[Job] = ()
    """The jobs that hold its slots, the oldest first; ended ones too (R31)."""


class Everywhere:
    """Looks at accounts. Raises from all that waits: StoreError."""

    def __init__(self, store: Store, pool: Pool, clock: Clock) -> None:
        self._store = store
        self._pool = pool
        self._clock = clock

    async def known(self, user_id: int, accounts: Sequence[Account]) -> Mapping[str, Known]:
        """Return accounts that a user may use as they are now, by account_id."""
        found: dict[str, Known] = {}
        away: list[Account] = []
        for account in accounts:
            if self._pool.knows(account.account_id):
                told = self._told(self._pool.get(account.account_id))
                held = self._pool.holding(account.account_id)
                found[account.account_id] = _known(told, held)
            else:
                away.append(account)
        if len(away) == 1:
            account_id = away[0].account_id
            jobs = await self._store.holding_jobs(account_id)
            found[account_id] = _known(await self._store.nodes.told(account_id), jobs)
        elif away:
            all_told = await self._store.nodes.told_of(user_id)
            all_jobs: dict[str, list[Job]] = {account.account_id: [] for account in away}
            for job in await self._store.slot_jobs(user_id):
                all_jobs.get(job.account_id, []).append(job)
            for account_id, jobs in all_jobs.items():
                found[account_id] = _known(all_told.get(account_id, AccountTold()), jobs)
        return found

    async def holding(self, account_id: str) -> Sequence[Job]:
        """Return an account's jobs that are not final or hold a slot."""
        if self._pool.knows(account_id):
            return self._pool.holding(account_id)
        return await self._store.holding_jobs(account_id)

    async def at_work(
        self, account_id: str, *, uploads: bool = False
    ) -> tuple[bool, Standing | None]:
        """Return whether an account hears everything from Discord, and what it has to wait for."""
        if self._pool.knows(account_id):
            owner = self._pool.get(account_id)
            caught_up = owner is not None and owner.caught_up
            return caught_up, None if owner is None else owner.standing(uploads=uploads)
        told = await self._store.nodes.told(account_id)
        return told.state == "connected", self._left(told, uploads)

    async def standing(self, account_id: str, *, uploads: bool = False) -> Standing | None:
        """Return what Discord has asked an account to wait, None: nothing holds back (R16).

        Args: uploads: whether something must be uploaded first
        """
        return (await self.at_work(account_id, uploads=uploads))[1]

    async def standings(
        self, user_id: int, accounts: Sequence[Account], *, uploads: bool
    ) -> Mapping[str, Standing]:
        """Return the same of accounts that a user may use, without those that need not wait."""
        ids = [account.account_id for account in accounts]
        away = [account_id for account_id in ids if not self._pool.knows(account_id)]
        told: Mapping[str, AccountTold] = {}
        if away:
            told = await self._store.nodes.waits_of(user_id, self._clock.now())
        found = {one: self._left(told[one], uploads) for one in away if one in told}
        for account_id in set(ids).difference(away):
            owner = self._pool.get(account_id)
            found[account_id] = None if owner is None else owner.standing(uploads=uploads)
        return {one: standing for one, standing in found.items() if standing is not None}

    def here(self) -> Iterator[tuple[str, int, AccountTold]]:
        """Yield what this node is to tell of its accounts: account_id, epoch, and that."""
        for owner in self._pool.owners:
            if owner.epoch is not None:
                yield owner.account.account_id, owner.epoch, self._told(owner)

    def _told(self, owner: Owner | None) -> AccountTold:
        if owner is None:
            return AccountTold()
        state = owner.state
        uploads = owner.standing(uploads=True)
        # what holds uploads back may hold nothing else back, and never the other way round
        other = None if uploads is None else owner.standing()
        return AccountTold(
            state,
            "" if state == "connected" else owner.lost_for,
            self._until(other),
            None if uploads == other else self._until(uploads),
        )

    def _until(self, standing: Standing | None) -> ToldWait | None:
        if standing is None:
            return None
        until = self._clock.now() + timedelta(seconds=standing.wait_s)
        return ToldWait(until, standing.text, standing.is_breaker)

    def _left(self, told: AccountTold, uploads: bool) -> Standing | None:
        wait = (told.upload_wait if uploads else None) or told.wait
        if wait is None:
            return None
        left_s = (wait.until - self._clock.now()).total_seconds()
        return Standing(left_s, wait.text, wait.is_breaker) if left_s > 0 else None


def _known(told: AccountTold, held: Sequence[Job]) -> Known:
    slots = sorted((job for job in held if job.slot), key=lambda job: job.created_at)
    return Known(told.state, told.reason, tuple(slots))
