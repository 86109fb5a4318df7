"""Steps are values."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.fakes import START
from tests.harness.play import new_job
from waystation.gateway_events import Seen
from waystation.ignored import Ignored
from waystation.jobs import Cancelled, Failed, JobId, Unclear
from waystation.midjourney.steps import NOTHING, HaltSign, JobStep, Step, ignore, join, take
from waystation.wire.message import Message

JOB_STEP = JobStep(new_job("a"), (Unclear("time-out"),))


@pytest.mark.parametrize(
    "step",
    [
        Step(job_steps=(JOB_STEP,)),
        Step(halt=HaltSign("Blocked", START)),
        Step(unrecognised=Message("1", "2")),
    ],
)
def test_a_step_with_anything_to_keep_writes(step: Step) -> None:
    assert step.writes


def test_a_step_that_only_asks_for_history_writes_nothing() -> None:
    assert not Step(look_back=frozenset({JobId("a")})).writes
    assert not NOTHING.writes


def test_nothing_follows_from_nothing() -> None:
    assert not (NOTHING.commits or NOTHING.look_back or NOTHING.reads_past)


def test_a_step_commits_what_others_hear_of_and_what_is_known_from_now_on() -> None:
    assert Step(halt=HaltSign("Blocked", START)).commits
    assert Step(seen=(Seen("settled", "1", b"{}"),)).commits


def test_joined_steps_keep_their_job_steps_in_order() -> None:
    other = JobStep(new_job("b"), (Unclear("reset"),))
    joined = join([Step(job_steps=(JOB_STEP,)), NOTHING, Step(job_steps=(other,))])
    assert joined == Step(job_steps=(JOB_STEP, other))


def test_an_ignored_message_names_its_reason_and_writes_nothing() -> None:
    step = ignore(Ignored.NO_ASK)
    assert step.ignored is Ignored.NO_ASK
    assert not step.writes


def test_a_final_job_takes_no_other_end() -> None:
    cancelled = take(new_job("a"), START, timedelta(), Cancelled(ghost=False))
    (step,) = cancelled.job_steps
    assert step.job.final
    assert take(step.job, START, timedelta(), Failed(502, "no answer")) is NOTHING
    assert take(step.job, START, timedelta()) is NOTHING
