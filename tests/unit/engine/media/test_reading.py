"""Reading a file wherever it lies; test_serving.py has the ranges."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from tests.harness.media import MediaSource
from waystation.engine.media.reading import Opened, Place, cut_opened, opened, whole
from waystation.errors import MediaFailed, RangeNotSatisfiable
from waystation.media.byte_ranges import ByteRange
from waystation.media.files import PNG

FILE = b"\x89PNG\r\n\x1a\n" + bytes(range(92))


def place(data: bytes = FILE, size: int | None = None) -> Place:
    source = MediaSource()
    source.files["name"] = data
    return Place(source, "name", size)


async def data_of(file: Opened) -> bytes:
    return b"".join([chunk async for chunk in file.chunks])


async def test_a_file_of_unknown_size_is_read_as_a_whole() -> None:
    async with AsyncExitStack() as held:
        file = await opened(held, place(), ByteRange(3, 4))
        assert (file.kind, file.length, file.span) == (PNG, 100, None)
        assert await data_of(file) == FILE


async def test_a_file_of_another_length_than_told_is_no_part_of_one() -> None:
    async with AsyncExitStack() as held:
        with pytest.raises(MediaFailed):
            await opened(held, place(size=99), ByteRange(3, 4))


async def test_a_picture_in_memory_has_parts_too() -> None:
    file = cut_opened(FILE, PNG, ByteRange(suffix=2))
    assert (file.length, file.span, await data_of(file)) == (100, (98, 99), FILE[-2:])
    assert await data_of(cut_opened(FILE, PNG, None)) == FILE
    with pytest.raises(RangeNotSatisfiable):
        cut_opened(FILE, PNG, ByteRange(100))


async def test_a_file_that_is_too_large_is_not_read_on() -> None:
    assert await whole(place(), 100) == FILE
    with pytest.raises(MediaFailed):
        await whole(place(), 99)
