"""Tiny builders of users, accounts, jobs and changes, for tests of what stores them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

import msgspec

from tests.fakes import START
from waystation.callbacks import Callback
from waystation.jobs import (
    Completed,
    Failed,
    Job,
    JobEvent,
    JobStatus,
    MessageRole,
    Nonce,
    Shown,
    Submitted,
    Unclear,
)
from waystation.ports import Account, AccountSetup, Commit, Halt, JobChange, JobDraft, Mail

_Value = TypeVar("_Value")

__all__ = [
    "START",
    "account",
    "change",
    "completed",
    "callback",
    "draft",
    "failed",
    "halt",
    "later",
    "mail",
    "replace",
    "setup",
    "stepped",
    "submitted",
]


def replace(value: _Value, **fields: Any) -> _Value:
    """Return a dataclass or a struct with other values in some fields."""
    change: Any = (
        msgspec.structs.replace if isinstance(value, msgspec.Struct) else dataclasses.replace
    )
    return cast(_Value, change(value, **fields))


def later(seconds: float = 0.0) -> datetime:
    """Return an instant after the start of every fake clock."""
    return START + timedelta(seconds=seconds)


def account(number: int = 1, *, user_id: int = 1, max_jobs: int = 3) -> Account:
    """Return account `account-<number>` in channel 1000…<number>."""
    return Account(
        account_id=f"account-{number}",
        user_id=user_id,
        discord_user_id=str(2 * 10**17 + number),
        channel=str(10**17 + number),
        guild_id=str(3 * 10**17 + number),
        max_jobs=max_jobs,
        sealed_token=b"sealed",
        masked_token="ABC…secured…xyz",
        created_at=later(number),
    )


def setup(made: Account | None = None) -> AccountSetup:
    """Return what sets an account up as it is; account 1 when none is given."""
    made = made or account()
    return AccountSetup(
        account_id=made.account_id,
        user_id=made.user_id,
        discord_user_id=made.discord_user_id,
        channel=made.channel,
        guild_id=made.guild_id,
        max_jobs=made.max_jobs,
        sealed_token=made.sealed_token,
        masked_token=made.masked_token,
        at=made.created_at,
    )


def draft(
    *candidates: str,
    user_id: int = 1,
    max_jobs: int | None = None,
    takes_slot: bool = True,
    lane: int = 5,
) -> JobDraft:
    """Return a describe, or an info when it takes no slot."""
    return JobDraft(
        user_id=user_id,
        verb="describe" if takes_slot else "info",
        params={"describeUrl": "https://example.org/1.png"} if takes_slot else {},
        candidates=candidates or ("account-1",),
        takes_slot=takes_slot,
        max_jobs=max_jobs,
        lane=lane,
        reply_url="https://example.org/callback",
        reply_ref="ref",
    )


def stepped(job: Job, *events: JobEvent, **fields: object) -> JobChange:
    """Return the change of one job through some events; every change has at least one."""
    events = events or (Unclear("as a test says"),)
    moved = replace(job, version=job.version + len(events), **fields)
    return JobChange(moved, events)


def submitted(job: Job, nonce: str = "1") -> JobChange:
    """Return the change that commits a nonce."""
    return stepped(
        job,
        Submitted(Nonce(nonce), later(60)),
        status=JobStatus.SUBMITTED,
        nonce=Nonce(nonce),
        submitted_at=later(),
        deadline_at=later(60),
    )


def completed(
    job: Job,
    message_id: str = "900",
    *,
    hash: str | None = None,
    at: datetime = START,
    callbacks: Sequence[Callback] = (),
) -> JobChange:
    """Return the change that ends a job well."""
    shown = Shown(message_id, hash=hash)
    moved = stepped(
        job,
        Completed(shown, "nonce"),
        status=JobStatus.COMPLETED,
        message_id=message_id,
        messages={message_id: MessageRole.RESULT},
        hash=hash,
        slot=False,
        finished_at=at,
    )
    return replace(moved, callbacks=callbacks)


def failed(job: Job, *, ghost: bool = False, slot: bool = False, at: datetime = START) -> JobChange:
    """Return the change that ends a job badly, maybe as a ghost that keeps its slot."""
    return stepped(
        job,
        Failed(504 if ghost else 502, "Job queued", ghost=ghost),
        status=JobStatus.FAILED,
        ghost=ghost,
        slot=slot,
        slot_until=at + timedelta(minutes=10) if slot else None,
        finished_at=at,
        code=504 if ghost else 502,
        error="Job queued",
    )


def callback(job: Job, number: int = 1, *, due: datetime = START) -> Callback:
    """Return a callback of a job to receiver `number`."""
    return Callback(
        callback_id=f"{job.jobid}/{number}",
        jobid=job.jobid,
        user_id=job.user_id,
        url=f"https://example.org/callback/{number}",
        body=b'{"code":200}',
        created_at=due,
        next_attempt_at=due,
    )


def mail(mail_id: str = "mail-1", *, due: datetime = START) -> Mail:
    """Return a mail to the owner."""
    return Mail(mail_id, "owner@example.org", "An account is halted", "text", due, due)


def halt(mail_id: str = "mail-1", *, at: datetime = START) -> Halt:
    """Return a halt with its mail."""
    return Halt("Pending mod message", at, mail(mail_id, due=at))


def change(
    *jobs: JobChange, account_id: str = "account-1", epoch: int = 1, **fields: object
) -> Commit:
    """Return the commit of one step under an epoch; more fields by name."""
    return Commit(account_id, epoch, fields.pop("at", START), jobs, **fields)  # type: ignore[arg-type]
