from __future__ import annotations

from datetime import timedelta

import pytest

from tests import build
from tests.build import replace as having
from tests.limits import PATIENCE
from waystation.callbacks import Attempt, Callback, CallbackStatus
from waystation.jobs import Job
from waystation.receivers import Receiver
from waystation.store.rows import CALLBACKS, RECEIVERS
from waystation.store.sqlite.database import Database
from waystation.store.transactions import deliveries, outbox, receivers, slots
from waystation.store.transactions.commit import commit

DAY_S = 86_400.0
GOOD, BAD = Attempt(204, None, 0.1), Attempt(503, None, 0.1)


@pytest.fixture
def job(database: Database) -> Job:
    made = slots.add_job(database, build.draft(), build.later())
    assert isinstance(made, Job)
    return made


@pytest.fixture
def owed(database: Database, job: Job) -> list[Callback]:
    """Callbacks to three URLs of one receiver."""
    made = [build.callback(job, number) for number in (1, 2, 3)]
    commit(database, build.change(build.completed(job, callbacks=made)))
    return made


def try_(database: Database, one: Callback, attempt: Attempt, days: float) -> None:
    """Record an attempt on a day; the callback goes on."""
    row = database.connection.execute(
        "select attempts from callbacks where callback_id = ?", (one.callback_id,)
    ).fetchone()
    assert row is not None
    at = build.later(days * DAY_S)
    tried = having(one, attempts=row[0])
    outbox.record_attempt(database, tried, attempt, at, at + timedelta(hours=1), PATIENCE)


def failing(database: Database) -> list[Receiver]:
    rows = database.all("receivers", {"user_id": 1, "limit": 9})
    return [RECEIVERS.read(row) for row in rows]


def mails(database: Database) -> list[tuple[str, str]]:
    rows = database.connection.execute("select recipient, subject from mails order by created_at")
    return [(recipient, subject) for recipient, subject in rows]


def claim(database: Database, days: float, limit: int = 9) -> list[str]:
    at = build.later(days * DAY_S)
    found = outbox.claim_callbacks(database, at, at + timedelta(seconds=45), limit)
    return [one.url[-1] for one in found]


def test_five_days_of_failures_send_three_mails_and_disable_the_receiver(
    database: Database, owed: list[Callback]
) -> None:
    for day in (0, 1, 1.1, 3, 4, 5):
        try_(database, owed[0], BAD, day)
    (one,) = failing(database)
    assert (one.place, one.told, one.reason) == ("https://example.org", 3, "HTTP status 503")
    assert one.disabled_at == build.later(5 * DAY_S)
    assert mails(database) == [
        *[("owner@example.org", "Waystation: a receiver of your callbacks fails")] * 2,
        ("owner@example.org", "Waystation: a receiver of your callbacks is disabled"),
    ]


def test_one_2xx_resets_the_count(database: Database, owed: list[Callback]) -> None:
    for day in (0, 1, 3):
        try_(database, owed[0], BAD, day)
    try_(database, owed[1], GOOD, 4)
    assert failing(database) == []
    try_(database, owed[0], BAD, 5)
    (one,) = failing(database)
    assert (one.failing_since, one.told) == (build.later(5 * DAY_S), 0)


def test_nothing_is_sent_to_a_disabled_receiver_and_others_are_not_held_up(
    database: Database, owed: list[Callback]
) -> None:
    for day in (0, 1, 3, 5):
        try_(database, owed[0], BAD, day)
    other = slots.add_job(database, build.draft(), build.later())
    assert isinstance(other, Job)
    elsewhere = having(build.callback(other, 9), url="https://other.example/9")
    commit(database, build.change(build.completed(other, "901", callbacks=[elsewhere])))
    # the others to the disabled one are due before it
    assert claim(database, 6, limit=1) == ["9"]
    assert claim(database, 6) == []
    rows = database.connection.execute("select status from callbacks order by created_at, url")
    assert sorted(status for (status,) in rows) == ["disabled"] * 3 + ["pending"]


def test_a_commit_claims_nothing_for_a_disabled_receiver(
    database: Database, owed: list[Callback]
) -> None:
    for day in (0, 1, 3, 5):
        try_(database, owed[0], BAD, day)
    other = slots.add_job(database, build.draft(), build.later())
    assert isinstance(other, Job)
    both = [build.callback(other, 4), having(build.callback(other, 9), url="https://b.example/9")]
    done = build.completed(other, "901", callbacks=both)
    claimed = commit(database, build.change(done, claim_until=build.later(6 * DAY_S)))
    assert claimed is not None
    assert [one.url for one in claimed] == ["https://b.example/9"]
    assert claim(database, 5.5) == []
    rows = database.all("callbacks_of_job", {"jobid": other.jobid})
    states = {one.url[-1]: one.status for one in (CALLBACKS.read(row) for row in rows)}
    assert states == {"4": CallbackStatus.DISABLED, "9": CallbackStatus.PENDING}


def test_a_ping_is_sent_to_a_disabled_receiver_and_its_success_enables_it(
    database: Database, owed: list[Callback]
) -> None:
    for day in (0, 1, 3, 5):
        try_(database, owed[0], BAD, day)
    at = build.later(6 * DAY_S)
    for number, attempt in ((1, BAD), (2, GOOD)):
        ping = Callback(
            f"p{number}", None, 1, f"https://example.org/p{number}", b"", at, at, is_final=False
        )
        database.run("insert_callback", CALLBACKS.values(ping))
        assert f"{number}" in claim(database, 6)
        outbox.record_attempt(database, ping, attempt, at, None, PATIENCE)
        assert len(failing(database)) == (1 if attempt is BAD else 0)
    assert len(mails(database)) == 3


def test_a_ping_that_fails_counts_for_nothing(database: Database) -> None:
    at = build.later()
    ping = Callback("p", None, 1, "https://example.org/p", b"", at, at, is_final=False)
    database.run("insert_callback", CALLBACKS.values(ping))
    outbox.record_attempt(database, ping, BAD, at, None, PATIENCE)
    assert failing(database) == []


def test_a_url_that_answers_410_is_disabled_and_its_neighbours_are_not(
    database: Database, owed: list[Callback]
) -> None:
    """R41."""
    outbox.record_attempt(database, owed[0], Attempt(410, None, 0.1), build.later(), None, PATIENCE)
    (one,) = failing(database)
    assert (one.place, one.is_gone) == (owed[0].url, True)
    assert deliveries.redeliver(database, 1, owed[0].callback_id, build.later(1), build.later(0))
    assert sorted(claim(database, 1)) == ["2", "3"]
    assert mails(database) == []
    receivers.enable(database, 1, owed[0].url)
    assert failing(database) == []


def test_a_replay_passes_over_what_goes_to_a_disabled_receiver(
    database: Database, owed: list[Callback]
) -> None:
    for day in (0, 1, 3, 5):
        try_(database, owed[0], BAD, day)
    claim(database, 6)
    at = build.later(7 * DAY_S)
    told = deliveries.replay(database, 1, build.later(), at, at, None)
    assert told == (0, None)
    receivers.enable(database, 1, owed[0].url)
    assert deliveries.replay(database, 1, build.later(), at, at, None) == (3, None)
    assert sorted(claim(database, 7)) == ["1", "2", "3"]


def test_a_receiver_fails_for_its_user_alone(database: Database, owed: list[Callback]) -> None:
    for day in (0, 1, 3, 5):
        try_(database, owed[0], BAD, day)
    assert receivers.is_disabled(database, 1, "https://example.org/any")
    assert not receivers.is_disabled(database, 2, "https://example.org/any")
    receivers.enable(database, 2, "https://example.org/any")
    assert receivers.is_disabled(database, 1, "https://example.org/any")


def test_few_failing_receivers_of_a_user_are_remembered(
    database: Database, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receivers, "KEPT_RECEIVERS", 2)
    made = [
        having(build.callback(job, number), url=f"https://{number}.example/") for number in range(4)
    ]
    commit(database, build.change(build.completed(job, callbacks=made)))
    for number, one in enumerate(made):
        try_(database, one, BAD, number / 24)
    assert [one.place for one in failing(database)] == ["https://3.example", "https://2.example"]


def test_a_purge_forgets_old_failures_and_not_the_disabled(
    database: Database, owed: list[Callback]
) -> None:
    try_(database, owed[0], BAD, 0)
    deliveries.purge(database, build.later(), build.later(0))
    assert len(failing(database)) == 1
    deliveries.purge(database, build.later(), build.later(1))
    assert failing(database) == []
    for day in (0, 1, 3, 5):
        try_(database, owed[0], BAD, day)
    deliveries.purge(database, build.later(), build.later(99 * DAY_S))
    assert len(failing(database)) == 1


def test_a_given_up_callback_of_a_disabled_receiver_is_shown_as_such(
    database: Database, owed: list[Callback]
) -> None:
    for day in (0, 1, 3, 5):
        try_(database, owed[0], BAD, day)
    claim(database, 6)
    found = deliveries.page(database, 1, None, CallbackStatus.DISABLED, None, 9)
    assert len(found) == 3
