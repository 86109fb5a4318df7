"""Pictures that wait to be told apart; whose they are is in test_elimination.py."""

from __future__ import annotations

from dataclasses import replace

from tests.fakes import START
from tests.golden.corpus import PAYLOADS, message_of
from tests.unit.midjourney.play import new_job
from waystation.gateway_events import MessageStep
from waystation.jobs import Job, JobStatus
from waystation.midjourney.held import HeldPicture, HeldPictures
from waystation.midjourney.matching import Candidates
from waystation.midjourney.replies import read

PICTURE = message_of(PAYLOADS["imagine/final"])


def _asking(name: str) -> Job:
    return replace(
        new_job(name, "imagine"),
        status=JobStatus.SUBMITTED,
        submitted_at=START,
        params={"prompt": "a red fox --ar 3:2"},
    )


def _held(*names: str) -> HeldPictures:
    held = HeldPictures(Candidates([_asking(name) for name in names]))
    held.hold(HeldPicture(MessageStep.CREATED, PICTURE, read(PICTURE), frozenset(names)))
    return held


def test_a_picture_that_only_one_could_own_is_decided() -> None:
    ((picture, ask),) = _held("a").decided()
    assert (picture.message, ask) == (PICTURE, "a")


def test_a_picture_that_two_could_own_waits_and_is_told_for_both() -> None:
    held = _held("a", "b")
    assert list(held.decided()) == []
    assert held.of(frozenset({"a"})) == held.of(frozenset({"b"})) == (PICTURE,)
    assert held.of(frozenset({"c"})) == ()


def test_a_failed_jobs_pictures_go_to_nobody() -> None:
    held = _held("a", "b")
    held.give_up(_asking("a").jobid)
    assert len(held) == 0


def test_a_picture_that_is_not_held_can_be_discarded() -> None:
    held = _held("a")
    held.discard("another")
    assert len(held) == 1
    held.discard(PICTURE.id)
    assert len(held) == 0
