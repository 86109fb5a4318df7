"""Where files go in and come out: the PUT of an upload, and the content network."""

from __future__ import annotations

from aiohttp import web

from waystation.simulator.discord.files import MEDIA_PREFIX, Files
from waystation.simulator.discord.refusals import Effect, error_effect
from waystation.simulator.discord.world import World
from waystation.simulator.doors.api import ENTRY, respond
from waystation.simulator.faults.switches import Switchboard

__all__ = ["Uploads"]

_GONE = b"This content is no longer available."
_PLAIN = "text/plain"


class Uploads:
    """Serves `/uploads`, `/attachments`, `/ephemeral-attachments` and their resizing twin."""

    def __init__(self, world: World, files: Files, board: Switchboard) -> None:
        self._world = world
        self._files = files
        self._board = board

    def routes(self) -> list[web.RouteDef]:
        """Return all routes."""
        readable = ("/attachments", "/ephemeral-attachments")
        paths = [prefix + kind for kind in readable for prefix in ("", MEDIA_PREFIX)]
        return [
            web.put("/uploads/{name:.+}", self._put),
            *(web.get(path + "/{owner}/{id}/{name}", self._get) for path in paths),
        ]

    async def _put(self, request: web.Request) -> web.StreamResponse:
        """Take a file without any Authorization; the key in the URL is enough."""
        slot = self._files.slot(request.match_info["name"])
        if slot is None or request.query.get("upload_id") != slot.key:
            return await respond(request, Effect(403, b"Forbidden", _PLAIN))
        switch = self._board.take_http("upload", slot.user_id, None)
        if switch is not None and switch.fault.http is not None:
            return await respond(request, switch.fault.http(switch.params))
        data = await request.read()
        request[ENTRY] |= {"route": "upload", "account": slot.user_id, "bytes": len(data)}
        if len(data) > slot.max_bytes:
            return await respond(request, error_effect("too_large"))
        picture = self._files.fill(slot, data, request.content_type)
        request[ENTRY]["digest"] = picture.digest
        return await respond(request, Effect(200))

    async def _get(self, request: web.Request) -> web.StreamResponse:
        request[ENTRY]["route"] = "cdn"
        switch = self._board.take_http("cdn", None, None)
        if switch is not None and switch.fault.http is not None:
            return await respond(request, switch.fault.http(switch.params))
        path = request.path.removeprefix(MEDIA_PREFIX)
        picture = self._files.read(path, request.query)
        if picture is None:
            return await respond(request, Effect(404, _GONE, _PLAIN))
        return await respond(request, Effect(200, picture.data, picture.content_type))
