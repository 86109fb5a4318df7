"""Gaps, and the pictures that wait until history was read for them (R20, R23)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.build import replace
from tests.fakes import START, id_at
from tests.golden.corpus import HISTORY, Json, event_of
from tests.harness.play import CHANNEL, Play, join_all, new_job, told
from waystation.gateway_events import MessageGone
from waystation.jobs import Job, JobId
from waystation.midjourney.deadlines import IN_FLIGHT
from waystation.midjourney.matching.unread import Doubts, Unread
from waystation.midjourney.memory import Memory
from waystation.wire.snowflake import NO_SNOWFLAKE

FOX = "a red fox --ar 3:2"


def asked(seconds: float) -> Job:
    return replace(new_job("a", "imagine"), submitted_at=START, asked_after=id_at(seconds))


# ── what is remembered ──


def test_a_gap_in_which_nobody_has_said_anything_hides_nothing() -> None:
    unread = Unread(Memory())
    assert not unread.missed((), id_at(0), id_at(0))
    assert unread.past is None and not unread.may_own(id_at(1))


def test_history_is_read_from_what_was_heard_last_and_at_most_thirty_minutes_back() -> None:
    unread = Unread(Memory())
    assert unread.missed((), id_at(-60), id_at(0))
    assert unread.past == id_at(-60)
    unread = Unread(Memory())
    unread.missed((), NO_SNOWFLAKE, id_at(0))
    assert unread.past == id_at(-1800)


def test_a_gap_after_one_that_is_not_read_back_is_read_with_it() -> None:
    unread = Unread(Memory())
    unread.missed((), id_at(-60), id_at(0))
    unread.missed((), id_at(100), id_at(200))
    assert unread.past == id_at(-60)
    assert unread.may_own(id_at(1900))


def test_a_reading_from_there_on_ends_it_and_a_shorter_one_does_not() -> None:
    unread = Unread(Memory())
    unread.missed((), id_at(-60), id_at(0))
    unread.read_to_the_end(id_at(-59), ())
    assert unread.may_own(id_at(1))
    unread.read_to_the_end(id_at(-60), ())
    assert not unread.may_own(id_at(1)) and unread.past is None


def test_a_picture_is_of_an_ask_from_before_for_as_long_as_a_job_may_run() -> None:
    unread = Unread(Memory())
    unread.missed((), NO_SNOWFLAKE, id_at(0))
    assert unread.may_own(id_at(1799)) and not unread.may_own(id_at(1800))
    assert not unread.may_own("no id")


def test_the_next_process_knows_it() -> None:
    memory = Memory()
    Unread(memory).missed((asked(-5),), NO_SNOWFLAKE, id_at(0))
    later = Unread(Memory(memory.changes()))
    assert later.past == id_at(-1800)
    assert later.hides_from(asked(-5))
    assert not later.hides_from(asked(-4))


def test_a_message_from_the_gap_is_one_that_history_may_show() -> None:
    unread = Unread(Memory())
    unread.missed((), id_at(-60), id_at(0))
    hidden = [unread.may_hide(id_at(seconds)) for seconds in (-61, -60, -59, 0, 1)]
    assert hidden == [False, False, True, True, False]


@pytest.mark.parametrize("came_s", [-9, -11, 9, 11])
def test_a_picture_is_doubted_that_came_about_when_something_unread_was_deleted(
    came_s: int,
) -> None:
    doubts, job = Doubts(), replace(new_job("a"), asked_after=id_at(5))
    moments = {0: "deleted", came_s: "came"}
    for moment in sorted(moments):
        now = START + timedelta(seconds=moment)
        if moments[moment] == "came":
            doubts.came("1", now)
        else:
            doubts.deleted(now, id_at(0))
    assert doubts.about("1", job) is (abs(came_s) < 10)


def test_doubts_of_a_process_that_runs_for_months_take_no_more_and_more_room() -> None:
    """G: each deletion that nobody has read makes the pictures beside it doubtful."""
    doubts, job = Doubts(), replace(new_job("a"), asked_after=id_at(5))
    for number in range(10_001):
        now = START + timedelta(minutes=number)
        doubts.listening(id_at(0), now)
        doubts.deleted(now, id_at(0))
        doubts.came(str(number), now)
    assert not doubts.about("0", job)
    assert doubts.about("1", job) and doubts.about("10000", job)


# ── which pictures wait ──


def listening() -> Play:
    """Return a conversation that began to listen at START, and was asked for a fox since."""
    play = Play()
    play.commit(play.talk.missed(play.now - timedelta(minutes=1), id_at(0)))
    play.admit(replace(new_job("a", "imagine"), params={"prompt": FOX}))
    play.now += timedelta(seconds=20)
    step = play.submit("a", id_at(20, 7))
    assert step.reads_past
    see(play, "imagine/started", 21, nonce=id_at(20, 7))
    return play


def message(name: str, seconds: float, **changes: object) -> Json:
    nameless = {"interaction": None, "interaction_metadata": None, "nonce": None}
    return {"see": name, "with": {**nameless, "id": id_at(seconds, 3), **changes}}


def see(play: Play, name: str, seconds: float, **changes: object) -> list[str]:
    play.now = START + timedelta(seconds=seconds)
    event = changes.pop("event", None)
    dispatch = message(name, seconds, **changes)
    if event is not None:
        dispatch["event"] = event
    return told(play.see(event_of(dispatch)))


def read(play: Play, *of_history: Json) -> list[str]:
    """Read history to its end; return what follows."""
    since = play.talk.unread_past
    assert since is not None
    for one in of_history:
        play.commit(play.talk.receive(event_of({**one, "event": HISTORY}), play.now))
    play.commit(play.talk.read_to_the_end(since))
    play.talk.read_past()
    return told(join_all(list(play.weigh())))


def test_a_nameless_picture_waits_until_history_tells_who_asked_before_we_listened() -> None:
    play = listening()
    assert see(play, "imagine/final", 40) == []
    assert read(play) == ["a: Completed by weak"]
    assert play.talk.unread_past is None


@pytest.mark.parametrize("begun", ["imagine/started", "imagine/progress_0"])
def test_it_is_not_ours_if_somebody_had_asked_for_the_same(begun: str) -> None:
    play = listening()
    assert see(play, "imagine/final", 40) == []
    # who asked before we listened is still drawn for, without a uuid or with that of the picture
    assert set(read(play, message(begun, -5))) <= {"look back: a"}
    assert play.jobs[JobId("a")].hash is None


def test_a_picture_that_names_us_waits_for_nothing() -> None:
    play = listening()
    interaction = {"id": id_at(20, 9)}
    payload = {**interaction, "nonce": id_at(20, 7)}
    play.see(event_of({"see": {"event": "INTERACTION_CREATE", "payload": payload}}))
    ended = see(play, "imagine/final", 40, interaction_metadata=interaction)
    assert ended == ["a: Completed by interaction"]


def test_a_history_that_cannot_be_read_ends_the_waiting_honestly() -> None:
    play = listening()
    assert see(play, "imagine/final", 40) == []
    play.talk.read_past()
    ends = [line for step in play.weigh() for line in told(step)]
    assert ends == ["look back: a", "a: Failed", "untold"]
    assert play.jobs[JobId("a")].error == "Result could not be told apart"


def test_a_picture_is_nobodys_whose_progress_may_have_gone_before_it_was_read() -> None:
    play = listening()
    assert see(play, "imagine/final", 40) == []
    play.see(MessageGone(id_at(-5, 3), CHANNEL))
    assert read(play) == ["a: Failed", "look back: a", "untold"]


def bridged(play: Play) -> list[str]:
    """Lose ten seconds of an ask made at START; hear a deletion and a picture; read it all back.

    Returns: what follows, once nothing is missing
    """
    play.now = START + timedelta(seconds=20)
    play.commit(play.talk.missed(play.now, id_at(10)))
    picture = message("imagine/final", 22)
    for event in (MessageGone(id_at(5, 3), CHANNEL), event_of(picture)):
        play.commit(play.talk.receive(event, play.now))
    play.commit(play.talk.receive(event_of({**picture, "event": HISTORY}), play.now))
    play.commit(play.talk.read_to_the_end(NO_SNOWFLAKE))
    play.talk.read_past()
    play.talk.looked_back([JobId("a")], play.now)
    play.now += timedelta(seconds=10)
    return told(join_all(list(play.weigh())))


def test_a_message_deleted_unread_may_have_been_the_start_of_an_ask_from_before_the_gap() -> None:
    """R20: one picture, and one job that was never seen to start: the deleted message was its."""
    play = Play()
    play.admit(replace(new_job("a", "imagine"), params={"prompt": FOX}))
    play.submit("a", id_at(0, 7))
    assert bridged(play) == ["a: Completed by weak"]


def test_a_job_that_was_seen_to_start_had_another_message_than_the_deleted_one() -> None:
    play = Play()
    play.admit(replace(new_job("a", "imagine"), params={"prompt": FOX}))
    play.submit("a", id_at(0, 7))
    see(play, "imagine/started", 1, nonce=id_at(0, 7))
    assert "a: Completed by weak" not in bridged(play)


def test_a_message_that_is_deleted_when_all_is_read_says_nothing() -> None:
    play = listening()
    assert read(play) == []
    play.see(MessageGone(id_at(-5, 3), CHANNEL))
    assert see(play, "imagine/final", 40) == ["a: Completed by weak"]


def test_nor_is_one_that_comes_as_we_begin_to_listen() -> None:
    play = Play()
    play.commit(play.talk.missed(play.now, id_at(0)))
    play.admit(replace(new_job("a", "imagine"), params={"prompt": FOX}))
    play.submit("a", id_at(0, 7))
    see(play, "imagine/started", 1, nonce=id_at(0, 7))
    assert see(play, "imagine/final", 4) == []
    assert read(play) == ["a: Failed", "look back: a", "untold"]


@pytest.mark.parametrize(
    ("begun_s", "is_ours"),
    # before the gap ended, before the ask, after it
    [(-5, False), (0.2, False), (1, True)],
)
@pytest.mark.parametrize("event", ["came", "deleted"])
def test_a_picture_that_comes_so_early_is_ours_if_its_own_progress_began_after_the_ask(
    begun_s: float, is_ours: bool, event: str
) -> None:
    """R20: nobody's progress was gone before it was read; the bot names nobody."""
    play = Play()
    play.commit(play.talk.missed(play.now, id_at(0)))
    play.admit(replace(new_job("a", "imagine"), params={"prompt": FOX}))
    play.now += timedelta(seconds=0.5)
    play.talk.seen(id_at(0.5))
    play.submit("a", id_at(0.5, 7))
    if event == "deleted":
        play.see(MessageGone(id_at(-6, 3), CHANNEL))
    see(play, "imagine/progress_31", 2, id=id_at(begun_s, 3))
    see(play, "imagine/final", 4)
    ended = read(play)
    # until then its interaction may be told
    play.now += IN_FLIGHT
    ended += told(join_all(list(play.weigh())))
    assert ("a: Completed by weak" in ended) is is_ours
    assert (play.jobs[JobId("a")].hash is not None) is is_ours


def test_nothing_is_read_where_no_picture_depends_on_it() -> None:
    play = Play()
    play.commit(play.talk.missed(play.now, id_at(0)))
    assert play.talk.unread_past is None
    play.admit(new_job("a", "info"))
    assert not play.submit("a", id_at(1)).reads_past
    assert play.talk.unread_past is None
    # half an hour later whoever asked before is served
    play.talk.seen(id_at(1800))
    play.admit(new_job("b", "imagine"))
    assert not play.submit("b", id_at(1801)).reads_past


def test_a_reading_that_ends_after_an_ask_leaves_its_gap_as_it_is() -> None:
    early, later = asked(-20), asked(-5)
    unread = Unread(Memory())
    unread.missed((early, later), id_at(0), id_at(0))
    assert unread.hides_from(early) and unread.hides_from(later)
    unread.read_to_the_end(id_at(-10), (early, later))
    assert unread.hides_from(early) and not unread.hides_from(later)
    unread.read_to_the_end(id_at(-20), (early, later))
    assert not unread.hides_from(early)
