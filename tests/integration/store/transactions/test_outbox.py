from __future__ import annotations

from datetime import datetime
from typing import Any, cast

import pytest

from tests import build
from tests.build import replace
from tests.limits import PATIENCE
from waystation.callbacks import Attempt, Callback, CallbackStatus
from waystation.jobs import Job
from waystation.store.columns import micros
from waystation.store.rows import CALLBACKS
from waystation.store.sqlite.database import Database
from waystation.store.transactions import outbox, slots
from waystation.store.transactions.commit import commit

GOOD = Attempt(204, None, 0.1)
BAD = Attempt(None, "connection refused", 0.2)


@pytest.fixture
def job(database: Database) -> Job:
    made = slots.add_job(database, build.draft(), build.later())
    assert isinstance(made, Job)
    return made


def owed(database: Database, job: Job, *callbacks: Callback) -> None:
    commit(database, build.change(build.completed(job, callbacks=callbacks)))


def claim(database: Database, seconds: float, limit: int = 9) -> tuple[Callback, ...]:
    return outbox.claim_callbacks(database, build.later(seconds), build.later(seconds + 30), limit)


def stored(database: Database, job: Job) -> Callback:
    return CALLBACKS.read(database.all("callbacks_of_job", {"jobid": job.jobid})[0])


def record(
    database: Database, callback: Callback, attempt: Attempt, next_at: datetime | None = None
) -> None:
    outbox.record_attempt(database, callback, attempt, build.later(1), next_at, PATIENCE)


def test_a_claimed_callback_is_out_once_until_its_claim_ends(database: Database, job: Job) -> None:
    owed(database, job, build.callback(job))
    assert [each.callback_id for each in claim(database, 0)] == [build.callback(job).callback_id]
    assert claim(database, 29) == ()
    assert len(claim(database, 30)) == 1


def test_a_callback_is_claimed_by_the_commit_that_writes_it(database: Database, job: Job) -> None:
    change = build.completed(job, callbacks=[build.callback(job)])
    claimed = commit(database, build.change(change, claim_until=build.later(30)))
    assert claimed is not None
    assert [one.callback_id for one in claimed] == [build.callback(job).callback_id]
    assert stored(database, job) == claimed[0]
    assert claim(database, 29) == ()
    record(database, claimed[0], GOOD)
    assert stored(database, job).status is CallbackStatus.DELIVERED


def test_a_commit_without_a_claim_leaves_its_callbacks_due(database: Database, job: Job) -> None:
    change = build.completed(job, callbacks=[build.callback(job)])
    assert commit(database, build.change(change)) is None
    assert len(claim(database, 0)) == 1


def test_a_commit_claims_the_last_callback_of_a_job_and_url(database: Database, job: Job) -> None:
    told = replace(build.callback(job), callback_id="progress", is_final=False)
    shown = replace(build.submitted(job), callbacks=[told])
    ended = build.completed(shown.job, callbacks=[build.callback(job)])
    claimed = commit(database, build.change(shown, ended, claim_until=build.later(30)))
    assert claimed is not None
    assert [one.is_final for one in claimed] == [True]
    rows = database.all("callbacks_of_job", {"jobid": job.jobid})
    assert {CALLBACKS.read(row).status for row in rows} == {
        CallbackStatus.SUPERSEDED,
        CallbackStatus.PENDING,
    }


def test_entries_that_are_not_due_are_left_alone(database: Database, job: Job) -> None:
    owed(database, job, build.callback(job, due=build.later(5)))
    assert claim(database, 4.999) == ()
    assert len(claim(database, 5)) == 1


def test_first_attempts_go_before_repeats_and_the_limit_holds(database: Database, job: Job) -> None:
    repeat = replace(build.callback(job, 1), attempts=1)
    owed(database, job, repeat, build.callback(job, 2, due=build.later(1)), build.callback(job, 3))
    urls = [each.url[-1] for each in claim(database, 2, limit=2)]
    assert urls == ["3", "2"]
    assert [each.url[-1] for each in claim(database, 2)] == ["1"]


def test_a_2xx_ends_a_callback(database: Database, job: Job) -> None:
    owed(database, job, build.callback(job))
    record(database, claim(database, 0)[0], GOOD)
    assert stored(database, job).status is CallbackStatus.DELIVERED
    assert stored(database, job).attempts == 1
    assert claim(database, 9999) == ()


def test_a_failure_comes_again_when_told(database: Database, job: Job) -> None:
    owed(database, job, build.callback(job))
    record(database, claim(database, 0)[0], BAD, build.later(5))
    assert claim(database, 4) == ()
    again = claim(database, 5)[0]
    assert (again.attempts, again.body, again.callback_id) == (
        1,
        build.callback(job).body,
        build.callback(job).callback_id,
    )


def test_a_failure_without_a_next_time_is_given_up(database: Database, job: Job) -> None:
    owed(database, job, build.callback(job))
    record(database, claim(database, 0)[0], Attempt(500, None, 0.3))
    assert stored(database, job).status is CallbackStatus.GIVEN_UP
    assert claim(database, 9999) == ()


def test_every_attempt_is_kept_under_its_number(database: Database, job: Job) -> None:
    owed(database, job, build.callback(job))
    record(database, claim(database, 0)[0], BAD, build.later(5))
    record(database, claim(database, 5)[0], GOOD)
    rows = database.connection.execute(
        "select number, status, reason, duration_s from callback_attempts order by number"
    ).fetchall()
    assert rows == [(1, None, "connection refused", 0.2), (2, 204, None, 0.1)]


def test_the_newest_attempts_of_a_callback_are_kept(
    database: Database, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "KEPT_ATTEMPTS", 3)
    owed(database, job, build.callback(job))
    for number in range(5):
        record(database, claim(database, number)[0], BAD, build.later(number + 1))
    rows = database.connection.execute("select number from callback_attempts order by number")
    assert rows.fetchall() == [(3,), (4,), (5,)]


def test_an_attempt_recorded_twice_counts_once(database: Database, job: Job) -> None:
    owed(database, job, build.callback(job))
    claimed = claim(database, 0)[0]
    record(database, claimed, BAD, build.later(5))
    record(database, claimed, BAD, build.later(6))
    assert (stored(database, job).attempts, stored(database, job).next_attempt_at) == (
        1,
        build.later(5),
    )


def test_a_success_that_comes_late_still_ends_the_callback(database: Database, job: Job) -> None:
    owed(database, job, build.callback(job))
    slow = claim(database, 0)[0]
    record(database, claim(database, 30)[0], BAD, build.later(60))
    record(database, slow, GOOD)
    assert stored(database, job).status is CallbackStatus.DELIVERED
    assert stored(database, job).attempts == 2


def test_nothing_reopens_what_was_delivered(database: Database, job: Job) -> None:
    owed(database, job, build.callback(job))
    claimed = claim(database, 0)[0]
    record(database, claimed, GOOD)
    record(database, replace(claimed, attempts=1), BAD, build.later(5))
    assert stored(database, job).status is CallbackStatus.DELIVERED


def mails(database: Database, seconds: float) -> list[str]:
    claimed = outbox.claim_mails(database, build.later(seconds), build.later(seconds + 30), 9)
    return [mail.mail_id for mail in claimed]


def test_mails_wait_are_claimed_and_end(database: Database) -> None:
    commit(database, build.change(halt=build.halt("a")))
    (claimed,) = outbox.claim_mails(database, build.later(), build.later(30), 9)
    assert claimed == replace(build.mail("a"), next_attempt_at=build.later(30))
    assert mails(database, 29) == []
    outbox.record_mail(database, claimed, False, build.later(40))
    assert mails(database, 39) == []
    (again,) = outbox.claim_mails(database, build.later(40), build.later(70), 9)
    assert again.attempts == 1
    outbox.record_mail(database, again, True, None)
    assert mails(database, 9999) == []
    assert database.connection.execute("select status from mails").fetchall() == [("sent",)]


def test_a_mail_without_a_next_time_is_given_up(database: Database) -> None:
    commit(database, build.change(halt=build.halt("a")))
    (claimed,) = outbox.claim_mails(database, build.later(), build.later(30), 9)
    outbox.record_mail(database, claimed, False, None)
    outbox.record_mail(database, claimed, True, None)
    assert database.connection.execute("select status from mails").fetchall() == [("given_up",)]


def test_nothing_waits_longer_after_a_start_than_it_would_have_at_first(
    database: Database,
) -> None:
    hour, tried = 3600, [0, 1, 2, 9]
    for number, attempts in enumerate(tried):
        job = slots.add_job(database, build.draft(max_jobs=15), build.later())
        assert isinstance(job, Job)
        owed = replace(build.callback(job), attempts=attempts, next_attempt_at=build.later(hour))
        commit(database, build.change(build.completed(job, str(number), callbacks=[owed])))
    outbox.bound_waits(database, build.later(), [0, 5, 2 * hour, 10], [0])
    due = "select attempts, next_attempt_at from callbacks order by attempts"
    found: dict[Any, Any] = dict(cast(Any, database.connection.execute(due).fetchall()))
    wanted = {0: 0, 1: 5, 2: hour, 9: 10}
    assert found == {tries: micros(build.later(wait)) for tries, wait in wanted.items()}


def test_mails_are_bounded_too(database: Database) -> None:
    far = build.halt("mail-1")
    late = replace(far, mail=replace(far.mail, next_attempt_at=build.later(7200)))
    commit(database, build.change(halt=late))
    outbox.bound_waits(database, build.later(), [0], [60])
    assert database.one("next_due") == (micros(build.later(60)),)
