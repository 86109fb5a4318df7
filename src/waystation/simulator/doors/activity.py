"""The activity of Vary (Region): where its iframe sends the painted mask, in both path versions.

It is not Discord's host and takes no Authorization: the token of the iframe is enough. The mask is
base64 of a PNG or WebP; white is what is painted anew, which no source states and is our reading.
Its size is not compared with the picture's: it is stretched. Source: wire notes 3.6.
"""

from __future__ import annotations

import base64
import binascii
from io import BytesIO

import msgspec
from aiohttp import web
from PIL import Image, UnidentifiedImageError

from waystation.simulator.acting.bot import Bot
from waystation.simulator.bot.job import Ask, Job
from waystation.simulator.bot.opened import IFRAME_PREFIX
from waystation.simulator.discord.refusals import Effect
from waystation.simulator.doors.api import ENTRY, respond
from waystation.simulator.faults.fault import Place
from waystation.simulator.faults.switches import Switchboard
from waystation.simulator.payload import Payload, decode, encode

__all__ = ["Activity"]

_MASKS = ("PNG", "WEBP")


class Activity:
    """Takes masks."""

    def __init__(self, bot: Bot, board: Switchboard) -> None:
        self._bot = bot
        self._board = board

    def routes(self) -> list[web.RouteDef]:
        """Return all routes: the older, and the newer behind the proxy."""
        return [
            web.post("/inpaint/api/submit-job", self._older),
            web.post("/.proxy/inpaint/api/submit-job/{token}", self._newer),
        ]

    async def _older(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        return await self._submit(request, body, str(body.get("customId", "")), "activity.older")

    async def _newer(self, request: web.Request) -> web.StreamResponse:
        token = request.match_info["token"]
        return await self._submit(request, await _body(request), token, "activity.newer")

    async def _submit(
        self, request: web.Request, body: Payload, token: str, route: str
    ) -> web.StreamResponse:
        key = token.removeprefix(IFRAME_PREFIX)
        opener = self._bot.openings.find(key)
        user_id = opener.ask.user.id if opener is not None else None
        request[ENTRY] |= {"route": route, "account": user_id, "body": body or None}
        switch = self._board.take_http(route, user_id, "iframe")
        effect = switch.fault.http(switch.params) if switch and switch.fault.http else None
        if effect is not None and not effect.executes:
            return await respond(request, effect)
        mask = _mask(body.get("mask"))
        if opener is None:
            return await respond(request, _error(404, "unknown token"))
        if mask is None:
            return await respond(request, _error(400, "mask must be base64 of a PNG or WebP"))
        self._bot.openings.close(key)
        prompt = body.get("prompt")
        self._start(opener, mask, prompt if isinstance(prompt, str) else "")
        return await respond(request, effect or Effect(200, encode({"success": True})))

    def _start(self, opener: Job, mask: bytes, prompt: str) -> None:
        """Begin the job; without remix mode its prompt is the picture's own."""
        account, press = opener.ask.account, opener.ask.press
        assert press is not None, "an iframe is opened by a press"
        remix = account is not None and account.standing.remix
        text = prompt.strip() if remix and prompt.strip() else None
        ask = Ask(
            user=opener.ask.user,
            account=account,
            channel=opener.ask.channel,
            verb="iframe",
            command_id="",
            session_id=opener.ask.session_id,
            press=press.filled(text, opener.interaction_id, mask),
        )
        switches = self._board.take(Place.SCRIPT, ask.user.id, ask.verb)
        self._bot.start(self._bot.accept(ask, switches, opener=opener), switches)


async def _body(request: web.Request) -> Payload:
    try:
        body = decode(await request.read())
    except msgspec.DecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def _mask(text: object) -> bytes | None:
    """Return the bytes of a mask, if they are those of a PNG or WebP."""
    if not isinstance(text, str):
        return None
    try:
        data = base64.b64decode(text, validate=True)
        with Image.open(BytesIO(data), formats=_MASKS):
            return data
    except (binascii.Error, UnidentifiedImageError, OSError):
        return None


def _error(status: int, message: str) -> Effect:
    return Effect(status, encode({"message": message}))
