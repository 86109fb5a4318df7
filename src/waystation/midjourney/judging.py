"""Judging: what silence means, once a deadline is over.

A job of which nothing is heard is looked up (R51). It is judged when history was read and says
nothing either (R27, R28, R31).

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from msgspec import structs

from waystation import sentences
from waystation.jobs import Failed, Job, JobEvent, JobId, JobStatus, SlotReleased
from waystation.midjourney.deadlines import due_at, running_deadline, verdict
from waystation.midjourney.matching.held import Counted
from waystation.midjourney.putting_back import instead
from waystation.midjourney.state import State
from waystation.midjourney.steps import NOTHING, Step, join
from waystation.midjourney.weighing import may_be_given
from waystation.wire.message import Message

__all__ = ["expire", "unheard", "wake_at"]


def wake_at(state: State, *, caught_up: bool) -> datetime | None:
    """Return when `expire` has something to judge next, or `unheard` something to look up."""
    moments = [state.agenda.next_ghost(), state.weigh_at if state.held and caught_up else None]
    silence, counted = state.limits.silence, state.held.count()
    for job in state.agenda.open:
        moments.append(_due_at(state, counted, job, caught_up=caught_up))
        if caught_up:
            moments.append(state.lookups.silent_at(job, silence))
    return min((moment for moment in moments if moment is not None), default=None)


def unheard(state: State, now: datetime, *, caught_up: bool) -> Step:
    """Return the look-up of the running jobs of which nothing is heard, together (R51)."""
    if not caught_up:
        return NOTHING
    jobids, new = state.lookups.unheard(state.agenda.open, now, state.limits.silence)
    return Step(look_back=frozenset(jobids), unheard=new)


def expire(
    state: State,
    now: datetime,
    *,
    caught_up: bool,
    unsent: Callable[[JobId], JobEvent | None] = lambda jobid: None,
) -> Step:
    """Return the verdicts that are due (R27, R28, R31).

    Call it only under the account's lease. Jobs in `look_back` are judged by the next call,
    after history was read.

    Args: caught_up: whether every message up to now has been received; unsent: the end of a
    job that still waits to be asked, or to answer what the bot has opened, by what it waits for
    """
    steps: list[Step] = []
    look_back: set[JobId] = set()
    untold: list[Message] = []
    for ghost in state.agenda.due_ghosts(now):
        if ghost.slot:
            steps.append(state.step(ghost.jobid, now, SlotReleased()))
        else:
            state.forget(ghost)
    counted = state.held.count()
    for job in state.agenda.open:
        due = _due_at(state, counted, job, caught_up=caught_up)
        if due is None or due > now:
            continue
        if (end := unsent(job.jobid)) is not None:
            # nobody can have answered what was not sent
            steps.append(_ended(state, job, end, now))
        elif caught_up and state.lookups.needed(job, due):
            look_back.add(job.jobid)
        elif held := counted.of(frozenset({job.jobid})):
            steps.append(_not_told_apart(state, job, now, runs_on=True))
            untold.extend(held)
        elif job.status is not JobStatus.CREATED and state.candidates.may_be_lost(job):
            # R20: a result that resembles no ask says nothing, so nobody can have it
            steps.append(_not_told_apart(state, job, now, runs_on=job.vanished_at is None))
        else:
            held_up = job.jobid in state.held_up
            end = verdict(job, state.limits, caught_up=caught_up, held_up=held_up)
            steps.append(_ended(state, job, end, now))
    learnt = state.learnt(join(steps))
    return replace(learnt, look_back=frozenset(look_back), untold=tuple(untold))


def _ended(state: State, job: Job, end: JobEvent, now: datetime) -> Step:
    """End a job; one that was not asked may wait in the queue again."""
    if job.status is JobStatus.CREATED:
        end = instead(job, end, now)
    return state.step(job.jobid, now, end)


def _not_told_apart(state: State, job: Job, now: datetime, *, runs_on: bool) -> Step:
    """End a job to which no picture can be given. Args: runs_on: Midjourney may still draw it"""
    return state.step(job.jobid, now, Failed.by(sentences.NOT_TOLD_APART, ghost=runs_on))


def _due_at(state: State, counted: Counted, job: Job, *, caught_up: bool) -> datetime | None:
    if state.lookups.judges(job.jobid):
        return None
    if job.vanished_at is not None and counted.of(frozenset({job.jobid})):
        # R27 is about a job without a result, and this one may have one
        job = structs.replace(job, vanished_at=None)
    if job.status is JobStatus.SUBMITTED and state.candidates.may_have_begun(job):
        job = structs.replace(job, deadline_at=running_deadline(job, state.limits))
    held_up = job.jobid in state.held_up
    due = due_at(job, state.limits, caught_up=caught_up, held_up=held_up)
    if due is not None and caught_up and may_be_given(state, counted, job):
        # reading history has no longer than this either
        due += state.limits.blind_grace
    return due
