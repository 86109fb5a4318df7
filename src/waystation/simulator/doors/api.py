"""The way of a request: log, token, limits, faults, route, answer.

Every JSON answer has the content type `application/json` and nothing behind it, because several
clients hand back text otherwise (wire notes 11.1).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from waystation.simulator.book.log import Log
from waystation.simulator.discord.call import Call, Reply, read_body
from waystation.simulator.discord.ids import Now
from waystation.simulator.discord.languages import in_language
from waystation.simulator.discord.limits import Limits, rate_headers
from waystation.simulator.discord.refusals import JSON, Effect, Refused, error_effect, rate_limited
from waystation.simulator.discord.routes import ROUTES, Route
from waystation.simulator.discord.transport import abort
from waystation.simulator.discord.world import Account, SimulatedBot, World
from waystation.simulator.doors.interactions import verb_of
from waystation.simulator.doors.rest import Rest
from waystation.simulator.faults.switches import Switchboard
from waystation.simulator.options import ENGLISH
from waystation.simulator.payload import Payload, encode

__all__ = ["Api", "ENTRY", "respond"]

ENTRY = web.RequestKey("entry", dict)
"""The request's own log entry."""

_VIA = {"Via": "1.1 simulator"}
"""Its absence is how clients tell the proxy in front of Discord from Discord (wire notes 1.7)."""


class Api:
    """Serves everything under `/api`."""

    def __init__(
        self, world: World, rest: Rest, limits: Limits, board: Switchboard, log: Log, now: Now
    ) -> None:
        self._world = world
        self._rest = rest
        self._limits = limits
        self._board = board
        self._log = log
        self._now = now

    def routes(self) -> list[web.RouteDef]:
        """Return all routes, with and without a version."""
        rows: list[web.RouteDef] = []
        for route in ROUTES:
            handler = self._handler(route)
            for prefix in ("/api/v{version:[6-9]|10}", "/api"):
                rows.append(web.route(route.method, prefix + route.path, handler))
        return [*rows, web.route("*", "/api/{tail:.*}", self._nowhere)]

    async def _nowhere(self, request: web.Request) -> web.StreamResponse:
        """Answer what has no route: 405 where another method has one."""
        here = request.match_info.route.resource
        for resource in request.app.router.resources():
            if resource is not here and (await resource.resolve(request))[1]:
                return await respond(request, error_effect("method_not_allowed"))
        return await respond(request, error_effect("not_found"))

    def _handler(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._serve(route, request)

        return handle

    async def _serve(self, route: Route, request: web.Request) -> web.StreamResponse:
        entry = request[ENTRY]
        caller = self._world.by_authorization(request.headers.get("Authorization"))
        entry["account"] = caller.user_id if caller else None
        try:
            body = await read_body(request, self._world.options.max_file_bytes)
            entry |= {"route": route.name, "body": body.json or None}
            if route.public:
                return await respond(request, _effect_of(self._rest.public(route)))
            if caller is None:
                raise Refused(error_effect("unauthorized"))
            headers = self._limit(route, request, caller)
            return await self._answer(
                route, request, Call(request, caller, body, route.path), headers
            )
        except Refused as refused:
            locale = caller.locale if caller else ENGLISH
            return await respond(request, in_language(refused.effect, locale))

    def _limit(
        self, route: Route, request: web.Request, caller: Account | SimulatedBot
    ) -> dict[str, str]:
        """Count the request; return the headers that a bot sees.

        Raises: Refused: too many
        """
        if not self._world.options.rate_limits:
            return {}
        major = request.match_info.get(route.major, "") if route.major else ""
        ruling = self._limits.judge(caller.token, route.name, major, self._now().timestamp())
        headers = rate_headers(ruling) if isinstance(caller, SimulatedBot) else {}
        if not ruling.allowed:
            effect = rate_limited(round(ruling.reset_after_s, 3), is_global=ruling.is_global)
            raise Refused(Effect(429, effect.body, headers={**effect.headers, **headers}))
        return headers

    async def _answer(
        self, route: Route, request: web.Request, call: Call, headers: dict[str, str]
    ) -> web.StreamResponse:
        verb = verb_of(call.body.json) if route.name == "interactions" else None
        switch = self._board.take_http(route.name, call.caller.user_id, verb)
        if switch is None:
            reply = self._rest.answer(route, call)
            return await respond(request, _effect_of(reply, headers), reply.after)
        request[ENTRY]["fault"] = switch.fault.name
        assert switch.fault.http is not None, "a fault of requests answers them"
        locale = switch.params.get("locale") or call.caller.locale
        effect = in_language(switch.fault.http(switch.params), locale)
        after = self._rest.answer(route, call).after if effect.executes else None
        return await respond(request, effect, after)


def _effect_of(reply: Reply, headers: dict[str, str] | None = None) -> Effect:
    body = b"" if reply.json is None else encode(reply.json)
    return Effect(reply.status, body, headers=headers or {})


async def respond(
    request: web.Request, effect: Effect, after: Callable[[], None] | None = None
) -> web.StreamResponse:
    """Give an answer, or do to the connection what a fault wants, and go on afterwards.

    Args: after: what happens once the answer has left, whoever hung up meanwhile
    """
    response = _response(effect)
    entry: Payload = request[ENTRY]
    entry["status"] = 0 if effect.reset else effect.status
    if effect.hang_s and after is not None:
        after()
        after = None
    try:
        if effect.hang_s:
            await asyncio.sleep(effect.hang_s)
        if effect.reset:
            abort(request)
            return response
        await response.prepare(request)
        await response.write_eof()
    except ConnectionError:
        entry["hung_up"] = True
    finally:
        if after is not None:
            after()
    return response


def _response(effect: Effect) -> web.Response:
    headers = {**effect.headers}
    if effect.content_type == JSON:
        headers |= _VIA
    if effect.body:
        headers["Content-Type"] = effect.content_type
    return web.Response(status=effect.status, body=effect.body, headers=headers)
