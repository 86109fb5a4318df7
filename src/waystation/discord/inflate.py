"""Gateway compression: websocket messages in, JSON out.

How it works: with transport compression the whole connection is one compressed stream, so an
inflater lives exactly as long as its socket and sees every message in order. zstd ends a message
with its websocket frame, zlib with a flush marker, so a zlib message may span frames.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from waystation.errors import RemoteProtocolError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["COMPRESSIONS", "MAX_MESSAGE_BYTES", "Inflater"]

MAX_MESSAGE_BYTES: Final = 32 * 1024 * 1024
"""Largest gateway message after inflating (R43); READY of an account in many guilds is the largest
and stays well below."""

_ZLIB_MARKER: Final = b"\x00\x00\xff\xff"
"""Ends every zlib-stream message. Source: Discord, Gateway, heading Transport Compression."""


class Inflater(Protocol):
    """Turns the binary websocket messages of one connection into gateway messages."""

    def inflate(self, data: bytes) -> bytes | None:
        """Return a whole gateway message, None while it is incomplete.

        Raises: RemoteProtocolError: not the agreed compression, or too large
        """
        ...


class _Plain:
    def inflate(self, data: bytes) -> bytes | None:
        return data


class _Zstd:
    def __init__(self) -> None:
        self._stream = zstd.ZstdDecompressor()

    def inflate(self, data: bytes) -> bytes | None:
        try:
            message = self._stream.decompress(data, MAX_MESSAGE_BYTES + 1)
        except (zstd.ZstdError, EOFError) as error:
            raise RemoteProtocolError("Discord sent an unreadable zstd stream") from error
        return _bounded(message)


class _Zlib:
    def __init__(self) -> None:
        self._stream = zlib.decompressobj()
        self._parts = bytearray()

    def inflate(self, data: bytes) -> bytes | None:
        self._parts += data
        if not self._parts.endswith(_ZLIB_MARKER):
            _bounded(self._parts)
            return None
        try:
            message = self._stream.decompress(self._parts, MAX_MESSAGE_BYTES + 1)
        except zlib.error as error:
            raise RemoteProtocolError("Discord sent an unreadable zlib stream") from error
        self._parts.clear()
        return _bounded(message)


def _bounded(message: bytes | bytearray) -> bytes:
    if len(message) > MAX_MESSAGE_BYTES:
        raise RemoteProtocolError("Discord sent a gateway message above the limit")
    return bytes(message)


COMPRESSIONS: Final[Mapping[str, Callable[[], Inflater]]] = {
    "zlib-stream": _Zlib,
    "zstd-stream": _Zstd,
    "": _Plain,
}
"""Value of the gateway URL's `compress` → inflater, in the order in which they are tried; empty for
no compression. zlib keeps 45 KiB for a connection, zstd what READY has, up to its window."""
