"""Choosing an account and taking its slot: one transaction that ends in a job or in no room (R31).

How it works: a slot is a column of the job row, so the slots of a channel are counted, never kept.
The counting and the insert are one transaction of the only writer, so no two jobs can take the last
slot. Verbs without a slot share a short lane per account instead (R16).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from waystation.errors import NotFound, SubscriptionExpired, Unauthorized, WaystationError
from waystation.jobs import Job, JobId, JobStatus
from waystation.ports import InputsFull, JobDraft, NoJob, NoSlot, OverQuota, Repeated
from waystation.quotas import Quota
from waystation.store.columns import Values, instant_or_none
from waystation.store.rows import JOBS, once_key, user_of
from waystation.store.sqlite import inputs, keys, search
from waystation.store.sqlite.database import Database
from waystation.store.sqlite.quotas import account_quota, day_of, over_quota

__all__ = ["add_job", "jobid_of"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Room:
    """An account's room for one draft."""

    account_id: str
    channel: str
    server: str | None
    discord: str
    discord_user_id: str
    halted: bool
    removed: bool
    limit: int
    taken: int
    today: Quota | None = None
    """The account's jobs of a day, and the rest of them; None: any number."""


def add_job(database: Database, draft: JobDraft, at: datetime) -> Job | NoJob:
    """Try the candidates in order and write the job on the first one with room.

    Raises: NotFound: no such user; Unauthorized, SubscriptionExpired: not any more; StoreError:
    its staged inputs are gone
    """
    if draft.key is not None:
        # first of all: a repeated request must not be refused for what the first has taken
        taken = keys.holder(database, keys.values_of(draft.user_id, draft.key, at))
        if taken is not None:
            return taken
    earlier = _earlier(database, draft, at)
    if earlier is not None:
        return Repeated(earlier)
    over = over_quota(database, draft.user_id, at + draft.wall_ahead) if draft.takes_slot else None
    if over is not None:
        return over
    last_tried: _Room | None = None
    spent: Quota | None = None
    halted: list[str] = []
    for account_id in draft.candidates:
        room = _room(database, draft, account_id, at)
        if room is None or room.removed:
            continue
        if room.halted:
            halted.append(room.channel)
        elif room.today is not None and room.today.left == 0:
            spent = room.today
        elif room.taken < room.limit:
            return _insert(database, draft, room, at)
        else:
            last_tried = room
    if spent is not None and last_tried is None:
        return OverQuota(spent)
    return NoSlot(
        max_jobs=draft.max_jobs or 0 if last_tried is None else last_tried.limit,
        executing_jobs=() if last_tried is None else _executing(database, draft, last_tried),
        free_at=None if last_tried is None else _free_at(database, draft, last_tried),
        halted=tuple(halted),
        all_halted=bool(halted) and last_tried is None,
    )


def jobid_of(created_ms: int, user_id: int, channel: str) -> JobId:
    """Return the public id (R9). Units: `created_ms` milliseconds since 1970 UTC."""
    moment = _EPOCH + timedelta(milliseconds=created_ms)
    digits = f"{moment:%Y%m%d%H%M%S}{created_ms % 1000:03d}"
    return JobId(f"job:{digits}-user:{user_id}-channel:{channel}-bot:midjourney")


def _room(database: Database, draft: JobDraft, account_id: str, at: datetime) -> _Room | None:
    """Look at a candidate; None when it is not there or not this user's (R32)."""
    row = database.one("room", {"account_id": account_id, "user_id": draft.user_id})
    if row is None:
        return None
    channel, server, max_jobs, masked_token, discord_user_id, halt, removed_at, *rest = row
    jobs_a_day, day, day_jobs, slots, lane = rest
    wall = at + draft.wall_ahead
    return _Room(
        account_id=account_id,
        channel=channel,
        server=server,
        discord=masked_token,
        discord_user_id=discord_user_id,
        halted=halt is not None,
        removed=removed_at is not None,
        limit=(draft.max_jobs or max_jobs) if draft.takes_slot else draft.lane,
        taken=slots if draft.takes_slot else lane,
        today=account_quota(channel, jobs_a_day, day, day_jobs, wall) if draft.takes_slot else None,
    )


def _executing(database: Database, draft: JobDraft, room: _Room) -> tuple[JobId, ...]:
    """Name the caller's own unfinished jobs that fill the room (R8, R31)."""
    named: Values = {"account_id": room.account_id, "user_id": draft.user_id}
    if draft.takes_slot:
        rows = database.all("slot_holders", {"channel": room.channel, **named})
    else:
        rows = database.all("lane_holders", named)
    return tuple(jobid for (jobid,) in rows)


def _free_at(database: Database, draft: JobDraft, room: _Room) -> datetime | None:
    if not draft.takes_slot:
        return None
    named: Values = {"channel": room.channel, "account_id": room.account_id}
    row = database.one("first_free_slot", named)
    return None if row is None else instant_or_none(row[0])


def _insert(database: Database, draft: JobDraft, room: _Room, at: datetime) -> Job | InputsFull:
    given = draft.inputs
    if given is not None and not inputs.fits(database, draft.user_id, given, draft.input_bytes):
        return InputsFull(inputs.waiting_bytes(database, draft.user_id))
    now_ms = (at + draft.wall_ahead - _EPOCH) // timedelta(milliseconds=1)
    day = day_of(at + draft.wall_ahead)
    values: Values = {"now_ms": now_ms, "day": day, "counts": int(draft.takes_slot)}
    row = database.one("next_job_ms", {"user_id": draft.user_id, **values})
    if row is None:
        raise _may_not_ask(database, draft.user_id)
    jobid = jobid_of(row[0], draft.user_id, room.channel)
    job = _job(draft, room, jobid, at)
    database.run("insert_job", JOBS.values(job))
    if room.today is not None:
        database.run("count_account_day", {"account_id": room.account_id, "day": day})
    search.index_job(database, jobid, draft.params)
    if draft.key is not None:
        keys.take(database, draft.user_id, draft.key, jobid, at)
    if given is not None:
        inputs.attach(database, draft.user_id, given, jobid, at)
    return job


def _may_not_ask(database: Database, user_id: int) -> WaystationError:
    """Say why a user gets no job who was known when the request came; pictures take a while."""
    row = database.one("user_by_id", {"user_id": user_id})
    if row is None:
        return NotFound("There is no such user.")
    return SubscriptionExpired() if user_of(row).revoked_at is None else Unauthorized()


def _earlier(database: Database, draft: JobDraft, at: datetime) -> JobId | None:
    """Return the job that has made the same press, when it can be made once only (R38)."""
    nowhere = _Room("", "", None, "", "", halted=False, removed=False, limit=0, taken=0)
    once = once_key(_job(draft, nowhere, JobId(""), at))
    row = None if once is None else database.one("once_holder", {"once": once})
    return None if row is None else JobId(row[0])


def _job(draft: JobDraft, room: _Room, jobid: JobId, at: datetime) -> Job:
    return Job(
        jobid=jobid,
        user_id=draft.user_id,
        account_id=room.account_id,
        channel=room.channel,
        verb=draft.verb,
        status=JobStatus.CREATED,
        created_at=at,
        updated_at=at,
        discord=room.discord,
        server=room.server,
        params=draft.params,
        max_jobs=room.limit if draft.takes_slot else None,
        reply_url=draft.reply_url,
        reply_ref=draft.reply_ref,
        reply_progress=draft.reply_progress,
        slot=draft.takes_slot,
        discord_user_id=room.discord_user_id,
        wall_ahead=draft.wall_ahead,
        post_until=draft.post_until,
    )
