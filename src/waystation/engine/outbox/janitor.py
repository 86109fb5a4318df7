"""Janitor: what nobody else ends or deletes.

It ends the jobs of accounts that nobody owns (R28), or puts them back into the queue, and purges
what retention has run out for (R40).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from waystation import sentences
from waystation.contract import callbacks_of
from waystation.engine.ending import end_waiting
from waystation.engine.nodes.node import Node
from waystation.errors import LeaseLost, StoreError, VersionConflict
from waystation.jobs import Failed, Job, JobEvent, JobStatus
from waystation.midjourney.machine import apply
from waystation.midjourney.putting_back import instead
from waystation.ports import Clock, Commit, IdSource, JobChange, Store

__all__ = ["Janitor", "Retention"]

log = structlog.get_logger("waystation.janitor")

_PURGE_BATCH = 500

_COMMANDS_KEPT = timedelta(hours=1)
"""How long commands between processes are kept after their end."""

_UPGRADED = (
    "Waystation was upgraded before the job ended, and its place in Discord's events is lost."
)
_RESTORED = "A backup of the database was put back, made before the job ended."
_SENT = "Midjourney may have drawn it: look in the Discord channel before you submit it again."


@dataclass(frozen=True, slots=True)
class Retention:
    """How long things are kept."""

    jobs: timedelta
    unrecognised: timedelta
    round: timedelta
    """Between two rounds."""
    orphan_grace: timedelta
    """How long past its deadline a job waits for an owner."""
    send_within: timedelta
    """Age up to which a job that was not sent waits for an owner, who sends it."""


class Janitor:
    """Makes its rounds until cancelled."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: IdSource,
        node: Node,
        retention: Retention,
        holds: Callable[[str], bool] = lambda account_id: False,
        publish: Callable[[Job], None] = lambda job: None,
    ) -> None:
        """Args: holds: whether this process acts for an account: its owner ends its jobs (R28);
        publish: tells who waits for a job that it was ended
        """
        self._store = store
        self._holds = holds
        self._publish = publish
        self._clock = clock
        self._ids = ids
        self._node = node
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
            unsent = not _was_sent(job)
            # whoever owns the account in time sends it
            waits_until = job.deadline_at or job.created_at + unsent * self._retention.send_within
            if now - waits_until > self._retention.orphan_grace:
                over: JobEvent = Failed(502, sentences.NOBODY_CONNECTED.text, ghost=True)
                if unsent:
                    over = Failed(502, sentences.DOWN_AT_TURN.text, sentences.NOTHING_SENT)
                    # one of the queue waits again, for any account (R13)
                    over = instead(job, over, now)
                try:
                    await self._end(job, over)
                except (LeaseLost, VersionConflict):
                    # somebody owns it again
                    log.info("janitor.orphan_adopted", jobid=job.jobid)
        await self._store.release_slots()
        await self._store.commands.purge(_COMMANDS_KEPT)
        await self._store.deliveries.purge(now, now - self._retention.jobs)
        purged = _PURGE_BATCH
        while purged == _PURGE_BATCH:
            purged = await self._store.purge(
                now - self._retention.jobs, now - self._retention.unrecognised, _PURGE_BATCH
            )
            if purged:
                log.info("janitor.purged", jobs=purged)

    async def end_restored(self, *, upgraded: bool = False) -> None:
        """End what a backup or a migration left unfinished, before anything is owned (R39).

        Args: upgraded: it was a migration, which leaves what was not sent: the rows are the newest
        there are, and Discord knows nothing of it (ADR 26)
        """
        happened = _UPGRADED if upgraded else _RESTORED
        for job in await self._store.orphaned_jobs():
            sent = _was_sent(job)
            if upgraded and not sent:
                continue
            details = f"{happened} {_SENT}"
            await self._end(job, Failed(502, sentences.RESTORED.text, details, ghost=sent))
        for job in () if upgraded else await self._store.queue.waiting(None):
            over = Failed(502, sentences.RESTORED.text, f"{_RESTORED} {_SENT}")
            await end_waiting(self._store.queue, self._ids, job, self._clock.now(), over)

    async def _end(self, job: Job, event: JobEvent) -> None:
        now = self._clock.now()
        account_id, node_id = job.account_id, (await self._node.begin()).node_id
        epoch = await self._store.nodes.take(account_id, node_id, free_only=True)
        ended = apply(job, event, now, timedelta())
        callbacks = callbacks_of(ended, lambda: self._ids.token(18), now) if ended.final else ()
        try:
            await self._store.commit(
                Commit(account_id, epoch, now, (JobChange(ended, (event,), callbacks),))
            )
            facts = {"code": ended.code, "error": ended.error} if ended.final else {}
            log.info(f"job.{ended.status}", jobid=job.jobid, nonce=job.nonce, **facts)
            self._publish(ended)
        finally:
            await self._store.nodes.let_go(account_id, node_id, epoch)


def _was_sent(job: Job) -> bool:
    return job.status is not JobStatus.CREATED
