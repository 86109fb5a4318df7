from __future__ import annotations

from datetime import datetime

import pytest

from tests import build
from tests.build import replace as having
from tests.harness.blocking import on_sqlite
from tests.limits import PATIENCE
from waystation.callbacks import Attempt, Callback, CallbackStatus
from waystation.jobs import Job
from waystation.ports import Place, SigningSecret
from waystation.store.columns import micros
from waystation.store.rows import CALLBACKS, SIGNING_SECRETS
from waystation.store.sqlite.database import Database
from waystation.store.transactions import deliveries, outbox, slots
from waystation.store.transactions.commit import commit


def secret(number: int, at: float, user_id: int = 1) -> SigningSecret:
    return SigningSecret(f"s{number}", user_id, b"sealed", build.later(at))


def signing(database: Database, at: datetime, user_id: int = 1) -> list[str]:
    rows = database.all("signing_secrets", {"user_id": user_id, "at": micros(at)})
    return [SIGNING_SECRETS.read(row).secret_id for row in rows]


def replace(database: Database, one: SigningSecret, most: int = 9) -> bool:
    return deliveries.replace_signing_secret(database, one, build.later(100), most)


def test_the_newest_secret_comes_first_and_the_others_end(database: Database) -> None:
    assert replace(database, secret(1, 0))
    assert replace(database, secret(2, 1))
    assert signing(database, build.later(99)) == ["s2", "s1"]
    assert signing(database, build.later(100)) == ["s2"]


def test_of_several_replaced_the_one_that_ends_last_comes_first(database: Database) -> None:
    for number in range(1, 4):
        ends = build.later(100 + number)
        assert deliveries.replace_signing_secret(database, secret(number, number), ends, 9)
    assert signing(database, build.later(50)) == ["s3", "s2", "s1"]


def test_one_more_than_may_sign_at_once_changes_nothing(database: Database) -> None:
    assert replace(database, secret(1, 0), most=2) and replace(database, secret(2, 0), most=2)
    assert not replace(database, secret(3, 0), most=2)
    assert signing(database, build.later(1)) == ["s2", "s1"]
    # when the first has ended, there is room
    assert deliveries.replace_signing_secret(database, secret(3, 100), build.later(200), 2)


def test_a_purge_leaves_what_still_signs(database: Database) -> None:
    replace(database, secret(1, 0))
    replace(database, secret(2, 1))
    deliveries.purge(database, build.later(99), build.later())
    assert signing(database, build.later(0)) == ["s2", "s1"]
    deliveries.purge(database, build.later(100), build.later())
    assert signing(database, build.later(0)) == ["s2"]


# ── the log ──

BAD = Attempt(500, None, 0.1)


@pytest.fixture
def job(database: Database) -> Job:
    made = slots.add_job(database, build.draft(), build.later())
    assert isinstance(made, Job)
    return made


def owed(database: Database, job: Job, count: int, **fields: object) -> list[Callback]:
    """Owe callbacks of a job to so many receivers, one each second."""
    made = [
        having(build.callback(job, number, due=build.later(number)), **fields)
        for number in range(1, count + 1)
    ]
    commit(database, build.change(build.completed(job, callbacks=made)))
    return made


def listed(
    database: Database,
    *,
    user_id: int = 1,
    jobid: str | None = None,
    status: CallbackStatus | None = None,
    before: Place | None = None,
    limit: int = 100,
) -> list[str]:
    """Return the last signs of the URLs of a page."""
    found = deliveries.page(database, user_id, jobid, status, before, limit)
    return [one.url.rpartition("/")[2] for one in found]


def end(database: Database, one: Callback, attempt: Attempt = BAD) -> None:
    """Let an attempt be the last."""
    outbox.record_attempt(database, one, attempt, build.later(50), None, PATIENCE)


def status_of(database: Database, one: Callback) -> tuple[str, int, int]:
    row = database.connection.execute(
        "select status, attempts, earlier from callbacks where callback_id = ?",
        (one.callback_id,),
    ).fetchone()
    assert row is not None
    return row[0], row[1], row[2]


def test_pages_follow_each_other_without_a_gap_or_a_repetition(
    database: Database, job: Job
) -> None:
    made = owed(database, job, 7)
    for one, attempt in ((made[1], BAD), (made[4], Attempt(200, None, 0.1))):
        end(database, one, attempt)
    seen: list[str] = []
    before = None
    while found := deliveries.page(database, 1, None, None, before, 3):
        seen += [one.url.rpartition("/")[2] for one in found]
        before = deliveries.place_of(found[-1])
    assert seen == ["7", "6", "5", "4", "3", "2", "1"]


def test_of_one_moment_the_id_decides(database: Database, job: Job) -> None:
    owed(database, job, 3, created_at=build.later())
    first = deliveries.page(database, 1, None, None, None, 2)
    rest = listed(database, before=deliveries.place_of(first[-1]))
    assert [one.url[-1] for one in first] + rest == ["3", "2", "1"]


def test_a_page_can_be_of_a_status_or_of_a_job(database: Database, job: Job) -> None:
    made = owed(database, job, 3)
    end(database, made[0])
    assert listed(database, status=CallbackStatus.GIVEN_UP) == ["1"]
    assert listed(database, status=CallbackStatus.PENDING) == ["3", "2"]
    assert listed(database, jobid=job.jobid, status=CallbackStatus.GIVEN_UP) == ["1"]
    assert listed(database, jobid=job.jobid, limit=2) == ["3", "2"]
    assert listed(database, jobid="job:1") == []


def test_another_user_sees_nothing(database: Database, job: Job) -> None:
    """I13."""
    (one,) = owed(database, job, 1)
    assert listed(database, user_id=2) == listed(database, user_id=2, jobid=job.jobid) == []
    assert not deliveries.redeliver(database, 2, one.callback_id, build.later(9), build.later(0))
    assert deliveries.replay(database, 2, build.later(), build.later(9), build.later(0), None) == (
        0,
        None,
    )


@on_sqlite
@pytest.mark.parametrize("query", ["deliveries", "missing"])
def test_of_many_callbacks_few_are_looked_at(database: Database, query: str) -> None:
    statement = " ".join(database._queries[query].split())
    values = {"user_id": 1, "status": "given_up", "created_at": 1, "callback_id": "", "limit": 9}
    values |= {"since": 0, "soon": 0} if query == "missing" else {}
    plan = database.connection.execute(f"explain query plan {statement}", values).fetchall()
    (step,) = [str(row[3]) for row in plan]
    assert "callbacks_of_user (user_id=? AND status=? AND" in step


# ── asking again ──


def test_a_redelivered_callback_is_due_at_once_with_all_its_attempts(
    database: Database, job: Job
) -> None:
    (one,) = owed(database, job, 1)
    end(database, one)
    assert status_of(database, one) == ("given_up", 1, 0)
    assert deliveries.redeliver(database, 1, one.callback_id, build.later(60), build.later(90))
    assert status_of(database, one) == ("pending", 1, 1)
    (again,) = outbox.claim_callbacks(database, build.later(60), build.later(90), 9)
    assert (again.callback_id, again.body, again.attempts, again.earlier) == (
        one.callback_id,
        one.body,
        1,
        1,
    )


def test_one_that_is_on_its_way_is_left_alone(database: Database, job: Job) -> None:
    """R41: at most one attempt is in flight."""
    (one,) = owed(database, job, 1)
    outbox.claim_callbacks(database, build.later(1), build.later(46), 9)
    assert not deliveries.redeliver(database, 1, one.callback_id, build.later(2), build.later(47))
    assert outbox.claim_callbacks(database, build.later(2), build.later(47), 9) == ()


def test_one_that_waits_for_its_next_attempt_is_tried_now(database: Database, job: Job) -> None:
    (one,) = owed(database, job, 1)
    outbox.record_attempt(database, one, BAD, build.later(2), build.later(7200), PATIENCE)
    assert deliveries.redeliver(database, 1, one.callback_id, build.later(3), build.later(48))
    (again,) = outbox.claim_callbacks(database, build.later(3), build.later(48), 9)
    assert (again.attempts, again.earlier) == (1, 1)


def test_progress_is_not_redelivered(database: Database, job: Job) -> None:
    (one,) = owed(database, job, 1, is_final=False)
    end(database, one)
    assert not deliveries.redeliver(database, 1, one.callback_id, build.later(9), build.later(0))


def test_a_start_bounds_the_wait_of_a_redelivered_callback_like_that_of_a_new_one(
    database: Database, job: Job
) -> None:
    """R28."""
    (one,) = owed(database, job, 1)
    end(database, one)
    deliveries.redeliver(database, 1, one.callback_id, build.later(9000), build.later(0))
    outbox.bound_waits(database, build.later(60), (0, 300), (0, 0))
    assert len(outbox.claim_callbacks(database, build.later(60), build.later(90), 9)) == 1


def test_a_replay_takes_what_nobody_took_and_nothing_else(database: Database, job: Job) -> None:
    taken, given_up, waits, on_its_way, disabled, early = owed(database, job, 6)
    end(database, taken, Attempt(200, None, 0.1))
    end(database, given_up)
    outbox.record_attempt(database, waits, BAD, build.later(50), build.later(7200), PATIENCE)
    database.connection.execute(
        "update callbacks set status = 'disabled' where callback_id = ?", (disabled.callback_id,)
    )
    database.connection.execute(
        "update callbacks set status = 'given_up', created_at = ? where callback_id = ?",
        (micros(build.later(-1)), early.callback_id),
    )
    told = deliveries.replay(database, 1, build.later(), build.later(60), build.later(105), None)
    assert told == (3, None)
    claimed = outbox.claim_callbacks(database, build.later(60), build.later(105), 9)
    assert {one.callback_id for one in claimed} == {
        one.callback_id for one in (given_up, waits, on_its_way, disabled)
    }
    assert status_of(database, taken)[0] == "delivered"
    assert status_of(database, early)[0] == "given_up"


def test_a_replay_goes_on_where_it_stopped(
    database: Database, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "REPLAYED_AT_ONCE", 2)
    for one in owed(database, job, 5):
        end(database, one)
    counts, place = [], None
    while True:
        count, place = deliveries.replay(
            database, 1, build.later(), build.later(60), build.later(105), place
        )
        counts.append(count)
        if place is None:
            break
    assert counts == [2, 2, 1]
    assert listed(database, status=CallbackStatus.PENDING) == ["5", "4", "3", "2", "1"]


def test_an_hour_has_so_many_wishes_of_a_user_and_a_kind(database: Database) -> None:
    for second in range(3):
        assert deliveries.ask(database, 1, "ping", build.later(second), 3)
    assert not deliveries.ask(database, 1, "ping", build.later(3), 3)
    assert deliveries.ask(database, 1, "replay", build.later(3), 3)
    assert deliveries.ask(database, 2, "ping", build.later(3), 3)
    assert not deliveries.ask(database, 1, "ping", build.later(3599), 3)
    assert deliveries.ask(database, 1, "ping", build.later(3600), 3)


def test_a_purge_forgets_wishes_and_pings_that_are_over(database: Database) -> None:
    deliveries.ask(database, 1, "ping", build.later(), 3)
    for number, at in ((1, 0), (2, 10)):
        ping = Callback(f"p{number}", None, 1, "u", b"", build.later(at), build.later(at))
        database.run("insert_callback", CALLBACKS.values(having(ping, is_final=False)))
    deliveries.purge(database, build.later(3599), build.later(10))
    asked = database.connection.execute("select count(*) from asked_lately")
    assert asked.fetchall() == [(1,)]
    assert len(listed(database)) == 2, "one that is owed is kept"
    database.connection.execute("update callbacks set status = 'given_up'")
    deliveries.purge(database, build.later(3600), build.later(10))
    left = deliveries.page(database, 1, None, None, None, 9)
    assert [one.callback_id for one in left] == ["p2"]
    asked = database.connection.execute("select count(*) from asked_lately")
    assert asked.fetchall() == [(0,)]
