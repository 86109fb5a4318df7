"""The job machine: which status follows from a status and an event, as a table.

Everything that affects transitions lives here. `apply` looks the pair up and merges what the event
carries; a pair without a row is an illegal step. A final status has no rows but Late and
SlotReleased, which leave it as it is (I9).

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec.structs import replace

from waystation.errors import LocalProtocolError
from waystation.jobs import (
    Acknowledged,
    Cancelled,
    CancelRequested,
    Completed,
    Expired,
    Failed,
    Granted,
    InteractionSeen,
    Job,
    JobEvent,
    JobStatus,
    Late,
    Lost,
    MessageRole,
    ModalOpened,
    Moderated,
    Progressed,
    PutBack,
    Reacted,
    Refused,
    Shown,
    Silent,
    SlotReleased,
    Submitted,
    Unclear,
    Unsent,
    Vanished,
)

__all__ = ["TRANSITIONS", "apply"]

_CREATED, _SUBMITTED = JobStatus.CREATED, JobStatus.SUBMITTED
_STARTED, _PROGRESS = JobStatus.STARTED, JobStatus.PROGRESS
_COMPLETED, _MODERATED = JobStatus.COMPLETED, JobStatus.MODERATED
_FAILED, _CANCELLED = JobStatus.FAILED, JobStatus.CANCELLED

_RUNNING_ENDS: Mapping[type, JobStatus] = {
    Completed: _COMPLETED,
    Moderated: _MODERATED,
    Failed: _FAILED,
    Expired: _FAILED,
    Cancelled: _CANCELLED,
}

_UNSEEN = (
    Submitted,
    ModalOpened,
    InteractionSeen,
    Unclear,
    Unsent,
    Silent,
    Vanished,
    CancelRequested,
    Late,
    SlotReleased,
)
"""Events that change nothing a reader sees: what was delivered as final stays equal (I10)."""

TRANSITIONS: Mapping[JobStatus, Mapping[type, JobStatus]] = {
    _CREATED: {
        Granted: _CREATED,
        PutBack: _CREATED,
        Submitted: _SUBMITTED,
        CancelRequested: _CREATED,
        Cancelled: _CANCELLED,
        Moderated: _MODERATED,
        Refused: _FAILED,
        Failed: _FAILED,
        Expired: _FAILED,
    },
    _SUBMITTED: {
        **_RUNNING_ENDS,
        PutBack: _CREATED,
        Unsent: _CREATED,
        Submitted: _SUBMITTED,
        Reacted: _STARTED,
        ModalOpened: _SUBMITTED,
        InteractionSeen: _SUBMITTED,
        Unclear: _SUBMITTED,
        Silent: _SUBMITTED,
        Acknowledged: _STARTED,
        Progressed: _PROGRESS,
        Refused: _FAILED,
        Lost: _FAILED,
        Vanished: _SUBMITTED,
        CancelRequested: _SUBMITTED,
    },
    _STARTED: {
        **_RUNNING_ENDS,
        PutBack: _CREATED,
        Submitted: _STARTED,
        Reacted: _STARTED,
        ModalOpened: _STARTED,
        InteractionSeen: _STARTED,
        Unclear: _STARTED,
        Acknowledged: _STARTED,
        Refused: _STARTED,
        Progressed: _PROGRESS,
        Vanished: _STARTED,
        CancelRequested: _STARTED,
    },
    _PROGRESS: {
        **_RUNNING_ENDS,
        Submitted: _PROGRESS,
        Reacted: _PROGRESS,
        ModalOpened: _PROGRESS,
        InteractionSeen: _PROGRESS,
        Unclear: _PROGRESS,
        Refused: _PROGRESS,
        Progressed: _PROGRESS,
        Vanished: _PROGRESS,
        CancelRequested: _PROGRESS,
    },
    **{status: {Late: status, SlotReleased: status} for status in JobStatus if status.final},
}


def apply(job: Job, event: JobEvent, now: datetime, slot_hold: timedelta) -> Job:
    """Return the job after an event.

    Args: now: aware UTC instant of the event; slot_hold: how long a ghost keeps its slot (R31)
    Raises: LocalProtocolError: the table has no row for this status and event
    """
    status = TRANSITIONS[job.status].get(type(event))
    if status is None:
        raise LocalProtocolError(f"{type(event).__name__} cannot follow {job.status}")
    merged = _merge(job, event, now)
    unseen = isinstance(event, _UNSEEN) or (isinstance(event, Refused) and merged is job)
    updated_at = job.updated_at if unseen else now
    moved = replace(merged, status=status, updated_at=updated_at, version=job.version + 1)
    return _finish(moved, event, now, slot_hold) if status.final and not job.final else moved


def _merge(job: Job, event: JobEvent, now: datetime) -> Job:
    match event:
        case Submitted():
            return _submit(job, event, now)
        case ModalOpened(modal):
            return replace(job, modal=modal)
        case InteractionSeen(interaction_id):
            return replace(job, interaction_id=interaction_id)
        case Acknowledged(shown, deadline_at, is_notice=is_notice):
            role = MessageRole.NOTICE if is_notice else MessageRole.PROGRESS
            return replace(_show(job, shown, role), deadline_at=deadline_at)
        case Progressed(shown, is_result=is_result):
            return _show(job, shown, MessageRole.RESULT if is_result else MessageRole.PROGRESS)
        case Completed(shown):
            return replace(_show(job, shown, MessageRole.RESULT), code=200)
        case Moderated(error, details, shown, _, code) | Failed(code, error, details, shown):
            job = job if shown is None else _show(job, shown, MessageRole.RESULT)
            return replace(job, error=error, error_details=details, code=code)
        case Refused(code, error, details):
            if job.status in (_STARTED, _PROGRESS):
                # R25: the gateway was faster than HTTP; the bot has it, whatever HTTP says
                return job
            return replace(job, error=error, error_details=details, code=code)
        case Lost(error) | Expired(error):
            return replace(job, error=error, code=502)
        case Silent():
            return replace(job, unclear=True)
        case CancelRequested():
            return replace(job, cancel_requested_at=now)
        case Vanished():
            return replace(job, vanished_at=now)
        case SlotReleased():
            return replace(job, slot=False, slot_until=None)
        case PutBack():
            return _put_back(job)
        case Unsent(deadline_at=deadline_at):
            return _unsend(job, deadline_at)
        case Cancelled() | Unclear() | Reacted() | Granted():
            return job
        case late:
            return _show_late(job, late)


def _submit(job: Job, event: Submitted, now: datetime) -> Job:
    pressed_next = job.modal is not None and event.pressed is not None
    target = {} if event.target is None else {event.target: MessageRole.TARGET}
    return replace(
        job,
        nonce=event.nonce,
        # the same message answers both interactions: it counts only for the second from here on
        interaction_id=None if pressed_next else job.interaction_id,
        submitted_at=job.submitted_at if job.modal else now,
        deadline_at=event.deadline_at,
        asked_after=job.asked_after if job.modal else event.after,
        messages={**job.messages, **target},
        unclear=False,
        source_hash=event.source_hash or job.source_hash,
        pressed=event.pressed or job.pressed,
        modal=None,
    )


def _put_back(job: Job) -> Job:
    """Return a job as it was before an account had it; a uuid it never had (R20)."""
    return replace(
        job,
        account_id="",
        max_jobs=None,
        slot=False,
        nonce=None,
        submitted_at=None,
        deadline_at=None,
        interaction_id=None,
        message_id=None,
        messages={},
        timestamp=None,
        content=None,
        embeds=(),
        attachments=(),
        progress=None,
        flags=0,
        buttons=(),
        result={},
        unclear=False,
        source_hash=None,
        pressed=None,
        modal=None,
        asked_after=None,
        vanished_at=None,
        # its POST is answered that it waits
        post_until=None,
    )


def _unsend(job: Job, deadline_at: datetime | None) -> Job:
    """Return a job as it was before its request, which has not left; its nonce stays."""
    return replace(
        job,
        submitted_at=None,
        deadline_at=deadline_at,
        messages={},
        unclear=False,
        source_hash=None,
        pressed=None,
        asked_after=None,
    )


def _show(job: Job, shown: Shown, role: MessageRole) -> Job:
    if job.messages.get(shown.message_id) is MessageRole.TARGET:
        # an edit of what was pressed; as a result it is the pressed job's (I1)
        role = MessageRole.TARGET
    return replace(
        job,
        message_id=shown.message_id,
        messages={**job.messages, shown.message_id: role},
        timestamp=shown.timestamp or job.timestamp,
        content=job.content if shown.content is None else shown.content,
        embeds=shown.embeds or job.embeds,
        attachments=shown.attachments or job.attachments,
        hash=job.hash or shown.hash,
        progress=job.progress if shown.progress is None else shown.progress,
        flags=job.flags if shown.flags is None else shown.flags,
        buttons=job.buttons if shown.buttons is None else shown.buttons,
        result={**job.result, **shown.result},
        modal=None,
        vanished_at=None,
    )


def _show_late(job: Job, late: Late) -> Job:
    role = MessageRole.RESULT if late.ended else MessageRole.PROGRESS
    messages = {**job.messages, late.shown.message_id: role}
    kept = replace(job, late=late.shown, messages=messages)
    return replace(kept, slot=False, slot_until=None) if late.ended else kept


def _finish(job: Job, event: JobEvent, now: datetime, slot_hold: timedelta) -> Job:
    ghost = isinstance(event, Lost | Expired) or (
        isinstance(event, Failed | Cancelled) and event.ghost
    )
    # R31: a ghost that the bot may still run keeps its slot; a lost one was never seen to start
    keeps_slot = ghost and job.slot and not isinstance(event, Lost)
    return replace(
        job,
        finished_at=now,
        deadline_at=None,
        vanished_at=None,
        modal=None,
        ghost=ghost,
        slot=keeps_slot,
        slot_until=now + slot_hold if keeps_slot else None,
    )
