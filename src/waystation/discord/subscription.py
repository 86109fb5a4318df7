"""Subscription: the guild of the account's channel, as the gateway session subscribes to it.

Of a guild above Discord's threshold nothing is heard without one, of another one as much as before.
The subscription is the session's, so that RESUME keeps it. It is known to be heard when Discord
acknowledges a heartbeat that went after it through the same socket; until then each RESUMED sends
it again.

Sources: wire notes 2.2; the guild subscriptions page of discord.py-self's documentation.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import msgspec

from waystation.wire.gateway import ClientFrame, GuildSubscription, Opcode, Subscriptions

__all__ = ["Subscription"]

_encode = msgspec.json.Encoder().encode


class Subscription:
    """The subscription of one session; `guild_id` is None for direct messages."""

    __slots__ = ("_acknowledged", "_beats", "_guild_id", "_heard", "_sent_at")

    def __init__(self, guild_id: str | None) -> None:
        self._guild_id = guild_id
        self._heard = False
        """True from Discord's acknowledgement on."""
        self._sent_at: int | None = None
        """Heartbeats through this socket before it; None while it was not sent."""
        self._beats = self._acknowledged = 0
        """Heartbeats that were sent and acknowledged through this socket."""

    def opened(self) -> None:
        """Note that a socket is open: nothing was sent through it."""
        self._beats = self._acknowledged = 0
        self._sent_at = None

    def forget(self) -> None:
        """Note that the session is a new one."""
        self._heard = False

    def beat(self) -> None:
        """Note that a heartbeat is sent."""
        self._beats += 1

    def acknowledged(self) -> None:
        """Note that Discord has acknowledged a heartbeat."""
        self._acknowledged += 1
        if self._sent_at is not None and self._acknowledged > self._sent_at:
            self._heard = True

    def frame(self) -> bytes | None:
        """Return the frame that subscribes, None where it need not be sent (again)."""
        if self._guild_id is None or self._heard:
            return None
        self._sent_at = self._beats
        asked = Subscriptions({self._guild_id: GuildSubscription()})
        return _encode(ClientFrame(Opcode.GUILD_SUBSCRIPTIONS_BULK, asked))
