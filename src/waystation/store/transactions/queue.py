"""The queue in SQL: jobs that wait without an account, and the grants that end their waiting.

How it works: a job of the queue has a row here until it has ended, so that it can be put back. An
account is given the job that is next for it (queueing/rotation.py) among the first ones of each
user who may use it. What it could not take now is passed over: another pin, another mode, a
smaller `maxJobs`, a user who may not ask now. A grant is one transaction that has locked the
account, so no two jobs take the last slot.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from waystation.jobs import Failed, Granted, Job, JobEvent, JobId, PutBack
from waystation.ports import AccountRow, JobChange, JobDraft, Opening, QueueDraft
from waystation.queueing.place import InQueue, Rival
from waystation.queueing.rotation import Head, Turn, first, highest, next_turn
from waystation.quotas import slots_of
from waystation.sidelining import is_sidelined, preferred
from waystation.store.columns import Row, Values, instant, instant_or_none, micros
from waystation.store.rows import ACCOUNTS, JOBS
from waystation.store.transactions import feeds, outbox
from waystation.store.transactions.database import Database, Query, Reading, Reads, Writing
from waystation.store.transactions.quotas import at_once, day_of
from waystation.store.transactions.rooms import Room, any_room

__all__ = [
    "PUT_BACK",
    "RESTS",
    "StoreQueue",
    "end",
    "enter",
    "free_at",
    "grant",
    "is_first",
    "place",
    "put_back",
    "rest",
    "waiting",
]

PUT_BACK: Final = timedelta(seconds=10)
"""How long a job that was put back waits at least: what hindered it is seldom over at once."""

RESTS: Final = timedelta(seconds=30)
"""How long an account is given nothing of the queue after Midjourney's own queue was full: about as
long as a job takes that is there."""

OWNERS_HALT: Final = "its owner has to deal with it"
"""Stands for the reason of a halt, which is its owner's to read (R32)."""

_MEASURED: Final = 10
"""Jobs of an account by which the length of a usual one is told."""

_TOO_MANY: Final = 429

_ACCOUNTS: Final = 5
"""Accounts that are looked at for it."""


class StoreQueue:
    """`ports.Queue` on the doors of a store."""

    def __init__(self, writer: Writing, near: Reading, far: Reading) -> None:
        self._writer = writer
        self._near = near
        self._far = far

    async def wanted(self) -> Sequence[str]:
        rows = await self._far.run(Query("queue_accounts"))
        return [account_id for (account_id,) in rows]

    async def wants(self, account_id: str) -> bool:
        named: Values = {"account_id": account_id}
        return _is_so(await self._near.run(lambda reads: reads.one("queue_wants", named)))

    async def wants_mode(self) -> bool:
        return _is_so(await self._near.run(lambda reads: reads.one("queue_wants_mode")))

    async def grant(self, opening: Opening, at: datetime) -> Job | None:
        return await self._writer.run(lambda database: grant(database, opening, at))

    async def end(self, change: JobChange, at: datetime) -> bool:
        return await self._writer.run(lambda database: end(database, change, at))

    async def waiting(self, until: datetime | None) -> Sequence[Job]:
        values: Values = {"until": None if until is None else micros(until)}
        rows = await self._far.run(Query("queued_jobs", values))
        return [JOBS.read(row) for row in rows]

    async def next_moment(self, at: datetime) -> datetime | None:
        values: Values = {"at": micros(at)}
        row = await self._near.run(lambda reads: reads.one("queue_moments", values))
        return None if row is None else instant_or_none(row[0])

    async def place(
        self, jobid: str, wall: datetime
    ) -> tuple[InQueue, Sequence[AccountRow]] | None:
        return await self._near.run(lambda reads: place(reads, jobid, wall))


# ── what waits ──


def waiting(database: Database, user_id: int) -> int:
    """Return how many jobs of a user wait."""
    row = database.one("count_waiting", {"user_id": user_id})
    assert row is not None
    return int(row[0])


def free_at(database: Database, user_id: int, asked: QueueDraft) -> datetime | None:
    """Return when a slot should be free for a user's waiting jobs; None: nothing tells."""
    named: Values = {"user_id": user_id, "account_id": asked.account_id, "limit": _ACCOUNTS}
    row = database.one("first_free_slot_of_user", named)
    return None if row is None else instant_or_none(row[0])


def enter(database: Database, draft: JobDraft, asked: QueueDraft, job: Job) -> None:
    """Write the row of a new job of the queue; one that an account has at once takes a turn."""
    database.later(
        "insert_queue",
        {
            "jobid": job.jobid,
            "user_id": job.user_id,
            "priority": asked.priority,
            "account_id": asked.account_id,
            "takes_slot": int(draft.takes_slot),
            "max_jobs": draft.max_jobs,
            "mode": asked.mode,
            "waiting": int(job.waiting),
        },
    )
    if not job.waiting:
        _take_turn(database, job.account_id, asked.priority, job.user_id)


def is_first(
    database: Database, draft: JobDraft, asked: QueueDraft, room: Room, at: datetime
) -> bool:
    """Tell whether a new job goes before all that wait for an account with room for it."""
    if _rests(room, at):
        return False
    opening = Opening(
        room.account_id, draft.lane, timedelta(), asked.mode, wall_ahead=draft.wall_ahead
    )
    heads = _heads(database, opening, room, at)
    own = Head("", draft.user_id, asked.priority, _NEWEST)
    if any(head.user_id == draft.user_id and head.priority >= asked.priority for head in heads):
        return False
    others = [head for head in heads if head.user_id != draft.user_id]
    best = highest([*others, own])
    return first(best, _turns(database, room.account_id, best[0].priority)) is own


_NEWEST: Final = 1 << 62


# ── grants ──


def grant(database: Database, opening: Opening, at: datetime) -> Job | None:
    """Give an account the job that is next for it; None where there is none, or no room."""
    wall = at + opening.wall_ahead
    named = [opening.account_id]
    locked = database.lock(waiting_on=named, accounts=named)
    room = any_room(database, opening.account_id, wall)
    if room is None or not room.usable or _rests(room, at):
        return None
    heads = _heads(database, opening, room, at)
    # who has come to wait since the lock is looked at by the next grant
    best = highest([head for head in heads if locked is None or head.user_id in locked])
    if not best:
        return None
    priority = best[0].priority
    head = first(best, _turns(database, room.account_id, priority))
    assert head is not None
    job = _granted(database, head, room, opening, at)
    if room.today is not None and job.slot:
        day: Values = {"account_id": room.account_id, "day": day_of(wall)}
        database.run("count_account_day", day)
    _take_turn(database, room.account_id, priority, head.user_id)
    return job


def _rests(room: Room, at: datetime) -> bool:
    """Tell whether an account is given nothing; an instant of another time counts as over (R28)."""
    return room.rests_until is not None and at < room.rests_until <= at + RESTS


def _heads(database: Database, opening: Opening, room: Room, at: datetime) -> Sequence[Head]:
    """Return the first job of each user that an account could take now, by its limits, too."""
    spent = room.today is not None and room.today.left == 0
    values: Values = {
        "account_id": room.account_id,
        "at": micros(at),
        "mode": opening.mode,
        "uploads_wait": int(opening.uploads_wait),
        "max_jobs": room.max_jobs,
        "slots": room.slots,
        "lane": opening.lane,
        "in_lane": room.in_lane,
    }
    heads = []
    users: Values = {"account_id": room.account_id, "wall": micros(at + opening.wall_ahead)}
    for user_id, most in database.all("queue_users", users):
        full = at_once(database, user_id, most) is not None
        passed_over = _is_passed_over(database, room.account_id, user_id, at)
        named = {
            **values,
            "user_id": user_id,
            "may_take_slots": int(not (spent or full)),
            "passed_over": int(passed_over),
        }
        heads += [Head(*row) for row in database.all("queue_head", named)]
    return heads


def _is_passed_over(database: Database, account_id: str, user_id: int, at: datetime) -> bool:
    """Tell whether Discord keeps refusing an account, and a user has a better one (R50)."""
    row = database.one("account_by_id", {"account_id": account_id})
    if row is None or not is_sidelined(ACCOUNTS.read(row).trouble, at):
        return False
    rows = database.all("accounts_of_user", {"user_id": user_id})
    usable = [one for one in map(ACCOUNTS.read, rows) if one.usable]
    return all(one.account_id != account_id for one in preferred(usable, at))


def _granted(database: Database, head: Head, room: Room, opening: Opening, at: datetime) -> Job:
    stored = database.one("job", {"jobid": head.jobid})
    row = database.one("queue_row", {"jobid": head.jobid})
    assert stored is not None and row is not None
    before = JOBS.read(stored)
    _, _, takes_slot, max_jobs = row
    job = replace(
        before,
        updated_at=at,
        version=before.version + 1,
        account_id=room.account_id,
        channel=room.channel,
        discord=room.discord,
        server=room.server,
        discord_user_id=room.discord_user_id,
        max_jobs=slots_of(max_jobs, room.max_jobs, may_raise=False) if takes_slot else None,
        slot=bool(takes_slot),
        deadline_at=at + opening.turn,
    )
    database.run("grant_job", {**JOBS.values(job), "expected": before.version})
    database.run("queue_granted", {"jobid": job.jobid})
    events = [Granted(room.channel)]
    feeds.note(database, job, events, at)
    feeds.add(database, [JobChange(job, events)])
    return job


def _take_turn(database: Database, account_id: str, priority: int, user_id: int) -> None:
    weight = database.one("queue_weight", {"user_id": user_id})
    assert weight is not None
    turn = next_turn(_turns(database, account_id, priority), user_id, weight[0])
    database.run(
        "put_queue_turn",
        {
            "account_id": account_id,
            "priority": priority,
            "user_id": user_id,
            "number": turn.number,
            "began": turn.began,
            "ends": turn.ends,
        },
    )


def _turns(database: Database, account_id: str, priority: int) -> Sequence[Turn]:
    rows = database.all("queue_turns", {"account_id": account_id, "priority": priority})
    return [Turn(*row) for row in rows]


# ── ends, and back ──


def end(database: Database, change: JobChange, at: datetime) -> bool:
    """End a job that nobody has asked; False when it was asked, given to an account, or ended.

    Its version tells: what has happened to it since has changed that.
    """
    job = change.job
    database.lock(users=[job.user_id], accounts=[job.account_id] if job.account_id else [])
    if not job.account_id and database.one("is_waiting", {"jobid": job.jobid}) is None:
        return False
    values, expected = JOBS.values(job), job.version - len(change.events)
    values["expected"] = expected
    if not database.run("update_job", values):
        return False
    feeds.add(database, [change])
    database.run("drop_queue", {"jobid": job.jobid})
    database.run("drop_job_inputs", {"jobid": job.jobid})
    feeds.note(database, job, change.events, at)
    outbox.owe(database, change.callbacks)
    return True


def put_back(database: Database, account_id: str, jobid: JobId, at: datetime) -> None:
    """Let a job wait again that an account had; it does not count for the account's day."""
    database.later("uncount_account_day", {"account_id": account_id, "jobid": jobid})
    database.later("queue_put_back", {"jobid": jobid, "not_before": micros(at + PUT_BACK)})
    database.later("take_job_away", {"jobid": jobid})


def rest(database: Database, account_id: str, events: Sequence[JobEvent], at: datetime) -> None:
    """Let an account rest when the bot has said that Midjourney's own queue is full."""
    if any(_is_full(event) for event in events):
        until = micros(at + RESTS)
        database.later("rest_account", {"account_id": account_id, "until": until})


def _is_full(event: JobEvent) -> bool:
    if isinstance(event, Failed):
        return event.code == _TOO_MANY and event.shown is not None
    return isinstance(event, PutBack) and event.shown is not None


# ── what is told of it ──


def place(reads: Reads, jobid: str, wall: datetime) -> tuple[InQueue, Sequence[AccountRow]] | None:
    """Return where a job stands that waits, and the accounts that may take it; else None."""
    row = reads.one("queue_place", {"jobid": jobid, "wall": micros(wall)})
    return None if row is None else _place(reads, row, wall)


def _place(reads: Reads, row: Row, wall: datetime) -> tuple[InQueue, Sequence[AccountRow]]:
    priority, not_before, until, user_id, pin, takes_slot, max_jobs, mode, verb, *rest = row
    weight, most_at_once, revoked, expired, uploads, own = rest
    named: Values = {"user_id": user_id, "account_id": pin}
    rivals = reads.all("queue_rivals", {**named, "priority": priority, "wall": micros(wall)})
    choices = reads.all("queue_choices", named)
    accounts = [
        AccountRow(
            account_id,
            channel,
            slots_of(max_jobs, most, may_raise=False) if takes_slot else 0,
            slots if takes_slot else in_lane,
            halt if halt is None or owner == user_id else OWNERS_HALT,
            ACCOUNTS.field("trouble", trouble),
            instant_or_none(rests_until),
        )
        for account_id, channel, most, halt, owner, trouble, rests_until, slots, in_lane in choices
    ]
    full = at_once(reads, user_id, most_at_once) if takes_slot else None
    spans = [_span_s(reads, one.account_id, verb) for one in accounts[:_ACCOUNTS]]
    known = [span for span in spans if span is not None]
    standing = InQueue(
        priority,
        not_before=instant(not_before),
        until=instant(until),
        own=own,
        above=sum(count for _, of, _, count in rivals if of > priority),
        weight=weight,
        rivals=[
            Rival(count, share)
            for one, of, share, count in rivals
            if of == priority and one != user_id
        ],
        mode=mode,
        takes_slot=bool(takes_slot),
        at_once=full.quota.limit if full is not None else None,
        revoked=bool(revoked),
        expired=bool(expired),
        uploads=bool(uploads),
        span_s=sum(known) / len(known) if known else None,
    )
    return standing, accounts


def _span_s(reads: Reads, account_id: str, verb: str) -> float | None:
    row = reads.one("usual_span", {"account_id": account_id, "verb": verb, "limit": _MEASURED})
    return None if row is None or row[0] is None else row[0] / 1_000_000


def _is_so(row: Row | None) -> bool:
    return row is not None and bool(row[0])
