"""Discord, as an account sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from waystation.actions import Outcome, Submission, Upload, Uploaded
from waystation.gateway_events import GatewayEvent, SessionState
from waystation.secret import Secret
from waystation.wire.message import Message

__all__ = [
    "DiscordIdentity",
    "Identifies",
    "Interest",
    "Probe",
    "Standing",
    "Transport",
    "TransportFactory",
]


@dataclass(frozen=True, slots=True)
class DiscordIdentity:
    """The Discord user of a token, and the channel where the bot can be talked to.

    `dm_channel` is the direct-message channel with the bot, None when there is none.
    """

    discord_user_id: str
    username: str
    dm_channel: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A stop of everything to Discord: its reason, and its length."""

    wait_s: float
    text: str
    """Discord's last word on it, as sent."""
    is_breaker: bool = False
    """Waystation itself has stopped, after too many invalid answers (R35)."""


class Transport(Protocol):
    """One account's connection to Discord: a gateway session and REST.

    `events` reconnects by itself until `close` or a fatal HumanCheckSeen.
    """

    def events(self) -> AsyncIterator[GatewayEvent]:
        """Connect and yield events in order; CaughtUp after each connect."""
        ...

    def waiting(self, most: int) -> Sequence[GatewayEvent]:
        """Return the events that have come after the one that `events` has yielded last.

        Args: most: so many at most; `events` goes on with the others
        """
        ...

    async def perform(self, submission: Submission, timeout_s: float) -> Outcome:
        """Submit once. Never raises for what Discord says; never sends twice.

        Raises: TransportError: nothing was sent; NotConnected, Withheld: it may be sent later
        """
        ...

    def standing(self) -> Standing | None:
        """Return what holds interactions back now, as far as this connection knows (R16)."""
        ...

    async def upload(self, channel: str, upload: Upload) -> Uploaded:
        """Put a file where the bot can read it; retried.

        Raises: Withheld: nothing may be sent now; TransportError
        """
        ...

    async def recent_messages(self, channel: str, after: str) -> Sequence[Message]:
        """Return messages newer than the snowflake `after`, oldest first, at most 500.

        Raises: TransportError
        """
        ...

    async def refresh_commands(self, channel: str, guild_id: str | None) -> None:
        """Drop and reload the command index. Raises: TransportError."""
        ...

    async def refresh_links(self, links: Sequence[str]) -> Mapping[str, str]:
        """Return working links by signed ones that have ended; those that cannot be renewed miss.

        Args: links: at most 50
        Raises: TransportError
        """
        ...

    async def close(self) -> None:
        """Leave so that the session stays resumable."""
        ...


@dataclass(frozen=True, slots=True)
class Interest:
    """Place and Discord user of an account: other people's messages are not for it."""

    channel: str
    discord_user_id: str
    guild_id: str | None = None
    """The channel's guild, None for direct messages."""


class Identifies(Protocol):
    """IDENTIFYs of the last day, by Discord user: an account that is removed leaves them."""

    async def after(self, discord_user_id: str, moment: datetime) -> Sequence[datetime]:
        """Return when a Discord user has sent IDENTIFY, oldest first. A point read."""
        ...

    async def add(
        self, discord_user_id: str, at: datetime, forget: datetime, newest: datetime | None
    ) -> bool:
        """Note an IDENTIFY of a Discord user before it is sent, in one transaction.

        Args: forget: IDENTIFYs up to then are deleted, of every Discord user; newest: the newest
        one that the caller knows of, None for none
        Returns: False: another one was noted since, and nothing is written
        """
        ...


class TransportFactory(Protocol):
    """Makes the transport of an account. `interest`: None hears everything."""

    def __call__(
        self,
        token: Secret,
        session: SessionState | None,
        log_name: str,
        interest: Interest | None = None,
    ) -> Transport: ...


class Probe(Protocol):
    """Asks Discord about a token without a gateway session."""

    async def identify(self, token: Secret) -> DiscordIdentity:
        """Raises: NotAuthorised, HumanCheckRequired, Unreachable."""
        ...

    async def can_read(self, token: Secret, channel: str) -> bool:
        """Tell whether the token can read that channel. Raises: NotAuthorised, Unreachable."""
        ...

    async def guild_of(self, token: Secret, channel: str) -> str | None:
        """Return the guild of a readable channel, None for direct messages. Raises: as above."""
        ...
