"""Gateway session: what one account's connection to Discord's gateway must do next.

Rules: values in, values out. A frame, a close code or a moment comes in; frames to send, a dispatch
to hand up, the next wake-up, or how to reconnect come out. `connection.py` owns socket and timer.

How it works: a session outlives its sockets. Discord numbers each dispatch; whoever says RESUME
with the last number gets the missed ones replayed, then RESUMED. So a loss is harmless as long as
the session is remembered. Which phase follows which, and what an ending means, stands in the tables
of `session_rules.py`. Waiting is full jitter: a random part of a bound that doubles with each
attempt and starts again after ten stable minutes, so that many accounts never come back at once.

A session of a guild's channel subscribes to that guild as soon as it is live (subscription.py).

A frame that comes out of turn changes nothing: Discord's next frame or a deadline will tell.

Sources: wire notes 2.2 to 2.6; Discord, Gateway, headings Connection Lifecycle and Resuming.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec

from waystation.discord.session_rules import (
    ASKED,
    CLOSE_POLICY,
    DROPPED,
    INVALID,
    INVALID_RESUMABLE,
    NO_HELLO,
    NOT_LIVE,
    SILENT,
    TRANSITIONS,
    Ending,
    Happening,
    Phase,
)
from waystation.discord.subscription import Subscription
from waystation.errors import RemoteProtocolError
from waystation.gateway_events import SessionState
from waystation.secret import Secret
from waystation.wire.gateway import (
    ClientFrame,
    Frame,
    Hello,
    Identify,
    Opcode,
    Properties,
    Ready,
    Resume,
)
from waystation.wire.snowflake import NO_SNOWFLAKE, newest

__all__ = [
    "BACKOFF_CAP_S",
    "HELLO_LIMIT_S",
    "LIVE_LIMIT_S",
    "RESUMABLE_CLOSE",
    "RESUME_TRIES",
    "STABLE_S",
    "GatewaySession",
    "Reconnect",
    "Step",
    "Stop",
]

RESUMABLE_CLOSE: Final = 4000
"""Our close code: 1000 and 1001 would end the session (wire notes 2.6)."""

BACKOFF_CAP_S: Final = 120.0
"""Longest bound of the jittered wait. Source: wire notes 2.6."""

STABLE_S: Final = 600.0
"""A connection that was live for so long starts the backoff again. Source: wire notes 2.6."""

HELLO_LIMIT_S: Final = 20.0
"""Discord greets at once; a silent socket is given up after this. Our choice."""

LIVE_LIMIT_S: Final = 120.0
"""From HELLO to READY or RESUMED, the replay included. Our choice."""

RESUME_TRIES: Final = 8
"""Failed resumes before the session is given up: about as many minutes as Discord keeps one."""

_BACKOFF_DOUBLINGS: Final = 7
"""2**7 is above the cap; keeps the power small."""


class Step(msgspec.Struct, frozen=True):
    """Requests of one frame or wake-up to the connection, in order. The repr hides the token."""

    send: bytes | None = None
    """A whole frame. May hold the token: never logged."""
    identifies: bool = False
    """The frame is an IDENTIFY. Its Discord user must keep pauses between them (identifying.py)."""
    dispatch: Frame | None = None
    """A dispatch to hand up, READY and RESUMED included."""
    live: bool = False
    """The session just became live; `resumed` tells how."""
    resumed: bool = False
    close: bool = False
    """Close the socket with `RESUMABLE_CLOSE`, then call `closed`."""

    def __repr__(self) -> str:
        return "Step(…)"


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Open a new socket after a wait; `resume` tells that the session is still known."""

    wait_s: float
    resume: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Never reconnect: a person has to look."""

    reason: str


_HEARING: Final = tuple(
    before for before, happening in TRANSITIONS if happening is Happening.DISPATCHED
)
"""A tuple, because it is searched by identity on every dispatch and enums hash slowly."""

_NOTHING: Final = Step()
_CLOSE: Final = Step(close=True)

_encode = msgspec.json.Encoder().encode
_T = TypeVar("_T")


class GatewaySession:
    """One account's gateway session over all its sockets.

    Call `opened` when a socket is open, `received` for each frame, `woken` at `wake_at`, and
    `closed` when the socket is gone or could not be opened. Times are monotonic seconds, a
    `fraction` is a random number in 0 ≤ x < 1. `guild_id`: whose channel is listened to, None for
    direct messages.
    """

    __slots__ = (
        "_acknowledged",
        "_attempts",
        "_beat_at",
        "_ending",
        "_failed_resumes",
        "_interval_s",
        "_jitter",
        "_live_by",
        "_live_since",
        "_newest",
        "_properties",
        "_resume_url",
        "_sequence",
        "_session_id",
        "_subscription",
        "_token",
        "_user_id",
        "phase",
    )

    def __init__(
        self,
        token: Secret,
        properties: Properties,
        saved: SessionState | None = None,
        guild_id: str | None = None,
    ) -> None:
        self.phase = Phase.OFFLINE
        self._token = token
        self._properties = properties
        self._session_id = saved.session_id if saved else None
        self._resume_url = saved.resume_url if saved else ""
        self._sequence = saved.sequence if saved else None
        self._newest = saved.newest if saved else NO_SNOWFLAKE
        self._subscription = Subscription(guild_id)
        self._user_id: str | None = None
        self._interval_s = 0.0
        self._jitter = 0.0
        self._acknowledged = True
        self._beat_at: float | None = None
        self._live_by: float | None = None
        self._live_since: float | None = None
        self._ending: Ending | None = None
        self._attempts = 0
        self._failed_resumes = 0

    @property
    def state(self) -> SessionState | None:
        """The session to resume; None while there is none. An empty URL means the first one's."""
        if self._session_id is None or self._sequence is None:
            return None
        return SessionState(self._session_id, self._resume_url, self._sequence, self._newest)

    @property
    def discord_user_id(self) -> str | None:
        """The user that READY named; None while only RESUMED was seen."""
        return self._user_id

    @property
    def wake_at(self) -> float | None:
        """When `woken` wants to be called."""
        moments = [moment for moment in (self._beat_at, self._live_by) if moment is not None]
        return min(moments, default=None)

    # ── what comes in ──

    def opened(self, now: float, fraction: float) -> None:
        """Note that a socket is open; `fraction` spreads its first heartbeat."""
        self._move(Happening.OPENED)
        self._jitter = fraction
        self._acknowledged = True
        self._subscription.opened()
        self._ending = None
        self._beat_at = None
        self._live_by = now + HELLO_LIMIT_S

    def received(self, frame: Frame, now: float) -> Step:
        """Take one frame.

        Raises: RemoteProtocolError: its payload cannot be read
        """
        match frame.op:
            case Opcode.DISPATCH:
                return self._dispatched(frame, now)
            case Opcode.HEARTBEAT_ACK:
                self._acknowledged = True
                self._subscription.acknowledged()
                return _NOTHING
            case Opcode.HEARTBEAT:
                return Step(send=self._heartbeat())
            case Opcode.HELLO:
                return self._greeted(_read(frame, Hello), now)
            case Opcode.RECONNECT:
                return self._end(ASKED)
            case Opcode.INVALID_SESSION:
                return self._end(INVALID_RESUMABLE if _read(frame, bool) else INVALID)
            case _:
                return _NOTHING

    def woken(self, now: float) -> Step:
        """Do what is due; nothing when woken early."""
        if self._live_by is not None and now >= self._live_by:
            return self._end(NO_HELLO if self.phase is Phase.GREETING else NOT_LIVE)
        if self._beat_at is None or now < self._beat_at:
            return _NOTHING
        if not self._acknowledged:
            return self._end(SILENT)
        self._acknowledged = False
        self._beat_at = now + self._interval_s
        return Step(send=self._heartbeat())

    def closed(self, close_code: int | None, now: float, fraction: float) -> Reconnect | Stop:
        """Decide what follows the end of a socket, or of the attempt to open one.

        Args: close_code: what Discord closed with, None for a drop or a failed attempt; what we
            ended ourselves counts before it
        """
        ending = self._ending or CLOSE_POLICY.get(close_code or 0, DROPPED)
        reason = ending.meaning if self._ending else _reason(ending, close_code)
        self._count_failure(now)
        self._beat_at = self._live_by = self._live_since = self._ending = None
        self._move(ending.happening)
        if ending.happening is Happening.REJECTED:
            return Stop(reason)
        if ending.happening is Happening.FORGOTTEN or self._failed_resumes >= RESUME_TRIES:
            self._forget()
        return Reconnect(self._wait_s(ending, fraction), self.state is not None, reason)

    # ── inside ──

    def _move(self, happening: Happening) -> bool:
        phase = TRANSITIONS.get((self.phase, happening))
        if phase is None:
            return False
        self.phase = phase
        return True

    def _end(self, ending: Ending) -> Step:
        self._ending = ending
        self._beat_at = self._live_by = None
        return _CLOSE

    def _greeted(self, hello: Hello, now: float) -> Step:
        state = self.state
        if not self._move(Happening.GREETED if state is None else Happening.GREETED_AGAIN):
            return _NOTHING
        self._interval_s = max(1.0, hello.heartbeat_interval / 1000)
        self._beat_at = now + self._interval_s * self._jitter
        self._live_by = now + LIVE_LIMIT_S
        if state is None:
            identify = Identify(self._token.reveal(), self._properties)
            return Step(send=_encode(ClientFrame(Opcode.IDENTIFY, identify)), identifies=True)
        resume = Resume(self._token.reveal(), state.session_id, state.sequence)
        return Step(send=_encode(ClientFrame(Opcode.RESUME, resume)))

    def _dispatched(self, frame: Frame, now: float) -> Step:
        if frame.t == "READY":
            return self._ready(frame, now)
        if frame.t == "RESUMED":
            return self._resumed(frame, now)
        if self.phase not in _HEARING:
            return _NOTHING
        self._follow(frame)
        return Step(dispatch=frame)

    def _ready(self, frame: Frame, now: float) -> Step:
        ready = _read(frame, Ready)
        if not self._move(Happening.READY):
            return _NOTHING
        self._session_id = ready.session_id
        self._resume_url = ready.resume_gateway_url or ""
        self._user_id = ready.user.id
        self._newest = newest(self._newest, ready.newest)
        self._sequence = frame.s or 0
        self._subscription.forget()
        self._go_live(now)
        return Step(send=self._subscription.frame(), dispatch=frame, live=True)

    def _resumed(self, frame: Frame, now: float) -> Step:
        if not self._move(Happening.RESUMED):
            return _NOTHING
        self._follow(frame)
        self._go_live(now)
        return Step(send=self._subscription.frame(), dispatch=frame, live=True, resumed=True)

    def _go_live(self, now: float) -> None:
        self._live_by = None
        self._live_since = now
        self._failed_resumes = 0

    def _follow(self, frame: Frame) -> None:
        if frame.s is not None:
            self._sequence = frame.s

    def _heartbeat(self) -> bytes:
        self._subscription.beat()
        return _encode(ClientFrame(Opcode.HEARTBEAT, self._sequence))

    def _count_failure(self, now: float) -> None:
        if self._live_since is not None and now - self._live_since >= STABLE_S:
            self._attempts = 0
        self._attempts += 1
        if self.state is not None and self.phase is not Phase.LIVE:
            self._failed_resumes += 1

    def _forget(self) -> None:
        self._session_id = self._sequence = None
        self._resume_url = ""
        self._failed_resumes = 0

    def _wait_s(self, ending: Ending, fraction: float) -> float:
        doublings = min(self._attempts - 1, _BACKOFF_DOUBLINGS)
        bound_s = max(ending.spread_s, min(BACKOFF_CAP_S, 2.0**doublings))
        return ending.floor_s + fraction * bound_s


def _read(frame: Frame, shape: type[_T]) -> _T:
    try:
        return msgspec.json.decode(frame.d, type=shape)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise RemoteProtocolError(f"Discord sent an unreadable opcode {frame.op}") from error


def _reason(ending: Ending, close_code: int | None) -> str:
    return ending.meaning if close_code is None else f"{ending.meaning} (close code {close_code})"
