"""Listen to one account's gateway and apply what was seen, in order.

Rules: one event is committed before the next is read, so the saved sequence never passes what was
applied (R36, I5). With the store down, `Owner.step` raises and the connection is left resumable.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from waystation.errors import StoreError, UuidTaken
from waystation.gateway_events import (
    CaughtUp,
    Disconnected,
    GatewayEvent,
    HumanCheckSeen,
    MessageSeen,
    MessageStep,
    Passed,
)
from waystation.midjourney.conversation import Conversation, Step
from waystation.midjourney.steps import NOTHING
from waystation.ports import Transport

if TYPE_CHECKING:
    from waystation.engine.owner import Owner

__all__ = ["Listener"]

log = structlog.get_logger("waystation.listener")

_OTHER_USER = "The Discord token belongs to another Discord user than this account was set up with"


class Listener:
    """Reads one connection until it is given up."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._log = log.bind(account=owner.account.account_id)

    async def run(self, transport: Transport) -> None:
        """Return when the transport has stopped for good."""
        async for event in transport.events():
            match event:
                case CaughtUp(resumed, discord_user_id, session):
                    if discord_user_id != self._owner.account.discord_user_id:
                        await self.receive(
                            HumanCheckSeen(_OTHER_USER, fatal=True, token_rejected=True)
                        )
                        return
                    await self._owner.connected(session, resumed=resumed)
                case Disconnected(reason):
                    self._log.info("gateway.disconnected", reason=reason)
                    self._owner.disconnected(reason)
                case Passed(sequence):
                    self._owner.applied(sequence)
                case HumanCheckSeen(fatal=True):
                    await self.receive(event)
                    self._owner.disconnected()
                case _:
                    await self.receive(event)

    async def receive(self, event: GatewayEvent) -> None:
        """Apply one gateway event or message of history. Raises: StoreError."""
        sequence: int | None = getattr(event, "sequence", None)
        try:
            await self._owner.step(
                lambda conversation, now: conversation.receive(event, now), sequence=sequence
            )
            if not (isinstance(event, MessageSeen) and event.step is MessageStep.HISTORY):
                await self.weigh()
        except UuidTaken as error:
            # whosever it is, it is not this job's; the next read-back must not stumble over it
            self._log.error("gateway.uuid_taken", details=error.details)
            self._owner.applied(sequence)
        except StoreError:
            raise
        except Exception:
            # part of the engine's loops: an event that cannot be applied must not stop the others,
            # nor come back with every RESUME and every read-back
            self._log.exception("gateway.event_not_applied", kind=type(event).__name__)
            self._owner.applied(sequence)

    async def weigh(self) -> None:
        """Let the pictures that wait to be told apart find their jobs. Raises: StoreError.

        After a gap only what was read back tells who could own a picture (R20).
        """
        weighed = NOTHING

        def weigh(conversation: Conversation, now: datetime) -> Step:
            nonlocal weighed
            weighed = conversation.weigh(now)
            return weighed

        while self._owner.caught_up and self._owner.undecided:
            try:
                if not await self._owner.step(weigh):
                    return
            except UuidTaken as error:
                self._log.error("gateway.uuid_taken", details=error.details)
                self._owner.disprove(weighed)
            except StoreError:
                raise
            except Exception:
                self._log.exception("gateway.picture_not_applied")
                self._owner.disprove(weighed)
                return
