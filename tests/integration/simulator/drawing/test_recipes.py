from __future__ import annotations

import pickle
from collections.abc import Callable
from fractions import Fraction
from io import BytesIO

import pytest
from PIL import Image

from waystation.simulator.drawing.canvas import (
    DIMENSIONS,
    MAX_ZOOM,
    UPSCALES,
    Box,
    Canvas,
    Motion,
    Outpainted,
    Side,
    Strength,
)
from waystation.simulator.drawing.pictures import UnreadablePicture
from waystation.simulator.drawing.recipes import (
    animate,
    blend,
    extend,
    imagine,
    make_square,
    pan,
    pick,
    region,
    reroll,
    upscale,
    variation,
    zoom_out,
)


def picture(colour: str = "white") -> bytes:
    data = BytesIO()
    Image.new("RGB", (30, 20), colour).save(data, "PNG")
    return data.getvalue()


GRID = imagine("a fox", 7, (16, 9))
SINGLE = pick(GRID, 3)
FILM = animate(SINGLE, Motion.LOW)


def held(canvas: Canvas) -> Box:
    assert isinstance(canvas.plan, Outpainted)
    return canvas.plan.held


@pytest.mark.parametrize(
    ("canvas", "tiles", "moving"),
    [
        (GRID, 4, False),
        (SINGLE, 1, False),
        (variation(GRID, 2, Strength.STRONG, 1), 4, False),
        (upscale(SINGLE, "4x"), 1, False),
        (zoom_out(SINGLE, 2), 4, False),
        (pan(SINGLE, Side.UP), 4, False),
        (region(SINGLE, picture(), "a hat", 1), 4, False),
        (blend([picture(), picture("red")]), 4, False),
        (FILM, 4, True),
        (pick(FILM, 4), 1, True),
        (extend(pick(FILM, 4), Motion.HIGH), 4, True),
    ],
)
def test_a_canvas_knows_how_many_pictures_it_shows_and_whether_they_move(
    canvas: Canvas, tiles: int, moving: bool
) -> None:
    assert (canvas.tiles, canvas.moving) == (tiles, moving)


def test_equal_makings_are_equal_canvases() -> None:
    def make(seed: int) -> Canvas:
        return variation(pick(zoom_out(SINGLE, 1.5, 3), 2), 1, Strength.SUBTLE, seed)

    assert make(1) == make(1)
    assert hash(make(1)) == hash(make(1))
    assert make(1) != make(2)


def test_a_reroll_changes_the_seed_and_nothing_else() -> None:
    again = reroll(GRID, 8)
    assert (again.plan, again.seed) == (GRID.plan, 8)


def test_a_long_chain_is_held_in_a_few_kilobytes() -> None:
    canvas = GRID
    for step in range(30):
        canvas = variation(pick(pan(pick(canvas, 2), Side.LEFT, step), 1), 1, Strength.STRONG, step)
    assert len(pickle.dumps(canvas)) < 20_000


def test_bytes_of_pictures_stay_out_of_the_repr() -> None:
    assert len(repr(region(SINGLE, picture(), "a hat", 1))) < 400
    assert len(repr(blend([picture(), picture("red")]))) < 200


@pytest.mark.parametrize(
    ("asked", "kept"), [((16, 9), (16, 9)), ((1920, 1080), (16, 9)), ((4, 4), (1, 1))]
)
def test_a_ratio_is_kept_in_lowest_terms(asked: tuple[int, int], kept: tuple[int, int]) -> None:
    assert imagine("a fox", 1, asked).ratio == kept


@pytest.mark.parametrize("ratio", [(0, 1), (1, 0), (-2, 3)])
def test_a_ratio_without_area_is_refused(ratio: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="no shape"):
        imagine("a fox", 1, ratio)


def test_children_have_their_parents_shape() -> None:
    for child in (
        SINGLE,
        FILM,
        variation(GRID, 1, Strength.SUBTLE, 1),
        upscale(SINGLE, "2x"),
        zoom_out(SINGLE, 2),
        region(SINGLE, picture(), "a hat", 1),
    ):
        assert child.ratio == (16, 9)


@pytest.mark.parametrize(
    ("side", "ratio", "box"),
    [
        (Side.LEFT, (8, 3), (Fraction(1, 3), 0, 1, 1)),
        (Side.RIGHT, (8, 3), (0, 0, Fraction(2, 3), 1)),
        (Side.UP, (32, 27), (0, Fraction(1, 3), 1, 1)),
        (Side.DOWN, (32, 27), (0, 0, 1, Fraction(2, 3))),
    ],
)
def test_a_pan_adds_half_as_much_again_on_its_side(
    side: Side, ratio: tuple[int, int], box: tuple[Fraction, ...]
) -> None:
    panned = pan(SINGLE, side)
    assert (panned.ratio, held(panned)) == (ratio, box)


@pytest.mark.parametrize("factor", [1, 1.5, 2, 1.25])
def test_a_zoom_holds_the_picture_in_the_middle_at_its_share(factor: float) -> None:
    box = held(zoom_out(SINGLE, factor))
    assert box.right - box.left == box.bottom - box.top == 1 / Fraction(factor)
    assert box.left + box.right == box.top + box.bottom == 1


def test_a_square_holds_a_wide_picture_in_full_width() -> None:
    squared = make_square(SINGLE)
    assert squared.ratio == (1, 1)
    assert held(squared) == Box(Fraction(0), Fraction(7, 32), Fraction(1), Fraction(25, 32))
    tall = make_square(pick(imagine("a fox", 1, (1, 2)), 1))
    assert held(tall) == Box(Fraction(1, 4), Fraction(0), Fraction(3, 4), Fraction(1))


@pytest.mark.parametrize("factor", [0.9, MAX_ZOOM + 0.1, -1])
def test_a_zoom_outside_its_limits_is_refused(factor: float) -> None:
    with pytest.raises(ValueError, match="zoom factor"):
        zoom_out(SINGLE, factor)


def test_every_upscale_names_its_factor() -> None:
    assert {kind: upscale(SINGLE, kind).factor for kind in UPSCALES} == {
        "2x": 2,
        "4x": 4,
        "Subtle": 2,
        "Creative": 2,
    }
    assert (SINGLE.factor, GRID.factor) == (1, 1)
    assert upscale(upscale(SINGLE, "4x"), "2x").factor == 2


@pytest.mark.parametrize(("canvas", "n"), [(GRID, 0), (GRID, 5), (SINGLE, 2), (FILM, 9)])
def test_there_is_no_tile_beyond_the_last(canvas: Canvas, n: int) -> None:
    with pytest.raises(ValueError, match="no tile"):
        pick(canvas, n)
    with pytest.raises(ValueError, match="no tile"):
        variation(canvas, n, Strength.STRONG, 1)


@pytest.mark.parametrize("canvas", [GRID, FILM, pick(FILM, 1)])
def test_buttons_of_single_pictures_refuse_grids_and_clips(canvas: Canvas) -> None:
    presses: list[Callable[[], Canvas]] = [
        lambda: upscale(canvas, "2x"),
        lambda: zoom_out(canvas, 2),
        lambda: make_square(canvas),
        lambda: pan(canvas, Side.LEFT),
        lambda: region(canvas, picture(), "a hat", 1),
        lambda: animate(canvas, Motion.LOW),
    ]
    for press in presses:
        with pytest.raises(ValueError, match="single picture"):
            press()


@pytest.mark.parametrize("canvas", [GRID, SINGLE, FILM])
def test_only_a_single_clip_can_be_extended(canvas: Canvas) -> None:
    with pytest.raises(ValueError, match="single clip"):
        extend(canvas, Motion.LOW)


def test_a_blend_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match="two"):
        blend([picture()])


def test_a_file_that_is_no_picture_is_refused() -> None:
    with pytest.raises(UnreadablePicture):
        blend([picture(), b"text"])
    with pytest.raises(UnreadablePicture):
        region(SINGLE, b"text", "a hat", 1)


def test_a_blend_takes_the_shapes_of_the_table() -> None:
    for text, ratio in DIMENSIONS.items():
        assert text == f"--ar {ratio[0]}:{ratio[1]}"
        assert blend([picture(), picture("red")], ratio).ratio == ratio
