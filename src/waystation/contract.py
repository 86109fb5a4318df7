"""A job in v2's words: what GET answers, what a callback carries, what a POST answers.

Rules: one job form for every verb; a verb's own fields are spread into it from `Job.params`, so a
new verb needs no edit here. Fields that are not set are left out, never null. v2's own programs
read the form with strict models, so a field has the same type in every answer.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from waystation.callbacks import Callback
from waystation.jobs import Child, Job, JobStatus
from waystation.queueing.place import QueuePlace
from waystation.wire.message import Attachment, Embed

__all__ = [
    "STATUSES",
    "CancelForm",
    "ChildForm",
    "JobForm",
    "QueueForm",
    "answer",
    "callbacks_of",
    "cancel_json",
    "instant",
    "job_json",
    "ping_json",
    "retry_after_s",
    "waited",
]

_SHOWN: Mapping[JobStatus, JobStatus] = {JobStatus.SUBMITTED: JobStatus.CREATED}
"""Statuses that v2 has no word for, and the word it sees."""

STATUSES: Sequence[JobStatus] = tuple(one for one in JobStatus if one not in _SHOWN)
"""All statuses that v2 has a word for."""


class ChildForm(msgspec.Struct, rename="camel"):
    """A job that a button of another job started."""

    button: str
    jobid: str
    message_id: Annotated[str, Meta(description="empty until the bot shows a message of it")]


class QueueForm(msgspec.Struct, omit_defaults=True, rename="camel"):
    """A job that waits in the queue."""

    position: Annotated[int, Meta(description="1 is next")]
    priority: Annotated[int, Meta(description="1 to 5; a higher one goes first")]
    why: Annotated[str, Meta(description="a sentence that says what it waits for now")]
    estimate_s: Annotated[
        int | None,
        Meta(description="seconds until it may be sent, by the last jobs; missing without any"),
    ] = None


class JobForm(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Fields of every job; the verb's own fields and those of its answer stand beside them."""

    jobid: str
    verb: str
    status: JobStatus
    created: Annotated[str, Meta(description="when the job was accepted")]
    updated: Annotated[str, Meta(description="when anything of it changed last")]
    discord: Annotated[str, Meta(description="the account's token, masked")]
    channel: str
    server: Annotated[
        str | None, Meta(description="the channel's guild; missing in direct messages")
    ] = None
    max_jobs: Annotated[
        int | None, Meta(description="the limit it was accepted under; verbs that take a slot")
    ] = None
    reply_url: Annotated[str | None, Meta(description="where its end is delivered")] = None
    reply_ref: Annotated[str | None, Meta(description="as sent")] = None
    message_id: Annotated[
        str | None, Meta(description="the bot's message that shows it, once there is one")
    ] = None
    content: Annotated[
        str | None,
        Meta(description="that message's text; of a completed answer without one, its embed's"),
    ] = None
    timestamp: Annotated[str | None, Meta(description="Discord's time of that message")] = None
    attachments: Annotated[Sequence[Attachment], Meta(description="that message's files")] = ()
    embeds: Annotated[Sequence[Embed], Meta(description="that message's blocks")] = ()
    buttons: Annotated[
        Sequence[str],
        Meta(description="when completed with a picture: the labels that can be pressed"),
    ] = ()
    labels: Annotated[
        Sequence[str],
        Meta(description="the same under described or shortened prompts (an addition to v2)"),
    ] = ()
    children: Annotated[
        Sequence[ChildForm], Meta(description="the jobs that its buttons started; GET only")
    ] = ()
    queue: Annotated[
        QueueForm | None,
        Meta(description="while it waits in the queue alone (an addition to v2)"),
    ] = None
    error: Annotated[str | None, Meta(description="when it ended badly")] = None
    error_details: Annotated[str | None, Meta(description="more of it, in Discord's words")] = None
    code: Annotated[
        int, Meta(description="the job's own code: 200, 400, 422, 429, 502, 504 or 596")
    ]


class PingForm(msgspec.Struct, kw_only=True, rename="camel"):
    """The body of a test of a receiver."""

    jobid: str
    verb: str = "ping"
    status: JobStatus = JobStatus.COMPLETED
    created: str
    updated: str
    reply_url: str
    code: int = 200


class CancelForm(msgspec.Struct):
    """The answer to a cancel."""

    jobid: str
    status: Annotated[JobStatus, Meta(description="what the job has now")]
    code: int = 200


_FIRST = ("jobid", "verb", "status", "created", "updated")
_LAST = ("error", "errorDetails", "code")
"""Fields before the verb's own and fields behind its result, as in v2 notes 6.6."""

_AT_START = ("attachments", "embeds", "buttons", "labels")
"""Fields that a started job does not have. Source: v2 notes 6.3, model."""

_SHORT_FORMS: Mapping[int, Sequence[str]] = {
    400: ("error", "errorDetails", "jobid", "status", "code"),
    422: ("error", "errorDetails", "jobid", "status", "code"),
    429: ("error", "errorDetails", "code"),
    502: ("error", "errorDetails", "jobid", "status", "code"),
    504: ("error", "jobid", "status", "code"),
}
"""Job code → fields of the POST's answer; every other code answers the whole job form.

Source: v2 notes 6.3, list of responses; 400 and 502 by analogy (no sample there).
"""

_RETRY_AFTER_S = 10
"""Wait named when Discord gave none. Source: v2 notes 3, "at least 10..30 seconds"."""

_LONGEST_RETRY_AFTER_S = 3600
"""Longest wait passed on; a caller that asks again sooner does no harm."""


class _RateLimited(msgspec.Struct):
    """The part of Discord's 429 body that is read."""

    retry_after: float


_encode = msgspec.json.Encoder().encode
_rate_limited = msgspec.json.Decoder(_RateLimited).decode


def job_json(job: Job, children: Sequence[Child] = (), place: QueuePlace | None = None) -> bytes:
    """Return the job form as JSON: the body of GET and of each callback.

    Args: place: where it stands in the queue, while it waits
    """
    return _encode(_job_form(job, children, place))


def answer(job: Job, *, at_start: bool, place: QueuePlace | None = None) -> tuple[int, bytes]:
    """Return what the POST that made this job answers.

    A job of the queue that is not sent yet is 201, and `created` as a GET would say it.

    A job that has not ended is `started` to a POST, and so is one that was completed or cancelled
    meanwhile: v2's models of a POST know started, moderated and failed (R2; v2 notes 6.3).

    Args: at_start: whether the verb answers when the bot has begun
    Returns: HTTP status, JSON body
    """
    if job.queue_until is not None and job.status is JobStatus.CREATED:
        return 201, job_json(job, place=place)
    unknown_to_post = job.status in (JobStatus.COMPLETED, JobStatus.CANCELLED)
    if not job.final or (at_start and unknown_to_post):
        return 200, _encode(_started_form(job))
    form = _job_form(job)
    names = _SHORT_FORMS.get(job.code)
    if names is not None:
        form = {name: form[name] for name in names if name in form}
    return job.code, _encode(form)


def waited(job: Job, place: QueuePlace | None = None) -> tuple[int, bytes]:
    """Return what a POST answers whose caller has waited for the end: the job as it is (R2).

    Returns: HTTP status, JSON body
    """
    return answer(job, at_start=False) if job.final else (200, job_json(job, place=place))


def callbacks_of(job: Job, new_id: Callable[[], str], now: datetime) -> Sequence[Callback]:
    """Return the callback owed for a job as it has just become; nothing without a replyUrl.

    Args: new_id: gives the callback its id
    """
    if job.reply_url is None:
        return ()
    callback = Callback(
        callback_id=new_id(),
        jobid=job.jobid,
        user_id=job.user_id,
        url=job.reply_url,
        body=job_json(job),
        created_at=now,
        next_attempt_at=now,
        is_final=job.final,
        sequence=job.version,
    )
    return (callback,)


def ping_json(callback_id: str, url: str, at: datetime) -> bytes:
    """Return the body of a test: the fields that each job form has, of a job that there is not."""
    told = instant(at)
    jobid = f"ping:{callback_id}"
    return _encode(PingForm(jobid=jobid, created=told, updated=told, reply_url=url))


def cancel_json(job: Job) -> bytes:
    """Return what a cancel answers: the status that the job has now (R26)."""
    return _encode(CancelForm(job.jobid, _shown(job.status)))


def retry_after_s(job: Job, standing_s: float | None = None) -> int | None:
    """Return the wait to name beside a job's answer, None unless it was rate limited.

    Args: standing_s: what is known of the wait, where Discord's text names none

    Units: whole seconds, 1 to 3,600, rounded up from what Discord asked for
    """
    if job.code != 429:
        return None
    try:
        asked_s = _rate_limited(job.error_details or "").retry_after
    except (msgspec.DecodeError, RecursionError, ValueError):
        asked_s = _RETRY_AFTER_S if standing_s is None else standing_s
    return math.ceil(min(max(asked_s, 1), _LONGEST_RETRY_AFTER_S))


def instant(moment: datetime) -> str:
    """Return an aware UTC instant as v2 writes it: `YYYY-MM-DDTHH:mm:ss.mmmZ`."""
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"


def _shown(status: JobStatus) -> JobStatus:
    return _SHOWN.get(status, status)


def _started_form(job: Job) -> dict[str, object]:
    content = job.content if job.message_id is None else job.content or ""
    begun = replace(job, status=JobStatus.STARTED, content=content, result={})
    return {name: value for name, value in _job_form(begun).items() if name not in _AT_START}


def _pressable(job: Job) -> Mapping[str, Sequence[str]]:
    """Return what can be pressed: only a completed job has buttons to v2."""
    if job.status is not JobStatus.COMPLETED:
        return {}
    name = "labels" if any(button.picks_text for button in job.buttons) else "buttons"
    return {name: tuple(button.label for button in job.buttons)}


def _content(job: Job) -> str | None:
    """Return the message's text; an answer that is only an embed says the embed's, as /info does.

    Source: v2 notes 6.6, where `content` repeats the embed
    """
    only_embed = job.status is JobStatus.COMPLETED and job.embeds and not job.attachments
    return job.embeds[0].description if only_embed and not job.content else job.content


def _queue_form(place: QueuePlace | None) -> QueueForm | None:
    if place is None:
        return None
    return QueueForm(place.position, place.priority, place.why, place.estimate_s)


def _job_form(
    job: Job, children: Sequence[Child] = (), place: QueuePlace | None = None
) -> dict[str, object]:
    job_form = JobForm(
        jobid=job.jobid,
        verb=job.verb,
        status=_shown(job.status),
        created=instant(job.created_at + job.wall_ahead),
        updated=instant(job.updated_at + job.wall_ahead),
        discord=job.discord,
        channel=job.channel,
        server=job.server,
        max_jobs=job.max_jobs,
        reply_url=job.reply_url,
        reply_ref=job.reply_ref,
        message_id=job.message_id,
        content=_content(job),
        timestamp=job.timestamp,
        attachments=job.attachments or (),
        embeds=job.embeds or (),
        children=tuple(
            ChildForm(child.button, child.jobid, child.message_id or "") for child in children
        ),
        queue=_queue_form(place),
        error=job.error,
        error_details=job.error_details,
        code=job.code,
        **_pressable(job),
    )
    form = msgspec.to_builtins(job_form)
    first = {name: form.pop(name) for name in _FIRST}
    last = {name: form.pop(name) for name in _LAST if name in form}
    return {**first, **job.params, **form, **job.result, **last}
