"""Answering: until when the POST of a job waits, and what it answers with (R2, R10)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from waystation.engine.account.deeds import Deeds
from waystation.engine.account.pool import Pool
from waystation.engine.feed import Feed
from waystation.errors import StoreError
from waystation.jobs import Job, JobStatus
from waystation.midjourney.commands import AnswersAt, Command
from waystation.ports import Store

__all__ = ["Answering"]

_ANSWER_MARGIN_S = 5.0
"""How long a POST waits beyond the first-answer limit (R2).

The engine's own deadlines then tell the end of a job that was asked within these seconds; one that
had to wait longer for its turn goes on without its caller.
"""


class Answering:
    """Waits for jobs on behalf of those who have sent them.

    Args: first_answer_s: the engine's limit; first_edit_s: how long a POST waits for the first edit
    of an empty first message
    """

    def __init__(
        self,
        store: Store,
        pool: Pool,
        deeds: Deeds,
        feed: Feed,
        first_answer_s: float,
        first_edit_s: float,
    ) -> None:
        self._store = store
        self._pool = pool
        self._deeds = deeds
        self._feed = feed
        self._post_s = first_answer_s + _ANSWER_MARGIN_S
        self._first_edit_s = first_edit_s

    async def answer(self, job: Job, command: Command) -> Job:
        """Return the job when its POST is to be answered, or as it is when its time is over."""
        seen = await self._seen(job, partial(_answers, command.answers_at), self._post_s)
        if seen.queue_until is not None and seen.status is JobStatus.CREATED:
            # its turn comes, however long that takes
            return seen
        if _says_nothing(seen):
            seen = await self._seen(seen, lambda one: not _says_nothing(one), self._first_edit_s)
        if seen.status is not JobStatus.CREATED or self._feed.released:
            # where the service stops, the next start sends it
            return seen
        return await self._end_unasked(seen)

    def until(self, now: datetime, wait_s: float | None) -> datetime:
        """Return until when a POST that comes now may wait. Args: wait_s: as in its `Prefer`"""
        return now + timedelta(seconds=self._post_s if wait_s is None else wait_s)

    async def end(self, job: Job, wait_s: float) -> Job:
        """Return a job when it is final, or as it is when that takes too long."""
        return await self._seen(job, lambda one: one.final, max(0.0, wait_s))

    def left_s(self, job: Job, command: Command, now: datetime) -> float:
        """Return how long the POST of a job may still wait for its answer; 0: it was answered.

        The job alone tells it: in the next process the answer is the same.
        """
        if not _answers(command.answers_at, job):
            until = job.post_until or self.until(job.created_at, None)
            if job.waiting or (job.queue_until is not None and job.post_until is None):
                # the process whose POST waited is gone, and the queue's was answered at once
                until = now
        elif _says_nothing(job):
            until = job.updated_at + timedelta(seconds=self._first_edit_s)
        else:
            return 0.0
        return max(0.0, (until - now).total_seconds())

    async def _seen(self, job: Job, fits: Callable[[Job], bool], timeout_s: float) -> Job:
        """Return the job as soon as it fits; as it is when that takes too long."""
        owner = self._pool.get(job.account_id)
        held = None if owner is None else owner.current(job.jobid)
        if held is not None:
            return await self._feed.wait(held, fits, timeout_s) or await self._stored(job)
        waiting = asyncio.ensure_future(self._feed.wait(job, fits, timeout_s))
        # what was committed before this wait was published to nobody
        stored = await self._stored(job)
        if fits(stored):
            waiting.cancel()
            return stored
        return await waiting or await self._stored(job)

    async def _stored(self, job: Job) -> Job:
        """Return a job as stored, as it was where the store is down: it is accepted all the same.

        An answer "not done" for a job that is sent later would have it sent twice (I4).
        """
        with contextlib.suppress(StoreError):
            return await self._store.get_job(job.jobid, None) or job
        return job

    async def _end_unasked(self, job: Job) -> Job:
        """End a job that was not asked in its POST's time; return it as it is if it was (R10)."""
        with contextlib.suppress(StoreError):
            await self._deeds.end_unasked(job)
        return await self._stored(job)


def _answers(answers_at: AnswersAt, job: Job) -> bool:
    """Tell whether a job is as far as its verb's POST waits for."""
    if job.final or job.waiting:
        return True
    if answers_at is AnswersAt.ASKED:
        return job.status not in (JobStatus.CREATED, JobStatus.SUBMITTED)
    return answers_at is AnswersAt.STARTED and job.message_id is not None


def _says_nothing(job: Job) -> bool:
    """Tell whether all that the bot has shown of a job is an empty message."""
    shown = job.content or job.embeds or job.attachments
    return not job.final and job.message_id is not None and not shown
