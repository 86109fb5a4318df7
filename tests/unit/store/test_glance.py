from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests import build
from tests.fakes import FakeClock
from waystation.errors import StoreError
from waystation.jobs import Job
from waystation.store.sqlite import SqliteStore


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    made = await SqliteStore.open(tmp_path / "w.db", FakeClock())
    yield made
    await made.close()


async def test_a_glance_sees_each_commit_at_once(store: SqliteStore) -> None:
    await store.add_user("ada@example.org", b"hash", build.START)
    await store.put_account(build.setup())
    until = build.START + timedelta(hours=1)
    epoch = await store.claim_account("account-1", "me", build.START, until)
    job = await store.add_job(build.draft(), build.START)
    assert isinstance(job, Job)
    assert store.glance.family(job.jobid, 1) == (job, [])
    change = build.submitted(job)
    await store.commit(build.change(change, epoch=epoch))
    assert store.glance.family(job.jobid, 1) == (change.job, [])
    assert store.glance.job(job.jobid, 2) is store.glance.family(job.jobid, 2) is None


async def test_a_glance_sees_at_once_what_another_process_wrote(
    store: SqliteStore, tmp_path: Path
) -> None:
    user = await store.add_user("ada@example.org", b"hash", build.START)
    assert store.glance.user(user.user_id) == user
    other = await SqliteStore.open(tmp_path / "w.db", FakeClock())
    await other.change_user(user.user_id, {"revoked_at": build.START})
    await other.close()
    seen = store.glance.user(user.user_id)
    assert seen is not None
    assert seen.revoked_at == build.START


async def test_a_closed_store_gives_no_glance(store: SqliteStore) -> None:
    await store.close()
    with pytest.raises(StoreError):
        store.glance.user(1)
