"""Rules of copying: which files, which cuts, how long and how much."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.build import replace
from tests.fakes import START
from tests.harness.face import JOB
from waystation.jobs import JobStatus
from waystation.media.copying import (
    GIVEN_UP_AFTER,
    LEAST_FREE_BYTES,
    Bounds,
    can_have_room,
    copied,
    cut_name,
    next_copy_at,
    wants_room,
)
from waystation.media.files import Wish
from waystation.wire.message import Attachment

DONE = replace(
    JOB,
    status=JobStatus.COMPLETED,
    attachments=(
        Attachment("7", url="https://cdn.test/a"),
        Attachment("8"),
        Attachment("9", url="x"),
    ),
)
GIB = 1024**3


def test_the_files_of_a_completed_job_are_copied() -> None:
    assert copied(None, DONE) == [(0, "7"), (2, "9")]
    running = replace(DONE, status=JobStatus.PROGRESS)
    assert copied(running, DONE) == [(0, "7"), (2, "9")]
    assert copied(None, running) == ()


def test_files_are_copied_anew_where_they_have_changed() -> None:
    assert copied(DONE, DONE) == ()
    late = replace(DONE, attachments=(Attachment("6", url="y"),))
    assert copied(DONE, late) == [(0, "6")]


@pytest.mark.parametrize(
    ("tile", "size", "kind", "name"),
    [
        (None, 320, None, "0-320-same"),
        (3, 640, "webp", "3-640-webp"),
        (None, 320, "avif", "0-320-avif"),
        (None, 1280, "webp", ""),
        (None, 320, "png", ""),
        (2, None, None, ""),
    ],
)
def test_small_pictures_of_a_page_are_kept(
    tile: int | None, size: int | None, kind: str | None, name: str
) -> None:
    assert cut_name(Wish("job", 0, tile, size, kind)) == name


def test_a_file_is_tried_for_two_days() -> None:
    now, tries = START, 0
    while (then := next_copy_at(tries, now)) is not None:
        now, tries = then, tries + 1
    assert tries == GIVEN_UP_AFTER - 1
    assert timedelta(days=1) < now - START < timedelta(days=3)


@pytest.mark.parametrize(
    ("size", "kept", "room", "wants"),
    [
        (1, 99, None, False),
        (2, 99, None, True),
        (1, 0, (LEAST_FREE_BYTES + 1, 2 * GIB), False),
        (2, 0, (LEAST_FREE_BYTES + 1, 2 * GIB), True),
        (1, 0, (10 * GIB + 1, 100 * GIB), False),
        (2, 0, (10 * GIB + 1, 100 * GIB), True),
    ],
)
def test_copies_leave_room_to_others(
    size: int, kept: int, room: tuple[int, int] | None, wants: bool
) -> None:
    assert wants_room(size, kept, Bounds(100), room) is wants


@pytest.mark.parametrize(
    ("size", "kept", "free", "can"),
    [(1, 50, GIB, True), (101, 50, GIB, False), (60, 50, GIB - 1, False), (1, 0, GIB, False)],
)
def test_copies_go_only_where_that_makes_room(size: int, kept: int, free: int, can: bool) -> None:
    assert can_have_room(size, kept, Bounds(100), (free, 2 * GIB)) is can


def test_a_place_of_which_nobody_knows_the_room_is_bounded_alone() -> None:
    assert can_have_room(100, 100, Bounds(100), None)
