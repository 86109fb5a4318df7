"""Uploading: the pictures of one account's jobs, put where the bot can read them.

Every job's pictures are uploaded at once, before its turn, under names that carry its nonce.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from waystation.actions import Uploaded
from waystation.engine.account.owned import Owned
from waystation.engine.account.queue import Place, Waiting
from waystation.engine.account.spans import facts_of
from waystation.engine.account.turns import Turns
from waystation.engine.account.verdicts import Verdicts
from waystation.engine.account.waits import Waits
from waystation.engine.inputs import read_pictures
from waystation.errors import TransportError, Withheld
from waystation.jobs import Job, Nonce
from waystation.midjourney.asking.outcomes import is_for_now, not_sent
from waystation.midjourney.asking.plans import upload
from waystation.ports import Span

__all__ = ["UPLOADS", "Uploading"]

UPLOADS: Final = 4
"""Uploads of one account at a time, so that one that hangs holds up no other job."""


class Uploading:
    """Uploads of one account."""

    def __init__(self, owned: Owned, turns: Turns, waits: Waits, verdicts: Verdicts) -> None:
        self._owned = owned
        self._turns = turns
        self._waits = waits
        self._verdicts = verdicts
        self._places = asyncio.Semaphore(UPLOADS)

    async def upload(self, place: Place) -> None:
        """Upload a job's pictures, or end it where that cannot be done in its time."""
        owned, jobid = self._owned, place.waiting.job.jobid
        async with self._places:
            while True:
                nonce = owned.adapters.new_nonce()
                try:
                    with self._span(place.waiting.job):
                        place.uploads = await self._uploaded(place.waiting, nonce)
                except Withheld as withheld:
                    now = owned.adapters.clock.monotonic()
                    if withheld.text is not None:
                        self._turns.told(now, withheld.wait_s, withheld.text, uploads=True)
                    # nothing was asked; the job's own time says how long it may wait
                    if now + withheld.wait_s > place.until:
                        end = self._waits.end_of_withheld(owned.current(jobid), withheld)
                        await self._verdicts.unsent(jobid, end)
                        return
                    await owned.adapters.clock.sleep(max(1.0, withheld.wait_s))
                except TransportError as error:
                    if is_for_now(error):
                        await self._verdicts.unsent(jobid, not_sent(error).event)
                    else:
                        await self._verdicts.not_sent(jobid, error)
                    return
                else:
                    break
        place.nonce = nonce
        owned.moved.ring()

    def _span(self, job: Job) -> Span:
        owned = self._owned
        facts = facts_of(job, owned.account.account_id)
        return owned.adapters.traces.begin("discord.upload", job.trace, asks=True, **facts)

    async def _uploaded(self, waiting: Waiting, nonce: Nonce) -> Sequence[Uploaded]:
        transport, channel = self._owned.transport, self._owned.account.channel
        pictures = waiting.pictures
        if waiting.stored:
            adapters = self._owned.adapters
            pictures = await read_pictures(adapters.store, adapters.sealer, waiting.job.jobid)
        return [
            await transport.upload(
                channel, upload(nonce, number, one.content_type, one.extension, one.data)
            )
            for number, one in enumerate(pictures)
        ]
