"""Outside: the caller's own server, with a picture to fetch and a place for callbacks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.resources import files

from aiohttp import web

__all__ = ["Outside", "outside"]

_CALLBACK_WITHIN_S = 20.0
_SAMPLE = "lighthouse.webp"


@dataclass
class Outside:
    """Where it is, and when which callback came."""

    url: str = ""
    arrived_at_s: dict[str, float] = field(default_factory=dict)
    """Callback's path → wall clock at its arrival; the first one counts."""
    _rung: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def picture_url(self) -> str:
        """Where the picture is."""
        return f"{self.url}/picture"

    def callback_url(self, name: str) -> str:
        """Where a callback named so may go."""
        return f"{self.url}/callback/{name}"

    async def arrivals(self, count: int) -> None:
        """Return when so many callbacks have come."""
        async with asyncio.timeout(_CALLBACK_WITHIN_S):
            while len(self.arrived_at_s) < count:
                self._rung.clear()
                await self._rung.wait()

    async def arrival(self, name: str, within_s: float = _CALLBACK_WITHIN_S) -> None:
        """Return when the callback named so has come."""
        async with asyncio.timeout(within_s):
            while name not in self.arrived_at_s:
                self._rung.clear()
                await self._rung.wait()

    async def take(self, request: web.Request) -> web.Response:
        """Note when a callback came, before its body is read."""
        self.arrived_at_s.setdefault(request.match_info["name"], time.time())
        await request.read()
        self._rung.set()
        return web.Response()


@asynccontextmanager
async def outside() -> AsyncIterator[Outside]:
    """Serve as long as the block."""
    place = Outside()
    picture = files("waystation.samples").joinpath(_SAMPLE).read_bytes()

    async def show(request: web.Request) -> web.Response:
        return web.Response(body=picture, content_type="image/webp")

    app = web.Application()
    app.router.add_get("/picture", show)
    app.router.add_post("/callback/{name}", place.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    place.url = f"http://{host}:{port}"
    try:
        yield place
    finally:
        await runner.cleanup()
