"""The simulator as one object: build it, start it, ask it, stop it. Its play is `play`.

One port serves the REST API, the gateway, uploads, both content networks and the control API.

    async with Simulator(accounts=2, speed=1000.0) as sim:
        sim.fault("queue_full", count=1)
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from email.utils import format_datetime
from functools import cached_property
from typing import Self

from aiohttp import web

from waystation.simulator.doors.activity import Activity
from waystation.simulator.doors.api import ENTRY, Api
from waystation.simulator.doors.chat import Chat
from waystation.simulator.doors.control import Control
from waystation.simulator.doors.gateway import Gateway
from waystation.simulator.doors.interactions import Interactions
from waystation.simulator.doors.midjourney_cdn import MidjourneyCdn
from waystation.simulator.doors.rest import Rest
from waystation.simulator.doors.uploads import Uploads
from waystation.simulator.options import Options
from waystation.simulator.play import Play

__all__ = ["Simulator"]

_SHUTDOWN_S = 0.5
_MAX_REQUEST_BYTES = 128 * 1024 * 1024
"""Larger than any limit that is imitated, so that the imitated one answers."""


class Simulator(Play):
    """A stand-in for Discord and the bot, on a port of its own."""

    _runner: web.AppRunner | None = None

    @cached_property
    def _gateway(self) -> Gateway:
        return Gateway(self.world, self.ids, self.sessions, self.board, self._log)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; afterwards `url` is known.

        Raises: OSError: the port is taken, or a file of TLS cannot be read
        """
        app = web.Application(client_max_size=_MAX_REQUEST_BYTES, middlewares=[self._logged])
        api = Api(self.world, self._rest(), self._limits, self.board, self._log, self._now)
        app.add_routes(Control(self).routes())
        app.add_routes(api.routes())
        app.add_routes(Uploads(self.world, self._files, self.board).routes())
        app.add_routes(Activity(self.bot, self.board).routes())
        app.add_routes(MidjourneyCdn(self._works, self._gallery, self.board).routes())
        app.router.add_get("/", self._root)
        app.on_response_prepare.append(self._dated)
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=_SHUTDOWN_S
        )
        await self._runner.setup()
        options, tls = self.options, _tls(self.options)
        site = web.TCPSite(self._runner, options.host, options.port, ssl_context=tls)
        await site.start()
        port = self._runner.addresses[0][1]
        scheme = "http" if tls is None else "https"
        self.world.url = options.public_url or f"{scheme}://{options.host}:{port}"

    async def _dated(self, request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = format_datetime(self._now(), usegmt=True)

    def _rest(self) -> Rest:
        interactions = Interactions(
            self.world, self.bot, self._files, self.messages, self.sessions, self.board
        )
        chat = Chat(
            self.world,
            self.bot,
            self.messages,
            self.sessions,
            self.board,
            self.ids,
            self._now,
        )
        post = interactions.post
        return Rest(self.world, self._files, self.messages, post, chat, self.ids)

    async def stop(self) -> None:
        """Close every socket and drop what is in work; quick, and safe to repeat."""
        await self.bot.stop()
        self._gateway.close_all()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _root(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._gateway.serve(request)
        return web.Response(text="waystation-simulator: see /_sim/\n")

    @web.middleware
    async def _logged(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        if request.path.startswith("/_sim"):
            return await handler(request)
        entry = self._log.add(
            "request",
            method=request.method,
            path=request.path,
            query=dict(request.query),
            headers=dict(request.headers),
            account=None,
            status=None,
        )
        request[ENTRY] = entry
        response = await handler(request)
        entry["status"] = response.status if entry["status"] is None else entry["status"]
        return response


def _tls(options: Options) -> ssl.SSLContext | None:
    if not options.tls_cert:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(options.tls_cert, options.tls_key)
    return context
