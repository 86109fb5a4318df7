"""Pictures that wait to be told apart."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from unittest.mock import Mock

import pytest

from tests.build import replace
from tests.fakes import START
from tests.golden.corpus import HISTORY, event_of
from tests.harness.play import Play, new_job, told
from tests.harness.scenes import (
    BY_HAND,
    NONCE,
    imagining,
    started,
    two_alike,
)
from waystation.gateway_events import (
    GatewayEvent,
    MessageSeen,
)
from waystation.jobs import (
    JobId,
    JobStatus,
)
from waystation.midjourney.matching import held
from waystation.midjourney.matching.works import works
from waystation.midjourney.steps import JobStep, Step


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
