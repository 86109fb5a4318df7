from __future__ import annotations

import pytest

from tests import build
from tests.build import replace
from tests.harness.leases import claim_in
from waystation.errors import Conflict, LeaseLost, NotFound, VersionConflict
from waystation.jobs import Late, Shown
from waystation.ports import Account, HaltCause
from waystation.store.columns import micros
from waystation.store.rows import ACCOUNTS, JOBS, user_of
from waystation.store.sqlite.database import Database
from waystation.store.transactions import accounts, slots
from waystation.store.transactions.commit import commit


def read(database: Database, account_id: str = "account-1") -> Account:
    row = database.one("account_by_id", {"account_id": account_id})
    assert row is not None
    return ACCOUNTS.read(row)


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
    commit(database, build.change(halt=build.halt(at=build.later(2))))
    assert accounts.put(database, replace(build.setup(), max_jobs=12, sealed_token=b"new")) is False
    stored = read(database)
    assert (stored.max_jobs, stored.sealed_token) == (12, b"new")
    assert (stored.halt, stored.reset_at, stored.epoch) == (
        "Pending mod message",
        build.later(1),
        1,
    )


def test_a_new_account_is_reported_as_new(database: Database) -> None:
    assert accounts.put(database, build.setup(build.account(2))) is True
    assert read(database, "account-2") == build.account(2)


@pytest.mark.parametrize("field", ["discord_user_id", "channel"])
def test_a_discord_user_and_a_channel_exist_once(database: Database, field: str) -> None:
    twin = replace(build.account(2), **{field: getattr(build.account(), field)})
    with pytest.raises(Conflict):
        accounts.put(database, build.setup(twin))


def test_resetting_lifts_the_halt_and_remembers_when(database: Database) -> None:
    commit(database, build.change(halt=build.halt()))
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
    commit(database, build.change(build.failed(job), session=b"sealed"))  # type: ignore[arg-type]
    accounts.erase(database, "account-1")
    accounts.erase(database, "account-1")
    assert database.one("account_by_id", {"account_id": "account-1"}) is None
    assert database.one("session", {"account_id": "account-1"}) is None
    assert len(database.all("jobs_by_status")) == 1


def test_leases_of_a_dead_process_can_be_voided(database: Database) -> None:
    accounts.void_leases(database)
    assert claim_in(database, "account-1", "new") == 2


def test_an_epoch_is_not_used_again_after_erasing_and_adding(database: Database) -> None:
    for _ in range(5):
        claim_in(database, "account-1", "me")
    accounts.remove(database, "account-1", build.later(6))
    accounts.erase(database, "account-1")
    accounts.put(database, build.setup())
    assert claim_in(database, "account-1", "me") == 7


def test_raised_epochs_are_above_every_count(database: Database) -> None:
    accounts.raise_epochs(database, build.later())
    first = read(database).epoch
    assert first == int(build.later().timestamp())
    accounts.raise_epochs(database, build.later())
    assert read(database).epoch == first + 1
    with pytest.raises(LeaseLost):
        commit(database, build.change(epoch=1))
    accounts.put(database, build.setup(build.account(2)))
    assert read(database, "account-2").epoch == first + 1


# ── identity (R19) ──


def gone(database: Database) -> None:
    accounts.remove(database, "account-1", build.later(1))
    accounts.erase(database, "account-1")


def test_an_account_that_is_added_again_is_the_same(database: Database) -> None:
    commit(database, build.change(halt=build.halt(at=build.later(2))))
    gone(database)
    identity = (1, build.account().discord_user_id, build.account().channel)
    assert accounts.account_id_of(database, *identity) == "account-1"
    assert accounts.put(database, replace(build.setup(), at=build.later(9))) is True
    stored = read(database)
    assert (stored.created_at, stored.removed_at) == (build.account().created_at, None)
    # what a person has to deal with is not done with by a removal
    assert stored.halt == "Pending mod message"
    assert database.all("session", {"account_id": "account-1"}) == []


def test_an_erased_account_keeps_no_secret(database: Database) -> None:
    commit(database, build.change(session=b"sealed session"))
    gone(database)
    kept = database.connection.execute("select * from former_accounts").fetchall()
    assert [row[0] for row in kept] == ["account-1"]
    assert not any(isinstance(value, bytes) for value in kept[0])


def test_another_discord_user_or_channel_is_another_account(database: Database) -> None:
    gone(database)
    account = build.account()
    for identity in (
        (2, account.discord_user_id, account.channel),
        (1, "5", account.channel),
        (1, account.discord_user_id, "6"),
    ):
        assert accounts.account_id_of(database, *identity) is None
    # nobody sets one account up under the id of another
    with pytest.raises(Conflict):
        accounts.put(database, replace(build.setup(), account_id="account-9"))


def test_setting_up_writes_what_is_given_and_takes_a_removal_back(database: Database) -> None:
    accounts.remove(database, "account-1", build.later(1))
    only_more_jobs = replace(build.setup(), sealed_token=None, masked_token=None, max_jobs=9)
    assert accounts.put(database, only_more_jobs) is False
    assert read(database) == replace(build.account(), max_jobs=9, epoch=1)
    accounts.put(database, replace(build.setup(), max_jobs=None, sealed_token=b"new"))
    assert (read(database).max_jobs, read(database).sealed_token) == (9, b"new")


def test_an_account_that_is_gone_cannot_be_set_up_with_what_is_left_as_it_is(
    database: Database,
) -> None:
    gone(database)
    with pytest.raises(Conflict):
        accounts.put(database, replace(build.setup(), sealed_token=None))
    with pytest.raises(Conflict):
        accounts.put(database, replace(build.setup(), max_jobs=None))


@pytest.mark.parametrize("again", [False, True])
def test_a_new_token_lifts_the_halt_of_a_rejected_one_only(database: Database, again: bool) -> None:
    rejected = replace(build.halt(), cause=HaltCause.TOKEN, sealed_token=b"sealed")
    commit(database, build.change(halt=rejected))
    assert read(database).halt_cause is HaltCause.TOKEN
    if again:
        gone(database)
    else:
        accounts.put(database, replace(build.setup(), sealed_token=None))
        assert read(database).halt is not None
    accounts.put(database, replace(build.setup(), sealed_token=b"new", at=build.later(50)))
    stored = read(database)
    assert (stored.halt, stored.halted_at, stored.halt_cause) == (None, None, None)
    assert stored.reset_at == build.later(50)


def test_a_token_that_is_rejected_after_it_was_replaced_halts_nothing(database: Database) -> None:
    accounts.put(database, replace(build.setup(), sealed_token=b"new"))
    old = replace(build.halt(), cause=HaltCause.TOKEN, sealed_token=b"sealed")
    commit(database, build.change(halt=old))
    assert read(database).halt is None


def test_former_accounts_are_bounded_but_for_those_with_ghosts(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "KEPT_FORMER_ACCOUNTS", 2)
    job = slots.add_job(database, build.draft(), build.later())
    commit(database, build.change(build.failed(job, ghost=True)))  # type: ignore[arg-type]
    gone(database)
    for number in range(2, 7):
        accounts.put(database, build.setup(build.account(number)))
        accounts.remove(database, f"account-{number}", build.later(number))
        accounts.erase(database, f"account-{number}")
    kept = database.connection.execute("select account_id from former_accounts order by 1")
    assert kept.fetchall() == [("account-1",), ("account-5",), ("account-6",)]
    database.run("purge_former_accounts", {"before": micros(build.later(6))})
    kept = database.connection.execute("select account_id from former_accounts order by 1")
    assert kept.fetchall() == [("account-1",), ("account-6",)]


def test_ghosts_belong_to_the_discord_user_and_the_channel(database: Database) -> None:
    accounts.add_user(database, "b@example.org", b"h", build.later())
    job = slots.add_job(database, build.draft(), build.later())
    ghost = build.failed(job, ghost=True)  # type: ignore[arg-type]
    commit(database, build.change(ghost))
    gone(database)
    same = replace(build.account(user_id=2), account_id="account-9")
    accounts.put(database, build.setup(same))
    accounts.put(database, build.setup(build.account(2)))
    held = {
        account_id: [
            JOBS.read(row)
            for row in database.all(
                "in_flight_jobs", {"account_id": account_id, "ghosts_after": ghosts_after}
            )
        ]
        for account_id, ghosts_after in (
            ("account-9", 0),
            ("account-2", 0),
        )
    }
    assert held == {"account-9": [ghost.job], "account-2": []}
    # what comes late for it is written under the account that heard it, and stays the other user's
    epoch = claim_in(database, "account-9", "b")
    late = build.stepped(ghost.job, Late(Shown("5", content="late"), ended=True))
    commit(database, replace(build.change(late, epoch=epoch), account_id="account-9"))
    row = database.one("job", {"jobid": ghost.job.jobid})
    assert row is not None and (JOBS.read(row).account_id, JOBS.read(row).user_id) == (
        "account-1",
        1,
    )
    # another identity cannot write it
    epoch = claim_in(database, "account-2", "b")
    again = build.stepped(late.job, Late(Shown("6"), ended=True))
    with pytest.raises(VersionConflict):
        commit(database, replace(build.change(again, epoch=epoch), account_id="account-2"))
