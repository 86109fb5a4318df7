"""The knowledge of a conversation, before and after a step is committed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.build import replace
from tests.fakes import START
from tests.golden.corpus import CONVERSATIONS, event_of
from tests.harness.play import CHANNEL, LIMITS, USER, Play, new_job, told
from tests.harness.scenes import (
    NONCE,
    describing,
    stage,
    started,
    two_alike,
)
from waystation import sentences
from waystation.jobs import (
    Completed,
    Failed,
    InteractionSeen,
    Job,
    JobId,
    JobStatus,
    MessageRole,
    Nonce,
    PutBack,
    Shown,
    Unclear,
)
from waystation.midjourney.state import State, rebuild
from waystation.midjourney.steps import NOTHING


def test_a_step_changes_nothing_until_it_is_adopted() -> None:
    play = describing()
    event = event_of({"see": "describe/acknowledged"})
    first = play.talk.receive(event, START)
    assert first.writes
    assert play.talk.receive(event, START) == first
    assert play.talk.get(JobId("a")) == play.jobs[JobId("a")]


def test_an_edit_that_could_not_be_committed_answers_the_press_when_it_comes_again() -> None:
    golden = next(one for one in CONVERSATIONS if one.name == "describe/whole_again")
    play = stage(golden)
    for step in golden.content["steps"][:-1]:
        play.perform(step)
    answer = event_of(golden.content["steps"][-1])
    assert play.talk.receive(answer, play.now).writes
    play.talk.undo()
    assert told(play.see(answer)) == ["a: Completed by target"]


def test_all_held_jobs_are_told() -> None:
    play = Play([new_job("a"), new_job("b", "info")])
    assert [job.jobid for job in play.talk.jobs] == ["a", "b"]


def _state(*jobs: Job) -> State:
    return rebuild(USER, CHANNEL, LIMITS, jobs)


def test_asks_in_flight_or_silent_are_known_from_the_jobs() -> None:
    play = describing()
    state = _state(*play.jobs.values(), new_job("b"))
    assert (state.in_flight, state.silent) == ({"a"}, {"a"})
    play.see(event_of({"see": "describe/acknowledged"}))
    state = _state(*play.jobs.values())
    assert (state.in_flight, state.silent) == (set(), set())


def test_a_job_that_is_forgotten_is_nowhere_any_more() -> None:
    play = describing()
    state = _state(*play.jobs.values())
    state.ambiguous.add(JobId("a"))
    state.forget(play.jobs[JobId("a")])
    assert state.get(JobId("a")) is None
    assert not (state.in_flight or state.silent or state.ambiguous)
    assert state.agenda.holding == ()
    assert state.candidates.index.find("nonce", NONCE) is None
    assert state.step(JobId("a"), START, Unclear("gone")) == NOTHING


def test_a_look_up_that_could_not_be_committed_is_made_again() -> None:
    state = _state()
    state.ambiguous.add(JobId("a"))
    both = frozenset({JobId("a"), JobId("b")})
    assert state.look_again(both).look_back == both
    state.undo()
    assert state.ambiguous == {"a"}


def test_a_job_whose_unclear_outcome_is_committed_is_unclear() -> None:
    play = describing()
    state = _state(*play.jobs.values())
    step = state.step(JobId("a"), START, Unclear("time-out"))
    assert state.unclear == set()
    state.adopt(step)
    assert state.unclear == {"a"}
    assert state.get(JobId("a")) == step.job_steps[0].job


class _Counted(dict[JobId, Job]):
    """Jobs by id, counting how many are looked at."""

    looked = 0

    def __getitem__(self, jobid: JobId) -> Job:
        self.looked += 1
        return super().__getitem__(jobid)

    def values(self) -> Any:
        self.looked += len(self)
        return super().values()


def _ghosts(count: int) -> Iterator[Job]:
    for number in range(count):
        ghost = replace(
            new_job(f"g{number}", "imagine"),
            status=JobStatus.FAILED,
            ghost=True,
            submitted_at=START,
            finished_at=START,
            params={"prompt": f"ghost {number}"},
            nonce=Nonce(f"nonce-{number}"),
        )
        yield replace(ghost, messages={f"{number + 1}": MessageRole.PROGRESS})


@pytest.mark.parametrize(
    "seen",
    [
        {"see": "imagine/started"},
        {"see": "imagine/final_other"},
        {"see": "imagine/final"},
        {"see": "button/source_echo"},
        {"see": "describe/described"},
        {"see": "describe/partial_flags_only"},
        {"see": "imagine/final", "with": {"channel_id": "9"}},
        {"see": {"event": "MESSAGE_DELETE", "payload": {"id": "5", "channel_id": "9"}}},
    ],
    ids=str,
)
def test_an_event_costs_the_same_however_many_ghosts_there_are(seen: dict[str, Any]) -> None:
    looked = []
    for count in (20, 2_000):
        play = Play(
            [*_ghosts(count), replace(new_job("a", "imagine"), params={"prompt": "a red fox"})]
        )
        play.submit("a", NONCE)
        state = play.talk._state
        jobs = _Counted(state.jobs)
        of_candidates = _Counted(state.candidates.index._jobs)
        state.jobs, state.candidates.index._jobs = jobs, of_candidates
        play.talk.receive(event_of(seen), play.now)
        play.talk.weigh(play.now)
        looked.append(jobs.looked + of_candidates.looked)
    assert looked[0] == looked[1] < 20


@pytest.mark.parametrize("by", ["weak", "nonce"])
def test_a_picture_that_had_to_be_told_apart_is_remembered_once_it_is_committed(by: str) -> None:
    play = describing()
    state = _state(*play.jobs.values())
    step = state.step(JobId("a"), START, Completed(Shown("900"), by))
    assert "900" not in state.given
    state.adopt(step)
    assert ("900" in state.given) is (by == "weak")


def test_the_pictures_of_a_job_that_nothing_tells_apart_are_given_up_with_it() -> None:
    play = two_alike()
    play.see(event_of(started(1)))
    play.see(event_of(started(2)))
    play.see(event_of({"see": "imagine/final"}))
    state = play.talk._state
    assert len(state.held) == 1
    state.learnt(state.step(JobId("a"), START, Failed(502, "no answer", ghost=True)))
    assert len(state.held) == 1
    state.learnt(state.step(JobId("a"), START, Failed.by(sentences.NOT_TOLD_APART)))
    assert len(state.held) == 0


def test_an_ask_of_a_job_that_is_put_back_is_over_and_nobody_elses() -> None:
    """R13."""
    job = replace(new_job("a", "imagine"), queue_until=START + timedelta(hours=24))
    asked = replace(job, status=JobStatus.SUBMITTED, nonce=Nonce("9"))
    state = rebuild(USER, CHANNEL, LIMITS, [asked])
    refused = PutBack("Queue full", Shown("901"))
    step = state.learnt(state.step(JobId("a"), START, InteractionSeen("700"), refused))
    state.adopt(step)
    assert state.get(JobId("a")) is None
    others = state.candidates.others
    assert [others.is_settled_id(one) for one in ("9", "700", "901")] == [True] * 3
    # one that Discord refused has no message
    state = rebuild(USER, CHANNEL, LIMITS, [asked])
    state.learnt(state.step(JobId("a"), START, PutBack("full")))
    assert state.candidates.others.is_settled_id("9")


def test_steps_that_are_presumed_are_taken_over_or_taken_back_together() -> None:
    play = describing()
    before = play.jobs[JobId("a")]
    state = _state(before, new_job("b"))
    assert state.jobs_committed is state.jobs
    for outcome in (state.undo, state.adopt_all):
        state.begin()
        state.ambiguous.add(JobId("b"))
        unclear = state.step(JobId("a"), START, Unclear("time-out"))
        state.presume(unclear)
        failed = state.step(JobId("a"), START, Failed(502, "gone"))
        state.presume(failed)
        assert state.get(JobId("a")) is None
        # others see what is on disk
        assert state.as_committed(JobId("a")) == before
        assert set(state.jobs_committed) == {"a", "b"}
        outcome()
        if outcome == state.undo:
            assert state.get(JobId("a")) == state.as_committed(JobId("a")) == before
            assert (state.in_flight, state.silent) == ({"a"}, {"a"})
            assert not (state.ambiguous or state.unclear)
            assert state.candidates.index.find("nonce", NONCE) == "a"
            assert [job.jobid for job in state.agenda.open] == ["b", "a"]
    assert state.as_committed(JobId("a")) is None
    assert (state.in_flight, state.ambiguous) == (set(), {"b"})
    assert state.jobs_committed is state.jobs
