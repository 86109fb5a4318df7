"""Janitor: what nobody else ends or deletes.

It ends the jobs of accounts that nobody owns (R28) and purges what retention has run out for (R40).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from waystation.contract import delivery_of
from waystation.errors import LeaseLost, StoreError, VersionConflict
from waystation.jobs import Failed, Job, JobStatus
from waystation.midjourney.machine import apply
from waystation.ports import Change, Clock, IdSource, JobChange, Store

__all__ = ["Janitor", "Retention"]

log = structlog.get_logger("waystation.janitor")

_PURGE_BATCH = 500


@dataclass(frozen=True, slots=True)
class Retention:
    """How long things are kept."""

    jobs: timedelta
    unrecognised: timedelta = timedelta(days=7)
    round: timedelta = timedelta(minutes=10)
    """Between two rounds."""
    orphan_grace: timedelta = timedelta(minutes=10)
    """How long past its deadline a job waits for an owner."""


class Janitor:
    """Makes its rounds until cancelled."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: IdSource,
        retention: Retention,
        holds: Callable[[str], bool] = lambda account_id: False,
    ) -> None:
        """Args: holds: whether this process acts for an account: its owner ends its jobs (R28)."""
        self._store = store
        self._holds = holds
        self._clock = clock
        self._ids = ids
        self._retention = retention

    async def run(self) -> None:
        """Clean up now and then."""
        while True:
            try:
                await self.round()
            except StoreError as error:
                log.warning("janitor.round_failed", reason=error.message)
            except Exception:
                # one of the engine's loops: it records what happened and goes on
                log.exception("janitor.round_failed")
            await self._clock.sleep(self._retention.round.total_seconds())

    async def round(self) -> None:
        """End orphans, then purge in batches."""
        now = self._clock.now()
        for job in await self._store.orphaned_jobs():
            if self._holds(job.account_id):
                continue
            if now - (job.deadline_at or job.created_at) > self._retention.orphan_grace:
                try:
                    await self._end(job, _ORPHANED)
                except (LeaseLost, VersionConflict):
                    # somebody owns it again
                    log.info("janitor.orphan_adopted", jobid=job.jobid)
        await self._store.release_slots()
        purged = _PURGE_BATCH
        while purged == _PURGE_BATCH:
            purged = await self._store.purge(
                now - self._retention.jobs, now - self._retention.unrecognised, _PURGE_BATCH
            )
            if purged:
                log.info("janitor.purged", jobs=purged)

    async def end_restored(self) -> None:
        """End what a backup or a migration left unfinished, before anything is owned (R39)."""
        for job in await self._store.orphaned_jobs():
            await self._end(job, "restored")

    async def _end(self, job: Job, error: str) -> None:
        now = self._clock.now()
        holder = f"janitor-{self._ids.token(9)}"
        epoch = await self._store.claim_account(
            job.account_id, holder, now, now + timedelta(seconds=30)
        )
        event = Failed(502, error, ghost=job.status is not JobStatus.CREATED)
        ended = apply(job, event, now, timedelta())
        delivery = delivery_of(ended, self._ids.token(18), now)
        deliveries = () if delivery is None else (delivery,)
        try:
            await self._store.commit(
                Change(job.account_id, epoch, now, (JobChange(ended, (event,), deliveries),))
            )
        finally:
            await self._store.release_account(job.account_id, holder)


_ORPHANED = "Nobody could connect to the job's Discord account in time"
