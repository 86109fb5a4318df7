"""How long silence is borne, and what follows when it was borne long enough.

Nothing here looks at a clock: the instants come from the job, the spans from `Limits`.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from waystation import sentences
from waystation.jobs import Expired, Failed, Job, JobEvent, JobStatus, Lost, Moderated
from waystation.midjourney.commands import COMMANDS

__all__ = [
    "IN_FLIGHT",
    "Limits",
    "bounded",
    "due_at",
    "left_unsent",
    "running_deadline",
    "spoken",
    "told_span",
    "turn_span",
    "verdict",
]

IN_FLIGHT: Final = timedelta(seconds=5)
"""How long Discord may take to tell an ask's interaction (R15)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long silence is borne. All settings."""

    first_answer: timedelta
    """From submission to the bot's first message (R2)."""
    job_timeout: timedelta
    """From submission to the end (R28)."""
    vanish_grace: timedelta
    """From a deleted message to the verdict (R27)."""
    slot_hold: timedelta
    """How long a ghost keeps its slot without evidence (R31)."""
    ghost_life: timedelta
    """How long a ghost stays a candidate (R19)."""
    blind_grace: timedelta
    """How much longer a submitted job lives while Discord cannot be heard (R28)."""
    silence: timedelta
    """From what was last heard of a running job to the first look-up; the next after twice as
    long, and so on (R51)."""
    track_queued: bool
    """Set: a job goes on that the bot says it starts later. Else it has failed (R6)."""


def due_at(job: Job, limits: Limits, *, caught_up: bool, held_up: bool = False) -> datetime | None:
    """Return when a job must be looked at next.

    Args: caught_up: whether every message up to now has been received; held_up: as of `turn_span`
    Returns: for a ghost, when its slot goes back or, without one, when it is forgotten
    """
    if job.final:
        if job.slot:
            return job.slot_until
        return (job.finished_at or job.updated_at) + limits.ghost_life
    if job.status is JobStatus.CREATED:
        return job.created_at + turn_span(job, limits, held_up=held_up)
    due = job.deadline_at
    if job.vanished_at is not None:
        due = job.vanished_at + limits.vanish_grace
    if due is None or caught_up or job.modal is not None:
        # what is not answered is not waited for either
        return due
    return due + limits.blind_grace


def bounded(job: Job, now: datetime, limits: Limits) -> Job:
    """Return a job as an earlier process has left it, its waits no longer than they were at first.

    That process may have counted in another time: before the machine was started anew, or on
    another one (R28).
    """

    def before(moment: datetime | None, most: timedelta = timedelta()) -> datetime | None:
        return None if moment is None else min(moment, now + most)

    limit = _running_limit(job, limits)
    if job.status in (JobStatus.CREATED, JobStatus.SUBMITTED):
        limit = limits.first_answer
    return replace(
        job,
        updated_at=min(job.updated_at, now),
        submitted_at=before(job.submitted_at),
        vanished_at=before(job.vanished_at),
        deadline_at=before(job.deadline_at, limit),
        slot_until=before(job.slot_until, limits.slot_hold),
        # who has sent it waits for that process no more
        post_until=None,
    )


def running_deadline(job: Job, limits: Limits) -> datetime:
    """Return when a job that the bot has taken expires (R28)."""
    return (job.submitted_at or job.created_at) + _running_limit(job, limits)


def turn_span(job: Job, limits: Limits, *, held_up: bool = False) -> timedelta:
    """Return how long a job may wait for its turn; more, if an earlier process left it unsent.

    Args: held_up: it had to wait for a look-alike, which may end unanswered and leave it as much
    time as that took (R15)
    """
    if job.deadline_at is not None:
        return job.deadline_at - job.created_at
    return 2 * limits.first_answer if held_up else limits.first_answer


def told_span(job: Job, limits: Limits, *, held_up: bool = False) -> timedelta:
    """Return how long a job has waited for its turn, as its end tells it.

    One of the queue has waited there before. Args: held_up: as of `turn_span`
    """
    if job.queue_until is not None:
        return limits.first_answer
    return turn_span(job, limits, held_up=held_up)


def left_unsent(job: Job, now: datetime, life: timedelta, limits: Limits) -> Job | None:
    """Return a job that an earlier process has accepted and not sent, with its new time to wait.

    None when it is too old to be sent. Whoever asked for it is not there any more: so it may wait
    for its turn as long as it may be sent at all. One of the queue may wait as one that an account
    is given now.

    Args: life: age up to which it is sent
    """
    if job.queue_until is not None:
        waits = now < job.queue_until
        return replace(job, deadline_at=now + limits.first_answer) if waits else None
    # R28: that process may have counted in another time
    accepted_at = min(job.created_at, now)
    if now - accepted_at > life:
        return None
    deadline_at = max(accepted_at + life, now + limits.first_answer)
    return replace(job, deadline_at=deadline_at)


def verdict(job: Job, limits: Limits, *, caught_up: bool, held_up: bool = False) -> JobEvent:
    """Return the end of a job that is due and not final.

    Args: caught_up: whether the account's connection is current; held_up: as of `turn_span`
    """
    if job.vanished_at is not None:
        return Moderated(sentences.REMOVED_BY_BOT.text, _VANISHED)
    if job.status is JobStatus.CREATED:
        limit = spoken(told_span(job, limits, held_up=held_up))
        return Failed.by(sentences.CONNECTION_NOT_READY, sentences.NOTHING_SENT, time=limit)
    if job.status is JobStatus.SUBMITTED:
        return Lost(sentences.NO_REPLY.said(time=spoken(limits.first_answer)))
    return Expired(sentences.TOOK_TOO_LONG.said(time=spoken(_running_limit(job, limits))))


def _running_limit(job: Job, limits: Limits) -> timedelta:
    # what holds no slot answers in one message: it has no longer than that message may take
    return limits.job_timeout if COMMANDS[job.verb].takes_slot else limits.first_answer


def spoken(span: timedelta) -> str:
    """Return a span in words: `60 seconds`, from two minutes on `2 minutes`."""
    seconds = span.total_seconds()
    return f"{round(seconds / 60, 1):g} minutes" if seconds >= 120 else f"{seconds:g} seconds"


_VANISHED = "The bot deleted its message without a result"
