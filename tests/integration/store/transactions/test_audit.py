"""Rows of who changed users, tokens and accounts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests import build
from tests.build import replace
from tests.fakes import FakeClock
from tests.limits import GHOST_AGE
from waystation.errors import Conflict, NotFound
from waystation.store.sqlite.store import SqliteStore
from waystation.store.transactions.audit import AUDIT_AGE


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def store(tmp_path: Path, clock: FakeClock) -> AsyncIterator[SqliteStore]:
    made = await SqliteStore.open(tmp_path / "w.db", clock, ghost_age=GHOST_AGE)
    await made.add_user("a@example.org", b"hash", clock.now())
    yield made
    await made.close()


async def told(store: SqliteStore) -> list[tuple[str, str, str | None, str | None]]:
    entries = await store.audit(1, 100)
    return [(one.by, one.action, one.channel, one.details) for one in reversed(entries)][1:]


async def test_a_user_is_changed_on_the_host_but_for_the_profile(
    store: SqliteStore, clock: FakeClock
) -> None:
    (added,) = await store.audit(None, 100)
    assert (added.by, added.action, added.user_id) == ("host", "user added", 1)
    assert (added.at, added.details) == (clock.wall(), "a@example.org")
    await store.change_user(1, {"name": "Ada", "updated_at": clock.now()})
    await store.change_user(1, {"token_hash": b"new", "revoked_at": None})
    await store.change_user(1, {"revoked_at": clock.now()})
    await store.change_user(1, {"expires_at": clock.now()})
    await store.change_user(1, {"expires_at": None})
    await store.change_user(1, {"is_admin": True})
    await store.change_user(1, {"is_admin": False, "revoked_at": None})
    assert await told(store) == [
        ("user:1", "profile changed", None, "name"),
        ("host", "token replaced", None, None),
        ("host", "token revoked", None, None),
        ("host", "subscription changed", None, f"ends {clock.now()}"),
        ("host", "subscription changed", None, "never ends"),
        ("host", "admin granted", None, None),
        ("host", "revocation lifted", None, None),
        ("host", "admin taken back", None, None),
    ]


async def test_an_account_is_changed_by_its_user_and_erased_by_the_service(
    store: SqliteStore, clock: FakeClock
) -> None:
    setup = build.setup()
    await store.put_account(setup)
    await store.put_account(replace(setup, sealed_token=None, max_jobs=None))
    await store.put_account(replace(setup, sealed_token=None, max_jobs=9))
    await store.put_account(replace(setup, max_jobs=9))
    await store.reset_account("account-1", clock.now())
    await store.remove_account("account-1", clock.now())
    await store.keep_account("account-1")
    with pytest.raises(Conflict):
        await store.erase_account("account-1")
    await store.remove_account("account-1", clock.now())
    await store.put_account(replace(setup, sealed_token=None, max_jobs=None))
    await store.remove_account("account-1", clock.now())
    await store.erase_account("account-1")
    await store.erase_account("account-1")
    await store.keep_account("account-1")
    found = await told(store)
    assert {channel for _, _, channel, _ in found} == {setup.channel}
    assert [(by, action) for by, action, *_ in found] == [
        ("user:1", "account added"),
        ("user:1", "account limit changed"),
        ("user:1", "account token replaced"),
        ("user:1", "account reset"),
        ("user:1", "account removed"),
        ("service", "account removal taken back"),
        ("user:1", "account removed"),
        ("user:1", "account removal taken back"),
        ("user:1", "account removed"),
        ("service", "account erased"),
    ]


async def test_a_change_that_is_refused_leaves_no_row(store: SqliteStore) -> None:
    await store.add_user("b@example.org", b"hash", build.later())
    with pytest.raises(Conflict):
        await store.add_user("b@example.org", b"hash", build.later())
    with pytest.raises(Conflict):
        await store.change_user(1, {"email": "b@example.org"})
    with pytest.raises(NotFound):
        await store.remove_account("account-9", build.later())
    assert await told(store) == []
    assert [one.user_id for one in await store.audit(None, 1)] == [2]


async def test_entries_go_after_four_hundred_days(store: SqliteStore, clock: FakeClock) -> None:
    clock.advance(AUDIT_AGE / timedelta(seconds=1) - 1)
    before = clock.now() - timedelta(days=31)
    await store.purge(before, before, 100)
    assert len(await store.audit(None, 100)) == 1
    clock.advance(2)
    await store.purge(before, before, 100)
    assert list(await store.audit(None, 100)) == []
