from __future__ import annotations

from typing import Any

import pytest

from tests import build
from tests.build import replace
from tests.harness.blocking import BROKEN
from waystation.errors import LeaseLost, StoreError
from waystation.jobs import Cancelled, CancelRequested, Job
from waystation.ports import InputsFull, JobInputs, NoSlot
from waystation.store.sqlite.database import Database
from waystation.store.transactions import accounts, inputs, slots, upkeep
from waystation.store.transactions.commit import commit

ROOM = 1_000


def made(input_id: str = "input-1", size: int = 9, **fields: Any) -> JobInputs:
    return JobInputs(**{"input_id": input_id, "plan": b"plan", "size": size, **fields})


def draft(given: JobInputs | None, **fields: Any) -> Any:
    return replace(build.draft(max_jobs=15), inputs=given, input_bytes=ROOM, **fields)


def accepted(database: Database, given: JobInputs | None) -> Job:
    job = slots.add_job(database, draft(given), build.later())
    assert isinstance(job, Job)
    return job


def rows(database: Database) -> tuple[list[Any], list[Any]]:
    execute = database.connection.execute
    heads = execute("select input_id, jobid, bytes from job_inputs order by input_id").fetchall()
    parts = execute("select input_id, number, sealed from job_input_parts order by 1, 2").fetchall()
    return heads, parts


def test_small_inputs_are_written_with_their_job(database: Database) -> None:
    given = made(parts=(b"one", b"two"))
    job = accepted(database, given)
    assert rows(database) == (
        [("input-1", job.jobid, 9)],
        [("input-1", 0, b"one"), ("input-1", 1, b"two")],
    )
    assert inputs.of_job(database, job.jobid) == replace(given, parts=())
    assert inputs.part(database, "input-1", 1) == b"two"
    assert inputs.part(database, "input-1", 2) is None


def test_a_job_without_inputs_has_none(database: Database) -> None:
    job = accepted(database, None)
    assert rows(database) == ([], [])
    assert inputs.of_job(database, job.jobid) is None


def test_large_inputs_are_written_before_and_taken_over_by_their_job(database: Database) -> None:
    given = made(staged=True)
    assert inputs.begin(database, 1, given, build.later(), ROOM)
    inputs.add_part(database, "input-1", 0, b"one")
    assert rows(database)[0] == [("input-1", None, 9)]
    job = accepted(database, given)
    assert rows(database)[0] == [("input-1", job.jobid, 9)]
    assert inputs.part(database, "input-1", 0) == b"one"
    inputs.drop(database, "input-1")
    assert len(rows(database)[0]) == 1, "they are a job's by now"


def test_inputs_that_are_gone_make_no_job(database: Database) -> None:
    with pytest.raises(StoreError, match="inputs"):
        slots.add_job(database, draft(made(staged=True)), build.later())


def test_inputs_that_no_job_takes_over_are_dropped(database: Database) -> None:
    assert inputs.begin(database, 1, made(staged=True), build.later(), ROOM)
    inputs.add_part(database, "input-1", 0, b"one")
    inputs.drop(database, "input-1")
    assert rows(database) == ([], [])


def test_a_part_of_dropped_inputs_is_refused(database: Database) -> None:
    with pytest.raises(BROKEN):
        inputs.add_part(database, "input-1", 0, b"one")


def test_a_part_above_a_mebibyte_is_refused(database: Database) -> None:
    assert inputs.begin(database, 1, made(staged=True), build.later(), ROOM)
    with pytest.raises(BROKEN):
        inputs.add_part(database, "input-1", 0, b"x" * ((1 << 20) + 1))


def test_a_user_has_so_many_bytes_waiting(database: Database) -> None:
    assert inputs.begin(database, 1, made("input-1", 600, staged=True), build.later(), ROOM)
    assert not inputs.begin(database, 1, made("input-2", 401, staged=True), build.later(), ROOM)
    full = slots.add_job(database, draft(made("input-3", 401)), build.later())
    assert full == InputsFull(600)
    assert [head[0] for head in rows(database)[0]] == ["input-1"]
    accepted(database, made("input-4", 400))


def test_bytes_of_others_do_not_count(database: Database) -> None:
    accounts.add_user(database, "b@example.org", b"h", build.later())
    assert inputs.begin(database, 2, made("input-1", ROOM, staged=True), build.later(), ROOM)
    accepted(database, made("input-2", ROOM))


def test_a_job_that_finds_no_room_keeps_nothing(database: Database) -> None:
    for number in range(15):
        accepted(database, made(f"input-{number}", 1))
    full = slots.add_job(database, draft(made("input-x", 1)), build.later())
    assert isinstance(full, NoSlot)
    assert len(rows(database)[0]) == 15


@pytest.mark.parametrize("end", ["asked", "failed", "cancelled"])
def test_inputs_go_with_the_submission_or_the_end(database: Database, end: str) -> None:
    job = accepted(database, made(parts=(b"one",)))
    steps = {
        "asked": replace(build.submitted(job), asked=True),
        "failed": build.failed(job),
        "cancelled": build.stepped(
            job, CancelRequested(), Cancelled(ghost=False), **_cancelled(job)
        ),
    }
    commit(database, build.change(steps[end]))
    assert rows(database) == ([], [])


def _cancelled(job: Job) -> dict[str, Any]:
    return {"status": "cancelled", "finished_at": build.later(), "slot": False}


def test_inputs_stay_while_a_form_waits_for_them(database: Database) -> None:
    job = accepted(database, made(parts=(b"mask",)))
    commit(database, build.change(build.submitted(job)))
    assert inputs.part(database, "input-1", 0) == b"mask"


def test_inputs_stay_when_the_submission_is_not_committed(database: Database) -> None:
    job = accepted(database, made())
    asked = replace(build.submitted(job), asked=True)
    with pytest.raises(LeaseLost):
        commit(database, build.change(asked, epoch=7))
    assert len(rows(database)[0]) == 1


def test_staged_inputs_that_a_crash_left_are_swept(database: Database) -> None:
    assert inputs.begin(database, 1, made("old", staged=True), build.later(), ROOM)
    inputs.add_part(database, "old", 0, b"one")
    assert inputs.begin(database, 1, made("young", staged=True), build.later(100), ROOM)
    job = accepted(database, made("taken"))
    inputs.sweep(database, build.later(50))
    assert rows(database)[0] == [("taken", job.jobid, 9), ("young", None, 9)]
    assert rows(database)[1] == []


def purged(database: Database) -> None:
    at = build.later(9)
    upkeep.purge(database, at, at, at, at, at, at, at, 10)


def test_a_purge_sweeps_what_a_crash_has_left(database: Database) -> None:
    assert inputs.begin(database, 1, made(staged=True), build.later(), ROOM)
    purged(database)
    assert rows(database) == ([], [])


def test_the_inputs_of_a_purged_job_go_with_it(database: Database) -> None:
    job = accepted(database, None)
    commit(database, build.change(build.failed(job)))
    inputs.attach(database, 1, made(parts=(b"one",)), job.jobid, build.later())
    purged(database)
    assert rows(database) == ([], [])
