"""The meaning of silence, once a deadline is over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.build import replace
from tests.fakes import START, id_at
from tests.golden.corpus import HISTORY, event_of
from tests.harness.play import Play, join_all, new_job, told
from tests.harness.scenes import (
    BY_HAND,
    NONCE,
    describing,
    imagining,
    of_other_words,
    started,
    two_alike,
)
from waystation.jobs import (
    Failed,
    Job,
    JobId,
    JobStatus,
)
from waystation.midjourney.steps import Step

FOX = "a red fox --ar 3:2"


def test_the_conversation_wakes_for_the_next_verdict() -> None:
    play = Play([new_job("a")])
    assert play.talk.wake_at(caught_up=True) == START + timedelta(seconds=60)
    play.now += timedelta(seconds=10)
    play.submit("a", NONCE)
    assert play.talk.wake_at(caught_up=True) == START + timedelta(seconds=70)
    assert play.talk.wake_at(caught_up=False) == START + timedelta(seconds=670)
    assert Play().talk.wake_at(caught_up=True) is None


def test_a_silent_job_is_looked_up_only_where_the_session_has_caught_up() -> None:
    """R51: what a gap has swallowed comes with its end."""
    play = describing()
    play.see(event_of({"see": "describe/acknowledged"}))
    minute = timedelta(seconds=60)
    assert play.talk.wake_at(caught_up=True) == play.now + minute
    assert play.talk.wake_at(caught_up=False) == START + timedelta(minutes=40)
    play.now += minute
    assert play.talk.unheard(play.now, caught_up=False) == Step()
    step = play.talk.unheard(play.now, caught_up=True)
    assert (step.look_back, step.unheard, step.writes) == (
        frozenset({JobId("a")}),
        [JobId("a")],
        False,
    )


def test_a_look_back_that_is_older_than_the_deadline_does_not_count() -> None:
    play = describing()
    play.perform({"look_back": "a"})
    play.perform({"wait": 60})
    assert told(play.perform({"expire": True})) == ["look back: a"]


def test_an_unsent_job_ends_by_its_hindrance() -> None:
    play = Play([new_job("a")])
    play.perform({"wait": 60})
    end = Failed(502, "the account is paused")
    step = play.talk.expire(play.now, caught_up=True, unsent=lambda jobid: end)
    assert told(step) == ["a: Failed"]
    assert step.job_steps[0].job.error == "the account is paused"


# ── a result in other words (R20) ──


def test_a_result_in_other_words_needs_an_id() -> None:
    play = imagining()
    play.see(event_of({"see": "imagine/started"}))
    step = play.see(event_of(of_other_words("imagine/final")))
    assert told(step) == ["kept"]
    # history has it again
    play.see(event_of({"event": HISTORY, **of_other_words("imagine/final")}))
    gone = {"id": "1456483162128384000", "channel_id": "1145000000000000003"}
    play.see(event_of({"see": {"event": "MESSAGE_DELETE", "payload": gone}}))
    play.perform({"wait": 31})
    assert told(play.perform({"expire": True})) == ["look back: a"]
    play.perform({"look_back": "a"})
    assert told(play.perform({"expire": True})) == ["a: Failed"]
    job = play.jobs[JobId("a")]
    assert (job.code, job.error, job.attachments) == (502, "Result could not be told apart", ())
    # its progress is gone, so the bot does not run it any more
    assert not job.ghost


def test_a_job_that_still_runs_when_its_time_is_over_may_yet_get_its_result() -> None:
    play = imagining()
    play.see(event_of({"see": "imagine/started"}))
    play.see(event_of(of_other_words("imagine/final")))
    play.perform({"wait": 1801})
    play.perform({"look_back": "a"})
    play.perform({"expire": True})
    job = play.jobs[JobId("a")]
    assert (job.error, job.ghost) == ("Result could not be told apart", True)


@pytest.mark.parametrize("told_by", [None, "ours", "by hand"])
def test_a_start_of_an_unknown_interaction_in_other_words_may_have_been_a_jobs(
    told_by: str | None,
) -> None:
    """Discord has told no interaction, and the bot repeats no nonce."""
    play = imagining()
    interaction = {"id": "1456483160000000000", "user": {"id": "1144000000000000001"}}
    if told_by is not None:
        payload = {**interaction, "nonce": NONCE if told_by == "ours" else "999"}
        play.see(event_of({"see": {"event": "INTERACTION_CREATE", "payload": payload}}))
    by = {"interaction_metadata": interaction, "interaction": interaction, "nonce": None}
    play.see(event_of(of_other_words("imagine/started", **by)))
    play.perform({"wait": 61})
    play.perform({"look_back": "a"})
    play.perform({"expire": True})
    job = play.jobs[JobId("a")]
    if told_by == "ours":
        assert job.status is JobStatus.STARTED
    else:
        ends = {
            None: "Result could not be told apart",
            "by hand": "Midjourney bot did not reply within 60 seconds",
        }
        assert (job.error, job.ghost) == (ends[told_by], True)


@pytest.mark.parametrize("named", [{"nonce": "999"}, {"interaction_metadata": BY_HAND}], ids=str)
def test_a_picture_that_names_its_asker_says_nothing_of_our_job(named: dict[str, Any]) -> None:
    play = imagining()
    play.see(event_of({"see": "imagine/started"}))
    assert told(play.see(event_of(of_other_words("imagine/final", **named)))) == []
    assert _after_it_vanished(play).error == "Job was removed by the bot"


def test_a_picture_of_somebody_who_was_heard_says_nothing_of_our_job() -> None:
    play = imagining()
    play.see(event_of({"see": "imagine/started"}))
    by = {"interaction_metadata": BY_HAND, "interaction": BY_HAND}
    hand = {"id": "1456483300000000000", "nonce": "999", **by}
    play.see(event_of(of_other_words("imagine/progress_31", **hand)))
    assert told(play.see(event_of(of_other_words("imagine/final")))) == []
    assert _after_it_vanished(play).error == "Job was removed by the bot"


def _after_it_vanished(play: Play) -> Job:
    gone = {"id": "1456483162128384000", "channel_id": "1145000000000000003"}
    play.see(event_of({"see": {"event": "MESSAGE_DELETE", "payload": gone}}))
    play.perform({"wait": 31})
    play.perform({"look_back": "a"})
    play.perform({"expire": True})
    return play.jobs[JobId("a")]


def picture_from_a_gap() -> Play:
    """Return a conversation with a nameless picture, read back after an ask's limit was over.

    Its session was lost a moment before the ask, and twice since.
    """
    play = Play()
    play.commit(play.talk.missed(play.now, id_at(0)))
    play.admit(replace(new_job("a", "imagine"), params={"prompt": FOX}))
    play.submit("a", id_at(1, 7))
    play.now += timedelta(seconds=61)
    play.commit(play.talk.missed(play.now, id_at(61)))
    nameless = {"interaction": None, "interaction_metadata": None, "nonce": None, "id": id_at(5)}
    picture = {"see": "imagine/final", "with": nameless, "event": HISTORY}
    play.commit(play.talk.receive(event_of(picture), play.now))
    play.commit(play.talk.read_to_the_end(play.jobs[JobId("a")].asked_after or ""))
    play.talk.looked_back([JobId("a")], play.now)
    assert not any(step.writes for step in play.weigh())
    return play


def test_a_picture_is_not_given_up_while_history_may_tell_whose_it_is() -> None:
    """R20: that reading goes on apart, and a job's limit may be over before it."""
    play = picture_from_a_gap()
    assert told(play.perform({"expire": True})) == []
    since = play.talk.unread_past
    assert since is not None
    play.commit(play.talk.read_to_the_end(since))
    play.talk.read_past()
    assert told(join_all(list(play.weigh()))) == ["a: Completed by weak"]


def test_it_is_given_up_when_that_reading_has_failed() -> None:
    play = picture_from_a_gap()
    play.talk.read_past()
    assert told(play.perform({"expire": True})) == ["a: Failed", "untold"]


def test_it_is_given_up_when_that_reading_takes_longer_than_the_grace() -> None:
    play = picture_from_a_gap()
    end = START + timedelta(seconds=60) + play.limits.blind_grace
    play.now = end - timedelta(seconds=1)
    play.talk.looked_back([JobId("a")], play.now)
    assert told(play.perform({"expire": True})) == []
    play.now = end
    play.talk.looked_back([JobId("a")], play.now)
    assert told(play.perform({"expire": True})) == ["a: Failed", "untold"]


def test_it_is_not_given_up_while_history_is_read_for_a_ghost_that_may_own_it() -> None:
    play = picture_from_a_gap()
    play.talk.read_past()
    play.talk.reading_late([JobId("a")])
    assert told(play.perform({"expire": True})) == []
    play.talk.reading_late(())
    assert told(play.perform({"expire": True})) == ["a: Failed", "untold"]


def test_a_picture_that_history_has_told_is_given_before_silence_is_judged() -> None:
    play = picture_from_a_gap()
    play.commit(play.talk.read_to_the_end(play.talk.unread_past or ""))
    play.talk.read_past()
    assert told(play.perform({"expire": True})) == []
    assert told(join_all(list(play.weigh()))) == ["a: Completed by weak"]


def test_a_picture_that_waits_is_weighed_only_where_the_session_has_caught_up() -> None:
    """A message that was missed may say whose it is."""
    play = imagining()
    named = {"interaction_metadata": BY_HAND, "interaction": BY_HAND}
    assert told(play.see(event_of({"see": "imagine/final", "with": named}))) == []
    assert play.talk.wake_at(caught_up=True) == START + timedelta(seconds=5)
    assert play.talk.wake_at(caught_up=False) == START + timedelta(seconds=660)


def test_a_ghost_gives_its_slot_back_and_is_forgotten_after_a_day() -> None:
    """R19, R31."""
    play = imagining()
    play.see(event_of({"see": "imagine/started"}))
    play.perform({"cancel": "a"})
    play.perform({"wait": 599})
    assert told(play.perform({"expire": True})) == []
    play.perform({"wait": 1})
    assert told(play.perform({"expire": True})) == ["a: SlotReleased"]
    play.perform({"wait": 24 * 3600 - 601})
    play.perform({"expire": True})
    assert [job.jobid for job in play.talk.jobs] == ["a"]
    play.perform({"wait": 1})
    assert told(play.perform({"expire": True})) == []
    assert play.talk.jobs == ()


def test_a_job_is_not_judged_while_history_is_read_for_it() -> None:
    play = imagining()
    play.perform({"wait": 61})
    play.talk.looking_back([JobId("a")], is_due=True)
    play.talk.reading()
    assert told(play.perform({"expire": True})) == []
    assert play.talk.wake_at(caught_up=False) is None
    play.perform({"look_back": "a"})
    assert told(play.perform({"expire": True})) == ["a: Lost"]


def test_a_job_whose_time_is_over_takes_its_held_picture_with_it() -> None:
    """R20: the picture is kept for the operator."""
    play = two_alike()
    play.see(event_of(started(1)))
    play.see(event_of(started(2)))
    play.see(event_of({"see": "imagine/final"}))
    play.perform({"wait": 1801})
    for name in "ab":
        play.perform({"look_back": name})
    step = play.perform({"expire": True})
    assert told(step) == ["a: Failed", "b: Failed", "untold", "untold"]
    assert {done.job.error for done in step.job_steps} == {"Result could not be told apart"}
    assert all(done.job.ghost for done in step.job_steps)


def test_a_deleted_start_is_no_end_while_a_picture_is_held_that_may_be_its_jobs() -> None:
    """R27 is about a job without a result."""
    play = two_alike()
    play.see(event_of(started(1)))
    play.see(event_of(started(2)))
    play.see(event_of({"see": "imagine/final"}))
    gone = {"id": "1456483162128384001", "channel_id": "1145000000000000003"}
    play.see(event_of({"see": {"event": "MESSAGE_DELETE", "payload": gone}}))
    play.perform({"wait": 31})
    play.perform({"look_back": "a"})
    assert told(play.perform({"expire": True})) == []
    assert play.jobs[JobId("a")].vanished_at is not None


def test_a_job_that_may_have_begun_what_names_nobody_is_given_the_time_of_one_that_runs() -> None:
    play = two_alike()
    nameless = {"nonce": None, "interaction": None, "interaction_metadata": None}
    play.see(event_of({"see": "imagine/started", "with": nameless}))
    play.perform({"wait": 61})
    for name in "ab":
        play.perform({"look_back": name})
    assert told(play.perform({"expire": True})) == []
    assert play.talk.wake_at(caught_up=False) == START + timedelta(minutes=40)


# ── turns beside a look-alike (R15) ──


def two_in_turn() -> Play:
    """Submit one of two jobs with the same prompt; the other waits, and its picture is there."""
    jobs = [replace(new_job(name, "imagine"), params={"prompt": FOX}) for name in "ab"]
    play = Play(jobs)
    play.submit("a", NONCE)
    assert play.talk.must_wait(JobId("b"))
    return play


def test_an_unanswered_ask_does_not_take_its_look_alike_with_it() -> None:
    """R15: the other one is asked when the first has ended for its silence."""
    play = two_in_turn()
    play.now += timedelta(seconds=60)
    play.talk.looked_back([JobId("a")], play.now)
    assert told(play.perform({"expire": True})) == ["a: Lost"]
    assert not play.talk.must_wait(JobId("b"))
    play.now += timedelta(seconds=59)
    assert told(play.perform({"expire": True})) == []
    play.submit("b", "1400000000000000003")
    assert play.jobs[JobId("b")].status is JobStatus.SUBMITTED


def test_a_job_waits_for_its_look_alikes_twice_as_long_as_for_other_jobs() -> None:
    play = two_in_turn()
    # the first has begun, and shows no uuid
    play.see(event_of(started(1)))
    assert play.talk.wake_at(caught_up=True) == START + timedelta(seconds=60)
    play.now = START + timedelta(seconds=119)
    assert told(play.perform({"expire": True})) == []
    play.now += timedelta(seconds=1)
    (end,) = play.perform({"expire": True}).job_steps
    assert (end.job.jobid, end.job.status) == ("b", JobStatus.FAILED)
    assert "within 2 minutes" in str(end.job.error)


def test_a_job_that_waited_for_no_look_alike_ends_when_a_turn_takes_too_long() -> None:
    play = Play([new_job("a", "imagine")])
    assert not play.talk.must_wait(JobId("a"))
    play.now += timedelta(seconds=60)
    (end,) = play.perform({"expire": True}).job_steps
    assert "within 60 seconds" in str(end.job.error)


def test_a_job_that_an_earlier_process_left_waits_no_longer_for_a_look_alike() -> None:
    """Its time counts from its POST, and is longer than two turns."""
    left = replace(
        new_job("b", "imagine"),
        params={"prompt": FOX},
        deadline_at=START + timedelta(minutes=10),
    )
    play = imagining()
    play.admit(left)
    play.talk.must_wait(JobId("b"))
    play.now += timedelta(minutes=10)
    steps = play.perform({"expire": True}).job_steps
    assert JobId("b") in [step.job.jobid for step in steps]
