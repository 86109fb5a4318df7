"""Places: where a waiting job stands, as its caller is told."""

from __future__ import annotations

from collections.abc import Sequence

from waystation.engine.choice import Choice
from waystation.engine.everywhere import Everywhere
from waystation.jobs import Job
from waystation.ports import AccountRow, Clock, Store
from waystation.queueing.place import AccountNow, InQueue, QueuePlace, place_of
from waystation.sidelining import preferred

__all__ = ["Places"]


class Places:
    """Reads the rows, and asks what holds the accounts up.

    Args: lane: jobs without a slot that an account takes at once
    """

    def __init__(
        self, store: Store, everywhere: Everywhere, choice: Choice, clock: Clock, lane: int
    ) -> None:
        self._queue = store.queue
        self._quotas = store.quotas
        self._everywhere = everywhere
        self._choice = choice
        self._clock = clock
        self._lane = lane

    async def of(self, job: Job) -> QueuePlace | None:
        """Return the place of a job; None when it does not wait any more. Raises: StoreError."""
        if not job.waiting:
            return None
        found = await self._queue.place(job.jobid, self._clock.wall())
        if found is None:
            return None
        standing, rows = found
        return place_of(standing, await self._now(standing, rows), self._clock.now())

    async def _now(self, job: InQueue, rows: Sequence[AccountRow]) -> Sequence[AccountNow]:
        usable = [row for row in rows if row.halt is None]
        drawn = preferred(usable, self._clock.now())
        return [await self._account(job, row, row in usable and row not in drawn) for row in rows]

    async def _account(self, job: InQueue, row: AccountRow, passed_over: bool) -> AccountNow:
        connected, standing = await self._everywhere.at_work(row.account_id, uploads=job.uploads)
        spent = None
        if job.takes_slot:
            spent = await self._quotas.account_over(row.account_id, self._clock.wall())
        return AccountNow(
            channel=row.channel,
            limit=row.limit if job.takes_slot else self._lane,
            taken=row.taken,
            halt=row.halt,
            connected=connected,
            mode=None if job.mode is None else await self._choice.mode_of(row.account_id),
            wait_s=0.0 if standing is None else standing.wait_s,
            spent=spent is not None,
            rests_until=row.rests_until,
            hurried=self._choice.hurried(row.account_id),
            passed_over=passed_over,
            lets_nothing_through=standing is not None and standing.is_breaker,
        )
