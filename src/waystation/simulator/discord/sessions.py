"""Gateway sessions: numbered dispatches, what is kept for replay, and who hears what.

A session outlives its connection for the resume window; what is dispatched meanwhile is kept and
replayed. A user may have several sessions; each gets every event of the user's channels.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from enum import StrEnum

from waystation.simulator.discord.transport import Connection
from waystation.simulator.discord.world import Account, SimulatedBot
from waystation.simulator.options import Options
from waystation.simulator.payload import Payload, encode
from waystation.wire.gateway import Opcode

__all__ = ["Disturbance", "Session", "Sessions", "frame"]

_INTENT_GUILD_MESSAGES = 1 << 9
_INTENT_DIRECT_MESSAGES = 1 << 12
_INTENT_MESSAGE_CONTENT = 1 << 15
_LARGE_GUILD_EVENTS = frozenset(
    {
        "MESSAGE_CREATE",
        "MESSAGE_UPDATE",
        "MESSAGE_DELETE",
        "MESSAGE_REACTION_ADD",
        "MESSAGE_REACTION_REMOVE",
        "TYPING_START",
    }
)
"""Events of a large guild that a user's session hears only after it has subscribed. Source:
discord.py-self's documentation, guild subscriptions page."""
_FORGET_AFTER_CODES = frozenset({1000, 1001, 4004, 4007, 4009, 4010, 4011, 4012, 4013, 4014})
"""After these, RESUME is refused. Source: wire notes 2.6."""


class Disturbance(StrEnum):
    """Events of a gateway session."""

    DROP = "drop"
    """The connection is cut without a close frame; the session can be resumed."""
    LOSE = "lose"
    """The connection is cut and the session forgotten: RESUME gets INVALID_SESSION false."""
    CLOSE = "close"
    """A close frame with a code."""
    RECONNECT = "reconnect"
    """Opcode 7; nothing more is dispatched to the old connection."""
    INVALID = "invalid"
    """Opcode 9 false; the session is forgotten."""
    INVALID_RESUMABLE = "invalid_resumable"
    """Opcode 9 true."""


def frame(op: Opcode, data: object = None) -> bytes:
    """Write a frame that is not a dispatch."""
    return encode({"t": None, "s": None, "op": int(op), "d": data})


class Session:
    """One identified session of an account or a bot."""

    def __init__(self, id_: str, caller: Account | SimulatedBot, replay_limit: int) -> None:
        self.id = id_
        self.caller = caller
        self.seq = 0
        self.connection: Connection | None = None
        self.intents = -1
        self.shard = (0, 1)
        """Number and count, as a bot names them."""
        self.subscribed: set[str] = set()
        """Ids of guilds; they are the session's, so RESUME keeps them."""
        self.expiry: asyncio.TimerHandle | None = None
        self._replay: deque[tuple[int, bytes]] = deque(maxlen=replay_limit)

    def dispatch(self, name: str, data: bytes) -> None:
        """Number an event, keep it, and send it if somebody listens."""
        self.seq += 1
        text = b'{"t":"%b","s":%d,"op":0,"d":%b}' % (name.encode(), self.seq, data)
        self._replay.append((self.seq, text))
        if self.connection is not None:
            self.connection.send(text)

    def covers(self, seq: int) -> bool:
        """Tell whether everything after `seq` can still be replayed."""
        oldest = self._replay[0][0] if self._replay else self.seq + 1
        return oldest - 1 <= seq

    def replay(self, seq: int) -> int:
        """Send again what came after `seq`; return how many dispatches that were."""
        assert self.connection is not None, "a replay needs a connection"
        missed = [text for number, text in self._replay if number > seq]
        for text in missed:
            self.connection.send(text)
        return len(missed)

    def wants(self, *, direct: bool) -> bool:
        """Tell whether a bot's intents include messages of such channels."""
        return bool(self.intents & (_INTENT_DIRECT_MESSAGES if direct else _INTENT_GUILD_MESSAGES))

    @property
    def sees_content(self) -> bool:
        return bool(self.intents & _INTENT_MESSAGE_CONTENT)

    @property
    def is_bot(self) -> bool:
        return isinstance(self.caller, SimulatedBot)


class Sessions:
    """All sessions, by id and by user."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._by_id: dict[str, Session] = {}
        self._by_user: dict[str, list[Session]] = {}

    def add(self, session: Session) -> None:
        """Begin a session."""
        self._by_id[session.id] = session
        self._by_user.setdefault(session.caller.user_id, []).append(session)

    def find(self, session_id: str) -> Session | None:
        """Return a session that lives, connected or not."""
        return self._by_id.get(session_id)

    def of(self, user_id: str) -> list[Session]:
        """Return the sessions of a user, oldest first."""
        return list(self._by_user.get(user_id, ()))

    def all(self) -> list[Session]:
        """Return every session."""
        return list(self._by_id.values())

    def forget(self, session: Session) -> None:
        """End a session: it can no longer be resumed."""
        if self._by_id.pop(session.id, None) is not None:
            self._by_user[session.caller.user_id].remove(session)
        if session.expiry is not None:
            session.expiry.cancel()

    def detach(self, session: Session, connection: Connection, code: int | None) -> None:
        """Note that a connection ended; the session waits for RESUME unless the code forbids it."""
        if session.connection is not connection:
            return
        session.connection = None
        if code in _FORGET_AFTER_CODES or session.id not in self._by_id:
            self.forget(session)
            return
        loop = asyncio.get_running_loop()
        session.expiry = loop.call_later(self.options.resume_window_s, self.forget, session)

    def attach(self, session: Session, connection: Connection) -> None:
        """Continue a session on a new connection; an old one is closed."""
        if session.expiry is not None:
            session.expiry.cancel()
            session.expiry = None
        old, session.connection = session.connection, connection
        if old is not None:
            old.close(4000, "resumed elsewhere")

    def publish(
        self, user_ids: Iterable[str], name: str, data: Payload, *, only_session: str | None = None
    ) -> None:
        """Dispatch an event to sessions of users; encoded once however many listen.

        Args: only_session: a session id that alone may hear it, None for all
        """
        text: bytes | None = None
        for user_id in user_ids:
            for session in self._by_user.get(user_id, ()):
                if only_session in (None, session.id) and self._hears(session, name, data):
                    text = encode(data) if text is None else text
                    session.dispatch(name, text)

    def publish_message(self, user_ids: Iterable[str], name: str, message: Payload) -> None:
        """Dispatch a message event; a bot hears what its intents allow. Source: Discord, intents"""
        full = encode(message)
        for user_id in user_ids:
            for session in self._by_user.get(user_id, ()):
                wanted = session.wants(direct="guild_id" not in message)
                if not wanted or not self._hears(session, name, message):
                    continue
                session.dispatch(name, full if session.sees_content else _veiled(message))

    def _hears(self, session: Session, name: str, data: Payload) -> bool:
        """Tell whether an event of a guild's channel reaches a session."""
        if not self.options.large_guilds or session.is_bot or name not in _LARGE_GUILD_EVENTS:
            return True
        guild_id = data.get("guild_id")
        return guild_id is None or guild_id in session.subscribed

    def disturb(self, user_id: str, how: Disturbance, code: int = 4000) -> int:
        """Do something to all sessions of a user; return to how many."""
        sessions = self.of(user_id)
        for session in sessions:
            self._disturb(session, how, code)
        return len(sessions)

    def _disturb(self, session: Session, how: Disturbance, code: int) -> None:
        connection = session.connection
        if how in (Disturbance.LOSE, Disturbance.INVALID):
            self.forget(session)
        if connection is None:
            return
        if how is not Disturbance.CLOSE:
            self.detach(session, connection, None)
        match how:
            case Disturbance.DROP | Disturbance.LOSE:
                connection.cut()
            case Disturbance.CLOSE:
                connection.close(code)
                self.detach(session, connection, code)
            case Disturbance.RECONNECT:
                connection.send(frame(Opcode.RECONNECT))
            case Disturbance.INVALID | Disturbance.INVALID_RESUMABLE:
                resumable = how is Disturbance.INVALID_RESUMABLE
                connection.send(frame(Opcode.INVALID_SESSION, resumable))

    def close_all(self) -> None:
        """Tell every client to go away; used when the simulator stops."""
        for session in self.all():
            if session.connection is not None:
                session.connection.close(1001, "going away")
            self.forget(session)


def _veiled(message: Payload) -> bytes:
    hidden = {"content": "", "embeds": [], "attachments": [], "components": []}
    return encode(message | {key: empty for key, empty in hidden.items() if key in message})
