"""Pictures that wait to be told apart."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from unittest.mock import Mock

import pytest

from tests.build import replace
from tests.fakes import START
from tests.golden.corpus import HISTORY, PAYLOADS, event_of, message_of
from tests.harness.play import USER, Play, new_job, told
from tests.harness.scenes import (
    BY_HAND,
    NONCE,
    imagining,
    started,
    two_alike,
)
from waystation import sentences
from waystation.gateway_events import (
    GatewayEvent,
    MessageSeen,
    SeenAs,
)
from waystation.jobs import (
    Failed,
    JobId,
    JobStatus,
)
from waystation.midjourney.matching import held
from waystation.midjourney.matching.works import works
from waystation.midjourney.reading import read
from waystation.midjourney.steps import JobStep, Step
from waystation.midjourney.weighing import matched, may_be_given
from waystation.wire.snowflake import snowflake_at


@pytest.mark.parametrize("later", [True, False])
def test_a_message_after_a_lost_ask_is_of_the_same_ask_again(*, later: bool) -> None:
    """R15, R20: look-alikes follow one another, and Discord numbers interactions in their order."""
    play = imagining()
    play.commit(play.talk.silent(JobId("a"), play.now))
    play.now += timedelta(seconds=61)
    play.perform({"look_back": "a"})
    assert told(play.perform({"expire": True})) == ["a: Lost"]
    between = "1456483162128370000"
    play.see(event_of({"see": "imagine/started", "with": {"id": between, "nonce": "1"}}))
    play.admit(replace(new_job("b", "imagine", play.now), params={"prompt": "a red fox"}))
    play.submit("b", "1400000000000000003")
    play.now += timedelta(seconds=6)
    interaction = {"id": str(int(between) + (1 if later else -1))}
    named = {"interaction": interaction, "interaction_metadata": interaction}
    play.see(event_of({"see": "imagine/progress_0", "event": HISTORY, "with": named}))
    step = play.see(event_of({"see": "imagine/final", "event": HISTORY}))
    assert told(step) == (["b: Completed by weak"] if later else ["a: Late by weak"])


def test_the_slot_of_a_ghost_that_was_not_told_apart_takes_no_others_picture_with_it() -> None:
    """A job whose picture waits is not told that the bot has removed it (R27)."""
    play = imagining()
    play.see(event_of({"see": "imagine/started"}))
    ended = Failed.by(sentences.NOT_TOLD_APART, ghost=True)
    play.commit(play.talk.ended(JobId("a"), ended, play.now))
    assert play.jobs[JobId("a")].slot
    play.now += play.talk._state.limits.slot_hold - timedelta(seconds=1)
    play.admit(replace(new_job("b", "imagine", play.now), params={"prompt": "a red fox"}))
    play.submit("b", "1400000000000000003")
    play.see(event_of({"see": "imagine/final"}))
    assert play.talk.undecided
    play.now += timedelta(seconds=1)
    assert told(play.perform({"expire": True})) == ["a: SlotReleased"]
    assert play.talk.undecided


def test_the_late_result_of_a_ghost_that_was_not_told_apart_leaves_the_other_picture() -> None:
    """R20: the picture that waits is then that of the job beside the ghost, and of nobody else."""
    play = imagining()
    nonce = play.jobs[JobId("a")].nonce
    play.see(event_of({"see": "imagine/started"}))
    ended = Failed.by(sentences.NOT_TOLD_APART, ghost=True)
    play.commit(play.talk.ended(JobId("a"), ended, play.now))
    play.admit(replace(new_job("b", "imagine", play.now), params={"prompt": "a red fox"}))
    play.submit("b", "1400000000000000003")
    play.see(event_of({"see": "imagine/final"}))
    play.now += timedelta(seconds=6)
    late: dict[str, object] = {
        "id": "1456483325706249000",
        "nonce": nonce,
        "components": [],
        "attachments": [],
    }
    picture = message_of(PAYLOADS["imagine/final"]).attachments
    assert picture
    name = picture[0].filename.replace("0f1e2d3c", "0f1e2d3d")
    late["attachments"] = [{"id": "9", "url": picture[0].url, "filename": name}]
    said = told(play.see(event_of({"see": "imagine/final", "with": late})))
    assert said == ["a: Late by nonce", "b: Completed by weak"]


@pytest.mark.parametrize("is_spent", [False, True])
def test_a_ghost_whose_picture_nobody_may_have_got_is_given_no_other(*, is_spent: bool) -> None:
    """R20."""
    play = imagining()
    play.commit(play.talk.silent(JobId("a"), play.now))
    play.now += timedelta(seconds=61)
    play.perform({"look_back": "a"})
    assert told(play.perform({"expire": True})) == ["a: Lost"]
    if is_spent:
        play.talk._state.held._spend((), "a")
    late = told(play.see(event_of({"see": "imagine/final"})))
    assert ("a: Late by weak" in late) is not is_spent
    assert not play.talk.undecided


def test_an_ordinary_end_of_a_job_keeps_the_picture_of_one_that_looks_like_it() -> None:
    play = two_alike()
    for number in (1, 2):
        play.see(event_of(started(number)))
    assert told(play.see(event_of({"see": "imagine/final"}))) == ["look back: a, b"]
    refused = {"id": "1456483325706249999", "nonce": "1400000000000000001"}
    ended = event_of({"see": "imagine/banned_prompt", "with": refused})
    assert told(play.see(ended))[-2:] == ["a: Moderated by nonce", "b: Completed by weak"]


def test_a_picture_that_names_an_interaction_waits_for_that_of_a_job_just_asked() -> None:
    play = imagining()
    hand = {"interaction_metadata": BY_HAND, "interaction": BY_HAND}
    picture = event_of({"see": "imagine/final", "with": hand})
    assert told(play.see(picture)) == []
    assert play.talk.wake_at(caught_up=True) == START + timedelta(seconds=5)
    own = {"event": "INTERACTION_CREATE", "payload": {"id": "1400000000000000010", "nonce": NONCE}}
    assert told(play.see(event_of({"see": own}))) == ["a: InteractionSeen"]
    assert not play.talk.undecided
    assert play.jobs[JobId("a")].status is JobStatus.SUBMITTED


def test_a_picture_that_names_an_interaction_is_a_jobs_of_which_none_is_told() -> None:
    play = imagining()
    hand = {"interaction_metadata": BY_HAND, "interaction": BY_HAND}
    play.see(event_of({"see": "imagine/final", "with": hand}))
    play.perform({"wait": 5})
    step = next(iter(play.weigh()))
    assert told(step) == ["a: InteractionSeen", "a: Completed by weak"]


def test_a_picture_that_the_store_knows_to_be_another_jobs_waits_no_more() -> None:
    """I1."""
    play = two_alike()
    for number in (1, 2):
        play.see(event_of(started(number)))
    picture = event_of({"see": "imagine/final"})
    play.commit(play.talk.receive(picture, play.now))
    assert play.talk.undecided
    play.talk.disprove(_completed_by(play, picture))
    assert not play.talk.undecided


def _completed_by(play: Play, picture: GatewayEvent) -> Step:
    """Return the step of which the store says that its picture is another job's."""
    assert isinstance(picture, MessageSeen)
    job = replace(play.jobs[JobId("a")], message_id=picture.message.id)
    return Step(job_steps=[JobStep(job, [])])


@pytest.mark.parametrize(
    "look",
    [
        lambda play: play.talk.weigh(play.now),
        lambda play: play.talk.expire(play.now, caught_up=True),
        lambda play: play.talk.wake_at(caught_up=True),
    ],
    ids=["weigh", "expire", "wake_at"],
)
def test_waiting_pictures_are_counted_once_for_each_look(
    monkeypatch: pytest.MonkeyPatch, look: Callable[[Play], object]
) -> None:
    """Counting looks at all that was begun; each event asks while a picture waits."""
    play = two_alike()
    for number in (1, 2):
        play.see(event_of(started(number)))
    play.see(event_of({"see": "imagine/final"}))
    counted = Mock(side_effect=works)
    monkeypatch.setattr(held, "works", counted)
    look(play)
    assert counted.call_count == 1


# ── who gets nothing ──

NAMELESS = {"nonce": None, "interaction": None, "interaction_metadata": None}


def _picture(number: int, prompt: str = "a red fox --ar 3:2") -> GatewayEvent:
    """Return a finished picture that names nobody, with a uuid of its own."""
    uuid = f"{number:08}-2222-4333-8444-555555555555"
    files = PAYLOADS["imagine/final"].content["payload"]["attachments"]
    changes = {
        "id": str(1456483325706240000 + number),
        "content": f"**{prompt}** - <@{USER}> (fast)",
        "attachments": [files[0] | {"filename": f"ada_fox_{uuid}.webp"}],
        "components": [],
        **NAMELESS,
    }
    return event_of({"see": "imagine/final", "with": changes})


def _both_started() -> Play:
    play = two_alike()
    for number in (1, 2):
        play.see(event_of(started(number)))
    return play


def test_a_picture_that_only_a_stranger_could_own_is_his() -> None:
    play = imagining()
    owl = {"id": "1456483162128384007", "content": f"**an owl** - <@{USER}> (Waiting to start)"}
    play.see(event_of({"see": "imagine/started", "with": {**owl, "nonce": "66"}}))
    assert told(play.see(_picture(1, "an owl"))) == []
    assert not play.talk.undecided
    assert told(play.see(_picture(2, "an owl"))) == ["kept"]


def test_a_picture_of_an_ask_from_before_a_gap_waits_until_the_gap_is_read() -> None:
    play = imagining()
    play.see(event_of({"see": "imagine/started", "with": {"interaction": None}}))
    play.commit(play.talk.missed(play.now))
    play.talk.looking_back([JobId("a")], is_due=False)
    assert told(play.see(_picture(1))) == ["look back: a"]
    assert play.talk.undecided
    play.commit(play.talk.read_to_the_end("0"))
    assert [told(step) for step in play.weigh()] == [["a: Completed by weak"]]


def test_a_picture_that_may_be_from_before_we_listened_waits_until_that_is_read() -> None:
    play = Play()
    play.commit(play.talk.missed(play.now, "1456483162128383000"))
    play.now += timedelta(seconds=20)
    play.admit(replace(new_job("a", "imagine"), params={"prompt": "a red fox --ar 3:2"}))
    play.submit("a", NONCE)
    play.see(event_of({"see": "imagine/started"}))
    assert told(play.see(_picture(1))) == []
    assert play.talk.undecided
    play.talk.read_past()
    assert told(next(iter(play.weigh()))) == ["look back: a"]


def test_a_picture_in_shortened_words_is_nobodys_for_want_of_another_owner() -> None:
    """ADR 18: the bot may have shortened the longer prompt, which is no evidence."""
    play = imagining()
    assert told(play.see(_picture(1))) == []
    longer = "a very small red fox --ar 3:2"
    play.admit(replace(new_job("b", "imagine"), params={"prompt": longer}))
    play.submit("b", "1400000000000000003")
    assert told(play.see(_picture(2))) == []
    play.perform({"wait": 6})
    ends = [line for step in play.weigh() for line in told(step)]
    assert ends[0] == "a: Completed by weak"
    assert "b: Completed by weak" not in ends
    assert play.jobs[JobId("b")].hash is None


def test_two_pictures_of_two_asks_fail_both_once_history_was_read() -> None:
    play = _both_started()
    assert told(play.see(_picture(1))) == ["look back: a, b"]
    both = [JobId("a"), JobId("b")]
    play.talk.looking_back(both, is_due=False)
    play.talk.reading()
    assert told(play.see(_picture(2))) == []
    play.talk.looked_back(both, play.now)
    step = next(iter(play.weigh()))
    assert told(step) == ["a: Failed", "b: Failed", "untold", "untold"]
    assert {done.job.error for done in step.job_steps} == {sentences.NOT_TOLD_APART.text}


def test_two_pictures_of_two_ghosts_are_nobodys_and_wait_no_more() -> None:
    play = _both_started()
    for name in "ab":
        play.perform({"cancel": name})
    assert told(play.see(_picture(1))) == []
    assert play.talk.undecided
    # while history is read for them, one of the two may yet be told
    play.talk.reading_late([JobId("b")])
    assert told(play.see(_picture(2))) == []
    assert play.talk.undecided
    play.talk.reading_late([])
    assert [told(step) for step in play.weigh()] == [[]]
    assert not play.talk.undecided


def test_a_message_that_a_job_only_shows_again_gives_it_no_uuid() -> None:
    play = Play([replace(new_job("a", "show"), params={"uuid": "u"})])
    play.submit("a", NONCE)
    message = message_of(PAYLOADS["imagine/final"])
    asked = play.jobs[JobId("a")]
    step = matched(play.talk._state, asked, SeenAs.CREATED, message, read(message), "nonce", START)
    (done,) = step.job_steps
    assert (done.job.status, done.job.hash) == (JobStatus.COMPLETED, None)


# ── a job whose time is over may yet get a picture ──


def _may_be_given(play: Play) -> bool:
    state = play.talk._state
    return may_be_given(state, state.held.count(), play.jobs[JobId("a")])


def test_a_picture_that_is_surely_a_jobs_is_about_to_be_given() -> None:
    play = imagining()
    assert not _may_be_given(play)
    by_hand = {"interaction_metadata": BY_HAND, "interaction": BY_HAND}
    play.see(event_of({"see": "imagine/final", "with": by_hand}))
    assert _may_be_given(play)


def test_a_picture_may_be_a_jobs_while_history_is_read_for_a_ghost_beside_it() -> None:
    play = _both_started()
    play.perform({"cancel": "b"})
    play.see(_picture(1))
    assert not _may_be_given(play)
    play.talk.reading_late([JobId("b")])
    assert _may_be_given(play)
    play.talk.reading_late([JobId("another")])
    assert not _may_be_given(play)


@pytest.mark.parametrize(("minutes", "may_be"), [(29, True), (31, False)])
def test_a_picture_may_be_a_jobs_until_it_is_read_who_asked_before_we_listened(
    minutes: int, *, may_be: bool
) -> None:
    """R23: whoever asked before has had his picture after half an hour."""
    play = Play()
    play.commit(play.talk.missed(play.now, snowflake_at(START)))
    for name in "ab":
        play.admit(replace(new_job(name, "imagine"), params={"prompt": "a red fox --ar 3:2"}))
        play.submit(name, f"140000000000000000{name == 'b'}")
    play.now += timedelta(minutes=minutes)
    picture = {"id": snowflake_at(play.now), **NAMELESS}
    play.see(event_of({"see": "imagine/final", "with": picture}))
    assert _may_be_given(play) is may_be
    play.talk.read_past()
    assert not _may_be_given(play)


@pytest.mark.parametrize("named", [True, False], ids=["named", "nameless"])
def test_an_ask_from_before_we_listened_owns_no_answer_that_names_a_younger_interaction(
    *, named: bool
) -> None:
    """R20, ADR 30: an answer that names none may be that ask's, until history was read."""
    play = Play([replace(new_job("a", "shorten"), params={"prompt": "a very small red fox"})])
    play.talk.seen("1456483162128382000")
    play.commit(play.talk.missed(play.now, "1456483162128383000"))
    play.submit("a", NONCE)
    play.now += timedelta(seconds=6)
    interaction = {"id": "1456483162128383500", "name": "shorten", "user": {"id": USER}}
    shown: dict[str, object] = {"see": "shorten/shortened", "event": HISTORY}
    if named:
        shown["with"] = {"interaction": interaction, "interaction_metadata": interaction}
    else:
        shown |= {"without": ["interaction", "interaction_metadata"]}
    step = play.see(event_of(shown))
    assert ("a: Completed by weak" in told(step)) is named
    assert play.talk.undecided is not named
