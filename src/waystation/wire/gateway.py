"""The gateway's numbers and frames, as Discord sends and takes them.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TypeVar

import msgspec

from waystation.wire.snowflake import Snowflake, is_snowflake, newest

__all__ = [
    "ClientFrame",
    "CloseCode",
    "CommandIndexUpdate",
    "Frame",
    "GatewayAddress",
    "GuildSubscription",
    "Hello",
    "Identify",
    "Opcode",
    "Properties",
    "Ready",
    "RequiredActionUpdate",
    "Resume",
    "Subscriptions",
]


_T = TypeVar("_T")


class Opcode(IntEnum):
    """Kinds of gateway frames.

    Source: Discord, opcode table; user-only ones from wire notes 2.2.
    """

    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    PRESENCE_UPDATE = 3
    VOICE_STATE = 4
    RESUME = 6
    RECONNECT = 7
    REQUEST_MEMBERS = 8
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11
    GUILD_SUBSCRIPTIONS = 14
    GUILD_SUBSCRIPTIONS_BULK = 37
    QOS_HEARTBEAT = 40


class CloseCode(IntEnum):
    """Why Discord closes a gateway socket.

    Source: Discord, close code table; 4015 and 4016 for users only, wire notes 2.6.
    """

    NORMAL = 1000
    GOING_AWAY = 1001
    UNKNOWN_ERROR = 4000
    UNKNOWN_OPCODE = 4001
    DECODE_ERROR = 4002
    NOT_AUTHENTICATED = 4003
    AUTHENTICATION_FAILED = 4004
    ALREADY_AUTHENTICATED = 4005
    INVALID_SEQUENCE = 4007
    RATE_LIMITED = 4008
    SESSION_TIMED_OUT = 4009
    INVALID_SHARD = 4010
    SHARDING_REQUIRED = 4011
    INVALID_API_VERSION = 4012
    INVALID_INTENTS = 4013
    DISALLOWED_INTENTS = 4014
    TOO_MANY_SESSIONS = 4015
    CONNECT_REQUEST_CANCELLED = 4016


# ── from Discord ──


class Frame(msgspec.Struct, frozen=True):
    """One gateway frame; `d` stays undecoded until `t` tells its shape."""

    op: int
    d: msgspec.Raw = msgspec.Raw(b"null")
    s: int | None = None
    t: str | None = None


class Hello(msgspec.Struct, frozen=True):
    """Payload of opcode 10. Units: milliseconds."""

    heartbeat_interval: float


class _ReadyUser(msgspec.Struct, frozen=True):
    id: str
    username: str = ""


class _ReadyChannel(msgspec.Struct, frozen=True):
    last_message_id: str | None = None


class _ReadyGuild(msgspec.Struct, frozen=True):
    channels: list[_ReadyChannel] = []


_CHANNELS = msgspec.json.Decoder(list[_ReadyChannel])
_GUILDS = msgspec.json.Decoder(list[_ReadyGuild])


def _lenient(raw: msgspec.Raw, decoder: msgspec.json.Decoder[list[_T]]) -> list[_T]:
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return []


class Ready(msgspec.Struct, frozen=True):
    """The part of READY that a session needs. Source: wire notes 2.5."""

    session_id: str
    user: _ReadyUser
    resume_gateway_url: str | None = None
    required_action: str | None = None
    guilds: msgspec.Raw = msgspec.Raw(b"[]")
    private_channels: msgspec.Raw = msgspec.Raw(b"[]")

    @property
    def newest(self) -> Snowflake:
        """The newest message that the session knows of; what comes later is newer.

        A guild or channel of another shape says nothing.
        """
        guilds = _lenient(self.guilds, _GUILDS)
        direct = _lenient(self.private_channels, _CHANNELS)
        channels = [*direct, *(channel for guild in guilds for channel in guild.channels)]
        ids = (channel.last_message_id for channel in channels)
        return newest(*(one for one in ids if one is not None and is_snowflake(one)))


class RequiredActionUpdate(msgspec.Struct, frozen=True):
    """USER_REQUIRED_ACTION_UPDATE; None when a person has done what was asked."""

    required_action: str | None = None


class CommandIndexUpdate(msgspec.Struct, frozen=True):
    """GUILD_APPLICATION_COMMAND_INDEX_UPDATE: the guild's command index is out of date."""

    guild_id: str


class GatewayAddress(msgspec.Struct, frozen=True):
    """The answer of GET /gateway."""

    url: str


# ── to Discord ──


class Properties(msgspec.Struct, frozen=True):
    """The client that connects. Source: Discord, Identify Connection Properties."""

    os: str
    browser: str
    device: str


class Identify(msgspec.Struct, frozen=True):
    """Payload of opcode 2 for a user: no intents. Its repr hides the token."""

    token: str
    properties: Properties
    capabilities: int = 0
    """Zero: every bit only changes parts of READY that nobody here reads (wire notes 2.4)."""
    compress: bool = False

    def __repr__(self) -> str:
        return "Identify(…)"


class Resume(msgspec.Struct, frozen=True):
    """Payload of opcode 6. Its repr hides the token."""

    token: str
    session_id: str
    seq: int

    def __repr__(self) -> str:
        return "Resume(…)"


class GuildSubscription(msgspec.Struct, frozen=True):
    """Subscription of a user's session to a guild.

    Source: discord.py-self's documentation, `Guild.subscribe`: typing events are required to
    subscribe to a large guild.
    """

    typing: bool = True


class Subscriptions(msgspec.Struct, frozen=True):
    """Payload of opcode 37: subscriptions by guild id. Source: wire notes 2.2."""

    subscriptions: dict[str, GuildSubscription]


class ClientFrame(msgspec.Struct, frozen=True):
    """One frame as we send it; the heartbeat's `d` is the last sequence."""

    op: int
    d: Identify | Resume | Subscriptions | int | None
