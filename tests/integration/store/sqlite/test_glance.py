from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests import build
from tests.fakes import FakeClock
from tests.harness.leases import claim
from tests.limits import GHOST_AGE
from waystation.errors import StoreError
from waystation.jobs import Job
from waystation.store.rows import ACCOUNTS
from waystation.store.sqlite.database import Database
from waystation.store.sqlite.glance import KNOWN_JOBS, KNOWN_USERS, StoreGlance
from waystation.store.sqlite.store import SqliteStore


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    made = await SqliteStore.open(tmp_path / "w.db", FakeClock(), ghost_age=GHOST_AGE)
    yield made
    await made.close()


async def test_a_glance_sees_each_commit_at_once(store: SqliteStore) -> None:
    await store.add_user("ada@example.org", b"hash", build.START)
    await store.put_account(build.setup())
    epoch = await claim(store, "account-1", "me")
    job = await store.add_job(build.draft(), build.START)
    assert isinstance(job, Job)
    assert store.glance.family(job.jobid, 1) == (job, [])
    change = build.submitted(job)
    await store.commit(build.change(change, epoch=epoch))
    assert store.glance.family(job.jobid, 1) == (change.job, [])
    assert store.glance.job(job.jobid, 2) is None
    assert store.glance.family(job.jobid, 2) is None


async def test_a_glance_sees_at_once_what_another_process_wrote(
    store: SqliteStore, tmp_path: Path
) -> None:
    user = await store.add_user("ada@example.org", b"hash", build.START)
    assert store.glance.user(user.user_id) == user
    other = await SqliteStore.open(tmp_path / "w.db", FakeClock(), ghost_age=GHOST_AGE)
    await other.change_user(user.user_id, {"revoked_at": build.START})
    await other.close()
    seen = store.glance.user(user.user_id)
    assert seen is not None
    assert seen.revoked_at == build.START


def test_only_so_many_jobs_and_users_are_kept_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = SimpleNamespace(one=lambda name, values: (1, 0))
    monkeypatch.setattr(StoreGlance, "_read_job", lambda self, jobid, version: jobid)
    monkeypatch.setattr(StoreGlance, "_read_accounts", lambda self, user_id, version: ())
    glance = StoreGlance(cast(Any, reader))
    for number in range(2 * KNOWN_JOBS):
        glance.job(str(number), None)
        glance.accounts(number)
    assert glance._job_at.cache_info().currsize == KNOWN_JOBS == 250
    assert glance._accounts_at.cache_info().currsize == KNOWN_USERS == 100


async def test_a_closed_store_gives_no_glance(store: SqliteStore) -> None:
    await store.close()
    with pytest.raises(StoreError):
        store.glance.user(1)


async def test_a_users_accounts_are_read_once_until_one_of_them_changes(
    store: SqliteStore,
) -> None:
    await store.add_user("ada@example.org", b"hash", build.START)
    for number in range(1, 51):
        await store.put_account(build.setup(build.account(number)))
    epoch = await claim(store, "account-1", "me")
    known = await store.list_accounts(1)
    assert [account.account_id for account in known] == [f"account-{n}" for n in range(1, 51)]
    await store.nodes.renew("me", timedelta(hours=1))
    await store.add_job(build.draft(), build.START)
    read = _read_rows(store)
    assert await store.list_accounts(1) is known
    assert sum(read) == 1, "only the number that says whether anything has changed"
    halt = build.halt()
    changes = (
        lambda: store.put_account(build.setup(build.account(2, max_jobs=7))),
        lambda: store.remove_account("account-3", build.START),
        lambda: store.keep_account("account-3"),
        lambda: store.commit(build.change(epoch=epoch, halt=halt)),
        lambda: store.reset_account("account-1", build.later(9)),
        lambda: claim(store, "account-4", "me"),
        lambda: store.remove_account("account-5", build.START),
        lambda: store.erase_account("account-5"),
    )
    for change in changes:
        await change()
        changed = await store.list_accounts(1)
        assert changed != known
        assert [*changed] == [a for a in await store.list_accounts() if a.user_id == 1]
        known = changed


def test_every_column_of_an_account_raises_its_users_version(database: Database) -> None:
    rows = database.connection.execute("select sql from sqlite_master where type = 'trigger'")
    (updated,) = [str(sql) for (sql,) in rows.fetchall() if "accounts_updated" in str(sql)]
    for moment in ("old", "new"):
        named = set(re.findall(rf"\b{moment}\.(\w+)", updated.split("begin")[0]))
        assert named == set(ACCOUNTS.names)


def _read_rows(store: SqliteStore) -> list[int]:
    """Return a list that grows with each read near the loop, by the rows that it gave."""
    rows: list[int] = []
    near = store._connections.near
    reads = near._execute

    def counted(*arguments: Any) -> object:
        found = reads(*arguments).fetchall()
        rows.append(len(found))
        return SimpleNamespace(fetchall=lambda: found)

    near._execute = cast(Any, counted)
    return rows
