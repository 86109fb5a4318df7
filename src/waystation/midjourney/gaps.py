"""Gaps: what follows when the gateway session was lost, and what history is read for.

Until history was read, elimination decides nothing that somebody unheard of could change (R20).

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from waystation import sentences
from waystation.jobs import Failed, Job
from waystation.midjourney.answers import finishes, in_history
from waystation.midjourney.heard import late_ended
from waystation.midjourney.replies import ReplyKind
from waystation.midjourney.state import State
from waystation.midjourney.steps import NOTHING, Step, join
from waystation.wire.snowflake import NO_SNOWFLAKE, Snowflake

__all__ = [
    "depends_on_past",
    "missed",
    "read_to_the_end",
    "readable",
    "settle",
    "unread_ghosts",
    "unread_past",
]


def settle(state: State, now: datetime) -> Step:
    """Return the ends of jobs whose reply is gone with a gap in the gateway session (R29)."""
    lost = join(
        state.step(job.jobid, now, Failed.by(sentences.REPLY_LOST, _REPLY_LOST, ghost=True))
        for job in state.agenda.open
        if job.submitted_at is not None and (job.modal is not None or not in_history(job))
    )
    return state.learnt(lost)


def missed(state: State, now: datetime, listening: str = NO_SNOWFLAKE) -> Step:
    """Return the step after a gap: until history was read, elimination decides nothing (R20).

    Somebody may have asked for the same in it, and his picture be all that is heard.

    Args: listening: the newest id of which the new session knows
    """
    asked = [job for job in state.jobs.values() if job.submitted_at and not late_ended(job)]
    if state.unread.missed(asked, state.newest, listening):
        state.doubtful.listening(listening, now)
    state.reads_past = True
    state.seen(listening)
    return state.learnt(NOTHING)


def read_to_the_end(state: State, since: str) -> Step:
    """Return the step after history was read from an id on: all asked after it is known."""
    state.unread.read_to_the_end(since, state.jobs.values())
    return state.learnt(NOTHING)


def unread_past(state: State) -> Snowflake | None:
    """The id from which on history is read for what was asked before we listened.

    None where everything was heard, or no picture is waited for that could be somebody's.
    """
    asked = (job for job in state.jobs.values() if job.submitted_at is not None)
    needed = state.unread.past is not None and any(depends_on_past(state, job) for job in asked)
    return state.unread.past if needed else None


def depends_on_past(state: State, job: Job) -> bool:
    """Tell whether an ask from before we listened may be taken for a job that is asked."""
    draws = job.hash is None and finishes(job, ReplyKind.PICTURE) and not late_ended(job)
    return draws and state.reads_past and state.unread.may_own(state.newest)


def unread_ghosts(state: State) -> Sequence[Job]:
    """The ghosts of which a gap may hide the late result."""
    return [job for job in readable(state) if job.final and state.unread.hides_from(job)]


def readable(state: State) -> Sequence[Job]:
    """The jobs that wait for something that history has, ghosts too."""
    return [
        job
        for job in state.jobs.values()
        if job.submitted_at is not None and in_history(job) and not late_ended(job)
    ]


_REPLY_LOST = "Discord was disconnected when the bot answered, and this answer cannot be read back"
