"""StoreQuotas: `ports.Quotas`, and the counts of a day (UTC).

How it works: the count of a day is a column of the user's row, and of the account's where it has a
limit; it is raised in the transaction that writes the job, so no two jobs take the last place. Jobs
that go on at once are counted from the job rows, up to the limit.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from waystation.errors import NotFound
from waystation.jobs import JobId
from waystation.ports import Clock, OverQuota
from waystation.quotas import Quota, UserQuotas
from waystation.store.columns import Row, Values, instant_or_none
from waystation.store.transactions.audit import HOST, note_account, user_name
from waystation.store.transactions.database import Database, Reading, Reads, Writing

__all__ = [
    "StoreQuotas",
    "account_quota",
    "at_once",
    "day_of",
    "free_at",
    "limit_account",
    "over_quota",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY: Final = timedelta(days=1)
_DAY_S: Final = 86_400

_quotas = msgspec.json.Decoder(UserQuotas).decode


class StoreQuotas:
    """Limits of users and accounts, and what of them is taken."""

    def __init__(self, writer: Writing, reads: Reading, clock: Clock) -> None:
        self._writer = writer
        self._reads = reads
        self._clock = clock

    async def over(self, user_id: int, wall: datetime) -> OverQuota | None:
        return await self._reads.run(lambda reads: over_quota(reads, user_id, wall))

    async def left(self, user_id: int, wall: datetime) -> Quota | None:
        named: Values = {"user_id": user_id}
        row = await self._reads.run(lambda reads: reads.one("user_day", named))
        return None if row is None else _today(row, wall)

    async def account_over(self, account_id: str, wall: datetime) -> Quota | None:
        named: Values = {"account_id": account_id}
        row = await self._reads.run(lambda reads: reads.one("account_day", named))
        if row is None:
            return None
        channel, jobs_a_day, day, day_jobs = row
        quota = account_quota(channel, jobs_a_day, day, day_jobs, wall)
        return quota if quota is not None and quota.left == 0 else None

    async def free_at(self, account_id: str, channel: str) -> datetime | None:
        return await self._reads.run(lambda reads: free_at(reads, account_id, channel))

    async def limit_account(
        self,
        account_id: str,
        jobs_a_day: int | None,
        by: int | None,
        *,
        max_jobs: int | None = None,
    ) -> None:
        wall = self._clock.wall()
        await self._writer.run(
            lambda database: limit_account(database, account_id, jobs_a_day, max_jobs, by, wall)
        )


def day_of(wall: datetime) -> int:
    """Return the days since 1970 UTC."""
    return (wall - _EPOCH) // _DAY


def over_quota(reads: Reads, user_id: int, wall: datetime) -> OverQuota | None:
    """Return the limit of a user that leaves no room for one more job with a slot."""
    row = reads.one("user_day", {"user_id": user_id})
    if row is None or row[0] is None:
        return None
    today = _today(row, wall)
    if today is not None and today.left == 0:
        return OverQuota(today)
    return at_once(reads, user_id, _quotas(row[0]).jobs_at_once)


def at_once(reads: Reads, user_id: int, limit: int | None) -> OverQuota | None:
    """Return the limit of a user's jobs at once where it leaves no room; None is no limit."""
    if limit is None:
        return None
    named: Values = {"user_id": user_id, "limit": limit}
    running = [JobId(jobid) for (jobid,) in reads.all("running_with_slot", named)]
    if len(running) < limit:
        return None
    row = reads.one("first_end", {"user_id": user_id})
    free = None if row is None else instant_or_none(row[0])
    return OverQuota(Quota("jobs-at-once", limit, 0), running, free)


def free_at(reads: Reads, account_id: str, channel: str) -> datetime | None:
    """Return when the first slot of an account is free; None: nothing tells."""
    row = reads.one("first_free_slot", {"channel": channel, "account_id": account_id})
    return None if row is None else instant_or_none(row[0])


def account_quota(
    channel: str, jobs_a_day: int | None, day: int, day_jobs: int, wall: datetime
) -> Quota | None:
    """Return what is left of an account's limit of a day; None where it has none."""
    if jobs_a_day is None:
        return None
    return _of_day("account-jobs-a-day", jobs_a_day, day, day_jobs, wall, channel)


def limit_account(
    database: Database,
    account_id: str,
    jobs_a_day: int | None,
    max_jobs: int | None,
    by: int | None,
    wall: datetime,
) -> None:
    """Set how many jobs an account takes a day, and its slots. Raises: NotFound."""
    values: Values = {"account_id": account_id, "jobs_a_day": jobs_a_day, "max_jobs": max_jobs}
    if not database.run("limit_account", values):
        raise NotFound("There is no such account.")
    who = HOST if by is None else user_name(by)
    if jobs_a_day is not None:
        details = str(jobs_a_day) if jobs_a_day else "any number"
        note_account(database, wall, account_id, "account jobs a day changed", who, details)
    if max_jobs is not None:
        note_account(database, wall, account_id, "account limit changed", who, str(max_jobs))


def _today(row: Row, wall: datetime) -> Quota | None:
    """Return what is left of a user's jobs of a day; None without a limit. Args: row: `user_day`"""
    quotas, day, day_jobs = row
    limit = None if quotas is None else _quotas(quotas).jobs_a_day
    return None if limit is None else _of_day("jobs-a-day", limit, day, day_jobs, wall)


def _of_day(
    policy: str, limit: int, day: int, day_jobs: int, wall: datetime, channel: str = ""
) -> Quota:
    """Return what is left of a day. Units: of `day` days since 1970 UTC, the one counted last."""
    today = day_of(wall)
    taken = day_jobs if day == today else 0
    resets_s = -((wall - _EPOCH - (today + 1) * _DAY) // timedelta(seconds=1))
    return Quota(policy, limit, max(0, limit - taken), _DAY_S, resets_s, channel)
