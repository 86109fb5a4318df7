"""For which jobs history is still to be read, while everything else goes on."""

from __future__ import annotations

from datetime import timedelta

from tests.build import replace
from tests.fakes import START
from tests.unit.midjourney.play import new_job
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
