"""Mailbox: an SMTP receiver on loopback that keeps what it gets, for the demo to read out.

It knows the few commands that sending one message needs (RFC 5321) and nothing else: no TLS, no
authentication, no relaying.
"""

from __future__ import annotations

import asyncio
from email import message_from_bytes, policy
from email.message import EmailMessage

__all__ = ["Mailbox"]

_GREETING = b"220 localhost demo mailbox\r\n"
_OK = b"250 ok\r\n"
_REPLIES = {
    b"EHLO": b"250-localhost\r\n250 8BITMIME\r\n",
    b"HELO": b"250 localhost\r\n",
    b"DATA": b"354 end with a dot\r\n",
    b"QUIT": b"221 bye\r\n",
    b"MAIL": _OK,
    b"RCPT": _OK,
    b"RSET": _OK,
    b"NOOP": _OK,
}
_UNKNOWN = b"502 not known\r\n"


class Mailbox:
    """Receives mail between `start` and `stop`."""

    def __init__(self) -> None:
        self._received: asyncio.Queue[EmailMessage] = asyncio.Queue()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def start(self) -> None:
        """Listen on a free port of 127.0.0.1."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and hang up on whoever still sends."""
        if self._server is None:
            return
        self._server.close()
        for writer in tuple(self._open):
            writer.close()
            await writer.wait_closed()
        await self._server.wait_closed()

    async def next(self, timeout_s: float) -> EmailMessage | None:
        """Return the next message, None when none comes in time."""
        try:
            return await asyncio.wait_for(self._received.get(), timeout_s)
        except TimeoutError:
            return None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            writer.write(_GREETING)
            while line := await reader.readline():
                command = line[:4].upper()
                writer.write(_REPLIES.get(command, _UNKNOWN))
                await writer.drain()
                if command == b"DATA":
                    await self._receive(reader)
                    writer.write(_OK)
                elif command == b"QUIT":
                    break
        except ConnectionError:
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _receive(self, reader: asyncio.StreamReader) -> None:
        lines = []
        while (line := await reader.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        await self._received.put(message_from_bytes(b"".join(lines), policy=policy.default))
