"""A node of the released version and one of a newer version, on one database (ADR 38).

The released version is its statements, frozen at its release; the newer one adds a migration that
touches what a running node uses most.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from tests import build
from tests.fakes import START, FakeClock
from tests.harness.leases import claim
from tests.harness.postgresql import Cluster, needs_postgresql
from tests.limits import GHOST_AGE
from tests.released.frozen import Release, releases
from waystation.errors import LeaseLost
from waystation.jobs import Job, JobStatus
from waystation.store.migrations import Migration
from waystation.store.postgresql import migrate as module
from waystation.store.postgresql.migrate import migrate, migrations
from waystation.store.postgresql.pool import open_pool
from waystation.store.postgresql.store import PostgresStore

pytestmark = needs_postgresql

LONG = timedelta(hours=1)
NEXT = Migration(
    migrations()[-1].number + 1,
    "next",
    "".join(
        f"alter table {table} add column added bigint not null default 0; "
        for table in ("nodes", "assignments", "commands", "accounts", "users", "jobs", "queue")
    ),
)
RELEASES = pytest.mark.parametrize("release", releases(), ids=lambda one: f"schema{one.schema}")


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next version: one migration more than this one has."""
    steps = (*migrations(), NEXT)
    monkeypatch.setattr(module, "migrations", lambda: steps)


async def of_release(url: str, release: Release) -> PostgresStore:
    """Open a new database as a node of that version does."""
    await migrate(url, build.later(), migrations()[: release.schema])
    return PostgresStore(await open_pool(url, release.statements), FakeClock(), GHOST_AGE, "old")


async def shapes(connection: Any, release: Release) -> dict[str, list[tuple[str, str]]]:
    """Return the columns that each statement gives, as names and types."""
    found = {}
    for name, statement in release.statements.items():
        prepared = await connection.prepare(statement.text)
        found[name] = [(one.name, one.type.name) for one in prepared.get_attributes()]
    return found


@RELEASES
async def test_the_statements_of_a_release_give_the_same_on_the_newest_schema(
    release: Release, postgresql: Cluster, postgresql_database: str
) -> None:
    url = postgresql.url(postgresql_database)
    await migrate(url, build.later(), migrations()[: release.schema])
    connection = await asyncpg.connect(url)
    try:
        before = await shapes(connection, release)
        await migrate(url, build.later())
        assert await shapes(connection, release) == before
    finally:
        await connection.close()


@RELEASES
@pytest.mark.usefixtures("newer")
async def test_nodes_of_two_versions_work_on_and_no_job_ends(
    release: Release, postgresql: Cluster, postgresql_database: str
) -> None:
    """R39."""
    url = postgresql.url(postgresql_database)
    old = await of_release(url, release)
    try:
        await old.add_user("owner@example.org", b"hash", START)
        for number in (1, 2):
            await old.put_account(build.setup(build.account(number)))
        epochs = {name: await claim(old, name, "old") for name in ("account-1", "account-2")}
        sent = await added(old, "account-1")
        submitted = build.submitted(sent)
        await old.commit(build.change(submitted, epoch=epochs["account-1"]))

        new = await PostgresStore.open(url, FakeClock(), ghost_age=GHOST_AGE)
        try:
            # nothing is to be ended, and the node of the old version still has its accounts
            assert (new.restored, new.upgraded) == (False, False)
            assert await old.nodes.renew("old", LONG)
            await new.nodes.begin("new", "test", LONG)
            for account_id in epochs:
                with pytest.raises(LeaseLost):
                    await new.nodes.take(account_id, "new")
            started = build.stepped(submitted.job, status=JobStatus.STARTED)
            await old.commit(build.change(started, epoch=epochs["account-1"]))

            # the accounts are spread, and each node asks for those of the other
            await old.nodes.let_go("account-2", "old", epochs["account-2"])
            await new.nodes.take("account-2", "new")
            theirs, ours = await added(old, "account-2"), await added(new, "account-1")
            assert [job.jobid for job in await new.nodes.unsent("new")] == [theirs.jobid]
            assert [job.jobid for job in await old.nodes.unsent("old")] == [ours.jobid]

            # the old node goes, and the new one ends its job
            await old.nodes.leave("old")
            epoch = await new.nodes.take("account-1", "new")
            found = await new.in_flight_jobs("account-1")
            running = next(job for job in found if job.jobid == sent.jobid)
            assert running == started.job
            await new.commit(build.change(build.completed(running), epoch=epoch))
            read = await old.get_job(sent.jobid, None)
            assert read is not None and read.status is JobStatus.COMPLETED
        finally:
            await new.close()
    finally:
        await old.close()


@pytest.mark.usefixtures("newer")
async def test_a_migration_lets_others_pass_while_somebody_reads_a_table(
    postgresql: Cluster, postgresql_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TABLE_MS", 100)
    url = postgresql.url(postgresql_database)
    await migrate(url, build.later(), migrations())
    dumping, node = await asyncpg.connect(url), await asyncpg.connect(url)
    try:
        # as pg_dump does, for as long as it takes
        reading = dumping.transaction()
        await reading.start()
        await dumping.execute("lock table jobs in access share mode")
        with capture_logs() as logs:
            migrating = asyncio.create_task(migrate(url, build.later()))
            while not [one for one in logs if one["event"] == "store.migration_waits"]:
                await asyncio.sleep(0.01)
        assert await node.fetchval("select count(*) from jobs") == 0
        assert not migrating.done()
        await reading.rollback()
        assert await migrating == migrations()[-1].number
    finally:
        await dumping.close()
        await node.close()


async def added(store: PostgresStore, account_id: str) -> Job:
    job = await store.add_job(build.draft(account_id), START)
    assert isinstance(job, Job)
    return job
