"""Listen to one account's gateway and hand what was seen to the owner, in order.

Rules: one event is committed before the next is read, so the saved sequence never passes what was
applied (R36, I5). With the store down, `Owner.step` raises and the connection is left resumable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from waystation.gateway_events import CaughtUp, Disconnected, HumanCheckSeen
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

    async def run(self, transport: Transport) -> None:
        """Return when the transport has stopped for good."""
        async for event in transport.events():
            match event:
                case CaughtUp(resumed, discord_user_id, session):
                    if discord_user_id != self._owner.account.discord_user_id:
                        await self._owner.receive(HumanCheckSeen(_OTHER_USER, fatal=True))
                        return
                    await self._owner.connected(session, resumed=resumed)
                case Disconnected(reason):
                    log.info("gateway.disconnected", reason=reason)
                    self._owner.disconnected()
                case HumanCheckSeen(fatal=True):
                    await self._owner.receive(event)
                    self._owner.disconnected()
                case _:
                    await self._owner.receive(event)
