from __future__ import annotations

from typing import Any

import pytest

from tests import build
from tests.build import replace
from waystation.jobs import Failed, Job
from waystation.ports import KeyTaken, NoSlot, RequestKey
from waystation.store.sqlite.database import Database
from waystation.store.transactions import accounts, keys, slots, upkeep
from waystation.store.transactions.commit import commit

KEY = RequestKey("describe", "key-1", b"digest")
DAY_S = 24 * 3600


def asked(database: Database, key: RequestKey | None = KEY, at_s: float = 0, **fields: Any) -> Any:
    draft = replace(build.draft(max_jobs=15, **fields), key=key)
    return slots.add_job(database, draft, build.later(at_s))


def holder(database: Database, key: RequestKey = KEY, at_s: float = 0) -> KeyTaken | None:
    return keys.holder(database, keys.values_of(1, key, build.later(at_s)))


def ended(job: Job, code: int) -> Any:
    event = Failed(code, "as a test says")
    return build.stepped(
        job, event, status="failed", code=code, finished_at=build.later(), slot=False
    )


def test_the_first_request_with_a_key_makes_a_job_and_the_next_is_told_of_it(
    database: Database,
) -> None:
    job = asked(database)
    assert isinstance(job, Job)
    other = replace(KEY, digest=b"other")
    assert asked(database) == asked(database, other) == KeyTaken(job.jobid, b"digest")
    assert holder(database) == KeyTaken(job.jobid, b"digest")


@pytest.mark.parametrize("key", [replace(KEY, key="key-2"), replace(KEY, route="imagine"), None])
def test_another_key_or_route_makes_another_job(database: Database, key: RequestKey | None) -> None:
    first, second = asked(database), asked(database, key)
    assert isinstance(second, Job) and first.jobid != second.jobid


def test_the_key_of_another_user_is_another_one(database: Database) -> None:
    accounts.add_user(database, "b@example.org", b"h", build.later())
    accounts.put(database, build.setup(build.account(2, user_id=2)))
    asked(database)
    draft = replace(build.draft("account-2", user_id=2), key=KEY)
    assert isinstance(slots.add_job(database, draft, build.later()), Job)


def test_a_repeated_request_is_not_refused_for_the_slot_that_the_first_has_taken(
    database: Database,
) -> None:
    draft = replace(build.draft(max_jobs=1), key=KEY)
    job = slots.add_job(database, draft, build.later())
    assert isinstance(job, Job)
    assert slots.add_job(database, draft, build.later()) == KeyTaken(job.jobid, b"digest")


def test_a_request_that_makes_no_job_does_not_use_its_key_up(database: Database) -> None:
    busy = asked(database, None)
    draft = replace(build.draft(max_jobs=1), key=KEY)
    assert isinstance(slots.add_job(database, draft, build.later()), NoSlot)
    assert holder(database) is None
    commit(database, build.change(build.failed(busy)))
    assert isinstance(slots.add_job(database, draft, build.later()), Job)


@pytest.mark.parametrize(("code", "is_free"), [(429, True), (422, False), (502, False)])
def test_a_job_that_discord_refused_with_429_gives_its_key_back(
    database: Database, code: int, is_free: bool
) -> None:
    first = asked(database)
    commit(database, build.change(ended(first, code)))
    assert (holder(database) is None) is is_free
    second = asked(database)
    assert isinstance(second, Job) is is_free
    assert holder(database) == KeyTaken(second.jobid if is_free else first.jobid, b"digest")


@pytest.mark.parametrize(("age_s", "is_free"), [(DAY_S - 1, False), (DAY_S, True)])
def test_a_key_stands_for_its_job_for_a_day(
    database: Database, age_s: float, is_free: bool
) -> None:
    asked(database)
    assert (holder(database, at_s=age_s) is None) is is_free
    assert isinstance(asked(database, at_s=age_s), Job) is is_free


def test_old_keys_are_purged_and_those_of_purged_jobs(database: Database) -> None:
    job = asked(database)
    asked(database, replace(KEY, key="key-2"))
    commit(database, build.change(build.failed(job)))
    at, young = build.later(9), build.later(-9)
    upkeep.purge(database, at, at, at, at, at, at, young, 10)
    count = "select key from idempotency_keys"
    assert database.connection.execute(count).fetchall() == [("key-2",)]
    upkeep.purge(database, young, young, young, young, young, young, at, 10)
    assert database.connection.execute(count).fetchall() == []
