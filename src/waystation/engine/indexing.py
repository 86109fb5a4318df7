"""Indexing: makes jobs findable that an older version has written, in small steps.

Rules: a step is one transaction of the writer; between two steps others write.
"""

from __future__ import annotations

from typing import Final

import structlog

from waystation.errors import StoreError
from waystation.ports import Clock, Search

__all__ = ["Indexing"]

log = structlog.get_logger("waystation.indexing")

_STEP: Final = 100
"""Jobs of one step: some milliseconds."""

_PAUSE_S: Final = 0.05
_AGAIN_S: Final = 30.0


class Indexing:
    """Goes from the newest job to the oldest, once."""

    def __init__(self, search: Search, clock: Clock) -> None:
        self._search = search
        self._clock = clock

    async def run(self) -> None:
        """Return when every job can be found."""
        while True:
            try:
                if not await self._search.index_older(_STEP):
                    return
                pause_s = _PAUSE_S
            except StoreError as error:
                log.warning("indexing.step_failed", reason=error.message)
                pause_s = _AGAIN_S
            await self._clock.sleep(pause_s)
