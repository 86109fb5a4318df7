"""Weighing: give the pictures that wait to be told apart to their jobs (matching/held.py).

A picture is given to the one who alone could own it, unless somebody may be unheard of. What stays
ambiguous is looked up once. A group about which nothing more can be learnt gets nothing (R20).

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from waystation import sentences
from waystation.gateway_events import SeenAs
from waystation.jobs import Failed, Job, JobId
from waystation.midjourney.commands import COMMANDS
from waystation.midjourney.deadlines import IN_FLIGHT
from waystation.midjourney.heard import Heard
from waystation.midjourney.matching.held import Counted, HeldPicture
from waystation.midjourney.reading import Reading
from waystation.midjourney.replies import ReplyKind
from waystation.midjourney.results import picture_links
from waystation.midjourney.state import State
from waystation.midjourney.steps import NOTHING, Step, join
from waystation.wire.message import Message

__all__ = ["disprove", "matched", "may_be_given", "weigh"]


def weigh(state: State, now: datetime) -> Step:
    """Return the next that follows for the pictures that wait to be told apart.

    Call it again until it writes nothing. What stays ambiguous is looked up once; it fails when
    every picture is there that could come, and else with its deadline (R20).
    """
    state.torn = frozenset()
    return state.learnt(_weighed(state, now))


def _weighed(state: State, now: datetime) -> Step:
    state.weigh_at = None
    waiting: set[str] = set()
    counted = state.held.count()
    for held, ask in counted.decided():
        job = state.jobs.get(JobId(ask))
        if job is None:
            state.held.finish(held, ask)
            return _weighed(state, now)
        if not _is_sure(state, held, job):
            waiting.update({ask} if _past_may_tell(state, held.message) else ())
            continue
        named_at = _named_at(job)
        if named_at is None or named_at <= now:
            return matched(state, job, held.seen_as, held.message, held.reading, "weak", now)
        state.weigh_at = min(named_at, state.weigh_at or named_at)
    if state.weigh_at is not None:
        return NOTHING
    return _given_up(state, counted, waiting, now)


def _is_sure(state: State, held: HeldPicture, job: Job) -> bool:
    """Tell whether nobody unheard of could own a picture that is a job's by all that is known."""
    if job.hash is None and state.unread.hides_from(job):
        return False
    if not state.held.is_evident(held, job.jobid):
        return False
    if state.held.is_spent(job.jobid):
        return state.held.is_told(held)
    if held.reading.kind is ReplyKind.SHORTENED and held.reading.interaction_id is not None:
        # it names its interaction, which is younger than the ask (candidates.py)
        return True
    begun = state.held.begun(held)
    past = state.unread.may_own(held.message.id) or state.doubtful.about(
        held.message.id, job, begun
    )
    return not past or state.held.is_told(held)


def _past_may_tell(state: State, message: Message) -> bool:
    """Tell whether reading what was asked before we listened may tell whose a picture is."""
    return state.reads_past and state.unread.may_own(message.id)


def _given_up(state: State, counted: Counted, waiting: Collection[str], now: datetime) -> Step:
    """Return the end of jobs of which nothing more can be learnt, after one more look.

    Args: waiting: asks for which history is still to be read
    """
    jobids = frozenset(
        JobId(ask)
        for ask in counted.asks
        if (job := state.jobs.get(JobId(ask))) is not None and not job.final and ask not in waiting
    )
    if not jobids <= state.ambiguous:
        return state.look_again(jobids)
    for asks in counted.hopeless():
        late = state.lookups.under_way(asks) or not state.late.isdisjoint(asks)
        if late or not asks.isdisjoint(waiting):
            continue
        ends = [
            state.step(JobId(ask), now, Failed.by(sentences.NOT_TOLD_APART)) for ask in sorted(asks)
        ]
        if any(end.writes for end in ends):
            return replace(join(ends), untold=counted.of(asks))
        state.held.close(asks)
    return NOTHING


def may_be_given(state: State, counted: Counted, job: Job) -> bool:
    """Tell whether a picture that waits is about to be given to a job, or may be.

    It may be while history is, or will be, read that may tell whose it is: that of ghosts, and of
    asks from before we listened. Both are read apart (R28).
    """
    if any(ask == job.jobid and _is_sure(state, held, job) for held, ask in counted.decided()):
        return True
    asks = counted.beside(job.jobid)
    if not state.late.isdisjoint(asks):
        return True
    return any(_past_may_tell(state, message) for message in counted.of(asks))


def disprove(state: State, step: Step) -> None:
    """Take back pictures that the store knows to be another job's (I1)."""
    for job_step in step.job_steps:
        late = job_step.job.late
        for message_id in (job_step.job.message_id, None if late is None else late.message_id):
            if message_id is not None:
                state.held.discard(message_id)


def matched(
    state: State,
    job: Job,
    seen_as: SeenAs,
    message: Message,
    reading: Reading,
    by: str,
    now: datetime,
) -> Step:
    """Return what follows for a job from a message that is its. Args: by: what told so"""
    if reading.kind is ReplyKind.PICTURE:
        links = picture_links(state.cdn_url, reading.shown)
        reading = replace(reading, shown=replace(reading.shown, result=links))
    if not COMMANDS[job.verb].shows_own:
        reading = replace(reading, shown=replace(reading.shown, hash=None))
    lately = seen_as is not SeenAs.HISTORY and job.jobid in state.silent
    early = lately or message.id in state.early
    return Heard(job, seen_as, message, reading, by, now, state.limits, early).decide()


def _named_at(job: Job) -> datetime | None:
    """Return until when a job's interaction may be told.

    It may say that a picture is older than the ask, or somebody else's who asked at that moment.
    """
    if job.bound or job.submitted_at is None:
        return None
    return job.submitted_at + IN_FLIGHT
