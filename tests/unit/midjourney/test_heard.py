"""What one message means for its job; whole conversations are in test_conversation.py."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.build import replace
from tests.fakes import START
from tests.golden.corpus import PAYLOADS, message_of
from tests.unit.midjourney.play import LIMITS, new_job
from waystation.gateway_events import MessageStep
from waystation.jobs import InteractionSeen, Job, JobStatus
from waystation.midjourney.heard import Heard, halt_of
from waystation.midjourney.replies import read
from waystation.midjourney.steps import NOTHING, Step


def _heard(name: str, job: Job, *, by: str = "message", **fields: object) -> Step:
    message = message_of(PAYLOADS[name])
    heard = Heard(job, MessageStep.UPDATED, message, read(message), by, START, LIMITS, early=False)
    return replace(heard, **fields).follows()  # type: ignore[arg-type]


def _submitted() -> Job:
    return replace(new_job("a", "imagine"), status=JobStatus.SUBMITTED, submitted_at=START)


def _started() -> Job:
    (change,) = _heard("imagine/progress_0", _submitted()).changes
    return change.job


def test_a_first_message_acknowledges_and_a_picture_completes() -> None:
    job = _started()
    assert job.status in (JobStatus.STARTED, JobStatus.PROGRESS)
    (change,) = _heard("imagine/final", job).changes
    assert change.job.status is JobStatus.COMPLETED


def test_what_is_known_already_changes_nothing() -> None:
    assert _heard("imagine/progress_0", _started()) == NOTHING


def test_a_message_of_which_a_part_came_early_asks_for_a_look_back() -> None:
    assert _heard("imagine/progress_0", _submitted(), early=True).look_back == {_submitted().jobid}
    assert not _heard("imagine/progress_0", _submitted()).look_back


@pytest.mark.parametrize(("by", "learns"), [("message", True), ("reference", False)])
def test_the_interaction_is_learnt_from_its_own_answer_only(by: str, learns: bool) -> None:
    (change,) = _heard("imagine/started", _submitted(), by=by).changes
    assert isinstance(change.events[0], InteractionSeen) is learns


def test_a_final_job_keeps_its_status_and_gains_a_late_result() -> None:
    ghost = replace(
        _started(), status=JobStatus.FAILED, ghost=True, finished_at=START, updated_at=START
    )
    step = _heard("imagine/final", ghost, now=START + timedelta(minutes=1))
    (change,) = step.changes
    assert change.job.status is JobStatus.FAILED
    assert change.job.late is not None


def test_a_message_without_a_complaint_halts_nothing() -> None:
    assert halt_of(read(message_of(PAYLOADS["imagine/final"]))) is None
