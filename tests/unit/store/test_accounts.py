from __future__ import annotations

from dataclasses import replace

import pytest

from tests import build
from waystation.errors import Conflict, LeaseLost, NotFound
from waystation.ports import Account
from waystation.store import accounts, changes, slots
from waystation.store.database import Database
from waystation.store.rows import account_of, user_of


def read(database: Database, account_id: str = "account-1") -> Account:
    row = database.one("account_by_id", {"account_id": account_id})
    assert row is not None
    return account_of(row)


def test_user_ids_count_from_one(database: Database) -> None:
    assert [user_of(row).user_id for row in database.all("all_users")] == [1]
    assert accounts.add_user(database, "b@example.org", b"h", build.later()).user_id == 2


def test_an_email_exists_once_whatever_its_case(database: Database) -> None:
    with pytest.raises(Conflict):
        accounts.add_user(database, "OWNER@example.org", b"h", build.later())


def test_a_change_of_a_user_writes_its_own_columns_only(database: Database) -> None:
    second = accounts.add_user(database, "b@example.org", b"h", build.later())
    accounts.change_user(database, 2, {"token_hash": b"new", "revoked_at": build.later(5)})
    accounts.change_user(database, 2, {"name": "B", "email": "B@example.org"})
    accounts.change_user(database, 2, {"revoked_at": None})
    row = database.one("user_by_id", {"user_id": 2})
    changed = replace(second, token_hash=b"new", name="B", email="B@example.org")
    assert row is not None and user_of(row) == changed


def test_an_email_of_another_user_and_an_unknown_user_are_refused(database: Database) -> None:
    accounts.add_user(database, "b@example.org", b"h", build.later())
    with pytest.raises(Conflict):
        accounts.change_user(database, 2, {"email": "OWNER@example.org"})
    with pytest.raises(NotFound):
        accounts.change_user(database, 99, {"email": "c@example.org"})


def test_overwriting_an_account_leaves_halt_reset_and_epoch(database: Database) -> None:
    accounts.reset(database, "account-1", build.later(1))
    changes.commit(database, build.change(halt=build.halt(at=build.later(2))))
    assert (
        accounts.put(database, replace(build.account(), max_jobs=12, sealed_token=b"new")) is False
    )
    stored = read(database)
    assert (stored.max_jobs, stored.sealed_token) == (12, b"new")
    assert (stored.halt, stored.reset_at, stored.epoch) == (
        "Pending mod message",
        build.later(1),
        1,
    )


def test_a_new_account_is_reported_as_new(database: Database) -> None:
    assert accounts.put(database, build.account(2)) is True
    assert read(database, "account-2") == build.account(2)


@pytest.mark.parametrize("field", ["discord_user_id", "channel"])
def test_a_discord_user_and_a_channel_exist_once(database: Database, field: str) -> None:
    twin = replace(build.account(2), **{field: getattr(build.account(), field)})
    with pytest.raises(Conflict):
        accounts.put(database, twin)


def test_resetting_lifts_the_halt_and_remembers_when(database: Database) -> None:
    changes.commit(database, build.change(halt=build.halt()))
    accounts.reset(database, "account-1", build.later(9))
    assert (read(database).halt, read(database).halted_at) == (None, None)
    assert read(database).reset_at == build.later(9)
    accounts.reset(database, "account-1", build.later(3))
    assert read(database).reset_at == build.later(9)


def test_removing_is_remembered_from_the_first_time(database: Database) -> None:
    accounts.remove(database, "account-1", build.later(1))
    accounts.remove(database, "account-1", build.later(2))
    assert read(database).removed_at == build.later(1)


@pytest.mark.parametrize("verb", [accounts.reset, accounts.remove])
def test_an_account_that_is_not_there_cannot_be_changed(database: Database, verb) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(NotFound):
        verb(database, "account-9", build.later())


def test_an_account_is_erased_only_when_removed_and_idle(database: Database) -> None:
    with pytest.raises(Conflict):
        accounts.erase(database, "account-1")
    job = slots.add_job(database, build.draft(), build.later())
    accounts.remove(database, "account-1", build.later(1))
    with pytest.raises(Conflict):
        accounts.erase(database, "account-1")
    changes.commit(database, build.change(build.failed(job), session=b"sealed"))  # type: ignore[arg-type]
    accounts.erase(database, "account-1")
    accounts.erase(database, "account-1")
    assert database.one("account_by_id", {"account_id": "account-1"}) is None
    assert database.one("session", {"account_id": "account-1"}) is None
    assert len(database.all("jobs_by_status")) == 1


def test_the_epoch_grows_with_each_change_of_holder(database: Database) -> None:
    claim = accounts.claim
    assert claim(database, "account-1", "me", build.later(5), build.later(70)) == 1
    accounts.release(database, "account-1", "me")
    assert claim(database, "account-1", "me", build.later(6), build.later(70)) == 2
    assert claim(database, "account-1", "other", build.later(70), build.later(80)) == 3


def test_a_living_lease_cannot_be_taken(database: Database) -> None:
    with pytest.raises(LeaseLost):
        accounts.claim(database, "account-1", "other", build.later(59), build.later(90))
    accounts.release(database, "account-1", "other")
    with pytest.raises(LeaseLost):
        accounts.claim(database, "account-1", "other", build.later(59), build.later(90))


def test_leases_of_a_dead_process_can_be_voided(database: Database) -> None:
    accounts.void_leases(database)
    assert accounts.claim(database, "account-1", "new", build.later(1), build.later(60)) == 2


def test_an_account_that_is_not_there_cannot_be_claimed(database: Database) -> None:
    with pytest.raises(NotFound):
        accounts.claim(database, "account-9", "me", build.later(), build.later(60))


def test_an_epoch_is_not_used_again_after_erasing_and_adding(database: Database) -> None:
    for second in range(5):
        accounts.release(database, "account-1", "me")
        accounts.claim(database, "account-1", "me", build.later(second), build.later(60))
    accounts.remove(database, "account-1", build.later(6))
    accounts.erase(database, "account-1")
    accounts.put(database, build.account())
    assert accounts.claim(database, "account-1", "me", build.later(7), build.later(60)) == 7


def test_raised_epochs_are_above_every_count(database: Database) -> None:
    accounts.raise_epochs(database, build.later())
    first = read(database).epoch
    assert first == int(build.later().timestamp())
    accounts.raise_epochs(database, build.later())
    assert read(database).epoch == first + 1
    with pytest.raises(LeaseLost):
        changes.commit(database, build.change(epoch=1))
    accounts.put(database, build.account(2))
    assert read(database, "account-2").epoch == first + 1
