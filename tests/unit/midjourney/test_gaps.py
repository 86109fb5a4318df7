"""The consequences of a lost gateway session."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.build import replace
from tests.golden.corpus import HISTORY, event_of
from tests.harness.play import USER, Play, join_all, new_job, told
from tests.harness.scenes import (
    NONCE,
    describing,
    imagining,
)
from waystation import sentences
from waystation.gateway_events import GatewayEvent
from waystation.jobs import (
    JobId,
)


def test_history_is_read_back_to_the_oldest_job_that_still_waits_for_something_in_it() -> None:
    play = Play([new_job("a"), new_job("b", "info"), new_job("c")])
    assert play.talk.readable == []
    play.submit("b", "1400000000000000101")
    assert play.talk.readable == []
    play.submit("a", NONCE)
    play.submit("c", "1400000000000000003")
    assert [job.jobid for job in play.talk.readable] == ["a", "c"]


def test_history_is_not_read_back_for_a_ghost_whose_late_result_is_in() -> None:
    play = describing()
    play.perform({"cancel": "a"})
    assert [job.jobid for job in play.talk.readable] == ["a"]
    play.see(event_of({"see": "describe/described"}))
    assert play.talk.readable == []


# ── what a gap hides (R20) ──


@pytest.mark.parametrize("cancelled", [False, True], ids=["living", "ghost"])
def test_after_a_gap_a_nameless_picture_waits_until_history_was_read_from_the_ask_on(
    *, cancelled: bool
) -> None:
    play = imagining()
    play.see(event_of({"see": "imagine/started"}))
    if cancelled:
        play.perform({"cancel": "a"})
    play.commit(play.talk.missed(play.now))
    play.restart()
    ghosts = [job.jobid for job in play.talk.unread_ghosts]
    assert ghosts == (["a"] if cancelled else [])
    play.talk.reading_late(ghosts)
    play.talk.looking_back([] if cancelled else [JobId("a")], is_due=False)
    nothing = [] if cancelled else ["look back: a"]
    assert told(play.see(event_of({"see": "imagine/final"}))) == nothing
    asked_after = play.jobs[JobId("a")].asked_after or "0"
    play.commit(play.talk.read_to_the_end(str(int(asked_after) + 1)))
    assert told(join_all(list(play.weigh()))) == []
    play.commit(play.talk.read_to_the_end(asked_after))
    assert play.talk.unread_ghosts == []
    end = "a: Late by weak" if cancelled else "a: Completed by weak"
    assert told(join_all(list(play.weigh()))) == [end]
    assert not any(kind == "unread" for kind, _ in play.seen)


def test_a_job_asked_after_a_gap_waits_for_no_history_of_ghosts() -> None:
    play = imagining()
    play.perform({"cancel": "a"})
    play.commit(play.talk.missed(play.now))
    play.talk.seen("1400000000000000500")
    owl = replace(new_job("b", "imagine"), params={"prompt": "an owl"})
    play.admit(owl)
    play.submit("b", "1400000000000000003")
    picture = {"content": "**an owl --ar 3:2** - <@1144000000000000001> (fast)"}
    play.now += timedelta(seconds=6)
    step = play.see(event_of({"see": "imagine/final", "with": picture}))
    assert told(step) == ["b: Completed by weak"]


def test_a_reply_that_history_does_not_have_is_lost_with_the_gap() -> None:
    """R29."""
    play = Play([new_job("a", "info"), new_job("b")])
    play.submit("a", NONCE)
    play.submit("b", "1400000000000000003")
    assert told(play.perform({"settle": True})) == ["a: Failed"]
    assert play.jobs[JobId("a")].error == "reply lost"


def test_history_is_read_from_the_gap_on_for_a_job_that_draws_and_no_other() -> None:
    """R23: an ask by hand from before we listened may own the picture that comes."""
    play = Play()
    play.talk.seen("1400000000000000400")
    play.commit(play.talk.missed(play.now, "1400000000000000500"))
    play.admit(new_job("a", "info"))
    play.submit("a", "1400000000000000101")
    assert play.talk.unread_past is None
    play.admit(replace(new_job("b", "imagine"), params={"prompt": "a red fox"}))
    assert play.talk.unread_past is None
    play.submit("b", NONCE)
    assert play.talk.unread_past == "1400000000000000400"
    play.commit(play.talk.read_to_the_end("1400000000000000400"))
    assert play.talk.unread_past is None


def test_history_that_was_read_or_cannot_be_is_read_again_after_the_next_gap() -> None:
    play = imagining()
    play.talk.seen("1400000000000000400")
    play.commit(play.talk.missed(play.now, "1400000000000000500"))
    assert play.talk.unread_past is not None
    play.talk.read_past()
    assert play.talk.unread_past is None
    play.commit(play.talk.missed(play.now, "1400000000000000600"))
    assert play.talk.unread_past is not None


# ── the answer to a shorten, of whose interaction the gap has taken all word ──


def shortening(prompt: str = "a very small red fox") -> Play:
    """Submit a shorten, and lose the gateway session before Discord tells its interaction."""
    play = Play([replace(new_job("a", "shorten"), params={"prompt": prompt})])
    play.submit("a", NONCE)
    play.commit(play.talk.missed(play.now, AFTER_THE_ANSWER))
    play.restart()
    play.perform({"silent": "a"})
    play.now += timedelta(seconds=6)
    return play


AFTER_THE_ANSWER = "1456483162128399999"
"""The newest id that Discord tells a session that begins after the gap."""


def shortened(interaction_id: str = "1400000000000000010", **changes: object) -> GatewayEvent:
    """Return the answer as history has it: without a nonce, its words as the golden has them."""
    named = {"id": interaction_id, "name": "shorten", "user": {"id": USER}}
    with_ = {"interaction": named, "interaction_metadata": named, **changes}
    return event_of({"see": "shorten/shortened", "event": HISTORY, "with": with_})


def read_to_the_end(play: Play) -> list[str]:
    """Tell that history was read from the ask of job `a` on, and return what follows."""
    play.commit(play.talk.read_to_the_end(play.jobs[JobId("a")].asked_after or "0"))
    play.talk.looked_back([JobId("a")], play.now)
    return told(join_all(list(play.weigh())))


def test_a_shorten_completes_from_history_although_nothing_told_its_interaction() -> None:
    """R20, R30: the answer names the command and shows the prompt, which nobody else asked for."""
    play = shortening()
    assert "a: Completed by weak" not in told(play.see(shortened()))
    assert read_to_the_end(play) == ["a: InteractionSeen", "a: Completed by weak"]
    assert play.jobs[JobId("a")].result == {
        "prompts": ["a very red fox", "a red fox", "red fox"],
    }


def test_a_shorten_of_another_prompt_is_not_answered_from_history() -> None:
    play = shortening("a very small red")
    play.see(shortened())
    assert read_to_the_end(play) == []


def test_two_answers_to_one_shorten_are_given_to_nobody() -> None:
    """R23: one of them was asked for by hand in the gap."""
    play = shortening()
    for number in (1, 2):
        play.see(shortened(f"140000000000000001{number}", id=f"145648316212838400{number}"))
    read_to_the_end(play)
    assert play.jobs[JobId("a")].error == sentences.NOT_TOLD_APART.text


def test_a_shorten_that_somebody_is_known_to_have_asked_by_hand_answers_no_job() -> None:
    play = shortening()
    told_by_hand = {"id": "1400000000000000010", "nonce": "99"}
    play.see(event_of({"see": {"event": "INTERACTION_CREATE", "payload": told_by_hand}}))
    play.see(shortened())
    assert read_to_the_end(play) == []


def test_a_picture_of_the_prompt_of_a_shorten_says_nothing_of_the_shorten() -> None:
    """A shorten draws nothing: the picture is somebody else's."""
    play = shortening("a red fox")
    play.see(event_of({"see": "imagine/final", "event": HISTORY}))
    assert read_to_the_end(play) == []
    assert not play.talk.undecided


def test_the_later_of_two_shortens_has_the_answer_to_the_later_interaction() -> None:
    """R15: one of which nothing was heard is no rival of the next, as Discord numbers asks."""
    play = shortening()
    play.now += timedelta(seconds=60)
    play.talk.looked_back([JobId("a")], play.now)
    assert told(play.perform({"expire": True})) == ["a: Lost"]
    again = replace(new_job("b", "shorten", play.now), params=play.jobs[JobId("a")].params)
    play.admit(again)
    play.talk.seen(AFTER_THE_ANSWER)
    play.submit("b", "1400000000000000003")
    play.now += timedelta(seconds=6)
    later = str(int(AFTER_THE_ANSWER) + 2)
    play.commit(play.talk.read_to_the_end("0"))
    step = play.see(shortened(str(int(AFTER_THE_ANSWER) + 1), id=later))
    assert told(step) == ["b: InteractionSeen", "b: Completed by weak"]
