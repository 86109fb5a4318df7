from __future__ import annotations

import pytest

from tests.build import draft, later, replace
from waystation.jobs import (
    Acknowledged,
    Completed,
    Failed,
    Job,
    JobEvent,
    JobId,
    JobStatus,
    Late,
    Progressed,
    Refused,
    Shown,
    Silent,
    Unclear,
)
from waystation.telling import told

SHOWN = Shown("900")

STARTED, PROGRESSED = Acknowledged(SHOWN, later(60)), Progressed(SHOWN)


def job(status: JobStatus = JobStatus.STARTED) -> Job:
    made = draft()
    finished_at = later() if status is JobStatus.COMPLETED else None
    return replace(
        Job(JobId("job:1"), 1, "account-1", "1", made.verb, status, later(), later(), "ABC"),
        finished_at=finished_at,
    )


@pytest.mark.parametrize(
    ("events", "status", "numbers"),
    [
        ((), JobStatus.STARTED, []),
        ((Silent(), STARTED, Unclear("late"), PROGRESSED), JobStatus.STARTED, [2, 4]),
        ((Refused(429, "wait"),), JobStatus.STARTED, []),
        ((Refused(429, "wait"), STARTED, Completed(SHOWN)), JobStatus.COMPLETED, [2, 3]),
        ((Failed(502, "no"), Late(SHOWN, ended=True)), JobStatus.COMPLETED, [1]),
        ((Late(SHOWN, ended=True),), JobStatus.COMPLETED, []),
    ],
)
def test_a_caller_is_told_of_progress_and_once_of_the_end(
    events: tuple[JobEvent, ...], status: JobStatus, numbers: list[int]
) -> None:
    numbered = list(enumerate(events, 1))
    assert [number for number, _ in told(numbered, job(status))] == numbers
