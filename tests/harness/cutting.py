"""A proxy between the service and a PostgreSQL server that can break connections as networks do."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from enum import Enum
from pathlib import Path

__all__ = ["Cut", "Cutter", "cutter"]

_SIZE = 65536


class Cut(Enum):
    """The moment at which a connection breaks."""

    BEFORE = "before the server sees the commit"
    AT_ONCE = "while the server commits"
    AFTER = "after the server has committed, before its answer"


class Cutter:
    """The proxy's switches."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cuts: list[Cut] = []
        """How the next commits end, in order."""
        self.refuses = False
        """True: nobody is let in."""
        self.made = 0
        """How many connections have been cut."""
        self.forwards = asyncio.Event()
        """Not set: nothing passes any more, and nobody is told."""
        self.forwards.set()

    def url(self, name: str) -> str:
        """Return where a database is through the proxy."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}?sslmode=disable"


@contextlib.asynccontextmanager
async def cutter(socket: Path) -> AsyncIterator[Cutter]:
    """Run a proxy before a server's socket."""
    open_: set[asyncio.StreamWriter] = set()

    async def come(client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        if made.refuses:
            back.transport.abort()
            return
        answers, server = await asyncio.open_unix_connection(str(socket))
        both = {back, server}
        open_.update(both)
        cutting = asyncio.Event()

        async def ask() -> None:
            while data := await client.read(_SIZE):
                if made.cuts and data[:1] == b"Q" and b"commit\0" in data:
                    cut = made.cuts.pop(0)
                    made.made += 1
                    if cut is Cut.BEFORE:
                        break
                    cutting.set()
                    server.write(data)
                    await server.drain()
                    if cut is Cut.AT_ONCE:
                        break
                    await answered.wait()
                    break
                await made.forwards.wait()
                server.write(data)
                await server.drain()

        async def answer() -> None:
            while data := await answers.read(_SIZE):
                await made.forwards.wait()
                if cutting.is_set():
                    answered.set()
                    continue
                back.write(data)
                await back.drain()

        answered = asyncio.Event()
        asking, answering = asyncio.create_task(ask()), asyncio.create_task(answer())
        with contextlib.suppress(OSError):
            await asyncio.wait((asking, answering), return_when=asyncio.FIRST_COMPLETED)
        asking.cancel()
        answering.cancel()
        for one in both:
            one.transport.abort()
        open_.difference_update(both)

    server = await asyncio.start_server(come, "127.0.0.1", 0)
    made = Cutter(server.sockets[0].getsockname()[1])
    try:
        yield made
    finally:
        server.close()
        for one in open_:
            one.transport.abort()
