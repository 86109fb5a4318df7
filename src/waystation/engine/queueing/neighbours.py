"""Neighbours: wake who must know that another process has changed the database.

How it works: users and their limits are changed on the host, by a process of the command line that
tells the running service nothing. So the service asks its database every second whether somebody
else has written. That costs microseconds, and no row is read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from waystation.errors import StoreError
from waystation.ports import Clock, Upkeep

__all__ = ["LOOK_S", "Neighbours"]

log = structlog.get_logger("waystation.neighbours")

LOOK_S: Final = 1.0
"""Time between two looks."""


class Neighbours:
    """Looks until cancelled. Args: wrote: called after another process has written"""

    def __init__(self, store: Upkeep, wrote: Callable[[], None], clock: Clock) -> None:
        self._store = store
        self._wrote = wrote
        self._clock = clock

    async def run(self) -> None:
        """Wake after each change of somebody else's, until cancelled."""
        known: int | None = None
        while True:
            try:
                seen = await self._store.foreign_commits()
            except StoreError as error:
                log.warning("neighbours.look_failed", reason=error.message)
            except Exception:
                # one of the engine's loops: it records what happened and goes on
                log.exception("neighbours.look_failed")
            else:
                if known is not None and seen != known:
                    self._wrote()
                known = seen
            await self._clock.sleep(LOOK_S)
