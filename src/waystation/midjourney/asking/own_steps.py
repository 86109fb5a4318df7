"""Own steps: the steps that Waystation itself takes with a job.

A job is submitted, refused, cancelled, or given up before it was asked. What tells of a request is
committed before the request leaves (R12).

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from waystation.jobs import (
    Cancelled,
    CancelRequested,
    Failed,
    Job,
    JobEvent,
    JobId,
    JobStatus,
    Modal,
    ModalOpened,
    Nonce,
    Reacted,
    Refused,
    Silent,
    Source,
    Submitted,
    Unclear,
    Unsent,
)
from waystation.midjourney.answers import in_history
from waystation.midjourney.deadlines import turn_span
from waystation.midjourney.gaps import depends_on_past
from waystation.midjourney.putting_back import instead
from waystation.midjourney.state import State
from waystation.midjourney.steps import NOTHING, HaltSign, Step

__all__ = [
    "cancel",
    "cancel_requested",
    "ended",
    "must_wait",
    "not_left",
    "not_written",
    "over",
    "reacted",
    "reopened",
    "silent",
    "submitted",
    "unasked",
    "unclear",
    "unsent",
]


RATE_LIMITED: Final = 429
HALTED: Final = 596


def must_wait(state: State, jobid: JobId, target: str | None = None) -> bool:
    """Tell whether a job must wait for one whose answer could be taken for its own (R15).

    A job that must has more time for its turn from then on.

    Args: target: the message that it will press
    """
    job = state.jobs.get(jobid)
    if job is None or not state.candidates.rivals(job, target):
        return False
    state.held_up.add(jobid)
    return True


def submitted(
    state: State, jobid: JobId, nonce: Nonce, now: datetime, source: Source | None = None
) -> Step:
    """Return the step that must be committed before the request leaves (R12).

    It writes nothing when the job must not be sent: it is final, or the gateway has shown that
    the bot has it, whatever HTTP said (R25).
    """
    job = state.jobs.get(jobid)
    if job is None or (job.bound and job.modal is None):
        return NOTHING
    deadline_at = now + state.limits.first_answer
    event = Submitted(nonce, deadline_at, after=state.newest)
    if source is not None:
        state.faces.expect(source.message_id, source.face)
        event = Submitted(
            nonce,
            deadline_at,
            source.message_id,
            source.hash,
            source.custom_id,
            state.newest,
        )
    step = state.learnt(state.step(jobid, now, event))
    return replace(step, reads_past=depends_on_past(state, job))


def silent(state: State, jobid: JobId, now: datetime, *, refused: bool = False) -> Step:
    """Return the step for an ask of which nothing was seen in time: others may pass (R15).

    History is read once meanwhile, since it may have what the gateway has lost.

    Args: refused: Discord has not executed it, so there is nothing to read
    """
    job = state.jobs.get(jobid)
    if job is None or not job.in_flight:
        return NOTHING
    looks = frozenset() if refused or not in_history(job) else frozenset({jobid})
    return replace(state.learnt(state.step(jobid, now, Silent())), look_back=looks)


def reacted(state: State, jobid: JobId, now: datetime) -> Step:
    """Return the step for an emoji that Discord has put under the message."""
    return state.learnt(state.step(jobid, now, Reacted()))


def ended(
    state: State,
    jobid: JobId,
    event: JobEvent,
    now: datetime,
    halt: str | None = None,
    *,
    token_rejected: bool = False,
) -> Step:
    """Return the step for an end that HTTP or Waystation itself decided.

    A job that is final already stays as it is. A refusal of what the gateway has shown to be
    executed is noted and judged by the deadline (R25).

    Args: halt: text of the halt of its account; token_rejected: a new token is the mend of it
    """
    job = state.jobs.get(jobid)
    if isinstance(event, Refused) and job is not None and job.bound:
        event = Unclear(event.error)
    if job is not None and _may_be_sent_later(job, event):
        event = instead(job, event, now)
    step = state.learnt(state.step(jobid, now, event))
    if not halt:
        return step
    return replace(step, halt=HaltSign(halt, now, token_rejected=token_rejected))


def _may_be_sent_later(job: Job, event: JobEvent) -> bool:
    """Tell whether an end says something of the moment or of the account, and nothing was asked."""
    if isinstance(event, Refused):
        return event.code == RATE_LIMITED
    return isinstance(event, Failed) and event.code == HALTED and job.status is JobStatus.CREATED


def unsent(state: State, jobid: JobId, event: JobEvent, now: datetime) -> Step:
    """Return the step of a job that cannot be sent in its time; one of the queue waits again."""
    job = state.jobs.get(jobid)
    if job is None or job.status is not JobStatus.CREATED:
        return ended(state, jobid, event, now)
    return state.learnt(state.step(jobid, now, instead(job, event, now)))


def not_written(state: State, jobid: JobId, event: JobEvent, now: datetime) -> Step:
    """Return the step of a job whose request was not written to any connection (R13).

    One of the queue waits again. Nothing can have been executed, though its nonce is committed.
    """
    job = state.jobs.get(jobid)
    if job is not None and not job.bound:
        event = instead(job, event, now)
    return ended(state, jobid, event, now)


def not_left(
    state: State, jobid: JobId, event: Failed, now: datetime, until: datetime | None
) -> Step:
    """Return the step of a job whose request has not left, since nothing may be sent now (R13).

    It waits for its turn again; a job of the queue waits in the queue.

    Args: event: its end where it cannot wait; until: how long it may, if its age does not say it
    """
    job = state.jobs.get(jobid)
    if job is None or job.bound or job.status is not JobStatus.SUBMITTED or job.queue_until:
        return not_written(state, jobid, event, now)
    return state.learnt(state.step(jobid, now, Unsent(event.error, until)))


def reopened(state: State, jobid: JobId, modal: Modal, now: datetime) -> Step:
    """Return the step of a job of which the answer to a modal has not left: it still waits.

    Nothing if the bot has shown more of it meanwhile.
    """
    job = state.jobs.get(jobid)
    if job is None or job.final or job.message_id is not None or job.modal is not None:
        return NOTHING
    return state.learnt(state.step(jobid, now, ModalOpened(modal)))


def unasked(state: State, jobid: JobId, event: JobEvent, now: datetime) -> Step:
    """Return the end of a job that was not asked in its POST's time.

    Nothing if it was asked (R10), or has more time since it waited for a look-alike (R15).
    """
    job = state.jobs.get(jobid)
    if job is None or job.status is not JobStatus.CREATED:
        return NOTHING
    if jobid in state.held_up and now < job.created_at + turn_span(job, state.limits, held_up=True):
        return NOTHING
    return state.learnt(state.step(jobid, now, event))


def unclear(state: State, jobid: JobId, reason: str, now: datetime) -> Step:
    """Return the step that notes an unclear outcome."""
    return state.learnt(state.step(jobid, now, Unclear(reason)))


def cancel_requested(state: State, jobid: JobId, nonce: Nonce, now: datetime) -> Step:
    """Return the step that must be committed before Cancel Job is pressed (R12, R26)."""
    job = state.jobs.get(jobid)
    if job is None or job.cancel_requested_at is not None:
        return NOTHING
    # its press is no ask by hand, and brings no picture
    state.candidates.others.disown(nonce)
    return state.learnt(state.step(jobid, now, CancelRequested(nonce)))


def over(state: State, stored: Job) -> Step:
    """Let go of a job that was ended elsewhere before it was asked; the rows have it already."""
    job = state.jobs.get(stored.jobid)
    if job is not None and job.status is JobStatus.CREATED and stored.version > job.version:
        state.forget(job)
    return NOTHING


def cancel(state: State, jobid: JobId, now: datetime) -> Step:
    """Return the step that ends a job as cancelled, without evidence from the bot (R26)."""
    job = state.jobs.get(jobid)
    if job is None or job.final:
        return NOTHING
    cancelled = Cancelled(ghost=job.status is not JobStatus.CREATED)
    requested = () if job.cancel_requested_at is not None else (CancelRequested(),)
    return state.learnt(state.step(jobid, now, *requested, cancelled))
