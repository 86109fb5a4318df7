"""The tables of the gateway session: where it can be, what can happen, what an ending means.

How it works: there are three ways to lose a socket. *Lost* keeps the session and resumes it,
*forgotten* drops it and identifies anew, *rejected* stops for good. Which of them a close code is,
and how long to wait at least, is a row of `CLOSE_POLICY`; what we end ourselves is a row of its
own. `session.py` executes the tables; docs/state/session.md draws them.

Sources: wire notes 2.3 and 2.6; Discord, Gateway, headings Connection Lifecycle and Resuming.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from waystation.wire.gateway import CloseCode

__all__ = [
    "ASKED",
    "CLOSE_POLICY",
    "DROPPED",
    "INVALID",
    "INVALID_RESUMABLE",
    "NOT_LIVE",
    "NO_HELLO",
    "SILENT",
    "TRANSITIONS",
    "Ending",
    "Happening",
    "Phase",
]

_LONG_WAIT_S: Final = 600.0
"""For what only time can mend: sessions of other clients (4015) and cancelled requests (4016)."""


class Phase(StrEnum):
    """Where a gateway session is."""

    OFFLINE = "offline"
    GREETING = "greeting"
    IDENTIFYING = "identifying"
    RESUMING = "resuming"
    LIVE = "live"
    STOPPED = "stopped"


class Happening(StrEnum):
    """Events of a gateway session."""

    OPENED = "socket opened"
    GREETED = "hello, no session"
    GREETED_AGAIN = "hello, session known"
    READY = "ready"
    RESUMED = "resumed"
    DISPATCHED = "dispatch"
    LOST = "lost"
    FORGOTTEN = "forgotten"
    REJECTED = "rejected"


TRANSITIONS: Final[Mapping[tuple[Phase, Happening], Phase]] = {
    (Phase.OFFLINE, Happening.OPENED): Phase.GREETING,
    (Phase.GREETING, Happening.GREETED): Phase.IDENTIFYING,
    (Phase.GREETING, Happening.GREETED_AGAIN): Phase.RESUMING,
    (Phase.IDENTIFYING, Happening.READY): Phase.LIVE,
    (Phase.RESUMING, Happening.DISPATCHED): Phase.RESUMING,
    (Phase.RESUMING, Happening.RESUMED): Phase.LIVE,
    (Phase.LIVE, Happening.DISPATCHED): Phase.LIVE,
    **{
        (phase, happening): end
        for phase in Phase
        if phase is not Phase.STOPPED
        for happening, end in (
            (Happening.LOST, Phase.OFFLINE),
            (Happening.FORGOTTEN, Phase.OFFLINE),
            (Happening.REJECTED, Phase.STOPPED),
        )
    },
}
"""(phase, happening) → phase. What is missing is out of turn and changes nothing."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a socket's end is taken.

    The wait is `floor_s` and a random part of the larger of `spread_s` and the backoff's bound.
    """

    happening: Happening
    meaning: str
    floor_s: float = 0.0
    spread_s: float = 0.0


CLOSE_POLICY: Final[Mapping[int, Ending]] = {
    CloseCode.NORMAL: Ending(Happening.LOST, "Discord ended the connection"),
    CloseCode.GOING_AWAY: Ending(Happening.LOST, "Discord is going away"),
    CloseCode.UNKNOWN_ERROR: Ending(Happening.LOST, "unknown error at Discord"),
    CloseCode.UNKNOWN_OPCODE: Ending(Happening.FORGOTTEN, "Discord did not know an opcode"),
    CloseCode.DECODE_ERROR: Ending(Happening.FORGOTTEN, "Discord could not read a frame"),
    CloseCode.NOT_AUTHENTICATED: Ending(Happening.FORGOTTEN, "sent before identifying"),
    CloseCode.AUTHENTICATION_FAILED: Ending(
        Happening.REJECTED, "Discord rejected the account's token"
    ),
    CloseCode.ALREADY_AUTHENTICATED: Ending(Happening.FORGOTTEN, "identified twice"),
    CloseCode.INVALID_SEQUENCE: Ending(Happening.FORGOTTEN, "the sequence is not resumable"),
    CloseCode.RATE_LIMITED: Ending(Happening.LOST, "sent too fast", floor_s=60.0),
    CloseCode.SESSION_TIMED_OUT: Ending(Happening.FORGOTTEN, "the session timed out"),
    CloseCode.INVALID_SHARD: Ending(Happening.REJECTED, "Discord refused the shard"),
    CloseCode.SHARDING_REQUIRED: Ending(Happening.REJECTED, "Discord wants sharding"),
    CloseCode.INVALID_API_VERSION: Ending(Happening.REJECTED, "Discord refused the API version"),
    CloseCode.INVALID_INTENTS: Ending(Happening.REJECTED, "Discord refused the intents"),
    CloseCode.DISALLOWED_INTENTS: Ending(Happening.REJECTED, "Discord disallowed the intents"),
    CloseCode.TOO_MANY_SESSIONS: Ending(
        Happening.LOST, "the account has too many sessions", floor_s=_LONG_WAIT_S
    ),
    CloseCode.CONNECT_REQUEST_CANCELLED: Ending(
        Happening.LOST, "Discord cancelled the connection", floor_s=_LONG_WAIT_S
    ),
}
"""Close code → ending; any other code, or none, is `DROPPED`. Source: wire notes 2.6."""

DROPPED: Final = Ending(Happening.LOST, "the connection dropped")

SILENT: Final = Ending(Happening.LOST, "Discord missed a heartbeat")
NO_HELLO: Final = Ending(Happening.LOST, "Discord did not greet")
NOT_LIVE: Final = Ending(Happening.LOST, "Discord did not answer IDENTIFY or RESUME")
ASKED: Final = Ending(Happening.LOST, "Discord asked to reconnect")
INVALID: Final = Ending(
    Happening.FORGOTTEN, "Discord called the session invalid", floor_s=1.0, spread_s=4.0
)
INVALID_RESUMABLE: Final = Ending(
    Happening.LOST, "Discord called the session invalid but resumable", floor_s=1.0, spread_s=4.0
)
