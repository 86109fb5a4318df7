"""Two connections and a meeting: each step that one writer would put in order.

tests/conformance has what the store does otherwise.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import NamedTuple, cast

import pytest

from tests import build
from tests.build import replace
from tests.fakes import START, FakeClock
from tests.harness.leases import claim
from tests.harness.meeting import meeting
from tests.harness.postgresql import Cluster, needs_postgresql
from tests.limits import GHOST_AGE, PATIENCE
from waystation.callbacks import Attempt
from waystation.errors import Conflict, LeaseLost, UuidTaken, VersionConflict
from waystation.jobs import Job, JobStatus
from waystation.ports import (
    JobDraft,
    JobInputs,
    KeyTaken,
    NoSlot,
    Opening,
    OverQuota,
    QueueDraft,
    Repeated,
    RequestKey,
)
from waystation.quotas import UserQuotas
from waystation.store.postgresql.store import PostgresStore

pytestmark = needs_postgresql

DAY = timedelta(days=1)


class Two(NamedTuple):
    """Two stores on one database, as two processes have them."""

    url: str
    one: PostgresStore
    two: PostgresStore


@pytest.fixture
async def both(postgresql: Cluster, postgresql_database: str) -> AsyncIterator[Two]:
    """Users 1 and 2, who may both use account 1; `me` holds accounts 1 and 2 under epoch 1."""
    url = postgresql.url(postgresql_database)
    one, two = [await PostgresStore.open(url, FakeClock(), ghost_age=GHOST_AGE) for _ in range(2)]
    for name in ("owner", "other"):
        await one.add_user(f"{name}@example.org", b"hash", START)
    for number in (1, 2):
        await one.put_account(build.setup(build.account(number, max_jobs=1)))
        await claim(one, f"account-{number}", "me")
    await one.sharing.share("account-1", 2)
    yield Two(url, one, two)
    await one.close()
    await two.close()


async def added(store: PostgresStore, *candidates: str, **fields: object) -> Job:
    job = await store.add_job(build.draft(*candidates, **fields), START)  # type: ignore[arg-type]
    assert isinstance(job, Job)
    return job


def kinds(*outcomes: object) -> set[type]:
    return {type(one) for one in outcomes}


def queued(**fields: object) -> JobDraft:
    drafted = replace(build.draft(), candidates=(), queue=QueueDraft(3, START + DAY, 9))
    return replace(drafted, **fields)


# ── jobs that are accepted ──


async def test_of_two_users_one_gets_the_last_slot(both: Two) -> None:
    """R31, I8."""
    async with meeting(both.url, both.one, both.two) as place:
        outcomes = await place.of(
            both.one.add_job(build.draft(user_id=1), START),
            both.two.add_job(build.draft(user_id=2), START),
        )
    assert kinds(*outcomes) == {Job, NoSlot}
    assert not place.met


async def test_a_user_takes_the_last_place_of_a_day_once(both: Two) -> None:
    await both.one.change_user(1, {"quotas": UserQuotas(jobs_a_day=1)})
    async with meeting(both.url, both.one, both.two) as place:
        outcomes = await place.of(
            both.one.add_job(build.draft("account-1"), START),
            both.two.add_job(build.draft("account-2"), START),
        )
    assert kinds(*outcomes) == {Job, OverQuota}
    assert not place.met


async def test_an_account_gives_the_last_place_of_its_day_once(both: Two) -> None:
    await both.one.put_account(replace(build.setup(), max_jobs=9))
    await both.one.quotas.limit_account("account-1", 1, None)
    async with meeting(both.url, both.one, both.two) as place:
        outcomes = await place.of(
            both.one.add_job(build.draft(user_id=1), START),
            both.two.add_job(build.draft(user_id=2), START),
        )
    assert kinds(*outcomes) == {Job, OverQuota}


async def test_requests_with_one_key_make_one_job(both: Two) -> None:
    """R11."""
    draft = replace(build.draft("account-1", "account-2"), key=RequestKey("imagine", "k", b"d"))
    async with meeting(both.url, both.one, both.two) as place:
        outcomes = await place.of(both.one.add_job(draft, START), both.two.add_job(draft, START))
    assert kinds(*outcomes) == {Job, KeyTaken}
    assert len({one.jobid for one in outcomes}) == 1


async def test_a_button_that_works_once_is_pressed_once(both: Two) -> None:
    """R38."""
    parent = await added(both.one, takes_slot=False)
    params: dict[str, object] = {"parentJobId": parent.jobid, "button": "U1"}
    draft = replace(build.draft("account-1", "account-2"), verb="button", params=params)
    async with meeting(both.url, both.one, both.two) as place:
        outcomes = await place.of(both.one.add_job(draft, START), both.two.add_job(draft, START))
    assert kinds(*outcomes) == {Job, Repeated}


async def test_inputs_take_no_more_than_the_share_of_their_user(both: Two) -> None:
    given = [JobInputs(f"input-{number}", b"plan", 600) for number in (1, 2)]
    async with meeting(both.url, both.one, both.two) as place:
        outcomes = await place.of(
            both.one.begin_inputs(1, given[0], START, 1000),
            both.two.begin_inputs(1, given[1], START, 1000),
        )
    assert sorted(outcomes) == [False, True]


# ── leases and steps ──


async def test_two_nodes_that_claim_a_lease_get_one(both: Two) -> None:
    """I11."""
    for node_id in ("one", "two"):
        await both.one.nodes.begin(node_id, "test", DAY)
    await both.one.nodes.leave("me")
    async with meeting(both.url, both.one, both.two) as place:
        outcomes = await place.of(
            both.one.nodes.take("account-1", "one"), both.two.nodes.take("account-1", "two")
        )
    assert kinds(*outcomes) == {int, LeaseLost}
    assert 2 in outcomes


async def test_a_step_is_committed_before_the_lease_goes_or_not_at_all(both: Two) -> None:
    """I11."""
    job = await added(both.one)
    ended: list[str] = []

    async def step() -> None:
        await both.one.commit(build.change(build.submitted(job)))
        ended.append("step")

    async def take() -> None:
        await both.two.nodes.take("account-1", "me")
        ended.append("take")

    async with meeting(both.url, both.one, both.two) as place:
        outcomes = await place.of(step(), take())
    assert outcomes[1] is None
    assert ended == ["step", "take"] or isinstance(outcomes[0], LeaseLost)


async def test_of_two_steps_from_one_version_one_is_written(both: Two) -> None:
    job = await added(both.one)
    async with meeting(both.url, both.one, both.two) as place:
        outcomes = await place.of(
            both.one.commit(build.change(build.submitted(job, "1"))),
            both.two.commit(build.change(build.submitted(job, "2"))),
        )
    assert kinds(*outcomes) == {type(None), VersionConflict}
    assert len(await both.one.events_after(job.jobid)) == 1


async def test_a_uuid_goes_to_one_job(both: Two) -> None:
    """I1."""
    jobs = [await added(both.one, f"account-{number}") for number in (1, 2)]
    steps = [
        build.change(build.completed(job, f"90{number}", hash="uuid"), account_id=job.account_id)
        for number, job in enumerate(jobs)
    ]
    async with meeting(both.url, both.one, both.two) as place:
        outcomes = await place.of(both.one.commit(steps[0]), both.two.commit(steps[1]))
    assert kinds(*outcomes) == {type(None), UuidTaken}


async def test_events_of_one_user_get_places_without_a_gap(both: Two) -> None:
    """R37."""
    jobs = [await added(both.one, f"account-{number}") for number in (1, 2)]
    steps = [build.change(build.submitted(job), account_id=job.account_id) for job in jobs]
    async with meeting(both.url, both.one, both.two) as place:
        assert await place.of(both.one.commit(steps[0]), both.two.commit(steps[1])) == [None, None]
    page = await both.one.feeds.after(1, 0, 9)
    places = [event.place for event in page.events]
    assert places == list(range(1, len(places) + 1)) and page.last == len(places)


# ── users, accounts ──


async def test_two_sessions_that_begin_at_once_send_one_identify(both: Two) -> None:
    user_id = build.account(1).discord_user_id
    async with meeting(both.url, both.one, both.two) as place:
        outcomes = await place.of(
            both.one.identifies.add(user_id, build.later(1), START - DAY, None),
            both.two.identifies.add(user_id, build.later(2), START - DAY, None),
        )
    assert sorted(map(bool, outcomes)) == [False, True]
    assert len(await both.one.identifies.after(user_id, START - DAY)) == 1
    assert not place.met


async def test_an_e_mail_and_a_discord_user_exist_once(both: Two) -> None:
    """R32."""
    async with meeting(both.url, both.one, both.two) as place:
        outcomes = await place.of(
            both.one.add_user("new@example.org", b"h", START),
            both.two.add_user("NEW@example.org", b"h", START),
        )
    assert Conflict in kinds(*outcomes) and len(await both.one.list_users()) == 3
    twins = [build.account(3), replace(build.account(4), channel=build.account(3).channel)]
    async with meeting(both.url, both.one, both.two) as place:
        outcomes = await place.of(
            both.one.put_account(build.setup(twins[0])),
            both.two.put_account(build.setup(twins[1])),
        )
    assert kinds(*outcomes) == {bool, Conflict}


async def test_an_account_is_not_erased_under_a_new_job(both: Two) -> None:
    """I7."""
    await both.one.remove_account("account-1", START)
    async with meeting(both.url, both.one, both.two) as place:
        await place.of(both.one.erase_account("account-1"), both.two.put_account(build.setup()))
    account = await both.one.get_account("account-1")
    assert account is not None and account.removed_at is None
    async with meeting(both.url, both.one, both.two) as place:
        await place.of(added(both.one), both.two.remove_account("account-1", START))
    with pytest.raises(Conflict):
        await both.two.erase_account("account-1")


# ── the queue ──


async def test_a_job_that_waits_is_granted_once(both: Two) -> None:
    await both.one.add_job(queued(), START)
    openings = [Opening(f"account-{number}", 5, timedelta(minutes=1)) for number in (1, 2)]
    async with meeting(both.url, both.one, both.two) as place:
        outcomes = await place.of(
            both.one.queue.grant(openings[0], START), both.two.queue.grant(openings[1], START)
        )
    assert kinds(*outcomes) == {Job, type(None)}


async def test_grants_respect_how_many_jobs_a_user_has_at_once(both: Two) -> None:
    await both.one.change_user(1, {"quotas": UserQuotas(jobs_at_once=1)})
    for _ in range(2):
        await both.one.add_job(queued(), START)
    openings = [Opening(f"account-{number}", 5, timedelta(minutes=1)) for number in (1, 2)]
    async with meeting(both.url, both.one, both.two) as place:
        outcomes = await place.of(
            both.one.queue.grant(openings[0], START), both.two.queue.grant(openings[1], START)
        )
    assert kinds(*outcomes) == {Job, type(None)}
    assert len(await both.one.queue.waiting(None)) == 1


async def test_a_grant_and_a_new_job_share_one_slot(both: Two) -> None:
    await both.one.add_job(queued(), START)
    async with meeting(both.url, both.one, both.two) as place:
        outcomes = await place.of(
            both.one.queue.grant(Opening("account-1", 5, timedelta(minutes=1)), START),
            both.two.add_job(build.draft(user_id=2), START),
        )
    assert kinds(*outcomes) <= {Job, NoSlot, type(None)}
    assert sum(isinstance(one, Job) for one in outcomes) == 1


# ── callbacks ──


async def test_claims_share_no_callback_and_leave_none(both: Two) -> None:
    """R41."""
    job = await added(both.one, max_jobs=9)
    owed = [build.callback(job, number) for number in range(12)]
    await both.one.commit(build.change(build.completed(job, callbacks=owed)))
    claims = await asyncio.gather(
        *(store.claim_callbacks(START, build.later(30), 3) for store in (both.one, both.two) * 3)
    )
    rest = await both.one.claim_callbacks(START, build.later(30), 99)
    claimed = [one.callback_id for claim in (*claims, rest) for one in claim]
    assert sorted(claimed) == sorted(one.callback_id for one in owed)


async def test_an_attempt_is_recorded_once(both: Two) -> None:
    job = await added(both.one)
    step = build.completed(job, callbacks=[build.callback(job)])
    await both.one.commit(build.change(step))
    (claimed,) = await both.one.claim_callbacks(START, build.later(30), 9)
    failed = Attempt(503, None, 0.1)
    async with meeting(both.url, both.one, both.two) as place:
        await place.of(
            both.one.record_attempt(claimed, failed, START, build.later(9), PATIENCE),
            both.two.record_attempt(claimed, failed, START, build.later(9), PATIENCE),
        )
    (done,) = await both.one.find_callbacks(job.jobid)
    assert done.attempts == 1


# ── all of it, with nobody waiting in a ring ──


async def test_no_order_of_steps_makes_anybody_wait_in_a_ring(
    both: Two, postgresql: Cluster, postgresql_database: str
) -> None:
    dice = random.Random(7)
    for number in (1, 2):
        await both.one.put_account(replace(build.setup(build.account(number)), max_jobs=3))
    await both.one.sharing.share("account-2", 2)
    names = ["account-1", "account-2"]

    async def life(store: PostgresStore, turn: int) -> None:
        user_id = dice.choice((1, 2))
        draft = build.draft(*dice.sample(names, 2), user_id=user_id)
        if turn % 3 == 0:
            draft = replace(draft, queue=QueueDraft(3, START + DAY, 99))
        job = await store.add_job(draft, START)
        for name in dice.sample(names, 2):
            await store.queue.grant(Opening(name, 5, timedelta(minutes=1)), START)
        if isinstance(job, Job) and job.account_id:
            owed = [build.callback(job)]
            step = build.completed(job, f"m{turn}", callbacks=owed)
            await store.commit(build.change(step, account_id=job.account_id))
        await store.claim_callbacks(START, build.later(30), 5)

    await asyncio.gather(*(life(dice.choice((both.one, both.two)), turn) for turn in range(60)))
    running = [
        job for job in await both.one.jobs_after("", 999) if job.slot and job.account_id in names
    ]
    for name in names:
        assert sum(job.account_id == name for job in running) <= 3
    counts = await both.one.counts()
    jobs = await both.one.jobs_after("", 999)
    told = {status: sum(job.status == status for job in jobs) for status in JobStatus}
    assert counts.jobs_by_status == {status: n for status, n in told.items() if n}
    # the server tells a session's numbers when it ends
    await both.one.close()
    await both.two.close()
    ringed = f"select deadlocks from pg_stat_database where datname = '{postgresql_database}'"
    assert postgresql.say(ringed) == "0"


async def test_a_change_of_a_user_by_another_process_is_told(both: Two) -> None:
    first = await both.one.foreign_commits()
    assert await both.one.foreign_commits() == first
    await both.two.add_user("third@example.org", b"hash", START)
    assert await both.one.foreign_commits() != first


async def test_a_change_that_is_repeated_is_told_however_many_there_were_since(
    both: Two, postgresql: Cluster, postgresql_database: str
) -> None:
    await both.two.reset_account("account-1", START, None)
    postgresql.say(
        "insert into audit (at, by, action, user_id) select 0, 'host', 'users add', 2"
        " from generate_series(1, 1000)",
        postgresql_database,
    )
    before = await both.one.foreign_commits()
    cast(FakeClock, both.two._clock).advance(1)
    await both.two.reset_account("account-1", START, None)
    assert await both.one.foreign_commits() != before


async def test_a_change_that_is_repeated_within_an_hour_is_told(both: Two) -> None:
    for _ in range(3):
        before = await both.one.foreign_commits()
        cast(FakeClock, both.two._clock).advance(1)
        await both.two.reset_account("account-1", START, None)
        assert await both.one.foreign_commits() != before
