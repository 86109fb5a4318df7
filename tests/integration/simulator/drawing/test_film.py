from __future__ import annotations

from itertools import combinations

import pytest
from PIL import ImageChops, ImageStat

from waystation.simulator.drawing.canvas import (
    Canvas,
    Motion,
)
from waystation.simulator.drawing.draw import draw
from waystation.simulator.drawing.film import FRAME_MS, FRAMES, frames
from waystation.simulator.drawing.recipes import (
    animate,
    extend,
    imagine,
    pick,
)

SINGLE = pick(imagine("a fox", 7, (3, 2)), 3)
SIZE = (60, 40)


def extended(times: int, seed: int = 1) -> Canvas:
    canvas = animate(SINGLE, Motion.HIGH, seed)
    for leg in range(times):
        canvas = extend(pick(canvas, 1 + leg % 4), Motion.LOW, seed + leg)
    return canvas


@pytest.mark.parametrize("times", [0, 1, 2, 5])
def test_every_leg_adds_as_many_frames(times: int) -> None:
    assert len(frames(extended(times), 2, SIZE)) == (times + 1) * FRAMES


def test_a_leg_lasts_about_five_seconds() -> None:
    assert 5_000 <= FRAMES * FRAME_MS <= 5_500


def test_a_clip_begins_with_the_whole_picture() -> None:
    assert frames(animate(SINGLE, Motion.HIGH), 2, SIZE)[0] == draw(SINGLE, 1, SIZE)


@pytest.mark.parametrize("motion", Motion)
def test_no_frame_is_shown_twice_and_no_two_clips_end_alike(motion: Motion) -> None:
    for seed in range(20):
        canvas = animate(SINGLE, motion, seed)
        ends = []
        for n in range(1, 5):
            pictures = [frame.tobytes() for frame in frames(canvas, n, SIZE)]
            assert len(set(pictures)) == FRAMES
            ends.append(pictures[-1])
        assert len(set(ends)) == 4


def test_an_extended_clip_repeats_the_clip_frame_by_frame() -> None:
    before = frames(pick(extended(1), 3), 1, SIZE)
    for n in range(1, 5):
        after = frames(extend(pick(extended(1), 3), Motion.HIGH, 5), n, SIZE)
        assert after[: len(before)] == before
        assert after[len(before)] != before[-1]


def test_the_ways_of_extended_clips_never_stand_still() -> None:
    for seed in range(20):
        canvas = extended(3, seed)
        for n in range(1, 5):
            pictures = frames(canvas, n, SIZE)
            assert len({frame.tobytes() for frame in pictures}) == len(pictures)


def test_high_motion_moves_more() -> None:
    low, high = (frames(animate(SINGLE, motion), 1, SIZE) for motion in Motion)
    moved = [
        sum(ImageStat.Stat(ImageChops.difference(film[0], film[-1])).rms) for film in (low, high)
    ]
    assert moved[0] * 1.2 < moved[1]


def test_another_seed_goes_another_way() -> None:
    ends = [frames(animate(SINGLE, Motion.LOW, seed), 1, SIZE)[-1] for seed in range(10)]
    assert not any(one == other for one, other in combinations(ends, 2))


def test_a_still_picture_cannot_be_filmed() -> None:
    with pytest.raises(ValueError, match="does not move"):
        frames(SINGLE, 1, SIZE)
