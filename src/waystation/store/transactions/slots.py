"""Choosing an account and taking its slot: one transaction that ends in a job or in no room (R31).

How it works: the slots of a channel are counted, never kept (rooms.py). The counting and the insert
are one transaction that has locked the user and the candidates, so no two jobs can take the last
slot. A job of the queue that finds no room, or others waiting before it, waits without an account
(queue.py).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from waystation.errors import NotFound, SubscriptionExpired, Unauthorized, WaystationError
from waystation.jobs import Job, JobId, JobStatus
from waystation.ports import (
    InputsFull,
    JobDraft,
    NoJob,
    NoSlot,
    OverQuota,
    QueueDraft,
    QueueFull,
    Repeated,
)
from waystation.quotas import Quota, slots_of
from waystation.store.columns import Values
from waystation.store.rows import JOBS, once_key, user_of
from waystation.store.transactions import feeds, inputs, keys, queue, search
from waystation.store.transactions.database import Database
from waystation.store.transactions.quotas import day_of, free_at, over_quota
from waystation.store.transactions.rooms import Room, room_for

__all__ = ["add_job", "jobid_of"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_NOWHERE: Final = Room("", "0", None, 0, "", "", halted=False, removed=False, slots=0, in_lane=0)
"""Room of a job that waits for any account (R9)."""


def add_job(database: Database, draft: JobDraft, at: datetime) -> Job | NoJob:
    """Try the candidates in order and write the job on the first one with room.

    Raises: NotFound: no such user; Unauthorized, SubscriptionExpired: not any more; StoreError:
    its staged inputs are gone
    """
    database.lock(users=[draft.user_id], accounts=draft.candidates)
    if draft.key is not None:
        # before all else: a repeated request must not be refused for what the first has taken
        taken = keys.holder(database, keys.values_of(draft.user_id, draft.key, at))
        if taken is not None:
            return taken
    earlier = _earlier(database, draft, at)
    if earlier is not None:
        return Repeated(earlier)
    wall = at + draft.wall_ahead
    over = over_quota(database, draft.user_id, wall) if draft.takes_slot else None
    if over is not None and not (draft.queue is not None and over.is_for_now):
        return over
    last_tried: Room | None = None
    spent: Quota | None = None
    halted: list[str] = []
    for account_id in draft.candidates if over is None else ():
        room = room_for(database, account_id, draft.user_id, wall)
        if room is None or room.removed:
            continue
        if room.halted:
            halted.append(room.channel)
        elif draft.takes_slot and room.today is not None and room.today.left == 0:
            spent = room.today
        elif _taken(draft, room) >= _limit(draft, room):
            last_tried = room
        elif draft.queue is None or queue.is_first(database, draft, draft.queue, room, at):
            return _insert(database, draft, room, at)
    if draft.queue is not None:
        return _wait(database, draft, draft.queue, at)
    if spent is not None and last_tried is None:
        return OverQuota(spent)
    return NoSlot(
        max_jobs=draft.max_jobs or 0 if last_tried is None else _limit(draft, last_tried),
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


def _limit(draft: JobDraft, room: Room) -> int:
    if not draft.takes_slot:
        return draft.lane
    may_raise = draft.queue is None and draft.user_id == room.owner
    return slots_of(draft.max_jobs, room.max_jobs, may_raise=may_raise)


def _taken(draft: JobDraft, room: Room) -> int:
    return room.slots if draft.takes_slot else room.in_lane


def _executing(database: Database, draft: JobDraft, room: Room) -> tuple[JobId, ...]:
    """Name the caller's own unfinished jobs that fill the room (R8, R31)."""
    named: Values = {"account_id": room.account_id, "user_id": draft.user_id}
    if draft.takes_slot:
        rows = database.all("slot_holders", {"channel": room.channel, **named})
    else:
        rows = database.all("lane_holders", named)
    return tuple(jobid for (jobid,) in rows)


def _free_at(database: Database, draft: JobDraft, room: Room) -> datetime | None:
    return free_at(database, room.account_id, room.channel) if draft.takes_slot else None


def _wait(
    database: Database, draft: JobDraft, asked: QueueDraft, at: datetime
) -> Job | InputsFull | QueueFull:
    """Write a job that waits: without an account, and with a channel if it is pinned (R9)."""
    waiting = queue.waiting(database, draft.user_id)
    if waiting >= asked.most:
        return QueueFull(waiting, queue.free_at(database, draft.user_id, asked))
    room = None
    if asked.account_id is not None:
        room = room_for(database, asked.account_id, draft.user_id, at + draft.wall_ahead)
    return _insert(database, draft, room or _NOWHERE, at, waits=True)


def _insert(
    database: Database, draft: JobDraft, room: Room, at: datetime, *, waits: bool = False
) -> Job | InputsFull:
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
    job = _job(draft, room, jobid, at, waits=waits)
    database.later("insert_job", JOBS.values(job))
    feeds.begin(database, job)
    if room.today is not None and job.slot:
        database.later("count_account_day", {"account_id": room.account_id, "day": day})
    search.index_job(database, jobid, draft.params)
    if draft.key is not None:
        keys.take(database, draft.user_id, draft.key, jobid, at)
    if given is not None:
        inputs.attach(database, draft.user_id, given, jobid, at)
    if draft.queue is not None:
        queue.enter(database, draft, draft.queue, job)
    return job


def _may_not_ask(database: Database, user_id: int) -> WaystationError:
    """Say why a user gets no job who was known when the request came; pictures take a while."""
    row = database.one("user_by_id", {"user_id": user_id})
    if row is None:
        return NotFound("There is no such user.")
    return SubscriptionExpired() if user_of(row).revoked_at is None else Unauthorized()


def _earlier(database: Database, draft: JobDraft, at: datetime) -> JobId | None:
    """Return the job that has made the same press, when it can be made once only (R38)."""
    once = once_key(_job(draft, _NOWHERE, JobId(""), at))
    row = None if once is None else database.one("once_holder", {"once": once})
    return None if row is None else JobId(row[0])


def _job(draft: JobDraft, room: Room, jobid: JobId, at: datetime, *, waits: bool = False) -> Job:
    return Job(
        jobid=jobid,
        user_id=draft.user_id,
        account_id="" if waits else room.account_id,
        channel=room.channel,
        verb=draft.verb,
        status=JobStatus.CREATED,
        created_at=at,
        updated_at=at,
        discord=room.discord,
        server=room.server,
        params=draft.params,
        max_jobs=_limit(draft, room) if draft.takes_slot and not waits else None,
        reply_url=draft.reply_url,
        reply_ref=draft.reply_ref,
        reply_progress=draft.reply_progress,
        slot=draft.takes_slot and not waits,
        discord_user_id=room.discord_user_id or None,
        wall_ahead=draft.wall_ahead,
        # the POST of one that waits is answered at once
        post_until=at if waits else draft.post_until,
        queue_until=None if draft.queue is None else draft.queue.until,
        trace=draft.trace,
    )
