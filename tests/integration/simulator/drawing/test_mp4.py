from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from struct import unpack_from

import pytest
from PIL import Image

from tests import measure
from waystation.simulator.drawing.mp4 import is_mp4, mp4, mp4_size

SIZE = (48, 32)
COLOURS = [(250, 10, 10), (10, 250, 10), (10, 10, 250)]
NESTED = {b"moov", b"trak", b"mdia", b"minf", b"dinf", b"stbl"}


def _frame(colour: tuple[int, int, int]) -> bytes:
    data = BytesIO()
    Image.new("RGB", SIZE, colour).save(data, "JPEG", quality=95)
    return data.getvalue()


FRAMES = [_frame(colour) for colour in COLOURS]
FILM = mp4(FRAMES, SIZE, 650)


def _boxes(data: bytes, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, beginning and end of each box, those inside others included."""
    while begin < end:
        (length,), name = unpack_from(">I", data, begin), data[begin + 4 : begin + 8]
        assert 8 <= length <= end - begin, name
        yield name, begin + 8, begin + length
        if name in NESTED:
            yield from _boxes(data, begin + 8, begin + length)
        begin += length


def test_boxes_fill_the_file_and_are_those_that_a_film_needs() -> None:
    names = [name.decode() for name, _, _ in _boxes(FILM, 0, len(FILM))]
    assert " ".join(names) == (
        "ftyp moov mvhd trak tkhd mdia mdhd hdlr minf vmhd dinf dref stbl stsd stts stsc stsz stco "
        "mdat"
    )


def test_each_frame_lies_where_the_tables_say() -> None:
    held = {name: (begin, end) for name, begin, end in _boxes(FILM, 0, len(FILM))}
    begin, end = held[b"mdat"]
    assert FILM[begin:end] == b"".join(FRAMES)
    assert unpack_from(">I", FILM, held[b"stco"][0] + 8) == (begin,)
    assert measure.frames(FILM) == len(FRAMES)
    first = measure.tile_of(FILM, 1)
    assert measure.distance(first, FRAMES[-1]) < 0.02


@pytest.mark.parametrize("size", [SIZE, (44, 46), (720, 2)])
def test_a_film_tells_its_size(size: tuple[int, int]) -> None:
    assert mp4_size(mp4(FRAMES, size, 650)) == size
    assert is_mp4(FILM) and not is_mp4(FRAMES[0])


def test_a_film_lasts_as_long_as_its_frames() -> None:
    held = {name: begin for name, begin, _ in _boxes(FILM, 0, len(FILM))}
    scale, lasts = unpack_from(">2I", FILM, held[b"mvhd"] + 12)
    assert lasts / scale == pytest.approx(3 * 0.65)
