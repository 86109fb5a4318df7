"""The control API under `/_sim/`: what tests and people use to direct the play.

It has no password: whoever reaches the port directs it. `README.md` lists the calls.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from waystation.simulator.fault import Fault, FaultError
from waystation.simulator.faults import FAULTS
from waystation.simulator.hazards import HAZARDS
from waystation.simulator.payload import Payload, decode, encode
from waystation.simulator.timeline import Disturbance
from waystation.simulator.world import Account, Standing

if TYPE_CHECKING:
    from waystation.simulator.server import Simulator

__all__ = ["Control"]

_STANDING_FIELDS = frozenset(Standing.__dataclass_fields__) - {"running", "waiting", "options"}
_MAX_EMIT = 100_000
_EMIT_AT_ONCE = 200
"""Events dispatched before sockets get their turn."""

Answer = Callable[["Control", web.Request, Payload], object | Awaitable[object]]


class Control:
    """Answers `/_sim/`."""

    def __init__(self, simulator: Simulator) -> None:
        self._sim = simulator

    def routes(self) -> list[web.RouteDef]:
        """Return all routes."""
        return [web.route(method, path, self._handler(answer)) for method, path, answer in _CALLS]

    def _handler(self, answer: Answer) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                raw = await request.read()
                body = decode(raw) if raw else {}
                if not isinstance(body, dict):
                    raise ValueError("the body must be a JSON object")
                result = answer(self, request, body)
                value = await result if isinstance(result, Awaitable) else result
                return _json(value if value is not None else {"ok": True})
            except (ValueError, LookupError, TypeError, msgspec.DecodeError) as error:
                return _json({"error": str(error)}, 400)

        return handle

    def _state(self, request: web.Request, body: Payload) -> object:
        sim = self._sim
        return sim.ready_line() | {
            "seed": sim.ids.seed,
            "speed": sim.bot.speed,
            "options": asdict(sim.options),
            "faults": [switch.payload() for switch in sim.board.active()],
            "sessions": [
                {
                    "session_id": session.id,
                    "user_id": session.caller.user_id,
                    "connected": session.connection is not None,
                    "seq": session.seq,
                }
                for session in sim.sessions.all()
            ],
            "standing": {a.user_id: _standing(a) for a in sim.accounts},
        }

    def _log(self, request: web.Request, body: Payload) -> object:
        since = int(request.query.get("since", "0"))
        return self._sim.read_log(since, request.query.get("kind"))

    def _book(self, request: web.Request, body: Payload) -> object:
        return self._sim.book

    def _faults(self, request: web.Request, body: Payload) -> object:
        active = [switch.payload() for switch in self._sim.board.active()]
        return {"faults": _rows(FAULTS), "hazards": _rows(HAZARDS), "active": active}

    def _switch_on(self, request: web.Request, body: Payload) -> object:
        if "name" not in body:
            raise FaultError('name the fault: {"name": …}')
        return self._sim.fault(**body).payload()

    def _switch_off(self, request: web.Request, body: Payload) -> object:
        id_ = request.query.get("id")
        self._sim.clear_faults(int(id_) if id_ else None)
        return None

    def _by_hand(self, request: web.Request, body: Payload) -> object:
        try:
            picture = base64.b64decode(body.get("picture", ""), validate=True)
        except binascii.Error as error:
            raise ValueError(f"picture must be base64: {error}") from None
        return self._sim.by_hand(
            body.get("verb", "describe"),
            body.get("account"),
            direct=bool(body.get("direct")),
            picture=picture,
            filename=body.get("filename", "by-hand.png"),
            options=body.get("options"),
        )

    def _drop(self, request: web.Request, body: Payload) -> object:
        how = Disturbance(body.get("how", "drop"))
        return {"sessions": self._sim.drop(body.get("account"), how, body.get("code", 4000))}

    def _revoke(self, request: web.Request, body: Payload) -> object:
        self._sim.revoke(body.get("account"), revoked=bool(body.get("revoked", True)))
        return None

    def _account(self, request: web.Request, body: Payload) -> object:
        account = self._sim.find_account(body.pop("account", None))
        unknown = sorted(set(body) - _STANDING_FIELDS)
        if unknown:
            raise ValueError(f"unknown field {unknown[0]}; known: {sorted(_STANDING_FIELDS)}")
        for name, value in body.items():
            wanted = type(getattr(account.standing, name))
            setattr(account.standing, name, wanted(value))
        self._sim.bot.admit(account)
        return _standing(account)

    def _settings(self, request: web.Request, body: Payload) -> object:
        if "speed" in body:
            self._sim.set_speed(float(body["speed"]))
        if "seed" in body:
            self._sim.set_seed(int(body["seed"]))
        return {"speed": self._sim.bot.speed}

    async def _emit(self, request: web.Request, body: Payload) -> object:
        """Dispatch any event to an account's sessions, as often as wanted."""
        account = self._sim.find_account(body.get("account"))
        count = min(int(body.get("count", 1)), _MAX_EMIT)
        for number in range(count):
            if number % _EMIT_AT_ONCE == 0:
                await asyncio.sleep(0)
            self._sim.sessions.publish((account.user_id,), body["t"], body["d"])
        return {"dispatched": count}

    async def _reset(self, request: web.Request, body: Payload) -> object:
        await self._sim.reset()
        return None


_CALLS: tuple[tuple[str, str, Answer], ...] = (
    ("GET", "/_sim/", Control._state),
    ("GET", "/_sim/state", Control._state),
    ("GET", "/_sim/log", Control._log),
    ("GET", "/_sim/book", Control._book),
    ("GET", "/_sim/faults", Control._faults),
    ("POST", "/_sim/faults", Control._switch_on),
    ("DELETE", "/_sim/faults", Control._switch_off),
    ("POST", "/_sim/hand", Control._by_hand),
    ("POST", "/_sim/drop", Control._drop),
    ("POST", "/_sim/revoke", Control._revoke),
    ("POST", "/_sim/account", Control._account),
    ("POST", "/_sim/settings", Control._settings),
    ("POST", "/_sim/emit", Control._emit),
    ("POST", "/_sim/reset", Control._reset),
)


def _rows(table: Mapping[str, Fault]) -> list[Payload]:
    return [
        {"name": row.name, "about": row.about, "place": row.place.value, "params": row.params}
        for row in table.values()
    ]


def _standing(account: Account) -> Payload:
    standing = account.standing
    plain = {name: getattr(standing, name) for name in sorted(_STANDING_FIELDS)}
    return plain | {"running_jobs": standing.running_jobs, "queued_jobs": standing.queued_jobs}


def _json(value: object, status: int = 200) -> web.Response:
    headers = {"Content-Type": "application/json"}
    return web.Response(status=status, body=encode(value), headers=headers)
