from __future__ import annotations

from datetime import timedelta

import pytest

from tests import build
from tests.build import replace
from tests.fakes import START
from tests.harness.blocking import BROKEN
from tests.harness.leases import claim_in
from waystation.errors import (
    AccountHalted,
    LeaseLost,
    LocalProtocolError,
    UuidTaken,
    VersionConflict,
)
from waystation.jobs import Job, JobStatus, Late, MessageRole, Shown
from waystation.ports import JobChange, TroubleChange, Unrecognised
from waystation.sidelining import Cause, Trouble
from waystation.store.rows import ACCOUNTS, JOBS, event_of
from waystation.store.sqlite.database import Database
from waystation.store.transactions import accounts, slots
from waystation.store.transactions.commit import KEPT_UNRECOGNISED, commit


def added(database: Database, **fields: object) -> Job:
    job = slots.add_job(database, build.draft(max_jobs=15, **fields), build.later())  # type: ignore[arg-type]
    assert isinstance(job, Job)
    return job


def stored(database: Database, job: Job) -> Job:
    row = database.one("job", {"jobid": job.jobid})
    assert row is not None
    return JOBS.read(row)


def events(database: Database, job: Job) -> list[tuple[int, str]]:
    rows = database.all("events_after", {"jobid": job.jobid, "number": 0})
    return [(number, type(event_of(kind, body)).__name__) for number, kind, body in rows]


def mails(database: Database) -> int:
    return len(database.connection.execute("select 1 from mails").fetchall())


def test_a_change_writes_job_events_callbacks_and_session_together(database: Database) -> None:
    job = added(database)
    first = build.submitted(job)
    commit(database, build.change(first))
    last = build.completed(first.job, hash="uuid", callbacks=[build.callback(job)])
    commit(database, build.change(last, session=b"sealed"))
    assert stored(database, job) == last.job
    assert events(database, job) == [(1, "Submitted"), (2, "Completed")]
    assert database.one("session", {"account_id": "account-1"}) == (b"sealed",)
    assert len(database.all("callbacks_of_job", {"jobid": job.jobid})) == 1


def test_fields_that_acceptance_fixed_cannot_be_changed(database: Database) -> None:
    job = added(database)
    step = build.submitted(job)
    commit(database, build.change(replace(step, job=replace(step.job, user_id=7, verb="imagine"))))
    assert (stored(database, job).user_id, stored(database, job).verb) == (1, "describe")


def test_a_change_decided_from_an_older_version_is_refused(database: Database) -> None:
    job = added(database)
    commit(database, build.change(build.submitted(job)))
    with pytest.raises(VersionConflict):
        commit(database, build.change(build.failed(job)))
    assert stored(database, job).status is JobStatus.SUBMITTED


@pytest.mark.parametrize("epoch", [0, 2])
def test_a_change_under_another_epoch_is_refused(database: Database, epoch: int) -> None:
    job = added(database)
    with pytest.raises(LeaseLost):
        commit(database, build.change(build.submitted(job), epoch=epoch))


def test_a_change_of_an_account_that_is_gone_is_refused(database: Database) -> None:
    with pytest.raises(LeaseLost):
        commit(database, build.change(account_id="account-9"))


def test_another_account_s_epoch_opens_no_job(database: Database) -> None:
    job = added(database)
    accounts.put(database, build.setup(build.account(2)))
    claim_in(database, "account-2", "me")
    with pytest.raises(VersionConflict):
        commit(database, build.change(build.submitted(job), account_id="account-2"))


def test_a_submission_commits_only_while_the_account_is_usable(database: Database) -> None:
    job = added(database)
    commit(database, build.change(halt=build.halt()))
    with pytest.raises(AccountHalted):
        commit(database, build.change(build.submitted(job), only_if_usable=True))
    commit(database, build.change(build.failed(job)))
    accounts.reset(database, "account-1", build.later(1))
    other = added(database)
    accounts.remove(database, "account-1", build.later(2))
    with pytest.raises(AccountHalted):
        commit(database, build.change(build.submitted(other), only_if_usable=True))


def test_a_halt_writes_one_mail_however_often_it_is_triggered(database: Database) -> None:
    commit(database, build.change(halt=build.halt("mail-1")))
    commit(database, build.change(halt=build.halt("mail-2", at=build.later(1))))
    assert mails(database) == 1


def test_a_trigger_older_than_the_last_reset_never_halts_again(database: Database) -> None:
    commit(database, build.change(halt=build.halt("mail-1", at=build.later(1))))
    accounts.reset(database, "account-1", build.later(10))
    commit(database, build.change(halt=build.halt("mail-2", at=build.later(9.999))))
    assert mails(database) == 1
    commit(database, build.change(only_if_usable=True))
    commit(database, build.change(halt=build.halt("mail-3", at=build.later(10.001))))
    assert mails(database) == 2
    with pytest.raises(AccountHalted):
        commit(database, build.change(only_if_usable=True))


@pytest.mark.parametrize("ahead_s", [8, -8, 3600, -3600])
def test_a_message_is_as_old_as_its_id_however_far_our_clock_is_off(
    database: Database, ahead_s: float
) -> None:
    accounts.reset(database, "account-1", build.later(10), "1400000000000000500")
    at = build.later(10 + ahead_s)
    said_before = replace(build.halt("mail-1", at=at), said="1400000000000000500")
    commit(database, build.change(halt=said_before))
    assert mails(database) == 0
    # a reset without a session leaves what the last one knew
    accounts.reset(database, "account-1", build.later(10))
    commit(database, build.change(halt=said_before))
    assert mails(database) == 0
    commit(database, build.change(halt=replace(said_before, said="1400000000000000501")))
    assert mails(database) == 1


def test_a_job_cannot_change_without_an_event(database: Database) -> None:
    job = added(database)
    change = JobChange(replace(job, interaction_id="10"), ())
    with pytest.raises(LocalProtocolError, match="without an event"):
        commit(database, build.change(change))


def test_final_is_final_whatever_asks(database: Database) -> None:
    job = added(database)
    end = build.failed(job, ghost=True)
    commit(database, build.change(end))
    with pytest.raises(BROKEN, match="final"):
        commit(database, build.change(build.completed(end.job)))


def test_a_late_result_is_kept_without_touching_the_status(database: Database) -> None:
    job = added(database)
    end = build.failed(job, ghost=True, slot=True)
    commit(database, build.change(end))
    shown = Shown("77", hash="uuid")
    late = build.stepped(end.job, Late(shown, True), late=shown, slot=False)
    commit(database, build.change(late))
    assert stored(database, job) == late.job
    assert events(database, job) == [(1, "Failed"), (2, "Late")]


def test_a_uuid_belongs_to_one_job(database: Database) -> None:
    first, second = added(database), added(database)
    commit(database, build.change(build.completed(first, "1", hash="uuid")))
    with pytest.raises(UuidTaken):
        commit(database, build.change(build.completed(second, "2", hash="uuid")))


def test_a_result_message_belongs_to_one_job_but_a_target_to_many(database: Database) -> None:
    first, second = added(database), added(database)
    commit(database, build.change(build.completed(first, "1")))
    target = {"1": MessageRole.TARGET}
    pressed = build.stepped(second, messages=target)
    commit(database, build.change(pressed))
    with pytest.raises(UuidTaken):
        commit(database, build.change(build.completed(pressed.job, "1")))


def test_a_known_uuid_is_never_changed(database: Database) -> None:
    job = added(database)
    first = build.stepped(job, hash="uuid")
    commit(database, build.change(first))
    with pytest.raises(BROKEN, match="hash"):
        commit(database, build.change(build.stepped(first.job, hash="other")))


def test_a_nonce_is_unique_per_account(database: Database) -> None:
    first, second = added(database), added(database)
    step = build.submitted(first, "5")
    commit(database, build.change(replace(step, job=replace(step.job, interaction_id="1"))))
    with pytest.raises(BROKEN, match="nonce"):
        commit(database, build.change(build.submitted(second, "5")))


def test_one_unbound_job_per_channel(database: Database) -> None:
    first, second = added(database), added(database)
    step = build.submitted(first, "1")
    commit(database, build.change(step))
    with pytest.raises(BROKEN, match="channel"):
        commit(database, build.change(build.submitted(second, "2")))
    commit(database, build.change(build.stepped(step.job, interaction_id="10")))
    commit(database, build.change(build.submitted(second, "2")))


def test_one_callback_per_job_and_url(database: Database) -> None:
    job = added(database)
    twice = [build.callback(job), replace(build.callback(job), callback_id="other")]
    with pytest.raises(BROKEN, match=r"callbacks[._](url|final)"):
        commit(database, build.change(build.completed(job, callbacks=twice)))


@pytest.mark.parametrize(
    "fields",
    [
        {"status": JobStatus.FAILED},
        {"finished_at": build.later()},
        {"ghost": True},
        {"progress": 101},
    ],
)
def test_the_database_repeats_what_must_hold(database: Database, fields: dict[str, object]) -> None:
    job = added(database)
    with pytest.raises(BROKEN):
        commit(database, build.change(build.stepped(job, **fields)))


def seen(number: int) -> Unrecognised:
    return Unrecognised(str(number), b"{}")


def test_unrecognised_messages_are_kept_once(database: Database) -> None:
    commit(database, build.change(unrecognised=[seen(1), seen(1)]))
    commit(database, build.change(unrecognised=[seen(1)]))
    assert database.all("newest_unrecognised", {"limit": 9}) == [("1", b"{}")]


def test_the_newest_unrecognised_messages_push_the_oldest_out(database: Database) -> None:
    for start in (0, 600):
        batch = [seen(10_000 + number) for number in range(start, start + 600)]
        commit(database, build.change(unrecognised=batch, at=build.later(start)))
    kept = [message for message, _ in database.all("newest_unrecognised", {"limit": 9999})]
    assert len(kept) == KEPT_UNRECOGNISED
    assert kept[0] == "11199"
    assert "10199" not in kept


def test_unrecognised_messages_of_another_account_are_left_alone(database: Database) -> None:
    accounts.put(database, build.setup(build.account(2)))
    claim_in(database, "account-2", "me")
    commit(database, build.change(unrecognised=[seen(1)], account_id="account-2"))
    week = build.later(8 * 86400)
    commit(database, build.change(unrecognised=[seen(2)], at=week))
    commit(database, build.change(unrecognised=[seen(3)], at=week))
    kept = database.connection.execute("select account_id, message_id from unrecognised").fetchall()
    assert set(kept) == {("account-2", "1"), ("account-1", "2"), ("account-1", "3")}


def test_unrecognised_messages_are_dropped_after_a_week(database: Database) -> None:
    commit(database, build.change(unrecognised=[seen(1)]))
    commit(database, build.change(unrecognised=[seen(2)], at=build.later(7 * 86400 + 1)))
    assert [message for message, _ in database.all("newest_unrecognised", {"limit": 9})] == ["2"]


# ── what Discord refused (R50) ──

ONCE = Trouble(Cause(400, "10003", "Unknown Channel"), 1)
SIDELINED = Trouble(
    Cause(400, "10003", "Unknown Channel"),
    3,
    since=START,
    span=timedelta(minutes=10),
    told=((Cause(400, "10003", "Unknown Channel"), START),),
)


def _trouble(database: Database) -> Trouble | None:
    row = database.one("account_by_id", {"account_id": "account-1"})
    assert row is not None
    return ACCOUNTS.read(row).trouble


def test_a_stored_refusal_is_read_as_it_was_written(database: Database) -> None:
    for before, after in ((None, ONCE), (ONCE, SIDELINED), (SIDELINED, None)):
        commit(database, build.change(trouble=TroubleChange(before, after)))
        assert _trouble(database) == after


def test_a_sidelining_writes_its_mail(database: Database) -> None:
    commit(database, build.change(trouble=TroubleChange(None, SIDELINED, build.mail())))
    assert mails(database) == 1


def test_a_reset_forgets_what_discord_refused_and_is_not_overwritten(database: Database) -> None:
    commit(database, build.change(trouble=TroubleChange(None, ONCE)))
    accounts.reset(database, "account-1", build.later(1))
    assert _trouble(database) is None
    # decided before the reset
    commit(database, build.change(trouble=TroubleChange(ONCE, SIDELINED, build.mail())))
    assert (_trouble(database), mails(database)) == (None, 0)


def test_a_refused_token_outlives_a_removal(database: Database) -> None:
    commit(database, build.change(trouble=TroubleChange(None, SIDELINED)))
    accounts.remove(database, "account-1", build.later(1))
    accounts.erase(database, "account-1")
    accounts.put(database, build.setup())
    assert _trouble(database) == SIDELINED


def test_failed_jobs_are_counted_for_the_last_minutes_alone(database: Database) -> None:
    for minute in range(40):
        ended = build.failed(added(database))
        commit(database, build.change(ended, at=build.later(60 * minute)))
    rows = database.connection.execute("select minute, number from account_failings").fetchall()
    assert [number for _, number in rows] == [1] * 15
    database.connection.execute("delete from jobs")
    database.connection.execute("delete from accounts")
    assert not database.connection.execute("select 1 from account_failings").fetchall()
