"""The gateway's server side: HELLO, IDENTIFY, heartbeats, RESUME and the reasons to close.

Clients are taken as they come: IDENTIFY before HELLO was read, heartbeats before IDENTIFY or with
an invented number, JSON in binary frames (wire notes 11.11). What Discord closes a socket for
is closed here with the same code (wire notes 2.6).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from time import monotonic

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from waystation.simulator.book.log import Log
from waystation.simulator.discord import guilds, ready
from waystation.simulator.discord.ids import Ids
from waystation.simulator.discord.sessions import Session, Sessions, frame
from waystation.simulator.discord.transport import Connection, encoder_of
from waystation.simulator.discord.world import Account, SimulatedBot, World
from waystation.simulator.faults.faults import Place
from waystation.simulator.faults.switches import Switchboard
from waystation.simulator.payload import Payload, decode, encode
from waystation.wire.gateway import CloseCode, Opcode

__all__ = ["Gateway"]

_VERSIONS = range(6, 11)
_MAX_FRAME_BYTES = 15 * 1024
"""The user documentation's cap; Discord's own page says 4096. Source: wire notes 2.4."""
_PATIENCE = 1.5
"""Heartbeat intervals without a heartbeat until the socket is closed."""
_SILENT_OPCODES = frozenset({3, 4, 5, 13, 31, 34, 36, 41, 43})
"""Sent by real clients and of no effect here. Source: wire notes 2.2."""
_KNOWN_INTENTS = (1 << 26) - 1
_CLOSE_TIMEOUT_S = 2.0


class _Closed(Exception):
    def __init__(self, code: int, reason: str = "") -> None:
        self.code, self.reason = code, reason


class Gateway:
    """Serves gateway WebSockets."""

    def __init__(
        self, world: World, ids: Ids, sessions: Sessions, board: Switchboard, log: Log
    ) -> None:
        self._world = world
        self._ids = ids
        self._sessions = sessions
        self._board = board
        self._log = log
        self._count = 0
        self._identified_at: dict[str, float] = {}
        self.sockets: set[Connection] = set()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve one WebSocket from HELLO to its end."""
        ws = web.WebSocketResponse(
            compress=False, timeout=_CLOSE_TIMEOUT_S, max_msg_size=1 << 20, decode_text=False
        )
        await ws.prepare(request)
        query = _first_values(request.raw_path.partition("?")[2])
        options = self._sessions.options
        encoder = encoder_of(query.get("compress", ""))
        connection = Connection(request, ws, encoder, options.queue_frames)
        peer = _Peer(self, connection, query)
        self.sockets.add(connection)
        writer = asyncio.create_task(connection.write())
        reader = asyncio.create_task(peer.converse(ws))
        try:
            await asyncio.wait({writer, reader}, return_when=asyncio.FIRST_COMPLETED)
            await _finish(ws, connection, reader, writer)
        finally:
            reader.cancel()
            writer.cancel()
            await asyncio.wait({reader, writer})
            peer.end(ws.close_code)
            self.sockets.discard(connection)
            if not reader.cancelled():
                reader.result()
        return ws

    def close_all(self) -> None:
        """Close every socket, identified or not."""
        self._sessions.close_all()
        for connection in list(self.sockets):
            connection.close(WSCloseCode.GOING_AWAY)

    def note(self, kind: str, caller: str | None, session_id: str | None, **facts: object) -> None:
        """Write a frame or a change of connection into the log."""
        self._log.add(kind, account=caller, session_id=session_id, **facts)

    def new_session(self, caller: Account | SimulatedBot) -> Session:
        """Begin a session, or refuse as Discord does."""
        options = self._sessions.options
        connected = [s for s in self._sessions.of(caller.user_id) if s.connection is not None]
        if len(connected) >= options.max_sessions:
            raise _Closed(CloseCode.TOO_MANY_SESSIONS)
        self._count += 1
        session_id = self._ids.hexadecimal(f"session:{self._count}")
        session = Session(session_id, caller, options.replay_limit)
        self._sessions.add(session)
        return session

    def identifies_too_soon(self, token: str) -> bool:
        """Tell whether the last IDENTIFY of this token was less than the gap ago."""
        now = monotonic()
        last = self._identified_at.get(token, -1e9)
        self._identified_at[token] = now
        return now - last < self._sessions.options.identify_gap_s


async def _finish(
    ws: web.WebSocketResponse,
    connection: Connection,
    reader: asyncio.Task[None],
    writer: asyncio.Task[None],
) -> None:
    """Close as we wished to, after what is queued, and wait for the client's own close frame.

    The reader must have ended first: closing under a waiting `receive` would drop the TCP
    connection before the client has answered, and the client would not see the code.
    """
    if connection.close_code is None:
        return
    await asyncio.wait({writer}, timeout=_CLOSE_TIMEOUT_S)
    reader.cancel()
    await asyncio.wait({reader})
    await ws.close(code=connection.close_code, message=connection.close_reason.encode())


class _Peer:
    """One client's conversation."""

    def __init__(self, gateway: Gateway, connection: Connection, query: Mapping[str, str]) -> None:
        self._gateway = gateway
        self._world = gateway._world
        self._sessions = gateway._sessions
        self._board = gateway._board
        self._connection = connection
        self._query = query
        self._session: Session | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._minute = (0.0, 0)
        self._answers: dict[int, Callable[[object], None]] = {
            Opcode.HEARTBEAT: self._heartbeat,
            Opcode.QOS_HEARTBEAT: self._heartbeat,
            Opcode.IDENTIFY: self._identify,
            Opcode.RESUME: self._resume,
            Opcode.REQUEST_MEMBERS: self._request_members,
            Opcode.GUILD_SUBSCRIPTIONS: self._subscribe_to_one,
            Opcode.GUILD_SUBSCRIPTIONS_BULK: self._subscribe,
        }

    @property
    def _is_identified(self) -> bool:
        """A session that was taken from this socket leaves it free to IDENTIFY again."""
        return self._session is not None and self._session.connection is self._connection

    @property
    def _caller_id(self) -> str | None:
        return self._session.caller.user_id if self._session else None

    async def converse(self, ws: web.WebSocketResponse) -> None:
        """Read frames until the socket ends."""
        interval_ms = self._sessions.options.heartbeat_interval_ms
        hello = {"heartbeat_interval": interval_ms, "_trace": ['["gateway-simulator"]']}
        self._connection.send(frame(Opcode.HELLO, hello))
        self._expect_heartbeat()
        try:
            self._check_version()
            async for message in ws:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    self._receive(message.data)
        except _Closed as closed:
            self._connection.close(closed.code, closed.reason)

    def end(self, close_code: int | None) -> None:
        """Give the session back; what the code says decides whether it can be resumed."""
        if self._watch is not None:
            self._watch.cancel()
        ours = self._connection.close_code
        code = ours if ours is not None else close_code
        session_id = self._session.id if self._session else None
        by = "server" if ours is not None else "client"
        self._gateway.note("close", self._caller_id, session_id, code=code, by=by)
        if self._session is not None:
            self._sessions.detach(self._session, self._connection, code)
            self._announce_sessions()

    def _check_version(self) -> None:
        version = self._query.get("v", "9")
        if not version.isdigit() or int(version) not in _VERSIONS:
            raise _Closed(CloseCode.INVALID_API_VERSION)

    def _receive(self, raw: bytes | str) -> None:
        data = raw.encode() if isinstance(raw, str) else raw
        self._count_send()
        if len(data) > _MAX_FRAME_BYTES:
            raise _Closed(CloseCode.DECODE_ERROR, "payload too large")
        try:
            message = decode(data)
        except msgspec.DecodeError:
            raise _Closed(CloseCode.DECODE_ERROR) from None
        if not isinstance(message, dict) or not isinstance(message.get("op"), int):
            raise _Closed(CloseCode.DECODE_ERROR)
        op, d = message["op"], message.get("d")
        session_id = self._session.id if self._session else None
        self._gateway.note("frame", self._caller_id, session_id, op=op, d=d)
        self._answer(op, d)

    def _answer(self, op: int, d: object) -> None:
        answer = self._answers.get(op)
        if answer is not None:
            answer(d)
        elif self._session is None:
            raise _Closed(CloseCode.NOT_AUTHENTICATED)
        elif op not in _SILENT_OPCODES and isinstance(self._session.caller, SimulatedBot):
            # User clients send opcodes nobody documents; only a bot is closed for them.
            raise _Closed(CloseCode.UNKNOWN_OPCODE)

    def _count_send(self) -> None:
        started, count = self._minute
        now = monotonic()
        self._minute = (now, 1) if now - started > 60 else (started, count + 1)
        if self._minute[1] > self._sessions.options.max_sends_per_minute:
            raise _Closed(CloseCode.RATE_LIMITED)

    def _heartbeat(self, d: object) -> None:
        """Acknowledge, whatever number came: several clients send a counter of their own."""
        self._expect_heartbeat()
        if not self._board.take(Place.HEARTBEAT, self._caller_id):
            self._connection.send(frame(Opcode.HEARTBEAT_ACK))

    def _expect_heartbeat(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        patience = _PATIENCE * self._sessions.options.heartbeat_interval_ms / 1000
        loop = asyncio.get_running_loop()
        self._watch = loop.call_later(
            patience, self._connection.close, CloseCode.SESSION_TIMED_OUT, "no heartbeat"
        )

    def _identify(self, d: object) -> None:
        if self._is_identified:
            raise _Closed(CloseCode.ALREADY_AUTHENTICATED)
        asked = d if isinstance(d, dict) else {}
        caller = self._authenticate(asked.get("token"))
        for switch in self._board.take(Place.IDENTIFY, caller.user_id):
            raise _Closed(int(switch.params["code"]))
        if self._gateway.identifies_too_soon(caller.token):
            self._connection.send(frame(Opcode.INVALID_SESSION, False))
            return
        if isinstance(caller, SimulatedBot):
            _check_bot(asked)
        session = self._gateway.new_session(caller)
        if isinstance(caller, SimulatedBot):
            session.intents, session.shard = asked["intents"], asked.get("shard") or (0, 1)
        self._begin(session)
        if isinstance(caller, SimulatedBot):
            self._ready_bot(session)
        else:
            self._ready_user(session, asked.get("capabilities"))

    def _authenticate(self, token: object) -> Account | SimulatedBot:
        text = token.removeprefix("Bot ").strip() if isinstance(token, str) else ""
        caller = self._world.by_token(text)
        if caller is None:
            raise _Closed(CloseCode.AUTHENTICATION_FAILED)
        return caller

    def _begin(self, session: Session) -> None:
        self._session = session
        self._sessions.attach(session, self._connection)
        self._gateway.note("session", session.caller.user_id, session.id)

    def _ready_user(self, session: Session, capabilities: object) -> None:
        bits = capabilities if isinstance(capabilities, int) else 0
        account = session.caller
        assert isinstance(account, Account), "bots are readied elsewhere"
        others = self._sessions.of(account.user_id)
        body = ready.user_ready(self._world, self._gateway._ids, session, others, bits)
        for switch in self._board.take(Place.READY, account.user_id):
            body["required_action"] = switch.params["action"]
        session.dispatch("READY", encode(body))
        if bits & ready.CAPABILITY_PRIORITIZED_READY:
            session.dispatch("READY_SUPPLEMENTAL", encode(ready.supplement(account)))
        self._announce_sessions()

    def _ready_bot(self, session: Session) -> None:
        version = int(self._query.get("v", "10"))
        session.dispatch("READY", encode(ready.bot_ready(self._world, session, version)))
        for account in self._world.accounts:
            session.dispatch("GUILD_CREATE", encode(_bot_guild(self._world, account)))

    def _announce_sessions(self) -> None:
        """Tell the other sessions of a user who else is connected."""
        assert self._session is not None, "only sessions are announced"
        if isinstance(self._session.caller, SimulatedBot):
            return
        living = self._sessions.of(self._session.caller.user_id)
        others = [session for session in living if session is not self._session]
        connected = [session for session in living if session.connection is not None]
        for session in others:
            session.dispatch("SESSIONS_REPLACE", encode(ready.session_list(connected)))

    def _resume(self, d: object) -> None:
        if self._is_identified:
            raise _Closed(CloseCode.ALREADY_AUTHENTICATED)
        asked: Payload = d if isinstance(d, dict) else {}
        caller = self._authenticate(asked.get("token"))
        session = self._sessions.find(str(asked.get("session_id")))
        seq = asked.get("seq")
        number = seq if isinstance(seq, int) else 0
        refused = self._board.take(Place.RESUME, caller.user_id)
        if session is None or session.caller is not caller or refused:
            self._connection.send(frame(Opcode.INVALID_SESSION, False))
        elif number > session.seq:
            raise _Closed(CloseCode.INVALID_SEQUENCE)
        elif not session.covers(number):
            self._connection.send(frame(Opcode.INVALID_SESSION, False))
        else:
            self._begin(session)
            session.replay(number)
            session.dispatch("RESUMED", encode({"_trace": ["simulator"]}))

    def _subscribe(self, d: object) -> None:
        """Take guilds, whose events a session of a user wants to hear. Source: wire notes 2.2."""
        asked: Payload = d if isinstance(d, dict) else {}
        guilds = asked.get("subscriptions")
        if self._session is None:
            raise _Closed(CloseCode.NOT_AUTHENTICATED)
        if isinstance(guilds, dict):
            self._session.subscribed.update(map(str, guilds))

    def _request_members(self, d: object) -> None:
        """Tell who is in a guild: everybody fits into one chunk.

        Source: Discord, Request Guild Members; users name several guilds, wire notes 11.11.
        """
        asked: Payload = d if isinstance(d, dict) else {}
        if self._session is None:
            raise _Closed(CloseCode.NOT_AUTHENTICATED)
        named = asked.get("guild_id")
        for guild_id in named if isinstance(named, list) else [named]:
            for account in self._world.guild_accounts(str(guild_id)):
                if self._session.caller in (account, *self._world.bots):
                    chunk = guilds.chunk_payload(self._world, account, asked)
                    self._session.dispatch("GUILD_MEMBERS_CHUNK", encode(chunk))

    def _subscribe_to_one(self, d: object) -> None:
        """Take the older form, one guild a frame."""
        asked: Payload = d if isinstance(d, dict) else {}
        self._subscribe({"subscriptions": {asked.get("guild_id"): asked}})


def _check_bot(asked: Payload) -> None:
    intents = asked.get("intents")
    if not isinstance(intents, int) or not 0 <= intents <= _KNOWN_INTENTS:
        raise _Closed(CloseCode.INVALID_INTENTS)
    match asked.get("shard", [0, 1]):
        case [int(shard), int(shards)] if 0 <= shard < shards:
            return
        case _:
            raise _Closed(CloseCode.INVALID_SHARD)


def _bot_guild(world: World, account: Account) -> Payload:
    return guilds.guild_payload(world, account) | {
        "unavailable": False,
        "members": [guilds.member_payload(user) for user in guilds.members_of(world, account)],
        "presences": [],
        "voice_states": [],
    }


def _first_values(query: str) -> dict[str, str]:
    """Read a query string; the first of equal keys wins and junk after `/?` is cut.

    Source: wire notes 2.1: one client appends its query twice when it resumes.
    """
    values: dict[str, str] = {}
    for pair in query.replace("/?", "&").replace("?", "&").split("&"):
        key, _, value = pair.partition("=")
        values.setdefault(key, value)
    return values
