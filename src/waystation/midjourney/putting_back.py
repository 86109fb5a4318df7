"""Putting back: a job of the queue that could not be sent waits again in the place of an end.

Only what Discord has never executed may go back: a job that was not asked, or one that was refused
with 429, or that the bot refused since Midjourney's own queue was full (R13).

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from waystation import sentences
from waystation.jobs import Failed, Job, JobEvent, JobStatus, PutBack, Refused
from waystation.midjourney.deadlines import spoken

__all__ = ["instead", "not_sent"]

_MAY_GO_BACK = (JobStatus.CREATED, JobStatus.SUBMITTED, JobStatus.STARTED)


def instead(job: Job, event: JobEvent, now: datetime) -> JobEvent:
    """Return what happens in the place of an end that says that the job cannot be sent now.

    A job that is none of the queue has that end. One that has waited as long as it may has another.
    """
    if not isinstance(event, Failed | Refused) or job.queue_until is None:
        return event
    if job.hash is not None or job.cancel_requested_at is not None or job.modal is not None:
        return event
    if job.status not in _MAY_GO_BACK:
        return event
    if now >= job.queue_until:
        return not_sent(job, event.error)
    return PutBack(event.error, event.shown if isinstance(event, Failed) else None)


def not_sent(job: Job, why: str) -> Failed:
    """Return the end of a job that has waited as long as it may."""
    waited = timedelta() if job.queue_until is None else job.queue_until - job.created_at
    # a request is a moment older than its job
    waited = timedelta(seconds=round(waited.total_seconds()))
    return Failed.by(
        sentences.NOT_SENT_IN_TIME, sentences.NOTHING_SENT, time=_span(waited), why=why
    )


def _span(waited: timedelta) -> str:
    hours = waited.total_seconds() / 3600
    return f"{round(hours, 1):g} hours" if hours >= 2 else spoken(waited)
