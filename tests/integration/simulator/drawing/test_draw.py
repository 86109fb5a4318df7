from __future__ import annotations

from io import BytesIO
from itertools import combinations

import pytest
from PIL import Image, ImageChops

from waystation.simulator.drawing import draw as drawing
from waystation.simulator.drawing.canvas import (
    Canvas,
    Motion,
    Side,
    Strength,
)
from waystation.simulator.drawing.draw import colours, draw
from waystation.simulator.drawing.paint import Size
from waystation.simulator.drawing.recipes import (
    animate,
    blend,
    imagine,
    make_square,
    pan,
    pick,
    region,
    upscale,
    variation,
    zoom_out,
)


def encoded(image: Image.Image) -> bytes:
    data = BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def mask(*box: int) -> bytes:
    image = Image.new("L", (100, 100))
    image.paste(255, (box[0], box[1], box[2], box[3]))
    return encoded(image)


SINGLE = pick(imagine("a fox", 7, (3, 2)), 3)
PHOTOS = [encoded(Image.new("RGB", (60, 40), colour)) for colour in ("red", "blue", "lime")]
EVERY_PLAN = {
    "imagined": imagine("a fox", 7, (3, 2)),
    "picked": SINGLE,
    "subtle": variation(SINGLE, 1, Strength.SUBTLE, 1),
    "strong": variation(SINGLE, 1, Strength.STRONG, 1),
    "zoomed": zoom_out(SINGLE, 2, 1),
    "panned": pan(SINGLE, Side.DOWN, 1),
    "squared": make_square(SINGLE, 1),
    "repainted": region(SINGLE, mask(20, 20, 60, 60), "a hat", 1),
    "upscaled": upscale(SINGLE, "Subtle"),
    "creative": upscale(SINGLE, "Creative"),
    "blended": blend(PHOTOS, (3, 2), 1),
    "animated": animate(SINGLE, Motion.LOW),
}

every_plan = pytest.mark.parametrize("canvas", EVERY_PLAN.values(), ids=EVERY_PLAN)


@every_plan
@pytest.mark.parametrize("size", [(96, 64), (7, 3), (1, 1), (2, 300)])
def test_every_plan_is_drawn_in_exactly_the_size_that_was_asked_for(
    canvas: Canvas, size: Size
) -> None:
    picture = draw(canvas, 1, size)
    assert (picture.size, picture.mode) == (size, "RGB")


@every_plan
def test_every_plan_is_drawn_the_same_twice(canvas: Canvas) -> None:
    assert draw(canvas, 1, (96, 64)) == draw(canvas, 1, (96, 64))


@every_plan
def test_the_tiles_of_a_still_grid_all_differ(canvas: Canvas) -> None:
    tiles = [draw(canvas, n + 1, (96, 64)) for n in range(canvas.tiles)]
    same = [one == other for one, other in combinations(tiles, 2)]
    assert all(same) if canvas.moving else not any(same)


@every_plan
def test_every_plan_has_colours_to_paint_with(canvas: Canvas) -> None:
    assert len(colours(canvas)) >= 3


def test_outside_its_mask_a_region_keeps_every_pixel() -> None:
    size, box = (200, 100), (40, 20, 120, 60)
    canvas = region(SINGLE, mask(20, 20, 60, 60), "a hat", 1)
    for n in range(1, 5):
        apart = ImageChops.difference(draw(SINGLE, 1, size), draw(canvas, n, size))
        left, top, right, bottom = apart.getbbox() or (0, 0, 0, 0)
        # Stretching a mask moves its edge by a pixel at most.
        assert (left >= box[0] - 1, top >= box[1] - 1) == (True, True)
        assert (right <= box[2] + 1, bottom <= box[3] + 1) == (True, True)
        inside = apart.crop((box[0] + 2, box[1] + 2, box[2] - 2, box[3] - 2)).convert("L")
        assert sum(value > 15 for value in inside.tobytes()) > 0.95 * len(inside.tobytes())


def test_a_zoom_keeps_every_pixel_of_the_smaller_picture() -> None:
    zoomed = draw(zoom_out(SINGLE, 2, 1), 4, (192, 128))
    assert zoomed.crop((48, 32, 144, 96)) == draw(SINGLE, 1, (96, 64))


@pytest.mark.parametrize(
    ("side", "size", "at"),
    [
        (Side.LEFT, (144, 64), (48, 0)),
        (Side.RIGHT, (144, 64), (0, 0)),
        (Side.UP, (96, 96), (0, 32)),
        (Side.DOWN, (96, 96), (0, 0)),
    ],
)
def test_a_pan_keeps_every_pixel_beside_what_it_adds(side: Side, size: Size, at: Size) -> None:
    panned = draw(pan(SINGLE, side, 1), 2, size)
    assert panned.crop((*at, at[0] + 96, at[1] + 64)) == draw(SINGLE, 1, (96, 64))


def test_a_strip_made_square_is_filled_to_its_edges() -> None:
    strip = pick(imagine("a fox", 7, (20, 1)), 1)
    squared = draw(make_square(strip), 1, (100, 100))
    edges = [squared.crop((0, 0, 100, 10)), squared.crop((0, 90, 100, 100))]
    assert all(len(edge.getcolors(10_000) or []) > 1 for edge in edges)


def test_an_upscale_too_large_to_draw_is_enlarged(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = draw(upscale(SINGLE, "4x"), 1, (192, 128))
    monkeypatch.setattr(drawing, "_LARGEST_DRAWN", 96)
    enlarged = draw(upscale(SINGLE, "4x"), 1, (192, 128))
    assert enlarged.size == (192, 128)
    assert enlarged == draw(SINGLE, 1, (96, 64)).resize((192, 128), Image.Resampling.BICUBIC)
    assert enlarged != whole


def test_a_creative_upscale_of_another_seed_invents_other_detail() -> None:
    one, other = (draw(upscale(SINGLE, "Creative", seed), 1, (192, 128)) for seed in (1, 2))
    assert one != other


def test_a_repainted_picture_is_varied_with_old_and_new_colours() -> None:
    repainted = region(SINGLE, mask(20, 20, 60, 60), "a hat", 1)
    assert set(colours(SINGLE)) < set(colours(repainted))
    assert colours(variation(repainted, 1, Strength.STRONG, 1)) == colours(repainted)


def test_the_colours_of_a_blend_are_those_of_its_pictures() -> None:
    seen = colours(blend(PHOTOS))
    assert {tuple(round(value / 255) for value in colour) for colour in seen} == {
        (1, 0, 0),
        (0, 0, 1),
        (0, 1, 0),
    }
