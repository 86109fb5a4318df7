"""Nodes on one PostgreSQL database, each with its pool; Discord is scripted, the time is real.

The rounds' troubles are told by fakes, on a clock by hand.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from tests.build import account, draft, replace, setup
from tests.fakes import START, FakeClock, FakeDiscord, FakeIds, FakeSealer
from tests.harness.desk import ACCOUNT, LIMITS, acknowledged, info, told, until
from tests.harness.play import new_job
from tests.harness.postgresql import Cluster, needs_postgresql
from tests.limits import GHOST_AGE
from waystation.clock import SystemClock, SystemIds
from waystation.engine.account.adapters import Adapters
from waystation.engine.account.pool import Pool
from waystation.engine.account.spreading import LOOK_HEARD_S, Spreading
from waystation.engine.feed import Feed
from waystation.engine.nodes.node import Node
from waystation.errors import LeaseLost, StoreError
from waystation.jobs import Job, JobId, JobStatus
from waystation.ports import Account, Nodes, Ownership, Store
from waystation.ports.wakes import Alone
from waystation.store.postgresql.store import PostgresStore

pytestmark = needs_postgresql

LEASE_S = 1.0
QUICK = replace(LIMITS, lease_s=LEASE_S)


class Station:
    """A node with its pool, all but the API."""

    def __init__(self, store: PostgresStore) -> None:
        clock, ids = SystemClock(), SystemIds()
        self.store = store
        self.discords: dict[str, FakeDiscord] = {}
        self.adapters = Adapters(
            store=cast(Store, store),
            transports=self._transport,
            sealer=FakeSealer(),
            clock=clock,
            ids=FakeIds(),
            feed=Feed(),
            nudge_outbox=lambda: None,
        )
        # two processes with the same name
        self.node = Node(
            store.nodes, clock, lambda: ids.token(9), length_s=LEASE_S, name="same-name"
        )
        self.pool = Pool(self.adapters, QUICK, self.node, alone=False)
        self.spreading = Spreading(
            store.nodes, self.node, self.pool, clock, Alone(), length_s=LEASE_S
        )
        self.tasks = [
            asyncio.create_task(one)
            for one in (self.node.run(), self.pool.run(), self.spreading.run())
        ]

    def _transport(self, token: Any, session: Any, log_name: str, interest: Any = None) -> Any:
        number = log_name.rpartition("-")[2]
        discord = self.discords.setdefault(
            log_name, FakeDiscord(account(int(number)).discord_user_id)
        )
        return discord(token, session, log_name, interest)

    @property
    def has(self) -> set[str]:
        """Accounts for which it acts now."""
        return {owner.account.account_id for owner in self.pool.owners if owner.caught_up}

    async def kill(self) -> None:
        """End without any farewell."""
        for one in self.tasks:
            one.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def stop(self) -> None:
        """End as on SIGTERM."""
        self.tasks[2].cancel()
        await self.pool.stop()
        await self.kill()


Start = Callable[[], Awaitable[Station]]


@pytest.fixture
async def start(postgresql: Cluster, postgresql_database: str) -> AsyncIterator[Start]:
    made: list[Station] = []
    url = postgresql.url(postgresql_database)

    async def one() -> Station:
        store = await PostgresStore.open(url, SystemClock(), ghost_age=GHOST_AGE)
        made.append(Station(store))
        return made[-1]

    store = await PostgresStore.open(url, SystemClock(), ghost_age=GHOST_AGE)
    await store.add_user("owner@example.org", b"hash", START)
    for number in (1, 2, 3, 4):
        made_account = account(number)
        sealed = FakeSealer().seal("accounts", made_account.account_id, b"token")
        await store.put_account(setup(replace(made_account, sealed_token=sealed)))
    await store.close()
    with capture_logs():
        yield one
        for station in made:
            await station.kill()
            await station.store.close()


async def send(to: Station) -> Job:
    """Let a node accept a job for account 1, whoever has it."""
    wanted = replace(draft(ACCOUNT.account_id, takes_slot=False), verb="info", params={})
    job = await to.store.add_job(wanted, to.adapters.clock.now())
    assert isinstance(job, Job)
    return job


async def status(station: Station, job: Job) -> JobStatus:
    found = await station.store.get_job(job.jobid, None)
    assert found is not None
    return found.status


def owner_of(*stations: Station) -> Station:
    (found,) = [one for one in stations if ACCOUNT.account_id in one.has]
    return found


async def test_accounts_are_spread_evenly_as_nodes_come_and_go(start: Start) -> None:
    """I7."""
    one = await start()
    await until(lambda: len(one.has) == 4)
    two = await start()
    await until(lambda: len(one.has) == len(two.has) == 2)
    assert not one.has & two.has
    await two.stop()
    await until(lambda: len(one.has) == 4)
    assert (await one.store.nodes.ownership()).nodes == [(await one.node.now()).node_id]


async def test_a_job_goes_to_the_node_of_its_account_whichever_node_took_it(start: Start) -> None:
    one, two = await start(), await start()
    await until(lambda: len(one.has) == len(two.has) == 2)
    there = owner_of(one, two)
    job = await send(two if there is one else one)
    discord = there.discords[ACCOUNT.account_id]
    await until(lambda: len(discord.performed) == 1)
    there.spreading.heard(["job:other"])
    there.spreading.heard([f"account:{ACCOUNT.account_id}"])
    assert await status(one, job) is JobStatus.SUBMITTED
    await asyncio.sleep(0)
    assert len(discord.performed) == 1


async def test_a_node_that_is_killed_in_the_middle_of_a_job_leaves_its_end_to_another(
    start: Start,
) -> None:
    one, two = await start(), await start()
    await until(lambda: len(one.has) == len(two.has) == 2)
    dead = owner_of(one, two)
    other = two if dead is one else one
    job = await send(dead)
    discord = dead.discords[ACCOUNT.account_id]
    await until(lambda: len(discord.performed) == 1)
    job = cast(Job, await dead.store.get_job(job.jobid, None))
    discord.say(told(job), acknowledged(job))
    await dead.kill()
    await until(lambda: len(other.has) == 4)
    there = other.discords[ACCOUNT.account_id]
    # what was not applied before is told again after the resume
    there.say(told(job), acknowledged(job), info(job))

    async def is_done() -> bool:
        return await status(other, job) is JobStatus.COMPLETED

    await until(is_done)
    assert Counter(len(one.performed) for one in other.discords.values()) == {0: 4}


async def test_a_node_that_is_paused_past_its_lease_acts_no_more_and_begins_anew(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R17."""
    one, two = await start(), await start()
    await until(lambda: len(one.has) == len(two.has) == 2)
    before = await one.node.now()
    lasting = asyncio.Event()

    async def never(node_id: str, length: object) -> bool:
        await lasting.wait()
        return False

    monkeypatch.setattr(one.store.nodes, "renew", never)
    monkeypatch.setattr(one.store.nodes, "begin", lambda *_: lasting.wait())
    await until(lambda: before.over.is_set())
    await until(lambda: len(two.has) == 4)
    assert one.has == set()
    monkeypatch.undo()
    lasting.set()
    await until(lambda: len(one.has) == len(two.has) == 2)
    assert not one.has & two.has
    assert (await one.node.now()).node_id != before.node_id


# ── troubles of a round ──


class Owner:
    """An owner that takes and looks as told."""

    def __init__(self, of: Account) -> None:
        self.account = of
        self.taken: list[JobId] = []
        self.looks = 0
        self.fails: Exception | None = None

    def current(self, jobid: JobId) -> Job | None:
        return None

    async def take(self, job: Job) -> None:
        if self.fails is not None:
            raise self.fails
        self.taken.append(job.jobid)

    async def look(self, unsent: Collection[JobId]) -> None:
        if self.fails is not None:
            raise self.fails
        self.looks += 1


class Parts:
    """A node, its pool of two accounts, and the rows, all in one."""

    def __init__(self) -> None:
        self.owners = [Owner(account(number)) for number in (1, 2)]
        self.jobs = [
            replace(new_job(f"{number}"), account_id=f"account-{number}") for number in (1, 2)
        ]
        self.started = asyncio.Event()
        self.started.set()
        self.node_id = "node"
        self.current = self
        self.refreshes = 0
        self.fails: Exception | None = None

    async def now(self) -> Parts:
        return self

    async def ownership(self) -> Ownership:
        return Ownership(["node"], {"account-1": "node", "account-2": "node"}, 60.0)

    async def unsent(self, node_id: str) -> Sequence[Job]:
        return self.jobs

    def get(self, account_id: str) -> Owner | None:
        return next((one for one in self.owners if one.account.account_id == account_id), None)

    def holding(self, account_id: str) -> Sequence[Job]:
        return ()

    async def own(self, account_id: str) -> None:
        return

    async def refresh(self) -> None:
        self.refreshes += 1
        if self.fails is not None:
            raise self.fails


def spreading(parts: Parts, clock: FakeClock) -> Spreading:
    nodes, node, pool = cast(Nodes, parts), cast(Node, parts), cast(Pool, parts)
    return Spreading(nodes, node, pool, clock, Alone(), length_s=90.0)


@pytest.mark.parametrize("error", [LeaseLost(), StoreError("The disk is full."), ValueError()])
async def test_an_owner_that_fails_keeps_no_job_from_the_others(error: Exception) -> None:
    parts = Parts()
    here = spreading(parts, FakeClock())
    parts.owners[0].fails = error
    with capture_logs() as logs:
        await here.take_jobs()
    assert [line["event"] for line in logs] == ["spreading.not_taken"] * 2
    assert (parts.owners[1].taken, parts.owners[1].looks) == ([JobId("2")], 1)
    parts.owners[0].fails = None
    await here.take_jobs()
    assert (parts.owners[0].taken, parts.owners[0].looks) == ([JobId("1")], 1)


async def test_changed_rows_are_read_again_after_the_store_has_failed() -> None:
    parts, clock = Parts(), FakeClock()
    here = spreading(parts, clock)
    parts.fails = StoreError("The disk is full.")
    here.rows_changed()
    running = asyncio.create_task(here.run())
    with capture_logs() as logs:
        await clock.sleeping()
    assert (parts.refreshes, [line["event"] for line in logs]) == (1, ["spreading.round_failed"])
    parts.fails = None
    await clock.elapse(LOOK_HEARD_S)
    assert parts.refreshes == 2
    await clock.elapse(LOOK_HEARD_S)
    assert parts.refreshes == 2
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
