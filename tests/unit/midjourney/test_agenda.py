"""Due jobs, found without looking at those that are not."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.build import replace
from tests.fakes import START
from tests.harness.play import CHANNEL, LIMITS, USER, new_job
from waystation.jobs import Job, JobId, JobStatus
from waystation.midjourney import agenda, judging
from waystation.midjourney.agenda import Agenda
from waystation.midjourney.conversation import Conversation
from waystation.midjourney.deadlines import due_at

LIFE = LIMITS.ghost_life
SECOND = timedelta(seconds=1)


def _ghost(name: str, at: datetime = START) -> Job:
    job = replace(new_job(name), status=JobStatus.FAILED, ghost=True, slot=False)
    return replace(job, finished_at=at)


def test_ghosts_are_due_one_after_the_other() -> None:
    held = Agenda(LIMITS, [_ghost("b", START + SECOND), _ghost("a"), new_job("c")])
    assert held.next_ghost() == START + LIFE
    assert held.due_ghosts(START + LIFE - SECOND) == ()
    assert [job.jobid for job in held.due_ghosts(START + LIFE + SECOND)] == ["a", "b"]
    # they stay until something becomes of them
    assert [job.jobid for job in held.due_ghosts(START + LIFE)] == ["a"]
    assert [job.jobid for job in held.open] == ["c"]
    held.drop(JobId("a"))
    held.drop(JobId("c"))
    assert (held.next_ghost(), held.open) == (START + LIFE + SECOND, ())


def test_a_ghost_that_changes_is_due_at_its_new_moment_only() -> None:
    slot = replace(_ghost("a"), slot=True, slot_until=START + SECOND)
    held = Agenda(LIMITS, [slot])
    assert held.next_ghost() == START + SECOND
    held.put(replace(slot, slot=False, slot_until=None))
    assert held.next_ghost() == START + LIFE
    held.put(slot)
    held.put(replace(slot, version=5))
    assert [job.version for job in held.due_ghosts(START + SECOND)] == [5]
    held.put(replace(slot, slot_until=None))
    assert held.next_ghost() is None


def test_a_ghost_that_is_dropped_and_put_again_is_due_once() -> None:
    held = Agenda(LIMITS, [_ghost("a"), _ghost("b")])
    for name in ("a", "b", "a"):
        held.drop(JobId(name))
        held.put(_ghost(name))
    assert [job.jobid for job in held.due_ghosts(START + LIFE)] == ["a", "b"]


def test_a_job_that_ends_goes_from_the_open_ones_to_the_ghosts() -> None:
    held = Agenda(LIMITS, [new_job("a")])
    held.put(_ghost("a"))
    assert (held.open, held.next_ghost()) == ((), START + LIFE)


def test_holders_of_room_are_known_without_the_other_ghosts() -> None:
    slot = replace(_ghost("a"), slot=True, slot_until=START + SECOND)
    held = Agenda(LIMITS, [slot, _ghost("b"), new_job("c"), replace(new_job("d"), slot=False)])
    assert sorted(job.jobid for job in held.holding) == ["a", "c", "d"]
    held.put(replace(slot, slot=False))
    held.drop(JobId("c"))
    assert [job.jobid for job in held.holding] == ["d"]


def test_the_rows_looked_at_do_not_grow_with_the_ghosts(monkeypatch: pytest.MonkeyPatch) -> None:
    ghosts = [_ghost(f"g{number}", START + number * SECOND) for number in range(4_000)]
    talk = Conversation(USER, CHANNEL, LIMITS, [*ghosts, new_job("a"), new_job("b")])
    looked: list[Job] = []

    def counted(job: Job, *args: object, **kwargs: object) -> datetime | None:
        looked.append(job)
        return due_at(job, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(agenda, "due_at", counted)
    monkeypatch.setattr(judging, "due_at", counted)
    assert talk.wake_at(caught_up=True) == START + timedelta(seconds=60)
    assert not talk.expire(START, caught_up=True).writes
    assert {job.jobid for job in looked} == {"a", "b"}
    assert len(looked) == 4
    looked.clear()
    talk.expire(START + LIFE + 9 * SECOND, caught_up=True)
    assert len(looked) <= 4
    assert len(talk.jobs) == 4_000 - 10 + 2
