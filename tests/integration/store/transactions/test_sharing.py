"""Accounts that an admin has shared, and who may use them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests import build
from tests.fakes import FakeClock
from tests.limits import GHOST_AGE
from waystation.errors import Conflict, NotFound
from waystation.jobs import Job
from waystation.ports import NoSlot, Share
from waystation.store.sqlite.store import SqliteStore

OWNER, OTHER, STRANGER = 1, 2, 3
CHANNEL = build.account(1).channel


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def store(tmp_path: Path, clock: FakeClock) -> AsyncIterator[SqliteStore]:
    made = await SqliteStore.open(tmp_path / "w.db", clock, ghost_age=GHOST_AGE)
    for name in ("owner", "other", "stranger"):
        await made.add_user(f"{name}@example.org", b"hash", clock.now())
    await made.put_account(build.setup())
    yield made
    await made.close()


async def listed(store: SqliteStore, user_id: int) -> list[str]:
    return [account.account_id for account in await store.list_accounts(user_id)]


async def test_an_account_is_listed_and_used_by_those_it_is_shared_with(
    store: SqliteStore, clock: FakeClock
) -> None:
    """R32."""
    for user_id in (OTHER, STRANGER):
        assert await listed(store, user_id) == []
        assert isinstance(await store.add_job(build.draft(user_id=user_id), clock.now()), NoSlot)
    await store.sharing.share("account-1", OTHER)
    assert [await listed(store, one) for one in (OWNER, OTHER, STRANGER)] == [
        ["account-1"],
        ["account-1"],
        [],
    ]
    assert isinstance(await store.add_job(build.draft(user_id=OTHER), clock.now()), Job)
    assert isinstance(await store.add_job(build.draft(user_id=STRANGER), clock.now()), NoSlot)
    await store.sharing.unshare("account-1", OTHER)
    assert await listed(store, OTHER) == []
    assert isinstance(await store.add_job(build.draft(user_id=OTHER), clock.now()), NoSlot)


async def test_slots_are_those_of_all_users_together(store: SqliteStore, clock: FakeClock) -> None:
    await store.sharing.share("account-1", OTHER)
    own = await store.add_job(build.draft(), clock.now())
    others = [await store.add_job(build.draft(user_id=OTHER), clock.now()) for _ in range(2)]
    assert isinstance(own, Job) and all(isinstance(one, Job) for one in others)
    full = await store.add_job(build.draft(), clock.now())
    assert isinstance(full, NoSlot)
    assert (full.max_jobs, full.executing_jobs) == (3, (own.jobid,)), "R8: the caller's own alone"


async def test_whoever_uses_a_shared_account_sees_each_change_of_it(
    store: SqliteStore, clock: FakeClock
) -> None:
    await store.sharing.share("account-1", OTHER)
    for change in (
        lambda: store.put_account(build.setup(build.account(1, max_jobs=7))),
        lambda: store.remove_account("account-1", clock.now()),
        lambda: store.keep_account("account-1"),
    ):
        before = await store.list_accounts(OTHER)
        await change()
        assert await store.list_accounts(OTHER) != before
        assert await store.list_accounts(OTHER) == await store.list_accounts(OWNER)


async def test_an_account_that_is_erased_is_shared_no_more(
    store: SqliteStore, clock: FakeClock
) -> None:
    await store.sharing.share("account-1", OTHER)
    await store.remove_account("account-1", clock.now())
    await store.erase_account("account-1")
    assert await listed(store, OTHER) == []
    await store.put_account(build.setup())
    assert (await listed(store, OWNER), await listed(store, OTHER)) == (["account-1"], [])


async def test_each_change_is_audited_once(store: SqliteStore, clock: FakeClock) -> None:
    sharing = store.sharing
    for _ in range(2):
        await sharing.share("account-1", OTHER)
    assert await sharing.shares() == [Share(CHANNEL, OTHER, "other@example.org", clock.wall())]
    await sharing.unshare("account-1", OTHER)
    assert await sharing.shares() == []
    entries = await store.audit(OWNER, 2)
    assert [(one.by, one.action, one.channel, one.details) for one in entries] == [
        ("host", "account no longer shared", CHANNEL, "with user:2"),
        ("host", "account shared", CHANNEL, "with user:2"),
    ]


async def test_nothing_is_shared_with_nobody_or_its_owner(store: SqliteStore) -> None:
    for account_id, user_id in (("account-9", OTHER), ("account-1", 9)):
        with pytest.raises(NotFound):
            await store.sharing.share(account_id, user_id)
    with pytest.raises(Conflict):
        await store.sharing.share("account-1", OWNER)
    with pytest.raises(NotFound):
        await store.sharing.unshare("account-1", OTHER)


async def test_an_account_is_found_by_its_channel(store: SqliteStore, clock: FakeClock) -> None:
    assert await store.sharing.account_in(CHANNEL) == build.account(1)
    assert await store.sharing.account_in("1") is None
    await store.remove_account("account-1", clock.now())
    assert await store.sharing.account_in(CHANNEL) is None
