"""The knowledge of other people's asks."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.build import replace
from tests.fakes import START
from tests.harness.asks import a_job, a_reading
from waystation.jobs import MessageRole
from waystation.midjourney.captions import Caption
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


def _at(seconds: float) -> str:
    return snowflake_at(START + timedelta(seconds=seconds))


def test_a_reading_that_names_nothing_disowns_nothing() -> None:
    others = Others(Memory())
    others.disown(None, "66")
    assert others.is_disowned("66")
    assert not others.is_disowned(None)


def test_a_message_of_a_job_that_is_done_tells_nothing_of_asks_by_hand() -> None:
    others = Others(Memory())
    others.asked_by_hand(_at(0), "66")
    others.settle(a_job("a", messages={"901": MessageRole.RESULT}))
    others.hear(a_reading("901", ReplyKind.PICTURE, nonce="66"))
    assert others.by_hand.find("66") == _at(0)


def test_an_empty_answer_that_names_nobody_opens_no_ask() -> None:
    others = Others(Memory())
    said = a_reading(_at(1), ReplyKind.ACKNOWLEDGED)
    others.hear(said)
    assert others.by_hand.find(_at(1)) is None
    # by its nonce it is somebody's, whose interaction was not told
    others.hear(replace(said, nonce="66"))
    assert others.by_hand.find("66") == _at(1)


@pytest.mark.parametrize(
    ("reference_id", "names", "several"),
    [("500", {"nonce": "66"}, 4), ("500", {}, 0), (None, {"nonce": "66"}, 0)],
    ids=["named", "nameless", "no reply"],
)
def test_a_press_by_hand_that_drew_may_bring_several_pictures(
    reference_id: str | None, names: dict[str, str], several: int
) -> None:
    others = Others(Memory())
    others.hear(a_reading(_at(1), ReplyKind.PICTURE, reference_id=reference_id, **names))
    assert len(others.several(a_reading(_at(2), reference_id="500"))) == several
    assert not others.several(a_reading(_at(2), reference_id="501"))
    assert not others.several(a_reading(_at(2)))


def test_one_press_by_hand_may_bring_pictures_for_a_day() -> None:
    others = Others(Memory())
    others.hear(a_reading(_at(0), ReplyKind.PICTURE, reference_id="500", nonce="66"))
    day = timedelta(hours=24).total_seconds()
    assert others.several(a_reading(_at(day - 1), reference_id="500"))
    assert not others.several(a_reading(_at(day), reference_id="500"))


def _asked_twice() -> Others:
    others = Others(Memory())
    others.asked_by_hand(_at(0), "66")
    others.asked_by_hand(_at(1), "67")
    return others


def _open(others: Others) -> list[str]:
    return [*others.by_hand.before(_at(99))]


def test_a_message_answers_one_ask_by_hand_however_often_it_is_heard() -> None:
    others = _asked_twice()
    for _ in range(2):
        others.answers(a_reading(_at(5), ReplyKind.RATED))
    assert _open(others) == [_at(0)]


def test_a_picture_may_be_the_end_of_the_ask_whose_start_was_counted() -> None:
    others = _asked_twice()
    others.answers(a_reading(_at(5), ReplyKind.PROGRESS))
    others.answers(a_reading(_at(9), ReplyKind.PICTURE))
    assert _open(others) == [_at(0)]


def test_a_picture_after_a_start_that_is_over_is_the_end_of_another_ask() -> None:
    others = _asked_twice()
    start = replace(a_reading(_at(5), ReplyKind.PROGRESS), caption=Caption("a red fox"))
    others.strangers.note(start)
    others.answers(start)
    others.strangers.finish(_at(5), a_reading(_at(6), ReplyKind.PICTURE))
    others.answers(a_reading(_at(9), ReplyKind.PICTURE))
    assert _open(others) == []


def test_a_picture_from_before_a_start_is_the_end_of_another_ask() -> None:
    others = _asked_twice()
    others.answers(a_reading(_at(5), ReplyKind.PROGRESS))
    others.answers(a_reading(_at(4), ReplyKind.PICTURE))
    assert _open(others) == []
