"""Site: the web server that a caller of the API would have: it shows a picture by URL and receives
callbacks. On loopback, which the service of the demo is told to allow.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

from aiohttp import web

__all__ = ["Site"]


class Site:
    """Serves one picture at `picture_url` and keeps what is POSTed to `callback_url`."""

    def __init__(self, picture: Path) -> None:
        self._picture = picture
        self._received: dict[str, dict[str, Any]] = {}
        self._times: Counter[str] = Counter()
        self._arrived = asyncio.Event()
        app = web.Application()
        app.router.add_get(f"/picture{picture.suffix}", self._show)
        app.router.add_post("/callback", self._receive)
        self._runner = web.AppRunner(app, access_log=None)
        self.picture_url = ""
        self.callback_url = ""

    async def start(self) -> None:
        """Listen on a free port of 127.0.0.1."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        base = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self.picture_url = f"{base}/picture{self._picture.suffix}"
        self.callback_url = f"{base}/callback"

    async def stop(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    async def callback(self, jobid: str, timeout_s: float) -> dict[str, Any] | None:
        """Return what was POSTed about a job, None when nothing comes in time."""
        try:
            async with asyncio.timeout(timeout_s):
                while jobid not in self._received:
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            return None
        return self._received[jobid]

    def times(self, jobid: str) -> int:
        """Return how often something was POSTed about a job."""
        return self._times[jobid]

    async def _show(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(self._picture)

    async def _receive(self, request: web.Request) -> web.Response:
        body = await request.json()
        self._times[str(body.get("jobid"))] += 1
        self._received[str(body.get("jobid"))] = body
        self._arrived.set()
        return web.Response()
