"""Listen to one account's gateway and apply what was seen, in order.

Rules: events are committed in their order, so the saved sequence never passes what was applied
(R36, I5). Those that wait already share a transaction: all of them are on disk then, or none. With
the store down, `Owned.step` raises and the connection is left resumable.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import takewhile
from typing import Final

import structlog

from waystation.engine.account.owned import Owned
from waystation.errors import StoreError, UuidTaken
from waystation.gateway_events import (
    CaughtUp,
    Disconnected,
    GatewayEvent,
    HumanCheckSeen,
    MessageSeen,
    Passed,
    SeenAs,
    sequence_of,
)
from waystation.ignored import Ignored
from waystation.midjourney.conversation import Conversation, Step
from waystation.midjourney.steps import NOTHING
from waystation.ports import Transport

__all__ = ["Listener"]

log = structlog.get_logger("waystation.listener")

_TOGETHER: Final = 32
"""Events that share a transaction at most: deciding them keeps the event loop for a few ms."""

_OTHER_USER = "The Discord token belongs to another Discord user than this account was set up with"


class Listener:
    """Reads one connection until it is given up."""

    def __init__(self, owned: Owned) -> None:
        self._owned = owned
        self._log = log.bind(account=owned.account.account_id)

    async def run(self, transport: Transport) -> None:
        """Return when the transport has stopped for good."""
        async for first in transport.events():
            events = [first, *transport.waiting(_TOGETHER - 1)]
            while events:
                run = list(takewhile(_is_applied, events))
                if run:
                    await self._receive_run(run)
                for event in events[len(run) : len(run) + 1]:
                    if not await self._follow(event):
                        return
                events = events[len(run) + 1 :]

    async def _follow(self, event: GatewayEvent) -> bool:
        """Take what the connection itself tells. Returns: whether it is of any use"""
        match event:
            case CaughtUp(resumed, discord_user_id, session):
                if discord_user_id != self._owned.account.discord_user_id:
                    await self.receive(HumanCheckSeen(_OTHER_USER, fatal=True, token_rejected=True))
                    return False
                await self._owned.connected(session, resumed=resumed)
            case Disconnected(reason):
                self._log.info("gateway.disconnected", reason=reason)
                self._owned.disconnected(reason)
            case _:
                await self.receive(event)
                self._owned.disconnected()
        return True

    async def _receive_run(self, events: Sequence[GatewayEvent]) -> None:
        """Apply several gateway events. Raises: StoreError."""
        while events:
            if len(events) > 1 and not self._owned.undecided:
                events = events[await self._receive_together(events) :]
            else:
                await self._receive_singly(events[:1])
                events = events[1:]

    async def _receive_together(self, events: Sequence[GatewayEvent]) -> int:
        """Apply the first of several events in one transaction. Returns: how many were applied."""
        try:
            steps = await self._owned.receive(events)
        except StoreError as error:
            if not isinstance(error, UuidTaken):
                raise
            return await self._receive_singly(events)
        except Exception:
            # which of them it is shows when each is applied by itself
            return await self._receive_singly(events)
        await self._owned.weigh()
        for event, step in zip(events, steps, strict=False):
            self._ignore(event, step.ignored)
        return len(steps)

    async def _receive_singly(self, events: Sequence[GatewayEvent]) -> int:
        for event in events:
            if isinstance(event, Passed):
                self._owned.applied(event.sequence)
            else:
                await self.receive(event)
        return len(events)

    async def receive(self, event: GatewayEvent) -> None:
        """Apply one gateway event or message of history. Raises: StoreError."""
        sequence = sequence_of(event)
        follows = NOTHING

        def decide(conversation: Conversation, now: datetime) -> Step:
            nonlocal follows
            follows = conversation.receive(event, now)
            return follows

        try:
            await self._owned.step(decide, sequence=sequence)
            if not (isinstance(event, MessageSeen) and event.seen_as is SeenAs.HISTORY):
                await self._owned.weigh()
            self._ignore(event, follows.ignored)
        except UuidTaken as error:
            # whosever it is, it is not this job's; the next read-back must not stumble over it
            self._log.error("gateway.uuid_taken", details=error.details)
            self._ignore(event, Ignored.UUID_TAKEN)
            self._owned.applied(sequence)
        except StoreError:
            raise
        except Exception:
            # part of the engine's loops: an event that cannot be applied must not stop the others,
            # nor come back with every RESUME and every read-back
            self._log.exception("gateway.event_not_applied", kind=type(event).__name__)
            self._ignore(event, Ignored.NOT_APPLIED)
            self._owned.applied(sequence)

    def _ignore(self, event: GatewayEvent, reason: Ignored | None) -> None:
        """Log why a message has changed no job, and count it if the gateway told it."""
        if reason is None or not isinstance(event, MessageSeen):
            return
        message, seen_as = event.message, event.seen_as
        if reason is Ignored.UNDECIDED and self._owned.has_given(message.id):
            # whoever weighed it: it has found its job at once
            return
        if seen_as is not SeenAs.HISTORY:
            self._owned.adapters.ignored[reason] += 1
        self._log.debug(
            "message.ignored",
            message=message.id,
            channel=message.channel_id,
            step=str(seen_as),
            reason=str(reason),
        )


def _is_applied(event: GatewayEvent) -> bool:
    """Tell whether an event says something of the channel, or of a number alone."""
    return not (
        isinstance(event, CaughtUp | Disconnected)
        or (isinstance(event, HumanCheckSeen) and event.fatal)
    )
