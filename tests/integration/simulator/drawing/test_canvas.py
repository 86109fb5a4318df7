from __future__ import annotations

import pytest

from waystation.simulator.drawing.canvas import DIMENSIONS, UPSCALES, Canvas, Imagined, Motion
from waystation.simulator.drawing.recipes import animate, imagine, pick, upscale

GRID = imagine("a fox", 7, (16, 9))
SINGLE = pick(GRID, 3)


@pytest.mark.parametrize(
    ("canvas", "tiles", "ratio", "moving"),
    [
        (GRID, 4, (16, 9), False),
        (SINGLE, 1, (16, 9), False),
        (animate(SINGLE, Motion.HIGH), 4, (16, 9), True),
    ],
)
def test_a_canvas_says_how_many_tiles_it_shows_in_which_shape(
    canvas: Canvas, tiles: int, ratio: tuple[int, int], moving: bool
) -> None:
    assert (canvas.tiles, canvas.ratio, canvas.moving) == (tiles, ratio, moving)


@pytest.mark.parametrize("kind", UPSCALES)
def test_an_upscaled_picture_is_larger_by_its_factor(kind: str) -> None:
    assert upscale(SINGLE, kind).factor == UPSCALES[kind].factor * SINGLE.factor


def test_equal_plans_are_equal_canvases() -> None:
    assert imagine("a fox", 7, (16, 9)) == GRID
    assert isinstance(GRID.plan, Imagined)


def test_the_shapes_of_a_blend_are_in_lowest_terms() -> None:
    assert set(DIMENSIONS.values()) == {(2, 3), (1, 1), (3, 2)}
