from __future__ import annotations

import math
from itertools import combinations
from random import Random

import pytest
from PIL import Image, ImageChops, ImageStat

from waystation.simulator.drawing.paint import (
    Palette,
    Size,
    fresh_colours,
    marked,
    painting,
    palette,
)


def apart(one: Image.Image, other: Image.Image) -> float:
    return max(ImageStat.Stat(ImageChops.difference(one, other)).rms)


def painted(n: int, size: Size, seed: int = 1) -> Image.Image:
    return painting(palette(Random(seed)), Random(n), n, Random(seed), size)


def closest(colours: Palette) -> float:
    return min(math.dist(one, other) for one, other in combinations(colours, 2))


def test_a_palette_holds_five_colours_that_are_well_apart() -> None:
    for seed in range(300):
        colours = palette(Random(seed))
        assert len(colours) == 5
        assert closest(colours) > 25
        assert all(0 <= value <= 255 for colour in colours for value in colour)


def test_the_same_chance_mixes_the_same_palette_in_every_process() -> None:
    assert palette(Random("a fox\0001")) == (
        (65, 51, 22),
        (136, 224, 186),
        (155, 27, 45),
        (77, 155, 200),
        (248, 204, 222),
    )


def test_fresh_colours_are_unlike_the_old_and_unlike_one_another() -> None:
    for seed in range(100):
        old = palette(Random(seed))
        fresh = fresh_colours(old, Random(seed), 4)
        assert len(set(fresh)) == 4
        assert min(math.dist(one, other) for one in fresh for other in old) > 40
        assert closest(fresh) > 40


def test_four_tiles_have_four_grounds_and_four_subjects() -> None:
    for seed in range(20):
        tiles = [painted(n, (64, 64), seed) for n in range(1, 5)]
        assert min(apart(one, other) for one, other in combinations(tiles, 2)) > 30


@pytest.mark.parametrize("size", [(64, 64), (96, 40), (30, 90)])
def test_a_painting_is_the_same_picture_at_any_size(size: Size) -> None:
    for n in range(1, 5):
        for times in (3, 5, 20):
            large = painted(n, (times * size[0], times * size[1]))
            assert apart(large.resize(size, Image.Resampling.BOX), painted(n, size)) < 14


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (257, 3), (1025, 8)])
def test_a_painting_has_exactly_the_size_that_was_asked_for(size: Size) -> None:
    for n in range(1, 5):
        assert painted(n, size).size == size
        assert marked(painted(n, size), palette(Random(1)), Random(1), 5, (0.1, 0.2)).size == size


def test_marks_show_on_a_ground_of_any_of_their_colours() -> None:
    colours = palette(Random(4))
    for ground in colours:
        blank = Image.new("RGB", (64, 64), ground)
        for seed in range(20):
            assert apart(marked(blank, colours, Random(seed), 3, (0.1, 0.2)), blank) > 5


def test_no_marks_leave_a_picture_as_it_was() -> None:
    blank = Image.new("RGB", (64, 64), "teal")
    assert marked(blank, palette(Random(4)), Random(1), 0, (0.1, 0.2)) == blank
