"""Sharing: one breaker for all processes of an installation (R35).

How it works: each process counts its own invalid answers at once. Every few seconds it tells the
store how many there were, and takes over what the store has of all processes. So a process learns
within seconds that others got invalid answers, and a restart forgets none.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import structlog

from waystation.discord.buckets import BREAKER_WINDOW_S, Breaker
from waystation.discord.site import Site
from waystation.errors import StoreError
from waystation.ports import Counted, Tallies

__all__ = ["INVALID_ANSWERS", "SHARE_S", "BreakerSharing"]

log = structlog.get_logger("waystation.breaker")

SHARE_S: Final = 5.0
"""Time between two looks at what other processes have counted."""

INVALID_ANSWERS: Final = Counted("invalid-answers", timedelta(seconds=BREAKER_WINDOW_S))


class BreakerSharing:
    """Keeps the breaker of a site in step with the installation's."""

    def __init__(self, site: Site, tallies: Tallies) -> None:
        self._site = site
        self._tallies = tallies

    async def run(self) -> None:
        """Share until cancelled."""
        while True:
            await self._site.clock.sleep(SHARE_S)
            await self.share()

    async def share(self) -> None:
        """Tell what was counted here, and take over what all processes have counted."""
        site = self._site
        told, site.untold = site.untold, 0
        try:
            slices = await self._tallies.slices(INVALID_ANSWERS, "", told)
        except StoreError as error:
            site.untold += told
            log.warning("breaker.not_shared", reason=error.message)
            return
        except Exception:
            # one of the service's loops: it records what happened and goes on
            site.untold += told
            log.exception("breaker.not_shared")
            return
        now = site.clock.monotonic()
        was_open = site.stopped_s > 0
        # as of the end of its slice: nothing is forgotten too early
        slice_s = INVALID_ANSWERS.slice.total_seconds()
        breaker = Breaker(site.breaker.limit)
        for age_s, number in slices:
            breaker = breaker.counted(now - max(0.0, age_s - slice_s), number)
        # answers that came meanwhile
        site.breaker = breaker.counted(now, site.untold) if site.untold else breaker
        if site.stopped_s > 0 and not was_open:
            log.warning("breaker.open", wait_s=round(site.stopped_s))
