"""Write what one step changes, jobs, events, callbacks, halt, mail and session, in one go (R36).

How it works: everything a step decided arrives as one `Commit`. It is written only under the epoch
it was decided under, and only onto the job versions it was decided from.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from waystation.callbacks import Callback
from waystation.errors import (
    AccountHalted,
    LeaseLost,
    LocalProtocolError,
    UuidTaken,
    VersionConflict,
)
from waystation.failings import FAILING_SPAN, is_failing
from waystation.media.copying import COPY_AFTER
from waystation.ports import Commit, Halt, HaltCause, JobChange, TroubleChange
from waystation.store.columns import Values, micros, minute_of
from waystation.store.rows import ACCOUNTS, JOBS, MAILS
from waystation.store.transactions import copies, feeds, outbox, queue
from waystation.store.transactions.database import Database
from waystation.wire.snowflake import is_newer

__all__ = ["KEPT_SEEN", "KEPT_UNRECOGNISED", "SEEN_AGE", "UNRECOGNISED_AGE", "commit"]

KEPT_UNRECOGNISED = 1_000
"""Unrecognised bot messages kept per account (R24)."""

UNRECOGNISED_AGE = timedelta(days=7)
"""How long one is kept (R24)."""

KEPT_SEEN = 2_000
"""Rows of what a conversation knows, kept per account (R20)."""

SEEN_AGE = timedelta(hours=48)
"""How long one is kept: twice as long as anything may still come for a job (R19, R20)."""


def commit(database: Database, step: Commit) -> Sequence[Callback] | None:
    """Write a step, or nothing of it.

    Returns: the callbacks that are claimed with it; None where it claims nothing
    Raises: LeaseLost: the epoch is not current; AccountHalted; VersionConflict; UuidTaken (I1);
    LocalProtocolError: a job changes without an event
    """
    users = {change.job.user_id for change in step.jobs}
    database.lock(users=users, accounts=[step.account_id])
    state = database.one("account_state", {"account_id": step.account_id})
    if state is None or state[0] != step.epoch:
        raise LeaseLost
    _, halt, removed_at, reset_at, reset_after, sealed_token = state
    if step.only_if_usable and (halt is not None or removed_at is not None):
        raise AccountHalted
    try:
        owed = [callback for change in step.jobs for callback in change.callbacks]
        claimed = outbox.claimed_with(database, owed, step.claim_until)
        feeds.add(database, step.jobs)
        for job_change in step.jobs:
            _write_job(database, step, job_change)
            outbox.owe(database, job_change.callbacks, claimed)
        if step.halt is not None and halt is None and _concerns(step.halt, sealed_token):
            _halt(database, step, step.halt, reset_at, reset_after)
        if step.trouble is not None:
            _write_trouble(database, step, step.trouble)
        if step.session is not None:
            database.later("save_session", {"account_id": step.account_id, "sealed": step.session})
        if step.unrecognised:
            _keep_unrecognised(database, step)
        if step.seen:
            _keep_seen(database, step)
        database.settle()
    except Exception as error:
        if database.is_uuid_taken(error):
            raise UuidTaken from error
        raise
    return claimed or None


def _write_job(database: Database, step: Commit, job_change: JobChange) -> None:
    job = job_change.job
    if not job_change.events:
        # its version would stay, and readers would go on with what they know
        raise LocalProtocolError(f"{job.jobid} cannot change without an event")
    before = job.version - len(job_change.events)
    values = JOBS.values(job)
    values["expected"] = before
    # The step's account, not the job's: the epoch was checked for that one (I11).
    values["account_id"] = step.account_id
    database.later("update_job", values, unless=VersionConflict)
    if job_change.asked or job.final:
        database.later("drop_job_inputs", {"jobid": job.jobid})
    if job.waiting:
        queue.put_back(database, step.account_id, job.jobid, step.at)
    elif job.final and job.queue_until is not None:
        database.later("drop_queue", {"jobid": job.jobid})
    queue.rest(database, step.account_id, job_change.events, step.at)
    if is_failing(job, job_change.events):
        _note_failing(database, job.account_id, step.at)
    feeds.note(database, job, job_change.events, step.at)
    copies.want(database, job_change.files, step.at + COPY_AFTER)


def _note_failing(database: Database, account_id: str, at: datetime) -> None:
    """Count one more failing of an account in its minute, and forget those that count no more."""
    database.later("note_failing", {"account_id": account_id, "minute": minute_of(at)})
    since = minute_of(at - FAILING_SPAN)
    database.later("forget_failings", {"account_id": account_id, "since": since})


def _concerns(halt: Halt, sealed_token: bytes) -> bool:
    """Tell whether the account still has the token that was rejected, if one was."""
    return halt.cause is not HaltCause.TOKEN or halt.sealed_token in (None, sealed_token)


def _halt(
    database: Database,
    step: Commit,
    halt: Halt,
    reset_at: int | None,
    reset_after: str | None,
) -> None:
    """Halt once: one mail row, in this very transaction (R34, I12)."""
    if halt.said is not None:
        # what Discord said is as old as its id, whatever our clock says
        known = reset_after is not None and not is_newer(halt.said, reset_after)
    else:
        known = reset_at is not None and micros(halt.triggered_at) < reset_at
    if known:
        return
    database.later(
        "halt_account",
        {
            "account_id": step.account_id,
            "text": halt.text,
            "at": micros(step.at),
            "cause": halt.cause,
        },
    )
    database.later("insert_mail", MAILS.values(halt.mail))


def _write_trouble(database: Database, step: Commit, trouble: TroubleChange) -> None:
    values: Values = {
        "account_id": step.account_id,
        "before": ACCOUNTS.value("trouble", trouble.before),
        "after": ACCOUNTS.value("trouble", trouble.after),
    }
    if database.run("change_trouble", values) and trouble.mail is not None:
        database.later("insert_mail", MAILS.values(trouble.mail))


def _keep_unrecognised(database: Database, step: Commit) -> None:
    for seen in step.unrecognised:
        database.later(
            "insert_unrecognised",
            {
                "account_id": step.account_id,
                "message_id": seen.message_id,
                "at": micros(step.at),
                "payload": seen.payload,
            },
        )
    database.later(
        "trim_unrecognised",
        {
            "account_id": step.account_id,
            "before": micros(step.at - UNRECOGNISED_AGE),
            "keep": KEPT_UNRECOGNISED,
        },
    )


def _keep_seen(database: Database, step: Commit) -> None:
    kept = gone = 0
    for seen in step.seen:
        row: Values = {"account_id": step.account_id, "kind": seen.kind, "id": seen.id}
        if seen.body is None:
            gone += database.run("unsee", row)
        else:
            database.later("see", {**row, "at": micros(step.at), "body": seen.body})
            kept += 1
    if kept > gone:
        # where as many go as come, the bound holds as it did before
        database.later("trim_seen", {"account_id": step.account_id, "keep": KEPT_SEEN})
