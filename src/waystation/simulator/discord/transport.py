"""One WebSocket of a client: the order of frames, their compression and their end.

Frames are queued and written by one task, so dispatching never waits for a slow reader. Each frame
leaves alone: some clients inflate every WebSocket message by itself (wire notes 2.1).
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
import zlib
from collections.abc import Callable

from aiohttp import WSMsgType, web

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["Connection", "Encoder", "abort", "encoder_of"]

Encoder = Callable[[bytes], bytes]

_LINGER_OFF = struct.pack("ii", 1, 0)
"""Zero linger: closing sends RST instead of FIN, as a lost connection would."""


def encoder_of(name: str) -> Encoder | None:
    """Return a fresh compressing function for `compress=`, None for plain text."""
    match name:
        case "zlib-stream":
            return _zlib_stream()
        case "zstd-stream":
            return _zstd_stream()
        case _:
            return None


def _zlib_stream() -> Encoder:
    context = zlib.compressobj(level=1)

    def encode(frame: bytes) -> bytes:
        return context.compress(frame) + context.flush(zlib.Z_SYNC_FLUSH)

    return encode


def _zstd_stream() -> Encoder:
    context = zstd.ZstdCompressor(level=1)

    def encode(frame: bytes) -> bytes:
        return context.compress(frame, mode=context.FLUSH_BLOCK)

    return encode


class Connection:
    """The outgoing half of one WebSocket."""

    def __init__(
        self, request: web.Request, ws: web.WebSocketResponse, encoder: Encoder | None, limit: int
    ) -> None:
        self._request = request
        self._ws = ws
        self._encoder = encoder
        self._limit = limit
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._closing = False
        self.close_code: int | None = None
        """The code that we want to close with."""
        self.close_reason = ""

    def send(self, frame: bytes) -> None:
        """Queue one frame; a reader that is too slow is closed."""
        if self._closing:
            return
        if self._queue.qsize() >= self._limit:
            self.close(4000, "too slow")
            return
        self._queue.put_nowait(frame)

    def close(self, code: int, reason: str = "") -> None:
        """Ask to be closed after what is queued."""
        if not self._closing:
            self._closing = True
            self.close_code, self.close_reason = code, reason
            self._queue.put_nowait(None)

    def cut(self) -> None:
        """Break the connection without a word."""
        self._closing = True
        abort(self._request)

    async def write(self) -> None:
        """Write queued frames until the connection breaks or is to be closed."""
        while (frame := await self._queue.get()) is not None:
            try:
                await self._write(frame)
            except (ConnectionError, RuntimeError):
                return

    async def _write(self, frame: bytes) -> None:
        if self._encoder is None:
            await self._ws.send_frame(frame, WSMsgType.TEXT)
        else:
            await self._ws.send_frame(self._encoder(frame), WSMsgType.BINARY)


def abort(request: web.Request) -> None:
    """Reset the TCP connection under a request."""
    transport = request.transport
    if transport is None:
        return
    peer = transport.get_extra_info("socket")
    if peer is not None:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_OFF)
    transport.abort()
