from __future__ import annotations

import pytest

from waystation import sentences
from waystation.engine.account.turns import (
    IN_FLIGHT_S,
    NOT_ANSWERED,
    Hindrance,
    Turns,
    lane,
    remaining,
)
from waystation.jobs import Failed, Refused
from waystation.ports import Standing

LIMITED = '{"global":false,"message":"You are being rate limited.","retry_after":120.5}'


def test_an_ask_is_followed_by_a_pause_and_is_in_flight_for_five_seconds() -> None:
    turns = Turns()
    turns.asked(100.0, 2.5)
    assert (turns.pause_s(101.0), turns.in_flight_s(101.0)) == (1.5, IN_FLIGHT_S - 1)


def test_a_press_of_cancel_is_paced_and_no_ask_in_flight() -> None:
    turns = Turns()
    turns.asked(100.0, 2.5, unbound=False)
    assert (turns.pause_s(100.0), turns.in_flight_s(100.0)) == (2.5, -100.0)


def test_the_longest_wait_stands_whoever_knows_of_it() -> None:
    turns = Turns()
    assert turns.standing(0.0, None) is None
    turns.told(0.0, 120.0, LIMITED)
    turns.told(0.0, 5.0, "shorter")
    assert turns.standing(20.0, None) == Standing(100.0, LIMITED)
    other = Standing(101.0, "from an upload")
    assert turns.standing(20.0, other) == other
    assert turns.standing(20.0, Standing(99.0, "")) == Standing(100.0, LIMITED)
    assert turns.standing(120.0, None) is None


def test_a_wait_of_uploads_holds_back_only_what_must_be_uploaded() -> None:
    turns = Turns()
    turns.told(0.0, 120.0, LIMITED, uploads=True)
    assert turns.standing(20.0, None) is None
    assert turns.standing(20.0, None, uploads=True) == Standing(100.0, LIMITED)
    turns.told(0.0, 150.0, "of all")
    assert turns.standing(20.0, None, uploads=True) == Standing(130.0, "of all")


def test_discords_last_word_is_repeated_with_the_seconds_that_remain() -> None:
    said = remaining(Standing(99.2, LIMITED))
    assert said == '{"global":false,"message":"You are being rate limited.","retry_after":100}'
    assert remaining(Standing(99.2, "<html>")) == "<html>"


@pytest.mark.parametrize("text", ['{"a":' + "[" * 1990, '{"a":' + '{"b":' * 390, "[1]"])
def test_a_last_word_that_cannot_be_read_is_repeated_as_it_is(text: str) -> None:
    assert remaining(Standing(99.2, text)) == text


@pytest.mark.parametrize("hindrance", list(Hindrance))
def test_every_hindrance_ends_a_job_with_its_own_sentence(hindrance: Hindrance) -> None:
    end = hindrance.end("60 seconds", Standing(30.0, LIMITED))
    if hindrance is Hindrance.DISCORD:
        assert end == Refused(429, sentences.RATE_LIMITED.text, remaining(Standing(30.0, LIMITED)))
    else:
        text = hindrance.value.said(time="60 seconds")
        assert end == Failed(502, text, sentences.NOTHING_SENT)


@pytest.mark.parametrize("hindrance", list(Hindrance))
def test_every_hindrance_of_an_answer_fails_a_job_that_was_asked(hindrance: Hindrance) -> None:
    end = hindrance.end("60 seconds", Standing(30.0, LIMITED), opened=True)
    if hindrance is Hindrance.DISCORD:
        assert end == Failed(429, sentences.RATE_LIMITED.text, remaining(Standing(30.0, LIMITED)))
    else:
        assert end == Failed(502, hindrance.value.said(time="60 seconds"), NOT_ANSWERED)


@pytest.mark.parametrize(
    ("first_answer_s", "pacing_s", "places"),
    [(60.0, 2.5, 24), (60.0, 0.0, 50), (60.0, 0.5, 50), (5.0, 2.5, 5), (60.0, 20.0, 5)],
)
def test_a_lane_takes_as_many_as_get_their_turn(
    first_answer_s: float, pacing_s: float, places: int
) -> None:
    """R16."""
    assert lane(first_answer_s, pacing_s) == places


def test_a_standing_is_of_discord_or_of_our_own_breaker() -> None:
    assert Hindrance.of(Standing(1.0, "")) is Hindrance.DISCORD
    assert Hindrance.of(Standing(1.0, "", is_breaker=True)) is Hindrance.BREAKER


def test_a_request_that_could_not_leave_takes_its_own_pause_back() -> None:
    turns = Turns()
    turns.asked(0, 5)
    turns.asked(1, 50, nonce="7")
    turns.not_left("7")
    assert turns.pause_s(2) == 3
    # not that of what was sent after it
    turns.asked(10, 5, nonce="8")
    turns.asked(11, 5, unbound=False)
    turns.not_left("8")
    assert turns.pause_s(12) == 4
