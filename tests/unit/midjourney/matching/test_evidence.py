"""The signs by which a message and a job are known."""

from __future__ import annotations

import re

from tests.build import replace
from tests.harness.asks import a_job, a_press, a_reading
from tests.harness.play import new_job
from waystation.jobs import MessageRole, Shown
from waystation.midjourney import matching
from waystation.midjourney.matching.evidence import (
    EVIDENCE,
    Strength,
    keys_of,
    known_hash,
    progress_of,
)


def test_a_job_is_known_by_a_key_of_each_row() -> None:
    job = a_job("a", interaction_id="i", hash="h", source_hash="s")
    shown = {"1": MessageRole.PROGRESS, "2": MessageRole.RESULT, "500": MessageRole.TARGET}
    keys = list(keys_of(replace(job, verb="seed", messages=shown)))
    assert keys == [
        ("nonce", "nonce-a"),
        ("message", "1"),
        ("message", "2"),
        ("interaction", "i"),
        ("hash", "h"),
        ("seed", "s"),
        ("upload", "picture-nonce-a"),
        ("replied", "1"),
        ("replied", "2"),
    ]
    assert {kind for kind, _ in keys} == {row.kind for row in EVIDENCE}


def test_a_reply_to_a_notice_of_a_later_start_is_the_jobs_and_it_has_not_begun() -> None:
    job = a_job("a", messages={"4": MessageRole.NOTICE})
    assert {("message", "4"), ("replied", "4")} <= set(keys_of(job))
    assert progress_of(job) == []


def test_a_job_that_has_shown_nothing_is_known_by_nothing() -> None:
    assert list(keys_of(new_job("a"))) == []


def test_evidence_that_a_hand_can_repeat_is_the_weakest() -> None:
    strengths = [row.strength for row in EVIDENCE]
    assert strengths == sorted(strengths, key=list(Strength).index)
    assert [row.name for row in EVIDENCE if row.copied_by] == ["upload", "reference"]
    assert all(bool(row.copied_by) is (row.strength is Strength.NAMES) for row in EVIDENCE)


def test_every_row_says_from_where_it_is_known() -> None:
    assert all(row.source.startswith("wire notes ") for row in EVIDENCE)


def test_the_page_of_the_folder_shows_the_rows_in_their_order() -> None:
    told = re.findall(r"^    (\w+) +\S.*?  +(no|yes)(?:, (.*))?$", matching.__doc__ or "", re.M)
    rows = [(one.name, "yes" if one.copied_by else "no", one.copied_by) for one in EVIDENCE]
    assert told == [*rows, ("likeness", "yes", "")]


def test_one_of_several_results_is_no_message_to_which_the_next_replies() -> None:
    """R23: what replies to it answers a press on it."""
    shown = {"1": MessageRole.PROGRESS, "2": MessageRole.RESULT}
    several = a_press("a", "Imagine all 🎉", messages=shown)
    assert [value for kind, value in keys_of(several) if kind == "replied"] == ["1"]
    assert progress_of(several) == ["1"]


def test_a_ghost_is_known_by_the_uuid_that_came_late() -> None:
    assert known_hash(a_job("a")) is None
    assert known_hash(a_job("a", hash="h")) == "h"
    assert known_hash(a_job("a", late=Shown("900", hash="late"))) == "late"


def test_a_job_shown_again_is_not_known_by_its_uuid() -> None:
    (row,) = [row for row in EVIDENCE if row.name == "hash"]
    assert row.of_message(a_reading(hash="h")) == "h"
    assert row.of_message(a_reading(hash="h", command="show")) is None
