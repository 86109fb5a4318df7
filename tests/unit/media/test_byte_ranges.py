from __future__ import annotations

import pytest

from waystation.media.byte_ranges import ByteRange, byte_range


@pytest.mark.parametrize(
    ("header", "read", "within_ten"),
    [
        ("bytes=0-", ByteRange(0), (0, 9)),
        ("bytes=0-1", ByteRange(0, 1), (0, 1)),
        ("Bytes=4-4", ByteRange(4, 4), (4, 4)),
        ("bytes=4-99", ByteRange(4, 99), (4, 9)),
        ("bytes=-3", ByteRange(suffix=3), (7, 9)),
        ("bytes=-99", ByteRange(suffix=99), (0, 9)),
        ("bytes=9-", ByteRange(9), (9, 9)),
        ("bytes=10-", ByteRange(10), None),
        ("bytes=-0", ByteRange(suffix=0), None),
    ],
)
def test_a_range_is_read_and_put_into_a_file_of_ten_bytes(
    header: str, read: ByteRange, within_ten: tuple[int, int] | None
) -> None:
    assert byte_range(header) == read
    assert read.within(10) == within_ten


@pytest.mark.parametrize(
    "header", [None, "", "bytes=", "bytes=-", "bytes=2-1", "bytes=0-1,4-5", "lines=1-2", "bytes=a-"]
)
def test_other_headers_ask_for_the_whole_file(header: str | None) -> None:
    assert byte_range(header) is None
