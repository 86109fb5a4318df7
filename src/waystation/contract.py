"""A job in v2's words: what GET answers, what a delivery carries, what a POST answers.

Rules: one job form for every verb; a verb's own fields are spread into it from `Job.params`, so a
new verb needs no edit here. Fields that are not set are left out, never null.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from waystation.deliveries import Delivery
from waystation.jobs import Child, Job, JobStatus

__all__ = ["answer", "cancel_json", "delivery_of", "instant", "job_json", "retry_after_s"]

_SHOWN: Mapping[JobStatus, JobStatus] = {JobStatus.SUBMITTED: JobStatus.CREATED}
"""Statuses that v2 has no word for, and the word it sees."""

_SHORT_FORMS: Mapping[int, Sequence[str]] = {
    400: ("error", "errorDetails", "jobid", "status", "code"),
    422: ("error", "errorDetails", "jobid", "status", "code"),
    429: ("error", "errorDetails", "code"),
    502: ("error", "errorDetails", "jobid", "status", "code"),
    504: ("error", "jobid", "status", "code"),
}
"""Job code → fields of the POST's answer; every other code answers the whole job form.

Source: seed POST jobs/describe, list of responses; 400 and 502 by analogy (no sample there).
"""

_RETRY_AFTER_S = 10
"""Wait named when Discord gave none. Source: seed, "at least 10..30 seconds"."""

_LONGEST_RETRY_AFTER_S = 3600
"""Longest wait passed on; a caller that asks again sooner does no harm."""


class _RateLimited(msgspec.Struct):
    """The part of Discord's 429 body that is read."""

    retry_after: float


_encode = msgspec.json.Encoder().encode
_rate_limited = msgspec.json.Decoder(_RateLimited).decode


def job_json(job: Job, children: Sequence[Child] = ()) -> bytes:
    """Return the job form as JSON: the body of GET and of each delivery."""
    form = _job_form(job)
    if children:
        form["children"] = [_child_form(child) for child in children]
    return _encode(form)


def answer(job: Job) -> tuple[int, bytes]:
    """Return what the POST that made this job answers.

    Returns: HTTP status, JSON body
    """
    form = _job_form(job)
    names = _SHORT_FORMS.get(job.code)
    if names is not None:
        form = {name: form[name] for name in names if name in form}
    return job.code, _encode(form)


def delivery_of(job: Job, delivery_id: str, now: datetime) -> Delivery | None:
    """Return the delivery owed for a job as it has just become; None without a replyUrl."""
    if job.reply_url is None:
        return None
    return Delivery(
        delivery_id=delivery_id,
        jobid=job.jobid,
        user_id=job.user_id,
        url=job.reply_url,
        body=job_json(job),
        created_at=now,
        next_attempt_at=now,
        is_final=job.final,
    )


def cancel_json(job: Job) -> bytes:
    """Return what a cancel answers: the status that the job has now (R26)."""
    return _encode({"jobid": job.jobid, "status": _shown(job.status), "code": 200})


def retry_after_s(job: Job) -> int | None:
    """Return the wait to name beside a job's answer, None unless it was rate limited.

    Units: whole seconds, 1 to 3,600, rounded up from what Discord asked for
    """
    if job.code != 429:
        return None
    try:
        asked_s = _rate_limited(job.error_details or "").retry_after
    except msgspec.DecodeError:
        return _RETRY_AFTER_S
    return math.ceil(min(max(asked_s, 1), _LONGEST_RETRY_AFTER_S))


def instant(moment: datetime) -> str:
    """Return an aware UTC instant as v2 writes it: `YYYY-MM-DDTHH:mm:ss.mmmZ`."""
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"


def _shown(status: JobStatus) -> JobStatus:
    return _SHOWN.get(status, status)


def _child_form(child: Child) -> dict[str, object]:
    form: dict[str, object] = {"button": child.button, "jobid": child.jobid}
    return form if child.message_id is None else form | {"messageId": child.message_id}


def _labels(job: Job) -> list[str]:
    """Return what can be pressed: only a completed job has buttons to v2."""
    completed = job.status is JobStatus.COMPLETED
    return [button.label for button in job.buttons] if completed else []


def _job_form(job: Job) -> dict[str, object]:
    form: dict[str, object] = {
        "jobid": job.jobid,
        "verb": job.verb,
        "status": _shown(job.status),
        "created": instant(job.created_at),
        "updated": instant(job.updated_at),
        **job.params,
        "discord": job.discord,
        "channel": job.channel,
    }
    for name, value in (
        ("maxJobs", job.max_jobs),
        ("replyUrl", job.reply_url),
        ("replyRef", job.reply_ref),
        ("messageId", job.message_id),
        ("content", job.content),
        ("timestamp", job.timestamp),
        ("attachments", job.attachments or None),
        ("embeds", job.embeds or None),
        ("buttons", _labels(job) or None),
        *job.result.items(),
        ("error", job.error),
        ("errorDetails", job.error_details),
    ):
        if value is not None:
            form[name] = value
    form["code"] = job.code
    return form
