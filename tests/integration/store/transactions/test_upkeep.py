from __future__ import annotations

from typing import Any, cast

import apsw
import pytest

from tests import build
from tests.harness.blocking import on_sqlite
from tests.limits import PATIENCE
from waystation.callbacks import Attempt
from waystation.gateway_events import Seen
from waystation.jobs import Job
from waystation.ports import JobChange, Unrecognised
from waystation.store.sqlite.database import Database
from waystation.store.transactions import accounts, outbox, slots, upkeep
from waystation.store.transactions.commit import commit


def ended(database: Database, kind: str = "plain") -> Job:
    job = slots.add_job(database, build.draft(max_jobs=15), build.later())
    assert isinstance(job, Job)
    steps: dict[str, JobChange] = {
        "plain": build.failed(job),
        "ghost": build.failed(job, ghost=True),
        "slot": build.failed(job, ghost=True, slot=True),
        "owed": build.completed(job, callbacks=[build.callback(job)]),
        "running": build.submitted(job),
    }
    commit(database, build.change(steps[kind]))
    return job


def purge(database: Database, *, seconds: float = 10, ghosts: float = -10, limit: int = 99) -> int:
    return upkeep.purge(
        database,
        build.later(seconds),
        build.later(seconds),
        build.later(ghosts),
        build.later(seconds),
        build.later(seconds),
        build.later(seconds),
        build.later(seconds),
        limit,
    )


def left(database: Database, table: str = "jobs") -> int:
    return len(database.connection.execute(f"select 1 from {table}").fetchall())


def test_old_final_jobs_go_with_all_that_is_theirs(database: Database) -> None:
    ended(database)
    assert purge(database, seconds=0) == 0
    assert purge(database) == 1
    assert (left(database), left(database, "job_events")) == (0, 0)


@pytest.mark.parametrize("kind", ["ghost", "slot", "owed", "running"])
def test_jobs_that_are_not_over_yet_stay(database: Database, kind: str) -> None:
    ended(database, kind)
    assert purge(database) == 0
    assert left(database) == 1


def test_a_delivered_job_goes_with_its_attempts(database: Database) -> None:
    ended(database, "owed")
    (claimed,) = outbox.claim_callbacks(database, build.later(), build.later(30), 9)
    outbox.record_attempt(database, claimed, Attempt(200, None, 0.1), build.later(), None, PATIENCE)
    assert purge(database) == 1
    assert (left(database, "callbacks"), left(database, "callback_attempts")) == (0, 0)


def test_an_old_ghost_goes_in_the_end(database: Database) -> None:
    ended(database, "ghost")
    assert purge(database, ghosts=10) == 1


def test_purging_takes_no_more_than_its_limit(database: Database) -> None:
    for _ in range(3):
        ended(database)
    assert [purge(database, limit=2), purge(database, limit=2)] == [2, 1]


def test_old_bot_messages_and_sent_mails_go_too(database: Database) -> None:
    commit(database, build.change(unrecognised=[Unrecognised("1", b"{}")], halt=build.halt()))
    purge(database)
    assert (left(database, "unrecognised"), left(database, "mails")) == (0, 1)
    (mail,) = outbox.claim_mails(database, build.later(), build.later(30), 9)
    outbox.record_mail(database, mail, True, None)
    purge(database)
    assert left(database, "mails") == 0


def test_counts_name_nobody(database: Database) -> None:
    accounts.put(database, build.setup(build.account(2)))
    accounts.put(database, build.setup(build.account(3)))
    accounts.remove(database, "account-3", build.later())
    for kind in ("plain", "owed", "running"):
        ended(database, kind)
    commit(database, build.change(unrecognised=[Unrecognised("1", b"{}")], halt=build.halt()))
    counts = upkeep.counts(database)
    assert counts.jobs_by_status == {"failed": 1, "completed": 1, "submitted": 1}
    assert (counts.callbacks_pending, counts.mails_pending) == (1, 1)
    assert (counts.accounts, counts.accounts_halted, counts.unrecognised) == (2, 1, 1)


@on_sqlite
def test_a_ping_writes(database: Database) -> None:
    upkeep.ping(database, build.later())
    before = database.connection.total_changes()
    upkeep.ping(database, build.later(1))
    assert database.connection.total_changes() > before
    database.connection.pragma("query_only", 1)
    with pytest.raises(apsw.ReadOnlyError):
        upkeep.ping(database, build.later())


def test_jobs_are_counted_as_they_come_change_and_go(database: Database) -> None:
    for kind in ("plain", "plain", "running", "owed"):
        ended(database, kind)
    assert upkeep.counts(database).jobs_by_status == {"failed": 2, "submitted": 1, "completed": 1}
    purge(database, limit=1)
    assert upkeep.counts(database).jobs_by_status == {"failed": 1, "submitted": 1, "completed": 1}
    counted = database.connection.execute("select status, count(*) from jobs group by status")
    assert dict(cast(Any, counted.fetchall())) == upkeep.counts(database).jobs_by_status


def test_a_conversations_memory_goes_when_it_can_decide_nothing_any_more(
    database: Database,
) -> None:
    commit(database, build.change(seen=[Seen("by_hand", "1", b"true")]))
    purge(database, seconds=0)
    assert left(database, "seen_messages") == 1
    purge(database)
    assert left(database, "seen_messages") == 0
