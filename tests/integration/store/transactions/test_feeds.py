from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from tests import build
from tests.fakes import FakeClock
from tests.harness.blocking import on_sqlite
from tests.harness.leases import claim
from waystation.errors import VersionConflict
from waystation.jobs import Acknowledged, Completed, Job, JobStatus, Progressed, Shown
from waystation.ports import FeedPage, JobChange
from waystation.store.sqlite.backup import back_up
from waystation.store.sqlite.database import Database, connect
from waystation.store.sqlite.migrate import migrate, migrations
from waystation.store.sqlite.store import SqliteStore
from waystation.store.transactions import slots
from waystation.store.transactions.commit import commit

SHOWN = Shown("900")


def added(database: Database) -> Job:
    made = slots.add_job(database, build.draft(max_jobs=99), build.later())
    assert isinstance(made, Job)
    return made


def started(job: Job) -> JobChange:
    return build.stepped(job, Acknowledged(SHOWN, build.later(60)), status=JobStatus.STARTED)


def progressed(job: Job) -> JobChange:
    return build.stepped(job, Progressed(SHOWN))


def places(
    database: Database, user_id: int = 1, after: int = 0
) -> list[tuple[int, str, str | None]]:
    rows = database.all("feed_after", {"user_id": user_id, "place": after, "limit": 99})
    return [(place, jobid, kind) for place, jobid, kind, _ in rows]


def state(database: Database) -> tuple[str, int, int]:
    row = database.one("feed_state", {"user_id": 1})
    assert row is not None
    era, purged, last = row
    return era, purged, last


def test_the_events_of_all_jobs_of_a_user_have_one_order(database: Database) -> None:
    first, second = added(database), added(database)
    one, two = started(first), started(second)
    commit(database, build.change(one))
    commit(database, build.change(two))
    commit(database, build.change(build.completed(one.job, "901"), progressed(two.job)))
    assert places(database) == [
        (1, first.jobid, None),
        (2, second.jobid, None),
        (3, first.jobid, "Acknowledged"),
        (4, second.jobid, "Acknowledged"),
        (5, first.jobid, "Completed"),
        (6, second.jobid, "Progressed"),
    ]
    assert places(database, after=3) == places(database)[3:]
    assert state(database)[1:] == (0, 6)
    assert places(database, user_id=2) == []


def test_an_event_that_callers_are_not_told_has_no_place(database: Database) -> None:
    commit(database, build.change(build.submitted(added(database))))
    assert state(database)[1:] == (0, 1)


@on_sqlite
def test_a_change_that_is_refused_takes_no_place(database: Database) -> None:
    job = added(database)
    commit(database, build.change(started(job)))
    with pytest.raises(VersionConflict), database.connection:
        commit(database, build.change(started(job)))
    assert state(database)[1:] == (0, 2)


def test_a_purged_job_leaves_the_greatest_place_that_went(database: Database) -> None:
    first, second = added(database), added(database)
    one, two = started(first), started(second)
    commit(database, build.change(one))
    commit(database, build.change(two))
    commit(database, build.change(build.completed(one.job, "901")))
    commit(database, build.change(progressed(two.job)))
    database.connection.execute("delete from jobs where jobid = ?", (first.jobid,))
    assert [place for place, _, _ in places(database)] == [2, 4, 6]
    assert state(database)[1:] == (5, 6)


@on_sqlite
def test_a_restored_copy_begins_another_era_once(database: Database, tmp_path: Path) -> None:
    era = state(database)[0]
    assert len(era) == 8
    copy = connect(back_up(database.connection, tmp_path / "backups" / "one.db"))
    restored = Database(copy)
    assert state(restored)[0] == era
    migrate(copy, build.later(2), None)
    began = state(restored)[0]
    assert began != era and len(began) == 8
    migrate(copy, build.later(3), None)
    assert state(restored)[0] == began
    copy.close()
    assert state(database)[0] == era


def test_a_feed_begins_with_the_migration(tmp_path: Path) -> None:
    connection = connect(tmp_path / "one.db")
    number = next(one.number for one in migrations() if one.name == "feeds")
    migrate(connection, build.later(), None, migrations()[: number - 1])
    connection.execute(
        "insert into users (email, created_at, token_hash, updated_at) values ('a', 1, x'00', 1)"
    )
    migrate(connection, build.later(), None)
    assert state(Database(connection))[1:] == (0, 0)


async def test_a_reader_beside_the_writer_skips_nothing_of_what_is_committed(
    tmp_path: Path,
) -> None:
    """R37: whatever is read is read in the order of the commits."""
    clock = FakeClock()
    store = await SqliteStore.open(tmp_path / "one.db", clock, ghost_age=timedelta(hours=1))
    try:
        await store.add_user("ada@example.org", b"hash", clock.now())
        await store.put_account(build.setup())
        await claim(store, "account-1", "me")
        jobs = []
        for _ in range(20):
            job = await store.add_job(build.draft(max_jobs=99), clock.now())
            assert isinstance(job, Job)
            jobs.append(job)

        async def run(job: Job) -> None:
            await store.commit(build.change(one := started(job)))
            await store.commit(build.change(two := progressed(one.job)))
            await store.commit(build.change(build.completed(two.job, job.jobid)))

        read: list[int] = []

        async def follow() -> None:
            while len(read) < 4 * len(jobs):
                page = await store.feeds.after(1, read[-1] if read else 0, 7)
                assert isinstance(page, FeedPage)
                read.extend(one.place for one in page.events)
                await asyncio.sleep(0)

        async with asyncio.timeout(30):
            await asyncio.gather(follow(), *map(run, jobs))
        assert read == list(range(1, 81))
        last = (await store.feeds.after(1, 79, 7)).events[0]
        assert isinstance(last.event, Completed)
        assert last.job.status is JobStatus.COMPLETED
        assert (await store.feeds.after(2, 0, 7)).events == ()
    finally:
        await store.close()
