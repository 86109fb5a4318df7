"""The knowledge of other people's asks."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.build import replace
from tests.fakes import START
from tests.harness.asks import a_job, a_reading
from waystation.jobs import MessageRole
from waystation.midjourney.matching.others import Others
from waystation.midjourney.memory import Memory
from waystation.midjourney.replies import ReplyKind
from waystation.wire.snowflake import snowflake_at


def test_a_settled_sign_is_neither_nothing_nor_a_message_that_was_pressed() -> None:
    others = Others(Memory())
    pressed = {"500": MessageRole.TARGET, "900": MessageRole.RESULT}
    others.settle(a_job("a", messages=pressed))
    assert others.is_settled(a_reading("900"))
    assert not others.is_settled(a_reading("500"))
    # no uuid, no nonce and no interaction: known by nothing
    assert not others.is_settled(a_reading("901"))


def test_the_former_signs_of_a_job_are_settled_with_it() -> None:
    others = Others(Memory())
    others.settle(a_job("a"), earlier=[("nonce", "first")])
    assert others.is_settled(a_reading("901", nonce="first"))
    assert others.is_settled(a_reading("901", nonce="nonce-a"))
    assert others.is_settled_id("first")


def test_an_ask_by_hand_is_told_once() -> None:
    others = Others(Memory())
    asked = snowflake_at(START)
    others.asked_by_hand(asked, "66")
    assert others.is_disowned(asked)
    assert others.by_hand.find("66") == asked
    others.by_hand.answered(asked)
    others.asked_by_hand(asked, "66")
    assert others.by_hand.find("66") is None


def test_an_interaction_of_a_job_that_is_done_is_no_ask_by_hand() -> None:
    others = Others(Memory())
    asked = snowflake_at(START)
    others.settle(a_job("a", interaction_id=asked))
    others.asked_by_hand(asked, "66")
    assert others.by_hand.find(asked) is None


@pytest.mark.parametrize(("command", "known"), [("imagine", True), ("info", False)])
def test_an_empty_answer_keeps_an_ask_open_that_may_draw(command: str, *, known: bool) -> None:
    others = Others(Memory())
    asked = snowflake_at(START)
    others.asked_by_hand(asked, "66")
    said = a_reading("901", ReplyKind.ACKNOWLEDGED, interaction_id=asked, command=command)
    others.hear(said)
    assert (others.by_hand.find("901") == asked) is known
    others.hear(replace(said, kind=ReplyKind.PICTURE))
    assert others.by_hand.find(asked) is None


def test_a_picture_that_nobody_gets_is_owned_by_nobody_who_waits() -> None:
    others = Others(Memory())
    picture = a_reading("901", ReplyKind.PICTURE, hash="h")
    assert not others.owns(picture)
    others.discard(picture)
    assert others.owns(picture)
    assert others.owns(a_reading("902", ReplyKind.PICTURE, hash="h"))


def test_a_message_that_names_nobody_answers_an_ask_by_hand_only_where_it_is_addressed_to_us() -> (
    None
):
    others = Others(Memory())
    asked = snowflake_at(START)
    others.asked_by_hand(asked, "66")
    said = a_reading(snowflake_at(START + timedelta(seconds=1)), ReplyKind.PICTURE)
    others.may_answer(said)
    assert others.by_hand.find(asked) == asked
    others.may_answer(replace(said, addressee="1"))
    assert others.by_hand.find(asked) is None
