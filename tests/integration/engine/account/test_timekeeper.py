"""Rows of a wrong wall clock keep their age under the right one (R28)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from structlog.testing import capture_logs

from tests.build import account, change, draft, replace, setup, stepped
from tests.fakes import START, FailingStore, FakeClock, FakeIds
from tests.harness.leases import claim, lone_node
from tests.limits import GHOST_AGE, RETENTION
from waystation.clock import SystemClock
from waystation.engine.account.timekeeper import FOLLOW_S, Follower, Timekeeper
from waystation.engine.outbox.janitor import Janitor
from waystation.jobs import Job, JobStatus, Nonce, Submitted
from waystation.ports import Store
from waystation.store.sqlite.store import SqliteStore

DAY = timedelta(days=1)


class Clock(FakeClock):
    """A clock by hand that can be kept."""

    def kept(self, behind: timedelta | None) -> str:
        """Return the time that passed, and what was told."""
        return f"{self.monotonic()} {behind}"


class Kept:
    """Remembers what was kept, as `FailingStore` wants its store."""

    def __init__(self) -> None:
        self.all: list[str] = []

    async def save_clock(self, kept: str) -> None:
        """Remember it."""
        self.all.append(kept)


async def test_the_time_is_kept_each_minute_also_after_the_store_has_failed() -> None:
    clock, store = Clock(), Kept()
    failing = FailingStore(cast(Store, store))
    running = asyncio.create_task(Timekeeper(failing, clock, lambda: DAY).run())
    await clock.sleeping()
    await clock.elapse(60)
    failing.failing = True
    with capture_logs() as logs:
        await clock.elapse(60)
    failing.failing = False
    await clock.elapse(60)
    running.cancel()
    assert store.all == ["60.0 1 day, 0:00:00", "180.0 1 day, 0:00:00"]
    assert [line["event"] for line in logs] == ["timekeeper.not_kept"]


class Machine:
    """A machine that is started anew with whatever wall clock."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._boots = 0
        self._seconds = 0.0
        self._shown = START

    def pass_by(self, span: timedelta) -> None:
        """Let time pass."""
        self._shown += span
        self._seconds += span.total_seconds()

    @asynccontextmanager
    async def boot(
        self, shown: datetime, discord: datetime
    ) -> AsyncIterator[tuple[SqliteStore, SystemClock, Janitor]]:
        """Start it, and the service on it; at the end Discord's time is known."""
        self._boots += 1
        self._shown, self._seconds = shown, 3.0
        clock = SystemClock(lambda: self._shown, lambda: self._seconds, f"boot-{self._boots}")
        store = await SqliteStore.open(self._path, clock, ghost_age=GHOST_AGE)
        try:
            await store.own_accounts()
            clock.go_on(await store.load_clock())
            behind = discord - clock.now()
            node = lone_node(store, clock, FakeIds(), 60.0)
            yield store, clock, Janitor(cast(Store, store), clock, FakeIds(), node, RETENTION)
            await Timekeeper(store, clock, lambda: behind).keep()
        finally:
            await store.close()


@pytest.mark.parametrize("years", [56, 1, -1])
@pytest.mark.parametrize("before", [True, False])
async def test_a_ghost_of_a_start_with_a_wrong_clock_lives_as_long_as_any_other(
    tmp_path: Path, years: int, before: bool
) -> None:
    """With and without a service that ran on this machine earlier, by the right clock."""
    machine, path = START + 3 * DAY, tmp_path / "waystation.db"
    host = Machine(path)
    if before:
        async with host.boot(START, START):
            pass
    async with host.boot(machine - years * 365 * DAY, machine) as (store, clock, janitor):
        await store.add_user("first@example.org", b"h", clock.now())
        await store.put_account(setup(account(1)))
        wanted = replace(draft("account-1", takes_slot=False), reply_url=None)
        job = await store.add_job(wanted, clock.now())
        assert isinstance(job, Job)
        now = clock.now()
        epoch = await claim(store, "account-1", "me")
        limit = now + timedelta(seconds=60)
        asked = stepped(
            job,
            Submitted(Nonce("1"), limit),
            status=JobStatus.SUBMITTED,
            nonce=Nonce("1"),
            submitted_at=now,
            deadline_at=limit,
        )
        await store.commit(change(asked, epoch=epoch, at=now))
        await store.nodes.leave("me")
        host.pass_by(timedelta(hours=1))
        await janitor.round()
        ghost = await store.get_job(job.jobid, None)
        assert ghost is not None
        assert ghost.ghost
    right = machine + timedelta(hours=2)
    async with host.boot(right, right) as (store, _, janitor):
        for hours, lives in ((22, True), (2, False)):
            host.pass_by(timedelta(hours=hours))
            await janitor.round()
            assert [one.jobid for one in await store.in_flight_jobs("account-1")] == (
                [job.jobid] if lives else []
            )
        host.pass_by(29 * DAY)
        await janitor.round()
        assert await store.get_job(job.jobid, None) is not None
        host.pass_by(2 * DAY)
        await janitor.round()
        assert await store.get_job(job.jobid, None) is None


async def test_jobs_are_kept_when_the_machine_starts_with_a_wall_clock_of_the_past(
    tmp_path: Path,
) -> None:
    host = Machine(tmp_path / "waystation.db")
    async with host.boot(START, START):
        pass
    past = datetime(1970, 1, 1, tzinfo=UTC)
    async with host.boot(past, START + DAY) as (_, clock, _):
        assert clock.now() >= START


# ── following the clock of a database ──


class Shared:
    """A database whose clock a test sets."""

    def __init__(self) -> None:
        self.moment: datetime | None = START
        self.slow: FakeClock | None = None

    async def shared_time(self) -> datetime | None:
        """Return what its clock says."""
        if self.slow is not None:
            self.slow.advance(2)
        return self.moment


class Following(FakeClock):
    """A clock by hand that notes what it follows."""

    def __init__(self) -> None:
        super().__init__()
        self.followed: list[datetime] = []

    def follow(self, moment: datetime) -> timedelta:
        """Note it, and return how far it is from the last one."""
        before = self.followed[-1] if self.followed else moment
        self.followed.append(moment)
        return moment - before


async def test_a_node_follows_the_clock_of_its_database_also_after_that_was_away() -> None:
    clock, store = Following(), Shared()
    failing = FailingStore(cast(Store, store))
    running = asyncio.create_task(Follower(failing, clock).run())
    await clock.sleeping()
    await clock.elapse(FOLLOW_S)
    failing.failing = True
    await clock.elapse(FOLLOW_S)
    failing.failing = False
    store.moment = START + timedelta(seconds=0.5)
    await clock.elapse(FOLLOW_S)
    with capture_logs() as logs:
        store.moment = START + DAY
        await clock.elapse(FOLLOW_S)
    store.moment = None
    await clock.elapse(FOLLOW_S)
    # nobody knows when it was given
    store.slow, store.moment = clock, START
    await clock.elapse(FOLLOW_S)
    running.cancel()
    assert clock.followed == [START, START + timedelta(seconds=0.5), START + DAY]
    assert [line["event"] for line in logs] == ["timekeeper.stepped"]


async def test_a_fault_of_our_own_ends_no_keeping_and_no_following() -> None:
    clock, faults = Following(), [ValueError("a bug")] * 2

    class Faulty:
        async def shared_time(self) -> datetime | None:
            if faults:
                raise faults.pop()
            return START

        async def save_clock(self, kept: str) -> None:
            await self.shared_time()

    running = asyncio.create_task(Follower(Faulty(), clock).run())
    await clock.sleeping()
    with capture_logs() as logs:
        await clock.elapse(FOLLOW_S)
        await Timekeeper(Faulty(), Clock(), lambda: DAY).keep()
    await clock.elapse(FOLLOW_S)
    running.cancel()
    assert clock.followed == [START]
    assert [line["event"] for line in logs] == ["timekeeper.not_followed", "timekeeper.not_kept"]
