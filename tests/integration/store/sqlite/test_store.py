from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests import build
from tests.fakes import FakeClock
from tests.harness.leases import claim
from tests.limits import GHOST_AGE
from waystation.errors import Conflict, LeaseLost, SchemaMismatch, StoreError
from waystation.jobs import Job
from waystation.store.sqlite.backup import back_up
from waystation.store.sqlite.database import connect
from waystation.store.sqlite.migrate import ADDS_SINCE, migrate, migrations
from waystation.store.sqlite.store import SqliteStore


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def store(tmp_path: Path, clock: FakeClock) -> AsyncIterator[SqliteStore]:
    made = await SqliteStore.open(tmp_path / "data" / "w.db", clock, ghost_age=GHOST_AGE)
    yield made
    await made.close()


async def test_a_new_database_is_readable_by_its_owner_only(
    store: SqliteStore, tmp_path: Path
) -> None:
    await store.ping()
    files = list((tmp_path / "data").iterdir())
    assert {file.name for file in files} >= {"w.db", "w.db-wal"}
    assert all(file.stat().st_mode & 0o077 == 0 for file in [*files, tmp_path / "data"])


async def test_the_schema_is_the_newest(store: SqliteStore) -> None:
    assert store.schema == migrations()[-1].number


async def test_a_database_made_by_a_newer_version_is_refused(
    tmp_path: Path, clock: FakeClock
) -> None:
    connection = connect(tmp_path / "w.db")
    connection.execute(
        "create table migrations (number integer); insert into migrations values (99)"
    )
    connection.close()
    with pytest.raises(SchemaMismatch):
        await SqliteStore.open(tmp_path / "w.db", clock, ghost_age=GHOST_AGE)


async def test_a_migration_is_logged_and_known_until_it_is_settled(
    tmp_path: Path, clock: FakeClock
) -> None:
    path, newest = tmp_path / "w.db", migrations()[-1].number
    early = migrations()[: ADDS_SINCE - 1]
    connection = connect(path)
    migrate(connection, clock.now(), None, early)
    connection.close()
    with capture_logs() as logs:
        store = await SqliteStore.open(path, clock, ghost_age=GHOST_AGE)
    (line,) = logs
    assert (line["event"], line["log_level"]) == ("store.migrated", "info")
    assert (line["from_schema"], line["to_schema"]) == (early[-1].number, newest)
    assert line["database"] == str(path) and line["seconds"] == 0.0
    assert Path(line["backup"]).parent == tmp_path / "backups" and Path(line["backup"]).exists()
    assert store.upgraded and store.restored
    await store.settle_restored()
    assert not store.upgraded and not store.restored
    await store.close()


async def test_opening_a_database_that_is_new_or_of_this_schema_logs_nothing(
    tmp_path: Path, clock: FakeClock
) -> None:
    with capture_logs() as logs:
        for _ in range(2):
            store = await SqliteStore.open(tmp_path / "w.db", clock, ghost_age=GHOST_AGE)
            assert not store.upgraded
            await store.close()
    assert logs == []


@pytest.mark.parametrize("content", [b"this is not a database" * 100])
async def test_a_file_that_is_no_database_is_a_store_error(
    tmp_path: Path, clock: FakeClock, content: bytes
) -> None:
    path = tmp_path / "w.db"
    path.write_bytes(content)
    with pytest.raises(StoreError):
        await SqliteStore.open(path, clock, ghost_age=GHOST_AGE)
    assert path.read_bytes() == content


async def test_a_folder_in_the_way_is_a_store_error(tmp_path: Path, clock: FakeClock) -> None:
    with pytest.raises(StoreError):
        await SqliteStore.open(tmp_path, clock, ghost_age=GHOST_AGE)


async def test_a_closed_store_says_so(store: SqliteStore) -> None:
    await store.close()
    await store.close()
    for ask in (store.ping, store.list_users, store.counts, store.next_due):
        with pytest.raises(StoreError, match="closed"):
            await ask()
    with pytest.raises(StoreError):
        _ = store.schema


async def test_a_second_store_on_the_file_works_beside_the_first(
    store: SqliteStore, tmp_path: Path, clock: FakeClock
) -> None:
    beside = await SqliteStore.open(tmp_path / "data" / "w.db", clock, ghost_age=GHOST_AGE)
    await asyncio.gather(
        *(store.add_user(f"a{n}@example.org", b"h", clock.now()) for n in range(20)),
        *(beside.add_user(f"b{n}@example.org", b"h", clock.now()) for n in range(20)),
    )
    assert len(await store.list_users()) == 40
    await beside.close()


async def test_a_job_that_another_store_changed_is_read_as_it_is_now(
    store: SqliteStore, tmp_path: Path, clock: FakeClock
) -> None:
    await store.add_user("a@example.org", b"h", clock.now())
    await store.put_account(build.setup())
    epoch = await claim(store, "account-1", "me")
    job = await store.add_job(build.draft(), clock.now())
    assert isinstance(job, Job)
    assert await store.get_job(job.jobid, 1) == job == await store.get_job(job.jobid, None)
    beside = await SqliteStore.open(tmp_path / "data" / "w.db", clock, ghost_age=GHOST_AGE)
    change = build.submitted(job)
    await beside.commit(build.change(change, epoch=epoch))
    await beside.close()
    assert await store.get_job(job.jobid, 1) == change.job
    assert await store.family(job.jobid, 1) == (change.job, [])
    assert await store.get_job(job.jobid, 2) is None
    assert await store.family(job.jobid, 2) is None


async def test_only_one_process_owns_the_accounts(
    store: SqliteStore, tmp_path: Path, clock: FakeClock
) -> None:
    await store.own_accounts()
    beside = await SqliteStore.open(tmp_path / "data" / "w.db", clock, ghost_age=GHOST_AGE)
    with pytest.raises(Conflict) as refused:
        await beside.own_accounts()
    assert refused.value.message == (
        f"Another process serves the database {tmp_path / 'data' / 'w.db'} already"
    )
    assert refused.value.details == "Stop it, or set WAYSTATION_DATA_DIR to another directory."
    await store.close()
    await beside.own_accounts()
    await beside.close()


async def test_owning_voids_the_leases_of_a_process_that_died(
    store: SqliteStore, tmp_path: Path, clock: FakeClock
) -> None:
    await store.add_user("a@example.org", b"h", clock.now())
    await store.put_account(build.setup())
    assert await claim(store, "account-1", "dead") == 1
    with pytest.raises(LeaseLost):
        await claim(store, "account-1", "new")
    await store.own_accounts()
    assert await claim(store, "account-1", "new") == 2


async def test_a_backup_put_back_is_known_until_it_is_settled(
    store: SqliteStore, tmp_path: Path, clock: FakeClock
) -> None:
    await store.add_user("a@example.org", b"h", clock.now())
    await store.put_account(build.setup())
    epoch = await claim(store, "account-1", "me")
    job = await store.add_job(build.draft(), clock.now())
    assert isinstance(job, Job)
    assert not store.restored
    backup = back_up(connect(store.path, read_only=True), tmp_path / "backups" / "one.db")
    await store.commit(build.change(build.submitted(job), epoch=epoch))

    restored = await SqliteStore.open(backup, clock, ghost_age=GHOST_AGE)
    assert restored.restored and not restored.upgraded
    assert [each.jobid for each in await restored.orphaned_jobs()] == [job.jobid]
    with pytest.raises(LeaseLost):
        await restored.commit(build.change(build.submitted(job), epoch=epoch))
    raised = await claim(restored, "account-1", "me")
    assert raised > epoch
    await restored.settle_restored()
    assert not restored.restored
    await restored.close()


async def test_the_vault_s_check_value_is_kept(store: SqliteStore) -> None:
    assert await store.load_check() is None
    await store.save_check(b"sealed")
    assert await store.load_check() == b"sealed"


async def test_users_and_accounts_count_as_sealed(store: SqliteStore, clock: FakeClock) -> None:
    assert not await store.has_sealed_rows()
    await store.add_user("a@example.org", b"h", clock.now())
    assert await store.has_sealed_rows()


async def test_a_broken_read_is_a_store_error(store: SqliteStore, tmp_path: Path) -> None:
    breaker = connect(tmp_path / "data" / "w.db")
    breaker.execute("pragma foreign_keys = 0; drop table users; drop table unrecognised")
    breaker.close()
    with pytest.raises(StoreError):
        await store.get_user(1)
    with pytest.raises(StoreError):
        await store.unrecognised()


async def test_a_ghost_is_in_flight_for_its_time(tmp_path: Path, clock: FakeClock) -> None:
    store = await SqliteStore.open(tmp_path / "w.db", clock, ghost_age=timedelta(minutes=1))
    await store.add_user("a@example.org", b"h", clock.now())
    await store.put_account(build.setup())
    epoch = await claim(store, "account-1", "me")
    job = await store.add_job(build.draft(), clock.now())
    assert isinstance(job, Job)
    await store.commit(build.change(build.failed(job, ghost=True), epoch=epoch))
    clock.advance(59)
    assert len(await store.in_flight_jobs("account-1")) == 1
    assert await store.purge(clock.now(), clock.now(), 9) == 0
    clock.advance(2)
    assert await store.in_flight_jobs("account-1") == []
    assert await store.purge(clock.now(), clock.now(), 9) == 1
    await store.close()


async def test_commits_of_another_process_are_told_from_those_of_this_one(
    store: SqliteStore, tmp_path: Path, clock: FakeClock
) -> None:
    other = await SqliteStore.open(tmp_path / "data" / "w.db", clock, ghost_age=GHOST_AGE)
    first = await store.foreign_commits()
    await store.add_user("ada@example.org", b"hash", clock.now())
    assert await store.foreign_commits() == first
    await other.add_user("bob@example.org", b"hash", clock.now())
    second = await store.foreign_commits()
    assert second != first
    assert await store.foreign_commits() == second
    await other.close()
