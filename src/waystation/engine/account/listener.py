"""Listen to one account's gateway and apply what was seen, in order.

Rules: one event is committed before the next is read, so the saved sequence never passes what was
applied (R36, I5). With the store down, `Owned.step` raises and the connection is left resumable.
"""

from __future__ import annotations

from datetime import datetime

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
)
from waystation.ignored import Ignored
from waystation.midjourney.conversation import Conversation, Step
from waystation.midjourney.steps import NOTHING
from waystation.ports import Transport

__all__ = ["Listener"]

log = structlog.get_logger("waystation.listener")

_OTHER_USER = "The Discord token belongs to another Discord user than this account was set up with"


class Listener:
    """Reads one connection until it is given up."""

    def __init__(self, owned: Owned) -> None:
        self._owned = owned
        self._log = log.bind(account=owned.account.account_id)

    async def run(self, transport: Transport) -> None:
        """Return when the transport has stopped for good."""
        async for event in transport.events():
            match event:
                case CaughtUp(resumed, discord_user_id, session):
                    if discord_user_id != self._owned.account.discord_user_id:
                        await self.receive(
                            HumanCheckSeen(_OTHER_USER, fatal=True, token_rejected=True)
                        )
                        return
                    await self._owned.connected(session, resumed=resumed)
                case Disconnected(reason):
                    self._log.info("gateway.disconnected", reason=reason)
                    self._owned.disconnected(reason)
                case Passed(sequence):
                    self._owned.applied(sequence)
                case HumanCheckSeen(fatal=True):
                    await self.receive(event)
                    self._owned.disconnected()
                case _:
                    await self.receive(event)

    async def receive(self, event: GatewayEvent) -> None:
        """Apply one gateway event or message of history. Raises: StoreError."""
        sequence: int | None = getattr(event, "sequence", None)
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
