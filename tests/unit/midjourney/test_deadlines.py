"""When silence is judged, and how."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.build import replace
from tests.fakes import START
from tests.harness.play import LIMITS, new_job
from waystation.jobs import Expired, Failed, JobStatus, Lost, Moderated
from waystation.midjourney.deadlines import (
    Limits,
    bounded,
    due_at,
    left_unsent,
    running_deadline,
    told_span,
    turn_span,
    verdict,
)

AFTER = timedelta(seconds=1)


def test_a_job_waits_for_its_submission_no_longer_than_for_a_first_answer() -> None:
    job = new_job("a")
    for caught_up in (True, False):
        assert due_at(job, LIMITS, caught_up=caught_up) == START + LIMITS.first_answer
    assert isinstance(verdict(job, LIMITS, caught_up=True), Failed)


LIFE = timedelta(minutes=10)


@pytest.mark.parametrize(
    ("age_s", "waits_s"), [(0, 600), (100, 500), (539, 61), (541, 60), (600, 60), (-5, 600)]
)
def test_a_job_that_was_left_unsent_waits_as_long_as_it_may_be_sent(
    age_s: int, waits_s: int
) -> None:
    now = START + timedelta(seconds=age_s)
    left = left_unsent(new_job("a"), now, LIFE, LIMITS)
    assert left is not None
    assert left.deadline_at == now + timedelta(seconds=waits_s)
    assert due_at(left, LIMITS, caught_up=True) == left.deadline_at
    assert turn_span(left, LIMITS) == timedelta(seconds=age_s + waits_s)


def test_a_job_that_was_left_unsent_for_too_long_is_not_sent() -> None:
    now = START + LIFE + timedelta(microseconds=1)
    assert left_unsent(new_job("a"), now, LIFE, LIMITS) is None


def test_the_end_of_a_job_that_was_left_unsent_says_how_long_it_could_wait() -> None:
    left = left_unsent(new_job("a"), START, LIFE, LIMITS)
    assert left is not None
    end = verdict(left, LIMITS, caught_up=True)
    assert isinstance(end, Failed)
    assert "not ready within 10 minutes" in end.error
    assert turn_span(new_job("a"), LIMITS) == LIMITS.first_answer


def test_a_blind_conversation_is_given_grace() -> None:
    job = replace(new_job("a"), status=JobStatus.SUBMITTED, deadline_at=START)
    assert due_at(job, LIMITS, caught_up=True) == START
    assert due_at(job, LIMITS, caught_up=False) == START + LIMITS.blind_grace


def test_a_deleted_message_is_judged_after_its_own_grace() -> None:
    job = replace(
        new_job("a"), status=JobStatus.STARTED, deadline_at=START, vanished_at=START + AFTER
    )
    assert due_at(job, LIMITS, caught_up=True) == START + AFTER + LIMITS.vanish_grace
    assert isinstance(verdict(job, LIMITS, caught_up=True), Moderated)


def test_a_job_without_a_deadline_is_never_due() -> None:
    job = replace(new_job("a"), status=JobStatus.STARTED)
    assert due_at(job, LIMITS, caught_up=True) is None
    assert due_at(job, LIMITS, caught_up=False) is None


def test_a_ghost_is_due_for_its_slot_and_then_for_being_forgotten() -> None:
    ghost = replace(
        new_job("a"),
        status=JobStatus.FAILED,
        finished_at=START,
        ghost=True,
        slot_until=START + AFTER,
    )
    assert due_at(ghost, LIMITS, caught_up=True) == START + AFTER
    assert due_at(replace(ghost, slot=False), LIMITS, caught_up=True) == START + LIMITS.ghost_life


@pytest.mark.parametrize(("verb", "limit"), [("describe", 1800), ("info", 60)])
def test_the_time_a_job_may_take_runs_from_its_submission(verb: str, limit: int) -> None:
    job = replace(new_job("a", verb), submitted_at=START + AFTER)
    assert running_deadline(job, LIMITS) == START + AFTER + timedelta(seconds=limit)


@pytest.mark.parametrize(
    ("verb", "status", "limits", "said"),
    [
        ("describe", JobStatus.SUBMITTED, LIMITS, "did not reply within 60 seconds"),
        ("describe", JobStatus.STARTED, LIMITS, "did not finish within 30 minutes"),
        ("info", JobStatus.PROGRESS, LIMITS, "did not finish within 60 seconds"),
        (
            "describe",
            JobStatus.STARTED,
            replace(LIMITS, job_timeout=timedelta(seconds=1.5)),
            "did not finish within 1.5 seconds",
        ),
    ],
)
def test_a_verdict_says_how_long_was_waited(
    verb: str, status: JobStatus, limits: Limits, said: str
) -> None:
    event = verdict(replace(new_job("a", verb), status=status), limits, caught_up=True)
    assert isinstance(event, Lost | Expired)
    assert event.error.endswith(said)


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("status", "fields", "waits"),
    [
        (JobStatus.SUBMITTED, {"deadline_at": START + HOUR + timedelta(seconds=60)}, 60),
        (JobStatus.PROGRESS, {"deadline_at": START + HOUR + timedelta(minutes=30)}, 1800),
        (JobStatus.PROGRESS, {"vanished_at": START + HOUR}, 30),
        (JobStatus.FAILED, {"slot_until": START + HOUR, "ghost": True, "slot": True}, 600),
    ],
)
def test_an_instant_of_another_time_delays_no_longer_than_its_own_length(
    status: JobStatus, fields: dict[str, Any], waits: int
) -> None:
    job = replace(new_job("a", "imagine"), status=status, submitted_at=START + HOUR, **fields)
    kept = bounded(job, START, LIMITS)
    assert due_at(kept, LIMITS, caught_up=True) == START + timedelta(seconds=waits)
    assert running_deadline(kept, LIMITS) == START + timedelta(minutes=30)


def test_a_job_is_not_silent_from_an_instant_that_is_still_to_come() -> None:
    job = replace(new_job("a"), updated_at=START + HOUR)
    assert bounded(job, START, LIMITS).updated_at == START


def test_an_instant_of_our_own_time_stays_as_it_is() -> None:
    job = replace(
        new_job("a"),
        status=JobStatus.SUBMITTED,
        submitted_at=START,
        deadline_at=START + timedelta(seconds=60),
    )
    assert bounded(job, START + timedelta(seconds=1), LIMITS) == job
    assert bounded(new_job("b"), START, LIMITS) == new_job("b")


def test_nobody_waits_any_more_for_the_post_of_an_earlier_process() -> None:
    job = replace(new_job("a"), post_until=START + timedelta(seconds=9))
    assert bounded(job, START, LIMITS).post_until is None


def test_a_job_of_the_queue_that_was_left_unsent_waits_for_its_turn_again() -> None:
    until = START + timedelta(hours=24)
    job = replace(new_job("a"), queue_until=until)
    life = timedelta(minutes=10)
    now = START + timedelta(hours=23)
    left = left_unsent(job, now, life, LIMITS)
    assert left is not None
    assert left.deadline_at == now + LIMITS.first_answer
    assert left_unsent(job, until, life, LIMITS) is None
    # its end tells the time of the turn, and not the time in the queue
    assert told_span(left, LIMITS) == LIMITS.first_answer
    assert told_span(new_job("b"), LIMITS) == turn_span(new_job("b"), LIMITS)


def test_a_job_that_a_look_alike_has_held_up_waits_twice_as_long_for_its_turn() -> None:
    """R15."""
    job = new_job("a")
    assert turn_span(job, LIMITS, held_up=True) == 2 * LIMITS.first_answer
    assert due_at(job, LIMITS, caught_up=True, held_up=True) == START + 2 * LIMITS.first_answer
    end = verdict(job, LIMITS, caught_up=True, held_up=True)
    assert isinstance(end, Failed)
    assert "not ready within 2 minutes" in end.error
    left = left_unsent(job, START, LIFE, LIMITS)
    assert left is not None
    assert turn_span(left, LIMITS, held_up=True) == LIFE
    queued = replace(job, queue_until=START + timedelta(hours=24))
    assert told_span(queued, LIMITS, held_up=True) == LIMITS.first_answer
