"""The consequences of a lost gateway session."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.build import replace
from tests.golden.corpus import event_of
from tests.harness.play import Play, join_all, new_job, told
from tests.harness.scenes import (
    NONCE,
    describing,
    imagining,
)
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
