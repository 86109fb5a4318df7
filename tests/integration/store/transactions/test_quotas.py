"""Limits of users and accounts: jobs of a day, and jobs at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests import build
from tests.build import replace
from tests.fakes import FakeClock
from tests.harness.leases import claim
from tests.limits import GHOST_AGE
from waystation.errors import NotFound
from waystation.jobs import Job
from waystation.ports import NoSlot, OverQuota
from waystation.quotas import Quota, UserQuotas
from waystation.store.sqlite.store import SqliteStore
from waystation.store.transactions.quotas import day_of

DAY = timedelta(days=1)
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
NOON_S = 12 * 3600


async def opened(path: Path, clock: FakeClock) -> SqliteStore:
    return await SqliteStore.open(path / "w.db", clock, ghost_age=GHOST_AGE)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    made = await opened(tmp_path, FakeClock())
    for name in ("a", "b"):
        await made.add_user(f"{name}@example.org", b"hash", NOON)
    for number in (1, 2):
        await made.put_account(build.setup(build.account(number, max_jobs=15)))
    yield made
    await made.close()


async def add(
    store: SqliteStore, *accounts: str, at: datetime = NOON, slot: bool = True, user_id: int = 1
) -> object:
    return await store.add_job(
        build.draft(*accounts, user_id=user_id, takes_slot=slot, lane=50), at
    )


async def end(store: SqliteStore, job: object) -> None:
    assert isinstance(job, Job)
    at = NOON
    epoch = await claim(store, job.account_id, "me")
    await store.commit(
        build.change(build.failed(job), account_id=job.account_id, epoch=epoch, at=at)
    )


async def test_a_user_has_so_many_jobs_a_day(store: SqliteStore) -> None:
    await store.change_user(1, {"quotas": UserQuotas(jobs_a_day=2)})
    assert await store.quotas.left(1, NOON) == Quota("jobs-a-day", 2, 2, 86400, NOON_S)
    for _ in range(2):
        assert await store.quotas.over(1, NOON) is None
        await end(store, await add(store))
    over = OverQuota(Quota("jobs-a-day", 2, 0, 86400, NOON_S))
    assert await add(store) == over == await store.quotas.over(1, NOON)
    assert await store.quotas.left(1, NOON) == over.quota
    # one without a slot is not counted, and others are not concerned
    assert isinstance(await add(store, slot=False), Job)
    midnight = datetime(2026, 3, 5, tzinfo=UTC)
    last = await add(store, at=midnight - timedelta(milliseconds=500))
    assert last == OverQuota(Quota("jobs-a-day", 2, 0, 86400, 1)), "never 0 before the day is over"
    assert isinstance(await add(store, at=midnight), Job)
    assert await store.quotas.left(1, midnight) == Quota("jobs-a-day", 2, 1, 86400, 86400)


async def test_the_day_is_that_of_peoples_clocks(store: SqliteStore) -> None:
    await store.change_user(1, {"quotas": UserQuotas(jobs_a_day=1)})
    draft = replace(build.draft(), wall_ahead=timedelta(hours=13))
    assert isinstance(await store.add_job(draft, NOON), Job)
    assert isinstance(await store.add_job(draft, NOON), OverQuota)
    assert await store.quotas.over(1, NOON) is None
    assert await store.quotas.over(1, NOON + timedelta(hours=13)) is not None


async def test_a_user_has_so_many_jobs_at_once(store: SqliteStore) -> None:
    await store.change_user(1, {"quotas": UserQuotas(jobs_at_once=2)})
    jobs = [await add(store, one) for one in ("account-1", "account-2")]
    named = [job.jobid for job in jobs if isinstance(job, Job)]
    over = OverQuota(Quota("jobs-at-once", 2, 0), named)
    assert await add(store) == over == await store.quotas.over(1, NOON)
    assert isinstance(await add(store, slot=False), Job)
    await end(store, jobs[0])
    assert await store.quotas.over(1, NOON) is None
    assert isinstance(await add(store), Job)


async def test_without_limits_nothing_is_over(store: SqliteStore) -> None:
    await store.change_user(1, {"quotas": UserQuotas(jobs_a_day=1, jobs_at_once=1)})
    assert isinstance(await add(store), Job)
    assert isinstance(await add(store), OverQuota)
    await store.change_user(1, {"quotas": None})
    assert isinstance(await add(store), Job)
    assert (await store.quotas.over(1, NOON), await store.quotas.left(1, NOON)) == (None, None)
    assert await store.quotas.over(9, NOON) is None


async def test_an_account_has_so_many_jobs_a_day(store: SqliteStore) -> None:
    await store.quotas.limit_account("account-1", 1, 1)
    account = await store.get_account("account-1")
    assert account is not None and account.jobs_a_day == 1
    assert account in await store.list_accounts(1)
    assert await store.quotas.account_over("account-1", NOON) is None
    both = ("account-1", "account-2")
    first, second = await add(store, *both), await add(store, *both)
    assert [one.account_id for one in (first, second) if isinstance(one, Job)] == [*both]
    quota = Quota("account-jobs-a-day", 1, 0, 86400, NOON_S, account.channel)
    assert await add(store, "account-1") == OverQuota(quota)
    assert await store.quotas.account_over("account-1", NOON) == quota
    assert isinstance(await add(store, "account-1", at=NOON + DAY), Job)
    await store.quotas.limit_account("account-1", 0, None)
    assert isinstance(await add(store, "account-1"), Job)
    assert await store.quotas.account_over("account-9", NOON) is None
    with pytest.raises(NotFound):
        await store.quotas.limit_account("account-9", 1, 1)


async def test_an_account_whose_day_is_used_up_is_as_a_full_one(store: SqliteStore) -> None:
    """Beside one that is full in truth the slots are told."""
    await store.quotas.limit_account("account-1", 1, 1)
    await add(store, "account-1")
    await store.put_account(build.setup(build.account(2, max_jobs=1)))
    await add(store, "account-2")
    assert isinstance(await add(store, "account-1", "account-2"), NoSlot)


async def test_an_account_that_comes_back_has_its_limit_and_its_count(store: SqliteStore) -> None:
    await store.quotas.limit_account("account-1", 1, 1)
    await end(store, await add(store, "account-1"))
    await store.remove_account("account-1", NOON)
    await store.erase_account("account-1")
    await store.put_account(build.setup(build.account(1, max_jobs=15)))
    assert isinstance(await add(store, "account-1"), OverQuota)


async def test_changes_of_limits_are_audited(store: SqliteStore) -> None:
    await store.change_user(1, {"quotas": UserQuotas(jobs_a_day=5, waiting_jobs=9)})
    await store.change_user(1, {"quotas": None})
    await store.quotas.limit_account("account-1", 7, 1)
    await store.quotas.limit_account("account-1", 0, None)
    told = [(one.by, one.action, one.details) for one in await store.audit(1, 4)]
    assert told == [
        ("host", "account jobs a day changed", "any number"),
        ("user:1", "account jobs a day changed", "7"),
        ("host", "quotas changed", "no limit"),
        ("host", "quotas changed", "jobsADay 5, waitingJobs 9"),
    ]


@pytest.mark.parametrize("quotas", [UserQuotas(jobs_a_day=5), UserQuotas(jobs_at_once=5)])
async def test_two_processes_that_ask_at_once_take_no_more_than_there_is(
    store: SqliteStore, tmp_path: Path, quotas: UserQuotas
) -> None:
    """Each has a connection of its own, and counts in the transaction of the job."""
    await store.change_user(1, {"quotas": quotas})
    second = await opened(tmp_path, FakeClock())
    try:
        asks = (add(one) for one in (store, second) for _ in range(10))
        made = await asyncio.gather(*asks)
    finally:
        await second.close()
    assert sum(isinstance(one, Job) for one in made) == 5
    assert sum(isinstance(one, OverQuota) for one in made) == 15


def test_days_are_counted_from_1970() -> None:
    assert [day_of(datetime(1970, 1, 1, 23, 59, tzinfo=UTC)), day_of(NOON)] == [0, 20516]
