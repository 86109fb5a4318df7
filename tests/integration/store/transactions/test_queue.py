from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests import build
from tests.build import replace
from tests.fakes import FakeClock
from tests.harness.leases import claim, claim_in
from tests.limits import GHOST_AGE
from waystation.jobs import Cancelled, Failed, Job, JobStatus, PutBack, Shown
from waystation.ports import (
    JobChange,
    JobInputs,
    Opening,
    OverQuota,
    QueueDraft,
    QueueFull,
    UserChanges,
)
from waystation.queueing.place import Rival
from waystation.quotas import UserQuotas
from waystation.sidelining import Cause, Trouble
from waystation.store.columns import instant, micros
from waystation.store.rows import ACCOUNTS, JOBS
from waystation.store.sqlite.database import Database, connect
from waystation.store.sqlite.migrate import migrate
from waystation.store.sqlite.store import SqliteStore
from waystation.store.transactions import accounts, queue, slots, upkeep
from waystation.store.transactions.commit import commit

DAY = timedelta(days=1)


def asked(
    database: Database,
    *candidates: str,
    user_id: int = 1,
    priority: int = 3,
    pin: str | None = None,
    mode: str | None = None,
    most: int = 1000,
    max_jobs: int | None = None,
    takes_slot: bool = True,
    seconds: float = 0.0,
) -> Job:
    at = build.later(seconds)
    draft = build.draft(
        *(candidates or ("account-1",)), user_id=user_id, max_jobs=max_jobs, takes_slot=takes_slot
    )
    made = slots.add_job(
        database, replace(draft, queue=QueueDraft(priority, at + DAY, most, pin, mode)), at
    )
    assert isinstance(made, Job)
    return made


def granted(
    database: Database,
    account_id: str = "account-1",
    *,
    lane: int = 5,
    mode: str | None = None,
    uploads_wait: bool = False,
    seconds: float = 1.0,
) -> Job | None:
    opening = Opening(account_id, lane, timedelta(minutes=1), mode, uploads_wait)
    return queue.grant(database, opening, build.later(seconds))


def full(database: Database, max_jobs: int = 1, user_id: int = 1) -> list[Job]:
    """Let account 1 have so many slots, and fill them."""
    row = database.one("account_by_id", {"account_id": "account-1"})
    assert row is not None
    accounts.put(database, build.setup(replace(build.account(), max_jobs=max_jobs)))
    made = [slots.add_job(database, build.draft(), build.later()) for _ in range(max_jobs)]
    return [job for job in made if isinstance(job, Job)]


def ends(database: Database, job: Job) -> None:
    commit(database, build.change(build.failed(job)))


def shared(database: Database, users: int) -> None:
    """Share account 1 with users 2 and so on."""
    for number in range(2, users + 1):
        accounts.add_user(database, f"user{number}@example.org", b"h", build.later())
        database.connection.execute(
            "insert into account_shares (account_id, user_id, since) values ('account-1', ?, 1)",
            (number,),
        )


# ── waiting ──


def test_a_job_of_the_queue_takes_a_free_slot_at_once(database: Database) -> None:
    job = asked(database)
    assert (job.account_id, job.slot, job.waiting) == ("account-1", True, False)
    assert job.queue_until == build.later() + DAY
    assert granted(database) is None


def test_a_job_without_room_waits_without_an_account(database: Database) -> None:
    """R9."""
    full(database)
    job = asked(database, seconds=5)
    assert job.waiting
    assert (job.account_id, job.channel, job.slot, job.max_jobs) == ("", "0", False, None)
    assert "-channel:0-" in job.jobid
    # its POST is over, since it is answered at once
    assert job.post_until == build.later(5)
    assert granted(database) is None


def test_a_pinned_job_names_its_channel(database: Database) -> None:
    full(database)
    job = asked(database, pin="account-1")
    assert job.waiting
    assert job.channel == build.account().channel
    assert f"-channel:{job.channel}-" in job.jobid


def test_a_free_slot_is_given_to_the_oldest(database: Database) -> None:
    (running,) = full(database)
    first, second = asked(database), asked(database)
    ends(database, running)
    job = granted(database, seconds=3)
    assert job is not None
    assert job.jobid == first.jobid
    assert (job.account_id, job.channel, job.slot) == ("account-1", build.account().channel, True)
    assert (job.max_jobs, job.status, job.version) == (1, JobStatus.CREATED, 1)
    assert job.deadline_at == build.later(63)
    stored = database.one("job", {"jobid": job.jobid})
    assert stored is not None
    assert JOBS.read(stored) == job
    assert granted(database) is None
    ends(database, job)
    later = granted(database)
    assert later is not None
    assert later.jobid == second.jobid


def test_a_job_does_not_go_before_those_that_wait(database: Database) -> None:
    (running,) = full(database)
    asked(database)
    ends(database, running)
    assert asked(database).waiting
    assert not asked(database, priority=4).waiting


def test_a_job_of_another_user_goes_before_those_of_one_who_has_had_the_last_turn(
    database: Database,
) -> None:
    shared(database, 2)
    accounts.put(database, build.setup(replace(build.account(), max_jobs=1)))
    running = asked(database)
    asked(database)
    ends(database, running)
    assert not asked(database, user_id=2).waiting


def test_only_so_many_jobs_of_a_user_wait(database: Database) -> None:
    full(database)
    asked(database, most=2)
    asked(database, most=2)
    draft = replace(build.draft(), queue=QueueDraft(3, build.later() + DAY, 2))
    assert slots.add_job(database, draft, build.later()) == QueueFull(2)


def test_jobs_that_an_account_cannot_take_hold_up_nobody(database: Database) -> None:
    accounts.put(database, build.setup(build.account(2)))
    accounts.put(database, build.setup(replace(build.account(), max_jobs=3)))
    running = [slots.add_job(database, build.draft(), build.later()) for _ in range(3)]
    assert all(isinstance(one, Job) for one in running)
    asked(database, pin="account-2")
    asked(database, mode="turbo")
    asked(database, max_jobs=1)
    free = asked(database)
    assert isinstance(running[0], Job)
    ends(database, running[0])
    job = granted(database)
    assert job is not None
    assert job.jobid == free.jobid


def test_a_job_is_given_to_an_account_in_its_mode(database: Database) -> None:
    (running,) = full(database)
    wanted = asked(database, mode="turbo")
    ends(database, running)
    assert granted(database, mode="fast") is None
    job = granted(database, mode="turbo")
    assert job is not None
    assert job.jobid == wanted.jobid


def test_a_job_with_a_picture_waits_for_uploads(database: Database) -> None:
    """R16: jobs without one pass it, and so does a press with a mask."""
    (running,) = full(database)
    given = [
        replace(build.draft(), inputs=JobInputs(name, b"plan", 5, (b"sealed",)), input_bytes=99)
        for name in ("picture", "mask")
    ]
    given[1] = replace(given[1], params={"parentJobId": running.jobid, "button": "V1"})
    waits = QueueDraft(3, build.later() + DAY, 9)
    picture, mask = [
        slots.add_job(database, replace(one, queue=waits), build.later()) for one in given
    ]
    assert isinstance(picture, Job) and isinstance(mask, Job)
    plain = asked(database)
    ends(database, running)
    for expected in (mask, plain):
        job = granted(database, uploads_wait=True)
        assert job is not None
        assert job.jobid == expected.jobid
        ends(database, job)
    assert granted(database, uploads_wait=True) is None
    job = granted(database)
    assert job is not None
    assert job.jobid == picture.jobid


def test_a_job_without_a_slot_waits_for_the_lane(database: Database) -> None:
    running = [asked(database, takes_slot=False) for _ in range(5)]
    waits = asked(database, pin="account-1", takes_slot=False)
    assert waits.waiting
    assert granted(database) is None
    ends(database, running[0])
    job = granted(database)
    assert job is not None
    assert (job.jobid, job.slot, job.max_jobs) == (waits.jobid, False, None)


def sidelined(database: Database, account_id: str = "account-1") -> None:
    trouble = Trouble(Cause(400, "10003", "{}"), 3, build.later(), timedelta(minutes=10))
    values = (ACCOUNTS.value("trouble", trouble), account_id)
    database.connection.execute("update accounts set trouble = ? where account_id = ?", values)


def test_a_sidelined_account_takes_only_what_no_other_account_of_the_user_may_take(
    database: Database,
) -> None:
    """R50, R32: of each user who may use it."""
    shared(database, 2)
    accounts.put(database, build.setup(build.account(2)))
    (running,) = full(database)
    others = asked(database, user_id=1)
    pinned = asked(database, user_id=1, pin="account-1")
    single = asked(database, user_id=2)
    sidelined(database)
    ends(database, running)
    job = granted(database)
    assert job is not None
    assert job.jobid == pinned.jobid
    ends(database, job)
    job = granted(database)
    assert job is not None
    assert job.jobid == single.jobid
    ends(database, job)
    assert granted(database) is None
    # where all are sidelined, each takes what comes; and so it does after ten minutes
    sidelined(database, "account-2")
    job = granted(database)
    assert job is not None
    assert job.jobid == others.jobid


def test_a_job_pinned_to_a_sidelined_account_waits_for_none_that_may_not_use_it(
    database: Database,
) -> None:
    """R50."""
    accounts.put(database, build.setup(build.account(2)))
    (running,) = full(database)
    asked(database)
    sidelined(database)
    ends(database, running)
    assert not asked(database, pin="account-1", priority=2).waiting


def test_nothing_is_given_to_a_halted_or_removed_account(database: Database) -> None:
    (running,) = full(database)
    asked(database)
    ends(database, running)
    commit(database, build.change(halt=build.halt()))
    assert granted(database) is None
    accounts.reset(database, "account-1", build.later(9))
    accounts.remove(database, "account-1", build.later(9))
    assert granted(database) is None
    assert granted(database, "account-9") is None


@pytest.mark.parametrize("waits_again", [True, False])
def test_an_account_rests_after_midjourneys_own_queue_was_full(
    database: Database, waits_again: bool
) -> None:
    shown = Shown("801")
    accounts.put(database, build.setup(build.account(2, max_jobs=1)))
    accounts.put(database, build.setup(replace(build.account(), max_jobs=1)))
    running = asked(database)
    waits = asked(database)
    assert waits.waiting
    event = PutBack("Queue full", shown) if waits_again else Failed(429, "Queue full", shown=shown)
    after: dict[str, Any] = {"account_id": "", "slot": False}
    if not waits_again:
        after = {"status": JobStatus.FAILED, "finished_at": build.later(1), "slot": False}
    step = build.stepped(running, event, **after)
    commit(database, build.change(step, at=build.later(1)))
    # nor does a new job take it; another account takes the jobs
    assert asked(database, priority=5, seconds=1).waiting
    assert granted(database, "account-2", seconds=1) is not None
    assert granted(database, seconds=30) is None
    moment = database.one("queue_moments", {"at": micros(build.later(20))})
    assert moment is not None
    assert instant(moment[0]) == build.later(31)
    assert granted(database, seconds=31) is not None


def test_a_user_has_no_more_jobs_at_once_than_an_admin_has_set(database: Database) -> None:
    accounts.put(database, build.setup(replace(build.account(), max_jobs=3)))
    accounts.change_user(database, 1, {"quotas": UserQuotas(jobs_at_once=1)})
    running = asked(database)
    assert asked(database).waiting
    assert granted(database) is None
    # a job without a slot does not count
    assert not asked(database, takes_slot=False).waiting
    ends(database, running)
    assert granted(database) is not None
    assert granted(database) is None


def test_an_account_takes_no_more_a_day_than_is_set(database: Database) -> None:
    accounts.put(database, build.setup(replace(build.account(), max_jobs=3)))
    database.connection.execute("update accounts set jobs_a_day = 2")
    first, second = asked(database), asked(database)
    assert not (first.waiting or second.waiting)
    assert asked(database).waiting
    assert granted(database) is None
    tomorrow = 24 * 3600.0
    assert granted(database, seconds=tomorrow) is not None
    assert database.connection.execute("select day_jobs from accounts").fetchall() == [(1,)]


def test_a_day_that_is_used_up_refuses_a_job_of_the_queue(database: Database) -> None:
    accounts.change_user(database, 1, {"quotas": UserQuotas(jobs_a_day=1)})
    asked(database)
    draft = replace(build.draft(), queue=QueueDraft(3, build.later() + DAY, 9))
    assert isinstance(slots.add_job(database, draft, build.later()), OverQuota)


@pytest.mark.parametrize(
    ("ended", "renewed"),
    [
        ({"revoked_at": build.later(2)}, {"revoked_at": None}),
        ({"expires_at": build.later(2)}, {"expires_at": build.later(9999)}),
    ],
)
def test_nothing_is_sent_for_a_user_who_may_not_ask_any_more(
    database: Database, ended: UserChanges, renewed: UserChanges
) -> None:
    """R44: until the user is renewed."""
    shared(database, 2)
    (running,) = full(database)
    job = asked(database, user_id=2)
    ends(database, running)
    accounts.change_user(database, 2, ended)
    assert granted(database, seconds=3) is None
    accounts.change_user(database, 2, renewed)
    later = granted(database, seconds=4)
    assert later is not None
    assert later.jobid == job.jobid


# ── fairness ──


def test_a_user_who_sends_one_job_is_next_after_another_has_sent_1000(database: Database) -> None:
    """Lesson 9."""
    shared(database, 2)
    accounts.put(database, build.setup(replace(build.account(), max_jobs=1)))
    running = asked(database)
    for _ in range(1000):
        asked(database)
    single = asked(database, user_id=2)
    ends(database, running)
    job = granted(database)
    assert job is not None
    assert job.jobid == single.jobid


def test_a_job_of_the_queue_may_only_lower_how_many_jobs_an_account_has(
    database: Database,
) -> None:
    """Lesson 9: who asks for more slots than the account has goes before nobody."""
    shared(database, 2)
    accounts.put(database, build.setup(replace(build.account(), max_jobs=1)))
    running = asked(database, max_jobs=2)
    assert (running.waiting, running.max_jobs) == (False, 1)
    flood = [asked(database, max_jobs=2) for _ in range(3)]
    assert all(job.waiting for job in flood)
    single = asked(database, user_id=2)
    assert granted(database) is None
    ends(database, running)
    job = granted(database)
    assert job is not None
    assert job.jobid == single.jobid
    assert granted(database) is None
    ends(database, job)
    job = granted(database)
    assert job is not None
    assert (job.jobid, job.max_jobs) == (flood[0].jobid, 1)


def test_a_higher_priority_goes_first(database: Database) -> None:
    (running,) = full(database)
    asked(database, priority=2)
    urgent = asked(database, priority=5)
    ends(database, running)
    job = granted(database)
    assert job is not None
    assert job.jobid == urgent.jobid


def test_users_have_turns_by_weight(database: Database) -> None:
    shared(database, 2)
    accounts.change_user(database, 2, {"queue_weight": 3})
    (running,) = full(database)
    for _ in range(40):
        asked(database)
        asked(database, user_id=2)
    taken = []
    for _ in range(20):
        ends(database, running)
        job = granted(database)
        assert job is not None
        running = job
        taken.append(job.user_id)
    assert (taken.count(1), taken.count(2)) == (5, 15)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 2)), min_size=1, max_size=40))
def test_no_user_waits_for_more_grants_than_there_are_users(moves: list[tuple[int, int]]) -> None:
    """Lesson 9, by the store itself."""
    connection = connect(":memory:")
    try:
        migrate(connection, build.later(), None)
        database = Database(connection)
        accounts.add_user(database, "owner@example.org", b"hash", build.later())
        accounts.put(database, build.setup(build.account(max_jobs=1)))
        claim_in(database, "account-1", "me")
        shared(database, 4)
        running = asked(database)
        waiting: dict[int, int] = dict.fromkeys(range(1, 5), 0)
        passed: dict[int, int] = dict.fromkeys(range(1, 5), 0)
        for user_id, jobs in moves:
            for _ in range(jobs):
                assert asked(database, user_id=user_id).waiting
                passed[user_id] = passed[user_id] if waiting[user_id] else 0
                waiting[user_id] += 1
            if not any(waiting.values()):
                continue
            ends(database, running)
            job = granted(database)
            assert job is not None
            running = job
            waiting[job.user_id] -= 1
            for other in waiting:
                passed[other] = 0 if other == job.user_id else passed[other] + 1
                assert not waiting[other] or passed[other] < 4
    finally:
        connection.close()


# ── back, and ends ──


def test_a_job_that_is_put_back_waits_a_while_in_its_old_place(database: Database) -> None:
    """R13."""
    (running,) = full(database)
    first = asked(database)
    asked(database)
    ends(database, running)
    job = granted(database)
    assert job is not None
    commit(database, build.change(build.submitted(job)))
    asked_job = replace(job, version=job.version + 1, status=JobStatus.SUBMITTED)
    back = build.stepped(
        asked_job, PutBack("Queue full"), account_id="", slot=False, status=JobStatus.CREATED
    )
    commit(database, build.change(back, at=build.later(10)))
    stored = database.one("job", {"jobid": first.jobid})
    assert stored is not None
    assert JOBS.read(stored).waiting
    second = granted(database, seconds=12)
    assert second is not None
    assert second.jobid != first.jobid
    ends(database, second)
    assert granted(database, seconds=19) is None
    again = granted(database, seconds=21)
    assert again is not None
    assert again.jobid == first.jobid
    assert again.nonce is None
    ends(database, again)
    assert database.all("queued_jobs", {"until": None}) == []
    assert database.connection.execute("select count(*) from queue").fetchall() == [(0,)]


def put_back(database: Database, job: Job, at: float) -> None:
    """Let a job that an account has wait again."""
    back = build.stepped(job, PutBack("full"), account_id="", slot=False)
    commit(database, build.change(back, at=build.later(at)))


def day_jobs(database: Database) -> int:
    ((count,),) = database.connection.execute("select day_jobs from accounts").fetchall()
    assert isinstance(count, int)
    return count


def test_a_job_that_is_put_back_counts_once_for_the_account_s_day(database: Database) -> None:
    accounts.put(database, build.setup(replace(build.account(), max_jobs=3)))
    database.connection.execute("update accounts set jobs_a_day = 2")
    job = asked(database)
    for number in range(3):
        assert day_jobs(database) == 1
        put_back(database, job, 20.0 * number)
        assert day_jobs(database) == 0
        again = granted(database, seconds=20.0 * number + 15)
        assert again is not None
        job = again
    assert not asked(database, seconds=100).waiting
    assert asked(database, seconds=100).waiting


def test_a_job_that_is_put_back_on_the_next_day_lowers_the_count_of_none(
    database: Database,
) -> None:
    accounts.put(database, build.setup(replace(build.account(), max_jobs=3)))
    database.connection.execute("update accounts set jobs_a_day = 2")
    job = asked(database)
    tomorrow = DAY.total_seconds()
    assert not asked(database, seconds=tomorrow).waiting
    put_back(database, job, tomorrow + 5)
    assert day_jobs(database) == 1


def test_a_job_without_a_slot_that_is_put_back_lowers_no_count(database: Database) -> None:
    accounts.put(database, build.setup(replace(build.account(), max_jobs=3)))
    database.connection.execute("update accounts set jobs_a_day = 2")
    asked(database)
    put_back(database, asked(database, takes_slot=False), 5)
    assert day_jobs(database) == 1


def test_a_job_ends_before_it_is_asked_or_not_at_all(database: Database) -> None:
    (running,) = full(database)
    job = asked(database)
    event = Cancelled(ghost=False)
    ended = replace(
        job, version=1, status=JobStatus.CANCELLED, finished_at=build.later(2), slot=False
    )
    change = JobChange(ended, (event,), (build.callback(job),))
    assert queue.end(database, change, build.later(2))
    assert not queue.end(database, change, build.later(2))
    stored = database.one("job", {"jobid": job.jobid})
    assert stored is not None
    assert JOBS.read(stored) == ended
    assert len(database.all("callbacks_of_job", {"jobid": job.jobid})) == 1
    ends(database, running)
    other = asked(database)
    assert not other.waiting
    failed = replace(other, version=2, status=JobStatus.FAILED, finished_at=build.later(2))
    # something has happened to it that the caller has not seen: it may have been asked
    assert not queue.end(database, JobChange(failed, (Failed(502, "x"),)), build.later(2))
    # an account has it, and has not asked
    failed = replace(failed, version=1, slot=False)
    assert queue.end(database, JobChange(failed, (Failed(502, "x"),)), build.later(2))


def test_the_end_of_a_job_that_waits_has_a_place_in_its_users_feed(database: Database) -> None:
    full(database)
    job = asked(database)
    event = Failed(502, "Not sent within 24 hours")
    ended = replace(
        job, version=job.version + 1, status=JobStatus.FAILED, finished_at=build.later(2)
    )
    assert queue.end(database, JobChange(ended, (event,)), build.later(2))
    rows = database.all("feed_after", {"user_id": 1, "place": 0, "limit": 9})
    told = [(place, kind) for place, jobid, kind, _ in rows if jobid == job.jobid]
    assert told == [(2, None), (3, "Failed")]


def test_a_grant_and_a_way_back_have_places_in_their_users_feed(database: Database) -> None:
    (running,) = full(database)
    job = asked(database)
    ends(database, running)
    given = granted(database)
    assert given is not None
    put_back(database, given, 5.0)
    assert granted(database, seconds=20.0) is not None
    rows = database.all("feed_after", {"user_id": 1, "place": 0, "limit": 9})
    told = [kind for _, jobid, kind, _ in rows if jobid == job.jobid]
    assert told == [None, "Granted", "PutBack", "Granted"]


def test_a_job_that_has_waited_for_hours_is_no_old_running_one(database: Database) -> None:
    (running,) = full(database)
    asked(database)
    ends(database, running)
    assert granted(database, seconds=36000) is not None
    counts = upkeep.counts(database)
    assert (counts.oldest_job, counts.oldest_slot) == (build.later(36000), build.later(36000))


def test_jobs_that_wait_are_counted_apart(database: Database) -> None:
    (running,) = full(database)
    asked(database, seconds=7)
    found = upkeep.counts(database)
    assert (found.queued, found.oldest_queued) == (1, build.later(7))
    assert found.oldest_job == running.created_at
    ends(database, running)
    assert upkeep.counts(database).oldest_job is None
    assert database.all("orphaned_jobs", {"clock": 1 << 60}) == []


async def test_the_store_tells_where_a_job_stands(tmp_path: Path) -> None:
    clock = FakeClock()
    store = await SqliteStore.open(tmp_path / "waystation.db", clock, ghost_age=GHOST_AGE)
    try:
        await store.add_user("owner@example.org", b"hash", clock.now())
        assert not await store.queue.wants("account-1")
        await store.put_account(build.setup(build.account(max_jobs=1)))
        await store.put_account(build.setup(build.account(2, max_jobs=2)))
        await claim(store, "account-1", "me")
        made = await store.add_job(build.draft(), clock.now())
        assert isinstance(made, Job)
        draft = build.draft("account-1")
        last: object = None
        for mode, priority, pin in ((None, 3, None), (None, 5, None), ("fast", 3, "account-1")):
            waits = QueueDraft(priority, clock.now() + DAY, 9, pin, mode)
            last = await store.add_job(replace(draft, queue=waits), clock.now())
        assert isinstance(last, Job)
        found = await store.queue.place(last.jobid, clock.wall())
        assert found is not None
        job, rows = found
        assert (job.own, job.above, job.priority, job.mode) == (1, 1, 3, "fast")
        assert (job.takes_slot, job.span_s, job.weight, job.rivals) == (True, None, 1, [])
        assert [(row.account_id, row.limit, row.taken) for row in rows] == [("account-1", 1, 1)]
        assert await store.queue.place(made.jobid, clock.wall()) is None
        assert await store.queue.wants("account-1")
        assert await store.queue.wants_mode()
        assert set(await store.queue.wanted()) == {"account-1", "account-2"}
        assert len(await store.queue.waiting(None)) == 3
        assert await store.queue.waiting(clock.now()) == []
        assert await store.queue.next_moment(clock.now()) == clock.now() + DAY
    finally:
        await store.close()


async def test_a_place_counts_only_jobs_that_an_account_of_the_asker_may_take(
    tmp_path: Path,
) -> None:
    """R32: what waits for accounts that are not shared is their owner's to know."""
    clock = FakeClock()
    store = await SqliteStore.open(tmp_path / "waystation.db", clock, ghost_age=GHOST_AGE)
    try:
        await store.add_user("owner@example.org", b"hash", clock.now())
        for number in (1, 2):
            await store.put_account(build.setup(build.account(number, max_jobs=1)))
        await store._write(lambda database: shared(database, 3))
        await store.add_job(build.draft(), clock.now())

        async def waits(user_id: int, pin: str | None, priority: int = 3) -> str:
            asked = QueueDraft(priority, clock.now() + DAY, 99, pin)
            draft = build.draft("account-1", user_id=user_id)
            job = await store.add_job(replace(draft, queue=asked), clock.now())
            assert isinstance(job, Job)
            assert job.waiting
            return job.jobid

        for _ in range(3):
            await waits(1, "account-2")
            await waits(1, "account-2", 5)
        jobid = await waits(2, None)
        found = await store.queue.place(jobid, clock.wall())
        assert found is not None
        assert (found[0].above, found[0].rivals) == (0, [])
        await waits(1, "account-1")
        await waits(1, None)
        await waits(3, None)
        await waits(1, None, 5)
        found = await store.queue.place(jobid, clock.wall())
        assert found is not None
        assert (found[0].above, found[0].rivals) == (1, [Rival(2, 1), Rival(1, 1)])
        # nor are those counted that are not sent, of a user who may not ask any more
        await store._write(
            lambda database: accounts.change_user(database, 3, {"revoked_at": clock.now()})
        )
        found = await store.queue.place(jobid, clock.wall())
        assert found is not None
        assert found[0].rivals == [Rival(2, 1)]
        assert (found[0].revoked, found[0].expired) == (False, False)
        ended: UserChanges = {"revoked_at": clock.now(), "expires_at": clock.wall()}
        await store._write(lambda database: accounts.change_user(database, 2, ended))
        found = await store.queue.place(jobid, clock.wall())
        assert found is not None
        assert (found[0].revoked, found[0].expired) == (True, True)
    finally:
        await store.close()


@pytest.mark.slow
class Slots(RuleBasedStateMachine):
    """Jobs of the queue and others side by side: never more than there are slots."""

    @initialize()
    def begin(self) -> None:
        self.connection = connect(":memory:")
        migrate(self.connection, build.later(), None)
        self.database = Database(self.connection)
        accounts.add_user(self.database, "owner@example.org", b"hash", build.later())
        for number, slots_ in ((1, 2), (2, 1)):
            made = build.account(number, max_jobs=slots_)
            accounts.put(self.database, build.setup(made))
            claim_in(self.database, made.account_id, "me")
        self.running: list[Job] = []
        self.waiting = 0

    @rule(queued=st.booleans())
    def ask(self, queued: bool) -> None:
        draft = build.draft("account-1", "account-2")
        waits = QueueDraft(3, build.later() + DAY, 1000)
        made = slots.add_job(
            self.database, replace(draft, queue=waits if queued else None), build.later()
        )
        if isinstance(made, Job) and made.waiting:
            self.waiting += 1
        elif isinstance(made, Job):
            self.running.append(made)

    @rule(number=st.sampled_from([1, 2]))
    def give(self, number: int) -> None:
        job = granted(self.database, f"account-{number}")
        if job is not None:
            self.waiting -= 1
            self.running.append(job)

    @rule(back=st.booleans())
    def end(self, back: bool) -> None:
        if not self.running:
            return
        job = self.running.pop(0)
        change = build.failed(job)
        if back and job.queue_until is not None:
            change = build.stepped(job, PutBack("full"), account_id="", slot=False)
            self.waiting += 1
        commit(self.database, build.change(change, account_id=job.account_id))

    @invariant()
    def no_slot_is_taken_twice(self) -> None:
        """I8."""
        if not hasattr(self, "database"):
            return
        rows: list[Any] = self.database.connection.execute(
            "select account_id, count(*) from jobs where slot group by account_id"
        ).fetchall()
        assert all(count <= {"account-1": 2, "account-2": 1}[name] for name, count in rows)
        held = self.database.connection.execute(
            "select count(*) from jobs where finished_at is null and account_id = ''"
        ).fetchall()
        assert held == [(self.waiting,)]

    def teardown(self) -> None:
        self.connection.close()


TestSlots = Slots.TestCase
TestSlots.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
