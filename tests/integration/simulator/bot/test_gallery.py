from __future__ import annotations

import asyncio
import threading
from io import BytesIO

import pytest
from PIL import Image

from tests.build import replace
from waystation.simulator import drawing
from waystation.simulator.bot.gallery import Drawn, Gallery, finished, forgery, preview, singles
from waystation.simulator.bot.works import Medium, Work

CANVAS = drawing.imagine("fox", 1, (3, 2))
GRID = Work("u", "ada", Medium.GRID, CANVAS, "fox", "7", 1)


def _checked(drawn: Drawn) -> Drawn:
    with Image.open(BytesIO(drawn.data)) as image:
        assert image.size == (drawn.width, drawn.height)
        assert str(image.format).lower() == drawn.extension
    assert drawn.content_type == f"image/{drawn.extension}"
    return drawn


def test_a_grid_is_one_picture_and_its_singles_are_four() -> None:
    (grid,) = finished(GRID, 128)
    tiles = singles(GRID, 128)
    assert len({tile.data for tile in tiles}) == 4
    for one in (grid, *tiles):
        _checked(one)
    assert (tiles[0].width * 2, tiles[0].height * 2) == (grid.width, grid.height)


def test_a_preview_is_smaller_and_another_at_each_percentage() -> None:
    (grid,) = finished(GRID, 128)
    early, late = preview(15)(GRID, 128)[0], preview(93)(GRID, 128)[0]
    assert _checked(early).width < grid.width
    assert early.data != _checked(late).data


@pytest.mark.parametrize(("version", "extension"), [("5.2", "png"), ("6", "png"), ("7", "webp")])
def test_older_models_send_png(version: str, extension: str) -> None:
    work = replace(GRID, version=version)
    assert {one.extension for one in (*finished(work, 64), *singles(work, 64))} == {extension}


def test_a_film_is_one_file_of_several_frames() -> None:
    canvas = drawing.animate(drawing.pick(CANVAS, 1), drawing.Motion.HIGH)
    work = replace(GRID, canvas=canvas, medium=Medium.VIDEO, version="5.2")
    (film,) = finished(work, 64)
    assert singles(work, 64) == (film,)
    with Image.open(BytesIO(film.data)) as image:
        assert image.n_frames > 1  # type: ignore[attr-defined]


def test_a_forgery_looks_like_a_result_and_is_another_picture() -> None:
    (true,), (false,) = finished(GRID, 128), forgery(GRID, 128)
    assert (true.width, true.height) == (false.width, false.height)
    assert true.data != false.data


@pytest.mark.parametrize(("size", "elsewhere"), [(128, False), (256, True)])
async def test_only_large_pictures_are_drawn_in_a_thread(size: int, elsewhere: bool) -> None:
    threads: list[threading.Thread] = []

    def paint(work: Work, size_px: int) -> tuple[Drawn, ...]:
        threads.append(threading.current_thread())
        return finished(work, 64)

    (drawn,) = await Gallery(size).draw(paint, GRID)
    assert drawn == finished(GRID, 64)[0]
    assert (threads[0] is not threading.main_thread()) is elsewhere
    await asyncio.get_running_loop().shutdown_default_executor()
