"""Midjourney's own content network: the pictures and clips of a finished job, one by one.

Its links hold nothing but the job's uuid and a number from 0; they are not signed and do not
expire. What is not finished, not there or of the other kind is a 404. Source: wire notes 4.2,
`{uuid}/0_{n}.png`; the path of clips was never captured.
"""

from __future__ import annotations

from aiohttp import web

from waystation.simulator.bot.gallery import Gallery, nth
from waystation.simulator.bot.works import Work, Works
from waystation.simulator.discord.refusals import Effect
from waystation.simulator.doors.api import ENTRY, respond
from waystation.simulator.faults.switches import Switchboard

__all__ = ["MidjourneyCdn"]

_GONE = b"Not found"
_PLAIN = "text/plain"


class MidjourneyCdn:
    """Serves `/{uuid}/0_{n}.png` and `/video/{uuid}/{n}.mp4`."""

    def __init__(self, works: Works, gallery: Gallery, board: Switchboard) -> None:
        self._works = works
        self._gallery = gallery
        self._board = board

    def routes(self) -> list[web.RouteDef]:
        """Return all routes."""
        return [
            web.get(r"/{uuid:[0-9a-f-]{36}}/0_{n:\d}.png", self._picture),
            web.get(r"/video/{uuid:[0-9a-f-]{36}}/{n:\d}.mp4", self._clip),
        ]

    async def _picture(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(request, moving=False)

    async def _clip(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(request, moving=True)

    async def _serve(self, request: web.Request, *, moving: bool) -> web.StreamResponse:
        work = self._works.find(request.match_info["uuid"])
        owner = work.owner if work is not None else None
        request[ENTRY] |= {"route": "midjourney_cdn", "account": owner}
        switch = self._board.take_http("midjourney_cdn", owner, None)
        if switch is not None and switch.fault.http is not None:
            return await respond(request, switch.fault.http(switch.params))
        tile = int(request.match_info["n"]) + 1
        if work is None or not _has(work, tile, moving):
            return await respond(request, Effect(404, _GONE, _PLAIN))
        (drawn,) = await self._gallery.draw(nth(tile), work)
        return await respond(request, Effect(200, drawn.data, drawn.content_type))


def _has(work: Work, tile: int, moving: bool) -> bool:
    return work.canvas.moving is moving and tile <= work.canvas.tiles
