"""The control API under `/_sim/`: what tests and people use to direct the play.

It has no password: whoever reaches the port directs it. `README.md` lists the calls.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import TypeVar

import msgspec
from aiohttp import web

from waystation.simulator.bot.buttons import MODELS
from waystation.simulator.discord.sessions import Disturbance
from waystation.simulator.discord.world import Account, Standing
from waystation.simulator.faults.fault import Fault, FaultError
from waystation.simulator.faults.faults import FAULTS
from waystation.simulator.faults.hazards import HAZARDS
from waystation.simulator.payload import Payload, decode, encode
from waystation.simulator.play import Play

__all__ = ["Control"]

_STANDING_FIELDS = frozenset(Standing.__dataclass_fields__) - {"running", "waiting", "options"}
_MAX_EMIT = 100_000
_EMIT_AT_ONCE = 200
"""Events dispatched before sockets get their turn."""

_TYPES = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
T = TypeVar("T", bool, int, float, str)

Answer = Callable[["Control", web.Request, Payload], object | Awaitable[object]]


class Control:
    """Answers `/_sim/`."""

    def __init__(self, play: Play) -> None:
        self._play = play

    def routes(self) -> list[web.RouteDef]:
        """Return all routes."""
        known = [web.route(method, path, self._handler(answer)) for method, path, answer in _CALLS]
        return [*known, web.route("*", "/_sim{tail:(/.*)?}", _nowhere)]

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
        sim = self._play
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
        return self._play.read_log(since, request.query.get("kind"))

    def _book(self, request: web.Request, body: Payload) -> object:
        return self._play.book

    def _faults(self, request: web.Request, body: Payload) -> object:
        active = [switch.payload() for switch in self._play.board.active()]
        return {"faults": _rows(FAULTS), "hazards": _rows(HAZARDS), "active": active}

    def _switch_on(self, request: web.Request, body: Payload) -> object:
        if "name" not in body:
            raise FaultError('name the fault: {"name": …}')
        _given(body, "name", "")
        if body.get("command") is not None:
            _given(body, "command", "")
        if body.get("count") is not None:
            _given(body, "count", 1)
        return self._play.fault(**body | {"account": _account_of(body)}).payload()

    def _switch_off(self, request: web.Request, body: Payload) -> object:
        id_ = request.query.get("id")
        self._play.clear_faults(int(id_) if id_ else None)
        return None

    def _by_hand(self, request: web.Request, body: Payload) -> object:
        try:
            picture = base64.b64decode(_given(body, "picture", ""), validate=True)
        except binascii.Error as error:
            raise ValueError(f"picture must be base64: {error}") from None
        return self._play.by_hand(
            _given(body, "verb", "describe"),
            _account_of(body),
            direct=_given(body, "direct", False),
            picture=picture,
            filename=_given(body, "filename", "by-hand.png"),
            options=_texts(body.get("options")),
        )

    def _drop(self, request: web.Request, body: Payload) -> object:
        how = Disturbance(_given(body, "how", "drop"))
        code = _given(body, "code", 4000)
        if not 1000 <= code <= 4999:
            raise ValueError(f"code must lie in 1000..4999, not {code}")
        return {"sessions": self._play.drop(_account_of(body), how, code)}

    def _revoke(self, request: web.Request, body: Payload) -> object:
        self._play.revoke(_account_of(body), revoked=_given(body, "revoked", True))
        return None

    def _account(self, request: web.Request, body: Payload) -> object:
        account = self._play.find_account(_account_of(body))
        body.pop("account", None)
        unknown = sorted(set(body) - _STANDING_FIELDS)
        if unknown:
            raise ValueError(f"unknown field {unknown[0]}; known: {sorted(_STANDING_FIELDS)}")
        for name, value in body.items():
            _check_type(name, value, getattr(account.standing, name))
        if body.get("version", account.standing.version) not in MODELS:
            raise ValueError(f"no model is called {body['version']}; there are {', '.join(MODELS)}")
        for name, value in body.items():
            setattr(account.standing, name, type(getattr(account.standing, name))(value))
        self._play.bot.admit(account)
        return _standing(account)

    def _settings(self, request: web.Request, body: Payload) -> object:
        if "speed" in body:
            self._play.set_speed(float(_given(body, "speed", 1.0)))
        if "seed" in body:
            self._play.set_seed(_given(body, "seed", 1))
        return {"speed": self._play.bot.speed}

    async def _emit(self, request: web.Request, body: Payload) -> object:
        """Dispatch any event to an account's sessions, as often as wanted."""
        account = self._play.find_account(_account_of(body))
        if not isinstance(body.get("t"), str) or "d" not in body:
            raise ValueError('name the event and its data: {"t": …, "d": …}')
        count = min(_given(body, "count", 1), _MAX_EMIT)
        for number in range(count):
            if number % _EMIT_AT_ONCE == 0:
                await asyncio.sleep(0)
            self._play.sessions.publish((account.user_id,), body["t"], body["d"])
        return {"dispatched": count}

    async def _settled(self, request: web.Request, body: Payload) -> object:
        """Wait until nothing is running."""
        await self._play.settled()
        return None

    async def _reset(self, request: web.Request, body: Payload) -> object:
        await self._play.reset()
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
    ("POST", "/_sim/settled", Control._settled),
    ("POST", "/_sim/reset", Control._reset),
)


async def _nowhere(request: web.Request) -> web.StreamResponse:
    """Answer what is no call, in JSON like everything else here."""
    here = [method for method, path, _ in _CALLS if path == request.path]
    if here:
        return _json({"error": f"{request.path} takes {' or '.join(here)}"}, 405)
    calls = ", ".join(f"{method} {path}" for method, path, _ in _CALLS)
    return _json({"error": f"no call is {request.method} {request.path}; there are {calls}"}, 404)


def _given(body: Payload, name: str, default: T) -> T:
    """Return a field of a body, which must have the type of its default.

    Raises: TypeError
    """
    value = body.get(name, default)
    _check_type(name, value, default)
    return value  # type: ignore[no-any-return]


def _check_type(name: str, value: object, default: object) -> None:
    wanted = type(default)
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    fits = is_whole or isinstance(value, float) if wanted is float else type(value) is wanted
    if not fits:
        raise TypeError(f"{name} must be {_TYPES[wanted]}, not {encode(value).decode()[:60]}")


def _account_of(body: Payload) -> str | int | None:
    """Return how a body names an account."""
    named = body.get("account")
    if named is None or (isinstance(named, str | int) and not isinstance(named, bool)):
        return named
    raise TypeError("account must be a number, a user id or a token")


def _texts(options: object) -> dict[str, str] | None:
    if options is None:
        return None
    if isinstance(options, dict) and all(isinstance(one, str) for one in options.values()):
        return options
    raise TypeError("options must be an object of texts")


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
