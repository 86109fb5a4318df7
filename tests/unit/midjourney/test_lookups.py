"""For which jobs history is still to be read, while everything else goes on."""

from __future__ import annotations

from datetime import timedelta

from tests.build import replace
from tests.fakes import START
from tests.harness.play import new_job
from waystation.jobs import JobId, JobStatus
from waystation.midjourney.lookups import LookUps

A = JobId("a")
ASKED = replace(new_job("a"), status=JobStatus.SUBMITTED)
SECOND = timedelta(seconds=1)


def test_a_wish_is_fulfilled_by_the_reading_that_begins_after_it() -> None:
    ups = LookUps()
    ups.want([A], is_due=False)
    assert ups.under_way(["a", "b"]) and not ups.judges(A)
    ups.begin()
    ups.done([A], START)
    assert not ups.under_way(["a"])


def test_a_reading_that_was_under_way_does_not_fulfil_it() -> None:
    ups = LookUps()
    ups.begin()
    ups.want([A], is_due=True)
    ups.done([A], START)
    assert ups.under_way(["a"]) and ups.judges(A)
    ups.begin()
    # who goes on wishing does not put it off
    ups.want([A], is_due=False)
    ups.done([A], START)
    assert not ups.judges(A)


def test_a_job_is_judged_when_a_reading_began_that_is_no_older_than_its_deadline() -> None:
    ups = LookUps()
    assert ups.needed(ASKED, START)
    assert not ups.needed(new_job("a"), START), "it was never asked"
    ups.done([A], START)
    assert not ups.needed(ASKED, START)
    assert ups.needed(ASKED, START + SECOND)


def test_a_forgotten_job_is_looked_up_no_longer() -> None:
    ups = LookUps()
    ups.want([A], is_due=True)
    ups.done([A], START)
    ups.forget(A)
    assert not ups.under_way(["a"]) and not ups.judges(A) and ups.needed(ASKED, START)


# ── silence (R51) ──

MINUTE = timedelta(minutes=1)
STARTED = replace(new_job("a"), status=JobStatus.STARTED, submitted_at=START)


def look(ups: LookUps, jobid: JobId, at: timedelta) -> None:
    """Read history for a job."""
    ups.want([jobid], is_due=False)
    ups.begin()
    ups.done([jobid], START + at)


def test_a_job_of_which_nothing_is_heard_is_looked_up_after_ever_longer_silence() -> None:
    ups = LookUps()
    for minutes in (1, 2, 4, 8, 16):
        assert ups.silent_at(STARTED, MINUTE) == START + minutes * MINUTE
        # a look that comes a little late does not put off the next
        look(ups, A, minutes * MINUTE + 10 * SECOND)


def test_silence_begins_anew_with_what_is_heard() -> None:
    ups = LookUps()
    look(ups, A, MINUTE)
    heard = replace(STARTED, updated_at=START + 90 * SECOND)
    assert ups.silent_at(heard, MINUTE) == heard.updated_at + MINUTE


def test_an_early_look_does_not_stand_for_the_one_after_silence() -> None:
    ups = LookUps()
    look(ups, A, 44 * SECOND)
    assert ups.silent_at(STARTED, MINUTE) == START + MINUTE
    look(ups, A, 45 * SECOND)
    assert ups.silent_at(STARTED, MINUTE) == START + 2 * MINUTE


def test_silence_of_what_history_cannot_tell_is_borne() -> None:
    ups = LookUps()
    assert ups.silent_at(new_job("a"), MINUTE) is None, "it was never asked"
    over = replace(STARTED, status=JobStatus.FAILED)
    assert ups.silent_at(over, MINUTE) is None
    ephemeral = replace(STARTED, verb="info")
    assert ups.silent_at(ephemeral, MINUTE) is None
    ups.want([A], is_due=False)
    assert ups.silent_at(STARTED, MINUTE) is None, "it is looked up already"


def test_one_read_does_for_all_that_have_been_silent_about_as_long() -> None:
    ups = LookUps()
    near = replace(STARTED, jobid=JobId("near"), updated_at=START + 15 * SECOND)
    young = replace(STARTED, jobid=JobId("young"), updated_at=START + 16 * SECOND)
    jobs = (STARTED, near, young)
    assert ups.unheard(jobs, START + MINUTE - SECOND, MINUTE) == ((), ())
    assert ups.unheard(jobs, START + MINUTE, MINUTE) == (["a", "near"], ["a", "near"])


def test_a_silence_is_new_once() -> None:
    ups = LookUps()
    look(ups, A, MINUTE)
    assert ups.unheard((STARTED,), START + 2 * MINUTE, MINUTE) == (["a"], [])
    heard = replace(STARTED, updated_at=START + 2 * MINUTE)
    assert ups.unheard((heard,), START + 3 * MINUTE, MINUTE) == (["a"], ["a"])


def test_silence_is_counted_from_the_ask_when_nothing_was_heard_yet() -> None:
    waited = replace(STARTED, status=JobStatus.SUBMITTED, submitted_at=START + 30 * SECOND)
    assert LookUps().silent_at(waited, MINUTE) == START + 90 * SECOND
