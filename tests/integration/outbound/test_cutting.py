"""Pictures are cut in the pictures' threads, none of too many pixels (R43)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from PIL import Image

from tests.pictures import animated_gif
from waystation.errors import InvalidRequest, MediaFailed
from waystation.media.files import AVIF, FORMATS, JPEG, PNG, WEBP, MediaKind, Wish
from waystation.outbound.cutting import PictureCutter

NO_CUT = "The file is no still picture; leave tile, size and format out"
COLOURS = [(250, 10, 10), (10, 250, 10), (10, 10, 250), (250, 250, 10)]


def grid(size: tuple[int, int] = (200, 100), kind: str = "PNG", mode: str = "RGB") -> bytes:
    """Return a picture of four quarters, each of one colour."""
    picture = Image.new(mode, size)
    for number, colour in enumerate(COLOURS):
        left, top = (number % 2) * size[0] // 2, (number // 2) * size[1] // 2
        box = (left, top, left + size[0] // 2 + 1, top + size[1] // 2 + 1)
        picture.paste(colour, box)
    file = BytesIO()
    picture.save(file, kind)
    return file.getvalue()


async def cut(data: bytes, wish: Wish, most_pixels: int = 10**6) -> tuple[Image.Image, MediaKind]:
    with ThreadPoolExecutor(1) as pool:
        made, kind = await PictureCutter(pool, most_pixels).cut(data, wish)
    picture = Image.open(BytesIO(made))
    assert picture.format == kind.name.upper()
    return picture, kind


@pytest.mark.parametrize("tile", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(200, 100), (201, 101)])
async def test_a_tile_is_its_quarter_in_reading_order(tile: int, size: tuple[int, int]) -> None:
    picture, kind = await cut(grid(size), Wish("job:1", 0, tile=tile))
    assert (picture.size, kind) == ((100, 50), PNG)
    assert picture.convert("RGB").getpixel((50, 25)) == COLOURS[tile - 1]


@pytest.mark.parametrize("format", FORMATS)
async def test_each_format_is_written(format: MediaKind) -> None:
    picture, kind = await cut(grid(), Wish("job:1", 0, format=format.name))
    assert (kind, picture.size) == (format, (200, 100))


@pytest.mark.parametrize("came_as", ["PNG", "JPEG", "WEBP"])
async def test_a_picture_keeps_its_format_unless_told(came_as: str) -> None:
    _, kind = await cut(grid(kind=came_as), Wish("job:1", 0, size=320))
    assert kind.name == came_as.lower()


async def test_the_longest_side_is_the_size_and_nothing_is_enlarged() -> None:
    large = grid((900, 450))
    assert (await cut(large, Wish("job:1", 0, size=320)))[0].size == (320, 160)
    assert (await cut(large, Wish("job:1", 0, size=1280)))[0].size == (900, 450)
    assert (await cut(large, Wish("job:1", 0, tile=1, size=320)))[0].size == (320, 160)


@pytest.mark.parametrize(
    ("format", "mode"), [(PNG, "RGBA"), (WEBP, "RGBA"), (AVIF, "RGBA"), (JPEG, "RGB")]
)
async def test_transparency_is_kept_where_the_format_has_it(format: MediaKind, mode: str) -> None:
    file = BytesIO()
    Image.new("RGBA", (40, 20), (250, 10, 10, 90)).save(file, "PNG")
    picture, _ = await cut(file.getvalue(), Wish("job:1", 0, format=format.name))
    assert picture.mode == mode


async def test_a_picture_of_too_many_pixels_is_never_decoded() -> None:
    with pytest.raises(MediaFailed, match="This file cannot be shown") as refused:
        await cut(grid(), Wish("job:1", 0, size=320), most_pixels=19_999)
    assert refused.value.details == "200x100 pixels"


@pytest.mark.parametrize("data", [animated_gif(), b"\x00\x00\x00\x20ftypisom" + bytes(50)])
async def test_a_clip_cannot_be_cut(data: bytes) -> None:
    with pytest.raises(InvalidRequest, match=NO_CUT):
        await cut(data, Wish("job:1", 0, size=320))


@pytest.mark.parametrize("data", [b"<svg/>", grid()[:200], grid(kind="JPEG")[:100], b""])
async def test_a_file_that_is_no_whole_picture_cannot_be_shown(data: bytes) -> None:
    with pytest.raises(MediaFailed, match="This file cannot be shown"):
        await cut(data, Wish("job:1", 0, size=320))
