"""Archive: a ZIP file that is sent while it is made. Nothing is compressed: pictures are already.

Source: PKWARE APPNOTE, 4.3.9
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Final

__all__ = ["Archive"]

_PIECE_BYTES: Final = 64 * 1024


class Archive:
    """Makes a ZIP file, and gives out what is ready of it."""

    def __init__(self) -> None:
        self._out = _Out()
        self._file = zipfile.ZipFile(self._out, "w", zipfile.ZIP_STORED)
        self._names: set[str] = set()

    def add(self, name: str, data: bytes, made_at: datetime) -> Iterator[bytes]:
        """Yield the bytes of one more file. A name that is taken gets a number behind it."""
        when = made_at.astimezone(UTC).timetuple()[:6]
        info = zipfile.ZipInfo(self._free(name), when)
        with self._file.open(info, "w") as entry:
            for at in range(0, len(data), _PIECE_BYTES):
                entry.write(data[at : at + _PIECE_BYTES])
                yield self._out.taken()
        yield self._out.taken()

    def end(self) -> bytes:
        """Return the last bytes."""
        self._file.close()
        return self._out.taken()

    def _free(self, name: str) -> str:
        path, number = PurePosixPath(name), 2
        while name in self._names:
            name, number = f"{path.stem}-{number}{path.suffix}", number + 1
        self._names.add(name)
        return name


class _Out:
    """Keeps what is written until it is taken; nothing that was written can be changed."""

    def __init__(self) -> None:
        self._data = bytearray()

    def write(self, data: bytes) -> int:
        self._data += data
        return len(data)

    def flush(self) -> None:
        """Do nothing: what is written is there."""

    def close(self) -> None:
        """Do nothing: the last bytes are taken afterwards."""

    def taken(self) -> bytes:
        data = bytes(self._data)
        self._data.clear()
        return data
