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
from waystation.errors import Conflict, NotFound, Throttled
from waystation.store.rows import AUDIT
from waystation.store.sqlite.store import SqliteStore
from waystation.store.transactions import accounts, audit, quotas
from waystation.store.transactions.audit import AUDIT_AGE
from waystation.store.transactions.database import Database


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
        ("user:1", "name changed", None, None),
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
        ("user:1", "account removal taken back"),
        ("service", "account erased"),
    ]
    assert [one.times for one in reversed(await store.audit(1, 4))] == [3, 1, 1, 1]


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


async def test_a_change_beyond_the_bound_is_not_made(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "CHANGES", 1)
    await store.put_account(build.setup())
    with pytest.raises(Throttled):
        await store.put_account(replace(build.setup(), sealed_token=None, max_jobs=9))
    with pytest.raises(Throttled):
        await store.put_account(SECOND)
    (account,) = await store.list_accounts()
    assert (account.account_id, account.max_jobs) == ("account-1", build.setup().max_jobs)


async def test_entries_go_after_four_hundred_days(store: SqliteStore, clock: FakeClock) -> None:
    clock.advance(AUDIT_AGE / timedelta(seconds=1) - 1)
    before = clock.now() - timedelta(days=31)
    await store.purge(before, before, 100)
    assert len(await store.audit(None, 100)) == 1
    clock.advance(2)
    await store.purge(before, before, 100)
    assert list(await store.audit(None, 100)) == []


SECOND = replace(build.setup(), account_id="account-2", channel="2", discord_user_id="2")


def entries(database: Database) -> list[tuple[str, str, str | None, int]]:
    rows = database.all("audit_entries_of_user", {"user_id": 1, "limit": 10_000})
    found = [AUDIT.read(row) for row in rows]
    return [(one.by, one.action, one.details, one.times) for one in reversed(found)]


def test_a_change_that_a_caller_repeats_within_an_hour_is_one_entry(database: Database) -> None:
    for number in range(200):
        at = build.later(number)
        quotas.limit_account(database, "account-1", None, 1 + number % 15, 1, at)
        audit.change_user(database, 1, {"name": str(number), "reply_url": "http://a/"}, at)
    assert entries(database) == [
        ("user:1", "account limit changed", "5", 200),
        ("user:1", "name changed", None, 200),
        ("user:1", "replyUrl changed", None, 200),
    ]
    (newest, *_) = database.all("audit_entries", {"limit": 1})
    assert AUDIT.read(newest).at == build.later()
    assert AUDIT.read(newest).last_at == build.later(199)
    audit.change_user(database, 1, {"name": "an hour later"}, build.later(3600))
    assert entries(database)[-1] == ("user:1", "name changed", None, 1)


def test_two_callers_channels_or_actions_share_no_entry(database: Database) -> None:
    audit.put(database, SECOND, build.later())
    for account, by in (("account-1", 1), ("account-1", None), ("account-2", 1)):
        quotas.limit_account(database, account, None, 7, by, build.later())
        quotas.limit_account(database, account, 7, None, by, build.later())
    told = [times for _, action, _, times in entries(database) if "added" not in action]
    assert told == [1] * 6


def test_each_change_on_the_host_is_an_entry(database: Database) -> None:
    for _ in range(3):
        audit.change_user(database, 1, {"token_hash": b"new"}, build.later())
    assert entries(database) == [("host", "token replaced", None, 1)] * 3


TOO_MANY = "This user has made 3 changes within 24 hours; wait, or remove an account"


def test_a_user_makes_so_many_entries_a_day_and_removes_accounts_beyond_that(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "CHANGES", 3)
    for hour in range(3):
        audit.change_user(database, 1, {"name": "a"}, build.later(hour * 3600))
    at = build.later(3 * 3600)
    with pytest.raises(Throttled, match=TOO_MANY) as refused:
        quotas.limit_account(database, "account-1", 7, None, 1, at)
    assert refused.value.retry_after_s == 21 * 3600
    with pytest.raises(Throttled, match=TOO_MANY):
        audit.put(database, SECOND, at)
    audit.change_user(database, 1, {"name": "once more this hour"}, build.later(3 * 3600 - 1))
    audit.change_user(database, 1, {"revoked_at": at}, at)
    audit.remove(database, "account-1", at, at)
    audit.erase(database, "account-1", at)
    with pytest.raises(Throttled, match=TOO_MANY):
        audit.change_user(database, 1, {"name": "a"}, build.later(25 * 3600 - 1))
    audit.change_user(database, 1, {"name": "a"}, build.later(25 * 3600))


def test_another_users_changes_count_for_nobody_else(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "CHANGES", 1)
    accounts.add_user(database, "b@example.org", b"hash", build.later())
    audit.change_user(database, 2, {"name": "b"}, build.later())
    audit.change_user(database, 1, {"name": "a"}, build.later())
    with pytest.raises(Throttled):
        audit.change_user(database, 1, {"reply_url": None}, build.later())


def test_entries_of_a_clock_that_ran_ahead_hold_nobody_up_for_longer_than_a_day(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "CHANGES", 1)
    audit.change_user(database, 1, {"name": "a"}, build.later(30 * 24 * 3600))
    with pytest.raises(Throttled) as refused:
        audit.change_user(database, 1, {"reply_url": None}, build.later())
    assert refused.value.retry_after_s == 24 * 3600
