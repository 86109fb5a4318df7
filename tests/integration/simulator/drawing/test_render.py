from __future__ import annotations

import math
from io import BytesIO
from typing import get_args

import pytest
from PIL import Image

from tests import measure
from waystation.simulator.drawing.canvas import (
    Canvas,
    Motion,
    Ratio,
)
from waystation.simulator.drawing.film import frames
from waystation.simulator.drawing.mp4 import is_mp4, mp4_size
from waystation.simulator.drawing.recipes import (
    animate,
    imagine,
    pick,
    upscale,
)
from waystation.simulator.drawing.render import (
    CLIP_SIDE,
    MAX_SIDE,
    VIDEO_GRID_SIDE,
    Format,
    clip,
    finished,
    finished_size,
    grid,
    grid_size,
    preview,
    tile,
    tile_size,
    video_grid,
)

GRID = imagine("a fox", 7)
SINGLE = pick(GRID, 3)
FILM = animate(SINGLE, Motion.LOW)
CLIP = pick(FILM, 2)
RATIOS = [(1, 1), (16, 9), (9, 16), (2, 3), (3, 1), (4, 5), (61, 47), (1, 14), (1001, 999)]


def _png(image: Image.Image) -> bytes:
    data = BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


def test_the_usual_sizes_are_the_bots() -> None:
    assert grid_size(GRID, 2048) == (2048, 2048)
    assert tile_size(SINGLE, 2048) == (1024, 1024)
    assert tile_size(upscale(SINGLE, "Subtle"), 2048) == (2048, 2048)
    assert tile_size(upscale(SINGLE, "4x"), 2048) == (4096, 4096)
    assert finished_size(FILM, 2048) == (VIDEO_GRID_SIDE, VIDEO_GRID_SIDE)
    assert finished_size(CLIP, 2048) == (CLIP_SIDE, CLIP_SIDE)
    assert opened(preview(GRID, 50, 2048)).size == (512, 512)


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("size_px", [64, 128, 1000, 2048])
def test_every_shape_covers_about_the_same_area(ratio: Ratio, size_px: int) -> None:
    width, height = grid_size(imagine("a fox", 1, ratio), size_px)
    assert 0.7 < width * height / size_px**2 < 1.35
    assert width % 4 == height % 4 == 0
    # Half a grid's long side is off by a pixel at most.
    assert abs(width * ratio[1] - height * ratio[0]) <= 2 * max(ratio)


@pytest.mark.parametrize("ratio", [ratio for ratio in RATIOS if max(ratio) < 100])
def test_large_pictures_have_exactly_the_shape_that_was_asked_for(ratio: Ratio) -> None:
    width, height = grid_size(imagine("a fox", 1, ratio), 2048)
    assert width * ratio[1] == height * ratio[0]


@pytest.mark.parametrize("ratio", [(128, 1), (1, 128), (100_000, 1), (1, 3_000)])
@pytest.mark.parametrize("size_px", [64, 2048])
def test_no_side_is_longer_than_the_format_allows(ratio: Ratio, size_px: int) -> None:
    canvas = imagine("a fox", 1, ratio)
    for each in (canvas, pick(canvas, 1), upscale(pick(canvas, 1), "4x")):
        assert max(finished_size(each, size_px)) <= MAX_SIDE
        assert min(finished_size(each, size_px)) >= 2


@pytest.mark.parametrize("ratio", RATIOS)
def test_an_upscale_is_exactly_two_or_four_times_a_tile(ratio: Ratio) -> None:
    single = pick(imagine("a fox", 1, ratio), 1)
    width, height = tile_size(single, 512)
    assert tile_size(upscale(single, "2x"), 512) == (2 * width, 2 * height)
    assert tile_size(upscale(single, "4x"), 512) == (4 * width, 4 * height)


@pytest.mark.parametrize("size_px", [64, 130, 700])
@pytest.mark.parametrize(
    "canvas", [GRID, SINGLE, upscale(SINGLE, "2x"), FILM, CLIP, imagine("a fox", 1, (7, 5))]
)
def test_the_finished_file_has_the_size_that_was_announced(canvas: Canvas, size_px: int) -> None:
    data = finished(canvas, size_px)
    if is_mp4(data):
        assert mp4_size(data) == finished_size(canvas, size_px)
        return
    picture = opened(data)
    assert picture.size == finished_size(canvas, size_px)
    assert getattr(picture, "is_animated", False) == canvas.moving


def test_a_finished_canvas_depends_on_its_content() -> None:
    assert finished(GRID, 64) == grid(GRID, 64)
    assert finished(SINGLE, 64) == tile(SINGLE, 1, 64) == tile(GRID, 3, 64)
    assert finished(FILM, 64) == video_grid(FILM, 64)
    assert finished(CLIP, 64) == clip(CLIP, 1, 64) == clip(FILM, 2, 64)


@pytest.mark.parametrize("format", get_args(Format))
def test_still_pictures_come_in_both_formats(format: Format) -> None:
    for data in (
        grid(GRID, 64, format),
        tile(GRID, 1, 64, format),
        preview(GRID, 5, 64, format),
        finished(SINGLE, 64, format),
    ):
        assert opened(data).format == format


def test_four_clips_are_an_animated_webp_that_never_ends() -> None:
    film = opened(video_grid(FILM, 64))
    assert (film.format, film.info["loop"]) == ("WEBP", 0)


def test_a_clip_is_an_mp4_with_the_frames_of_its_film() -> None:
    for data, canvas, n in ((clip(FILM, 1, 64), FILM, 1), (finished(CLIP, 64, "PNG"), CLIP, 1)):
        assert is_mp4(data)
        film = frames(canvas, n, mp4_size(data))
        assert measure.frames(data) == len(film)
        for seen, still in (
            (measure.first_frame(data), film[0]),
            (measure.last_frame(data), film[-1]),
        ):
            assert measure.distance(seen, _png(still)) < measure.SAME


def test_a_grid_shows_exactly_its_tiles_in_reading_order() -> None:
    whole = opened(grid(GRID, 128, "PNG"))
    for n, at in enumerate([(0, 0), (64, 0), (0, 64), (64, 64)], start=1):
        part = whole.crop((*at, at[0] + 64, at[1] + 64))
        assert part == opened(tile(GRID, n, 128, "PNG")).convert("RGB")


def test_single_pictures_make_no_grid() -> None:
    with pytest.raises(ValueError, match="no grid"):
        grid(SINGLE, 64)
    with pytest.raises(ValueError, match="no grid"):
        video_grid(CLIP, 64)


def test_still_pictures_make_no_clip() -> None:
    with pytest.raises(ValueError, match="does not move"):
        clip(SINGLE, 1, 64)
    with pytest.raises(ValueError, match="does not move"):
        video_grid(GRID, 64)


@pytest.mark.parametrize("canvas", [GRID, SINGLE, FILM, CLIP])
def test_everything_has_a_preview_at_every_percent(canvas: Canvas) -> None:
    seen = [preview(canvas, pct, 256) for pct in (-5, 0, 31, 62, 93, 100, 250)]
    assert {opened(data).size for data in seen} == {(64, 64)}
    assert len(set(seen)) == 5


@pytest.mark.parametrize(("size_px", "side"), [(64, 32), (256, 64), (1024, 256), (4096, 512)])
def test_a_preview_is_a_quarter_of_the_grid_within_limits(size_px: int, side: int) -> None:
    assert opened(preview(GRID, 40, size_px)).size == (side, side)


def test_a_preview_of_another_shape_has_that_shape() -> None:
    width, height = opened(preview(imagine("a fox", 1, (2, 1)), 40, 1024)).size
    assert math.isclose(width / height, 2, rel_tol=0.03)
