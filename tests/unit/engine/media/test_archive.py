from __future__ import annotations

import zipfile
from datetime import UTC, datetime
from io import BytesIO

from waystation.engine.media.archive import Archive

AT = datetime(2026, 11, 28, 6, 23, 8, tzinfo=UTC)


def test_a_zip_file_is_given_out_while_it_is_made() -> None:
    archive, sent = Archive(), b""
    large = bytes(range(256)) * 1_000
    pieces = list(archive.add("a.png", large, AT))
    assert max(len(piece) for piece in pieces) < 70_000
    sent = b"".join(pieces)
    for name, data in (("a.png", b"other"), ("a.png", b"third"), ("b", b"")):
        sent += b"".join(archive.add(name, data, AT))
    sent += archive.end()
    with zipfile.ZipFile(BytesIO(sent)) as file:
        assert file.testzip() is None
        assert file.namelist() == ["a.png", "a-2.png", "a-3.png", "b"]
        assert file.read("a.png") == large
        assert file.read("a-3.png") == b"third"
        assert file.getinfo("b").date_time == (2026, 11, 28, 6, 23, 8)
        assert {one.compress_type for one in file.infolist()} == {zipfile.ZIP_STORED}


def test_a_zip_file_of_nothing_is_one() -> None:
    with zipfile.ZipFile(BytesIO(Archive().end())) as file:
        assert file.namelist() == []
