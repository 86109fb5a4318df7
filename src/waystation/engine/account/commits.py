"""Commits: the callbacks, the halt's mail and the unrecognised messages that go with a step.

All of it is written in one transaction with the step, its jobs and their events (R36).

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from waystation.contract import callbacks_of
from waystation.jobs import (
    Acknowledged,
    Job,
    JobId,
    JobStatus,
    Late,
    Progressed,
    Reacted,
    SlotReleased,
)
from waystation.media.copying import copied
from waystation.midjourney.buttons import button_row
from waystation.midjourney.steps import HaltSign, JobStep, Step
from waystation.ports import Account, Halt, HaltCause, JobChange, Mail, Unrecognised, WantedCopy
from waystation.secret import redact
from waystation.sidelining import Trouble

__all__ = ["halt_with_mail", "job_changes", "sidelined_mail", "unrecognised"]

MAIL_SUBJECT = "Waystation: a Midjourney account needs you"
SIDELINED_SUBJECT = "Waystation: Discord keeps refusing an account"


def job_changes(
    committed: Callable[[JobId], Job | None],
    steps: Iterable[JobStep],
    new_id: Callable[[], str],
    now: datetime,
    *,
    copies: bool = False,
) -> Sequence[JobChange]:
    """Return what is committed of job steps that follow one another, each with its callbacks.

    Args: committed: gives a job as last committed; new_id: gives a callback its id;
    copies: whether files of jobs are copied
    """
    jobs: dict[JobId, Job] = {}
    changes: list[JobChange] = []
    for step in steps:
        jobid = step.job.jobid
        changes.append(_job_change(jobs.get(jobid) or committed(jobid), step, new_id, now, copies))
        jobs[jobid] = step.job
    return changes


def _job_change(
    before: Job | None, step: JobStep, new_id: Callable[[], str], now: datetime, copies: bool
) -> JobChange:
    is_told = _is_told(before, step, now)
    callbacks = callbacks_of(step.job, new_id, now) if is_told else ()
    files = copied(before, step.job) if copies else ()
    wanted = [WantedCopy(step.job.jobid, *file) for file in files]
    return JobChange(step.job, step.events, callbacks, _is_asked(before, step), wanted)


def halt_with_mail(sign: HaltSign, account: Account, to: str, mail_id: str, now: datetime) -> Halt:
    """Return an account's halt with the mail that asks a person to look (R34).

    Args: to: the account's user; empty: nobody
    """
    mend = _DEAL_WITH_IT
    if sign.token_rejected:
        mend = _RENEW if account.guild_id is None else _RENEW_IN_A_SERVER
    body = (_STOPPED + mend + _GO_ON).format(channel=account.channel, text=sign.text)
    return Halt(
        text=sign.text,
        triggered_at=sign.triggered_at,
        said=sign.said,
        cause=HaltCause.TOKEN if sign.token_rejected else None,
        mail=Mail(
            mail_id=mail_id,
            to=to,
            subject=MAIL_SUBJECT,
            body=body,
            created_at=now,
            next_attempt_at=now,
        ),
    )


def sidelined_mail(
    trouble: Trouble, account: Account, to: str, mail_id: str, now: datetime
) -> Mail:
    """Return the mail that tells of an account that is sidelined (R50).

    Args: trouble: has a cause; to: the account's user; empty: nobody
    """
    minutes = trouble.span // timedelta(minutes=1)
    body = _SIDELINED.format(channel=account.channel, trouble=trouble, minutes=minutes)
    return Mail(mail_id, to, SIDELINED_SUBJECT, body, created_at=now, next_attempt_at=now)


def unrecognised(step: Step) -> Sequence[Unrecognised]:
    """Return the messages of a step that are kept for the operator, without secrets."""
    messages = (*(() if step.unrecognised is None else (step.unrecognised,)), *step.untold)
    return tuple(
        Unrecognised(one.id, redact(msgspec.json.encode(one).decode()).encode()) for one in messages
    )


def _is_told(before: Job | None, step: JobStep, now: datetime) -> bool:
    """Tell whether a job step is news to its caller, who may want to hear of progress too."""
    job = step.job
    if not job.final:
        shows = any(isinstance(one, Acknowledged | Progressed | Reacted) for one in step.events)
        return shows and job.reply_progress
    if isinstance(step.events[-1], Late | SlotReleased):
        return False
    # R4: while the POST waits, it says so itself and names no job
    unseen = before is None or before.status in _UNSEEN
    return job.code != 429 or not unseen or job.post_until is None or job.post_until < now


_UNSEEN = (JobStatus.CREATED, JobStatus.SUBMITTED)


def _is_asked(before: Job | None, step: JobStep) -> bool:
    """Tell whether nothing more of a job's inputs is needed from now on."""
    return _has_left(step.job) and (before is None or not _has_left(before))


def _has_left(job: Job) -> bool:
    """Tell whether all that a job needs inputs for has surely left, and is not asked again.

    A committed nonce alone does not say it, nor does silence: the request may find no connection,
    or be refused as outdated, after that (R13).
    """
    if job.queue_until is not None:
        # it may be refused for the moment, and is sent again from them (R13)
        return job.status is JobStatus.PROGRESS
    if job.status not in _UNSEEN:
        return True
    if job.button is not None and button_row(job.button).mask:
        # a mask waits for the bot to ask, and the bot shows nothing of the job before it has it
        return False
    return job.bound


_STOPPED = """\
Waystation has stopped submitting jobs through the Discord channel {channel}.

Discord or the Midjourney bot said:

{text}

"""

_DEAL_WITH_IT = """\
Please open Discord, deal with it by hand, and then reset the account:

    POST /v2/account/midjourney/{channel}/reset

or, on the command line:

    waystation accounts reset {channel}
"""

_RENEW = """\
The mend is a new token: log in to Discord, copy its token, and send it to Waystation:

    POST /v2/account/midjourney

or, on the command line:

    waystation accounts add
"""

_RENEW_IN_A_SERVER = """\
The mend is a new token: log in to Discord, copy its token, and send it to Waystation with the
server and the channel of this account:

    POST /v2/account/midjourney/{channel}
"""

_SIDELINED = """\
The Discord account of channel {channel} is sidelined: Waystation sends jobs through it only when no
other account is usable.

{trouble.cause}. Its answer:

{trouble.cause.text}

Please look in Discord whether that user still sees the channel, and may use the Midjourney bot's
commands and attach files there. In {minutes} minutes the account is tried again by itself; to try
it at once, reset it:

    POST /v2/account/midjourney/{channel}/reset

or, on the command line:

    waystation accounts reset {channel}

For this cause no other mail is sent as long as it lasts.
"""

_GO_ON = """
Jobs that were running already go on. Other accounts are not affected.
"""
