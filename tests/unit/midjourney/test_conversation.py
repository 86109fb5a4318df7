"""Whole conversations from the goldens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.build import replace
from tests.fakes import START
from tests.golden.corpus import CONVERSATIONS, Golden, event_of
from tests.harness.play import LIMITS, Play, join_all, new_job, told
from tests.harness.scenes import (
    NONCE,
    describing,
    imagining,
    stage,
    started,
    two_alike,
)
from waystation.gateway_events import (
    GatewayEvent,
)
from waystation.jobs import (
    Failed,
    Job,
    JobId,
    JobStatus,
    Modal,
    Nonce,
    Source,
)
from waystation.midjourney.steps import JobStep, Step


class _Stuttering(Play):
    """A play whose store raises before it works: whatever writes is decided twice."""

    def commit(self, step: Step) -> Step:
        held = {job.jobid: job for job in self.talk.jobs}
        assert held == {jobid: self.jobs[jobid] for jobid in held}, "changed before its commit"
        return super().commit(step)

    def see(self, event: GatewayEvent) -> Step:
        step = self.talk.receive(event, self.now)
        if step.commits:
            self.talk.undo()
            assert self.talk.receive(event, self.now) == step
        return join_all([self.commit(step), *self.weigh()])


def _of(job: Job, expected: dict[str, Any]) -> dict[str, Any]:
    late = job.late.message_id if job.late else None
    seen = {name: late if name == "late" else getattr(job, name) for name in expected}
    return {name: list(one) if isinstance(one, tuple) else one for name, one in seen.items()}


@pytest.mark.parametrize("golden", CONVERSATIONS, ids=str)
def test_a_conversation_goes_as_its_golden_says(golden: Golden) -> None:
    play = stage(golden)
    for number, step in enumerate(golden.content["steps"]):
        assert told(play.perform(step)) == step.get("gives", []), f"step {number}: {step}"
        if "see" in step and step.get("again", True):
            again = told(play.perform(step))
            assert not [line for line in again if line != "kept"], f"step {number} again: {step}"
    for name, expected in golden.content["then"].items():
        assert _of(play.jobs[JobId(name)], expected) == expected


@pytest.mark.parametrize("golden", CONVERSATIONS, ids=str)
def test_a_commit_that_raises_leaves_the_conversation_as_it_was(golden: Golden) -> None:
    """R36: the same is decided again, and all that follows goes as if nothing had happened."""
    play = stage(golden, _Stuttering())
    for number, step in enumerate(golden.content["steps"]):
        assert told(play.perform(step)) == step.get("gives", []), f"step {number}: {step}"
    for name, expected in golden.content["then"].items():
        assert _of(play.jobs[JobId(name)], expected) == expected


@pytest.mark.parametrize("golden", CONVERSATIONS, ids=str)
def test_a_final_job_reads_the_same_for_ever(golden: Golden) -> None:
    play = stage(golden)
    final: dict[JobId, tuple[object, ...]] = {}
    for step in golden.content["steps"]:
        play.perform(step)
        for jobid, job in play.jobs.items():
            if job.final:
                seen = (job.status, job.updated_at, job.content, job.embeds, job.message_id)
                assert final.setdefault(jobid, seen) == seen


def test_a_job_counts_as_held_until_it_ends_and_holds_no_slot() -> None:
    play = imagining()
    a = JobId("a")
    assert [job.jobid for job in play.talk.holding] == [a]
    assert play.talk.in_flight == a
    play.see(event_of({"see": "imagine/started"}))
    assert play.talk.in_flight is None
    assert play.talk.get(a) == play.jobs[a]
    play.see(event_of({"see": "imagine/final"}))
    assert (play.talk.holding, play.talk.get(a)) == ((), None)


def test_the_newest_id_is_that_of_what_was_seen_last() -> None:
    play = imagining()
    play.see(event_of({"see": "imagine/started"}))
    assert play.talk.newest == "1456483162128384000"
    play.talk.seen("1456483162128384009")
    play.talk.seen("1456483162128384001")
    assert play.talk.newest == "1456483162128384009"


def test_a_job_waits_for_one_that_looks_like_it() -> None:
    """R15."""
    play = imagining()
    prompts = {"b": "a red fox", "c": "an owl"}
    for name, prompt in prompts.items():
        play.admit(replace(new_job(name, "imagine"), params={"prompt": prompt}))
    play.see(event_of({"see": "imagine/started"}))
    assert [play.talk.must_wait(JobId(name)) for name in prompts] == [True, False]


def test_a_reaction_starts_its_job() -> None:
    play = Play([replace(new_job("a", "seed"), params={"parentJobId": "parent"})])
    play.sources[JobId("a")] = Source("500")
    play.submit("a", NONCE)
    assert told(play.commit(play.talk.reacted(JobId("a"), play.now))) == ["a: Reacted"]


def test_a_job_that_was_not_asked_in_its_time_ends_and_one_that_was_does_not() -> None:
    """R10."""
    play = Play([new_job("a"), new_job("b")])
    play.submit("a", NONCE)
    end = Failed(502, "no time")
    ends = [play.talk.unasked(JobId(name), end, play.now) for name in "ab"]
    assert [told(step) for step in ends] == [[], ["b: Failed"]]


def test_a_job_that_was_ended_elsewhere_before_it_was_asked_is_let_go() -> None:
    play = Play([new_job("a")])
    ended = replace(new_job("a"), status=JobStatus.CANCELLED, version=9)
    assert not play.talk.over(ended).writes
    assert play.talk.jobs == ()


def test_a_job_that_could_not_be_queued_is_put_off_unless_it_has_changed() -> None:
    job = new_job("a")
    play = Play([job])
    play.talk.put_off(job)
    assert not play.talk.jobs
    play.talk.admit(job)
    play.submit("a", NONCE)
    play.talk.put_off(job)
    assert [one.jobid for one in play.talk.jobs] == [job.jobid]


def test_a_job_of_the_queue_that_cannot_be_sent_in_its_time_waits_again() -> None:
    """R13."""
    waiting = replace(new_job("b"), queue_until=START + timedelta(hours=1))
    play = Play([new_job("a"), waiting])
    over = Failed(502, "no time")
    ends = [play.talk.unsent(JobId(name), over, play.now) for name in "ab"]
    assert [told(step) for step in ends] == [["a: Failed"], ["b: PutBack"]]


def test_a_job_of_the_queue_whose_request_never_left_waits_again() -> None:
    """R13."""
    waiting = replace(new_job("a"), queue_until=START + timedelta(hours=1))
    play = Play([waiting])
    play.submit("a", NONCE)
    away = Failed(502, "No connection to Discord")
    assert told(play.commit(play.talk.not_written(JobId("a"), away, play.now))) == ["a: PutBack"]


def test_a_request_that_could_not_leave_waits_for_its_turn_again() -> None:
    """R13."""
    play = Play([new_job("a")])
    play.submit("a", NONCE)
    gone = Failed(502, "Not connected")
    step = play.commit(play.talk.not_left(JobId("a"), gone, play.now, None))
    assert told(step) == ["a: Unsent"]
    play.submit("a", NONCE)
    modal = Modal("88", "MJ::RemixModal::x")
    assert told(play.commit(play.talk.reopened(JobId("a"), modal, play.now))) == ["a: ModalOpened"]


def test_a_cancel_presses_the_button_that_the_job_shows() -> None:
    """R26."""
    play = imagining()
    assert play.talk.cancel_press(JobId("other")) is None
    assert play.talk.cancel_press(JobId("a")) is None
    play.see(event_of({"see": "imagine/started"}))
    play.see(event_of({"see": "imagine/progress_0"}))
    press = play.talk.cancel_press(JobId("a"))
    assert press is not None and press.custom_id.startswith("MJ::CancelJob::ByJobid::")
    requested = play.talk.cancel_requested(JobId("a"), Nonce("9"), play.now)
    assert told(play.commit(requested)) == ["a: CancelRequested"]


def test_a_picture_that_the_store_knows_to_be_another_jobs_waits_no_more() -> None:
    """I1."""
    play = two_alike()
    play.see(event_of(started(1)))
    play.see(event_of(started(2)))
    play.see(event_of({"see": "imagine/final"}))
    assert play.talk.undecided
    job = replace(play.jobs[JobId("a")], message_id="1456483325706240000")
    play.talk.disprove(Step(job_steps=[JobStep(job, [])]))
    assert not play.talk.undecided


def test_a_picture_that_had_to_be_told_apart_is_known_as_given() -> None:
    play = imagining()
    play.see(event_of({"see": "imagine/started"}))
    picture = {"interaction": None, "interaction_metadata": None, "nonce": None}
    step = play.see(event_of({"see": "imagine/final", "with": picture}))
    assert told(step) == ["a: Completed by weak"]
    message_id = play.jobs[JobId("a")].message_id or ""
    assert play.talk.has_given(message_id)
    assert not play.talk.has_given("another")


def test_a_gap_is_over_once_history_was_read_for_it() -> None:
    play = imagining()
    play.talk.seen("1400000000000000400")
    play.commit(play.talk.missed(play.now, "1400000000000000500"))
    assert [job.jobid for job in play.talk.readable] == ["a"]
    assert play.talk.unread_past == "1400000000000000400"
    play.talk.read_past()
    assert play.talk.unread_past is None


def test_a_gap_may_hide_the_late_result_of_a_ghost_until_history_was_read() -> None:
    play = imagining()
    play.perform({"cancel": "a"})
    play.commit(play.talk.missed(play.now))
    assert [job.jobid for job in play.talk.unread_ghosts] == ["a"]
    play.talk.reading_late([JobId("a")])
    play.commit(play.talk.read_to_the_end("0"))
    assert play.talk.unread_ghosts == []


def test_a_job_for_which_history_is_wanted_is_judged_after_it_was_read() -> None:
    play = describing()
    play.perform({"wait": 60})
    assert play.talk.wake_at(caught_up=True) == START + timedelta(seconds=60)
    play.talk.looking_back([JobId("a")], is_due=True)
    assert play.talk.wake_at(caught_up=True) is None
    play.talk.reading()
    play.talk.looked_back([JobId("a")], play.now)
    assert told(play.perform({"expire": True})) == ["a: Lost"]


def test_a_running_job_of_which_nothing_is_heard_is_looked_up() -> None:
    """R51."""
    play = imagining()
    play.see(event_of({"see": "imagine/started"}))
    play.perform({"wait": 60})
    assert play.talk.unheard(play.now, caught_up=True).look_back == {"a"}


def test_an_ask_of_which_nothing_is_seen_lets_others_pass() -> None:
    """R15."""
    play = describing()
    assert play.talk.in_flight == "a"
    silent = play.talk.silent(JobId("a"), play.now)
    assert told(play.commit(silent)) == ["a: Silent", "look back: a"]
    assert play.talk.in_flight is None


def test_jobs_are_seen_as_committed_while_several_events_are_written() -> None:
    play = Play([new_job("a"), replace(new_job("b", "info"), slot=False)])
    play.submit("a", NONCE)
    before = play.talk.jobs
    names = ("describe/acknowledged", "describe/described")
    steps = play.talk.receive_all([event_of({"see": name}) for name in names], play.now)
    assert (play.talk.get(JobId("a")), play.talk.in_flight) == (play.jobs[JobId("a")], "a")
    assert sorted(job.jobid for job in play.talk.jobs) == [job.jobid for job in before]
    assert sorted(job.jobid for job in play.talk.holding) == ["a", "b"]
    play.talk.adopt_all()
    assert [job.jobid for job in play.talk.jobs] == ["b"]
    assert (play.talk.get(JobId("a")), play.talk.in_flight) == (None, None)
    assert steps[-1].job_steps[0].job.final


def test_the_time_for_a_turn_is_told_with_what_a_look_alike_adds() -> None:
    """R15."""
    play = Play([replace(new_job(name, "imagine"), params={"prompt": "A fox"}) for name in "ab"])
    play.submit("a", "1400000000000000001")
    other = play.jobs[JobId("b")]
    assert play.talk.turn_span(other) == LIMITS.first_answer
    assert play.talk.must_wait(JobId("b"))
    assert play.talk.turn_span(other) == 2 * LIMITS.first_answer
