"""Dispatcher: gives waiting jobs to the accounts that can take them.

How it works: it is woken by what happens (a job waits, a slot is free, an account is usable) and by
time (a wait is over), and then looks at the accounts that this concerns. The rows decide which job
an account takes, in one transaction (`ports.Queue.grant`); the owner then sends it by the way on
which a start takes what an earlier process left unsent. Nothing here has to be remembered: a round
over all accounts comes every half minute, and first of all.

Rules: an account is given nothing before it is caught up (R28), nor while Discord asks it to wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from waystation import sentences
from waystation.engine.account.owner import Owner
from waystation.engine.account.pool import Pool
from waystation.engine.choice import Choice
from waystation.engine.ending import end_waiting
from waystation.engine.feed import Feed, race
from waystation.engine.queueing.places import Places
from waystation.errors import StoreError
from waystation.jobs import Job
from waystation.midjourney.putting_back import not_sent
from waystation.ports import Clock, IdSource, Opening, Store, wall_ahead

__all__ = ["LONGEST_ROUND_S", "Dispatcher"]

log = structlog.get_logger("waystation.queue")

LONGEST_ROUND_S: Final = 30.0
"""Longest time between two rounds over all accounts (R28)."""

_AGAIN_S: Final = 1.0
"""When a round is tried again that the store has broken."""

_HURRIED_S: Final = 5.0
"""When an account is looked at again that has taken as many jobs as it may within a minute."""


class Dispatcher:
    """Makes its rounds until cancelled.

    Args: turn_s: how long a job may wait for its turn on an account before it is put back; lane:
    jobs without a slot that an account takes at once; nudge_outbox: called when callbacks were
    written
    """

    def __init__(
        self,
        store: Store,
        pool: Pool,
        choice: Choice,
        places: Places,
        feed: Feed,
        clock: Clock,
        ids: IdSource,
        nudge_outbox: Callable[[], None],
        *,
        lane: int,
        turn_s: float,
    ) -> None:
        self._queue = store.queue
        self._pool = pool
        self._choice = choice
        self._places = places
        self._feed = feed
        self._clock = clock
        self._ids = ids
        self._nudge_outbox = nudge_outbox
        self._lane = lane
        self._turn = timedelta(seconds=turn_s)
        self._woken = asyncio.Event()
        self._freed: set[str] = set()
        self._all = True
        self._untaken: list[Job] = []
        """Jobs that were given to accounts whose owners could not read them yet."""
        self._moment: datetime | None = None
        """When something changes by time alone."""
        self._resting = False
        self._began = clock.now()
        self._giving = asyncio.Lock()
        """Held from a grant until the job's owner has it."""

    def wake(self, account_id: str | None = None) -> None:
        """Look at an account, or at all that a waiting job may use, as soon as possible."""
        if account_id is None:
            self._all = True
        else:
            self._freed.add(account_id)
        self._woken.set()

    def rest(self) -> None:
        """Give nothing more: the service stops."""
        self._resting = True

    async def run(self) -> None:
        """Give jobs to accounts until cancelled."""
        next_all = self._clock.monotonic()
        while True:
            self._woken.clear()
            if self._clock.monotonic() >= next_all:
                self._all = True
            if self._all:
                next_all = self._clock.monotonic() + LONGEST_ROUND_S
            wait_s = await self._try_round()
            wait_s = min(wait_s, max(0.0, next_all - self._clock.monotonic()))
            if not self._woken.is_set():
                await race(self._woken.wait(), self._clock.sleep(wait_s))

    async def _try_round(self) -> float:
        try:
            return await self.round()
        except StoreError as error:
            log.warning("queue.round_failed", reason=error.message)
        except Exception:
            # one of the engine's loops: it records what happened and goes on
            log.exception("queue.round_failed")
        self._all = True
        return _AGAIN_S

    async def round(self) -> float:
        """Look at the accounts that may take something; return when to look again, in seconds."""
        # what becomes due while this looks is due in the next round
        now = self._clock.now()
        while self._untaken:
            # one that fails is put back behind the others
            await self._hand_over(self._untaken.pop(0))
        waits = [LONGEST_ROUND_S]
        accounts = await self._concerned()
        while accounts and not self._resting:
            # one each, so that several that are free share what waits
            given = [(one, await self._give(one)) for one in accounts]
            waits += [wait_s for _, wait_s in given if wait_s is not None]
            accounts = [account_id for account_id, wait_s in given if wait_s is None]
        moment = await self._queue.next_moment(now)
        if moment is not None and moment <= now:
            await self._end_overdue()
            moment = await self._queue.next_moment(now)
        self._moment = moment
        if moment is not None:
            waits.append(max(0.0, (moment - self._clock.now()).total_seconds()))
        return min(waits)

    async def _concerned(self) -> Sequence[str]:
        freed, self._freed = self._freed, set()
        if self._moment is not None and self._moment <= self._clock.now():
            # a job that was put back may be for any account
            self._all = True
        everywhere, self._all = self._all, False
        if everywhere:
            found = await self._queue.wanted()
        else:
            found = [one for one in sorted(freed) if await self._queue.wants(one)]
        first = self._ids.below(len(found)) if found else 0
        return [*found[first:], *found[:first]]

    async def _give(self, account_id: str) -> float | None:
        """Give an account one job; return when to look at it again, in seconds; None: at once."""
        owner = self._pool.get(account_id)
        if owner is None or not owner.caught_up or not owner.account.usable:
            # whoever changes that wakes
            return LONGEST_ROUND_S
        standing = owner.standing()
        if standing is not None and standing.wait_s > 0:
            return self._again(account_id, standing.wait_s)
        if not self._choice.open_for_queue(owner.account):
            return self._again(account_id, _HURRIED_S)
        mode = await self._choice.mode_of(account_id) if await self._queue.wants_mode() else None
        ahead = wall_ahead(self._clock)
        uploads = owner.standing(uploads=True)
        opening = Opening(account_id, self._lane, self._turn, mode, uploads is not None, ahead)
        async with self._giving:
            job = await self._queue.grant(opening, self._clock.now())
            if job is None:
                if uploads is not None:
                    return self._again(account_id, uploads.wait_s)
                return LONGEST_ROUND_S
            log.info("job.granted", jobid=job.jobid, account=account_id)
            self._choice.took(account_id)
            self._feed.publish(job)
            await self._hand_over(job)
            return None

    async def handed_over(self) -> None:
        """Return when no job is between its grant and its owner."""
        async with self._giving:
            pass

    def _again(self, account_id: str, wait_s: float) -> float:
        """Remember an account for a later round."""
        self._freed.add(account_id)
        return wait_s

    async def _hand_over(self, job: Job) -> None:
        owner: Owner | None = self._pool.get(job.account_id)
        if owner is None:
            return
        try:
            await owner.take(job)
        except StoreError as error:
            # it is the account's in the rows, so that a later hold takes it in any case
            log.warning("queue.not_handed_over", jobid=job.jobid, reason=error.message)
            self._untaken.append(job)
            self._woken.set()
            raise

    async def _end_overdue(self) -> None:
        now = self._clock.now()
        for job in await self._queue.waiting(now):
            place = await self._places.of(job)
            if place is None:
                continue
            why = place.why
            if job.queue_until is not None and job.queue_until <= self._began:
                # what hinders it now says nothing of then
                why = sentences.DOWN_AT_TURN.text
            ended = await end_waiting(self._queue, self._ids, job, now, not_sent(job, why))
            if ended is not None:
                log.info("job.failed", jobid=job.jobid, code=ended.code, error=ended.error)
                self._feed.publish(ended)
                self._nudge_outbox()
