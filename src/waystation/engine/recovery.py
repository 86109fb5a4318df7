"""Recovery: what happened in a channel while nobody listened.

A gateway session that was resumed replays everything. After any other gap the channel's history is
read back before anything is judged (R28): unfinished jobs complete from it (R30), ghosts get their
late results, and replies that history never holds are settled as lost (R29).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

import structlog

from waystation.errors import TransportError
from waystation.gateway_events import MessageSeen, MessageStep
from waystation.jobs import Job
from waystation.midjourney.edits import in_history
from waystation.wire.message import Message
from waystation.wire.snowflake import NO_SNOWFLAKE, is_newer

if TYPE_CHECKING:
    from waystation.engine.owner import Owner

__all__ = ["HISTORY_PAGE", "HISTORY_PAGES", "Recovery"]

log = structlog.get_logger("waystation.recovery")

HISTORY_PAGE: Final = 500
"""A read that returns so many messages may not have reached the end (`ports.Transport`)."""

HISTORY_PAGES: Final = 10
"""Bounds what a busy public channel can cost."""

_AGAIN_S = 5.0
"""Wait after a read that failed."""


class Recovery:
    """Reads one account's channel back."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner

    async def bridge_gap(self) -> None:
        """Apply what was missed, and settle what cannot be read back. Raises: StoreError.

        Unfinished jobs first and apart: a ghost may be a day old, and a long history is not read
        to its end.
        """
        owner = self._owner
        unfinished = [job for job in owner.jobs if not job.final and _is_readable(job)]
        first, first_of_all = _first(unfinished), _first(owner.readable)
        give_up_at = owner.adapters.clock.now() + owner.limits.conversation.blind_grace
        if first is not None:
            owner.looked_back([job.jobid for job in unfinished])
            await self._read_since(first, give_up_at)
        if first_of_all is not None and (first is None or is_newer(first, first_of_all)):
            await self._read_since(first_of_all, give_up_at)
        await owner.step(lambda conversation, now: conversation.settle(now))

    async def look_back(self, jobs: Sequence[Job]) -> None:
        """Read history before these jobs are judged; the grace counts from the first deadline.

        Raises: StoreError
        """
        since, owner = _first(jobs), self._owner
        if since is None:
            return
        now = owner.adapters.clock.now()
        due_at = min((job.deadline_at for job in jobs if job.deadline_at), default=now)
        owner.looked_back([job.jobid for job in jobs])
        await self._read_since(since, due_at + owner.limits.conversation.blind_grace)

    async def _read_since(self, after: str, give_up_at: datetime) -> None:
        """Read and apply, again and again until it works, the time is up or the account halted."""
        owner = self._owner
        for _ in range(HISTORY_PAGES):
            messages = await self._read(after, give_up_at)
            for message in messages:
                await owner.listener.receive(MessageSeen(MessageStep.HISTORY, message))
            if len(messages) < HISTORY_PAGE:
                break
            after = messages[-1].id
        # only now: whose a picture is may depend on what else there is
        await owner.listener.weigh()

    async def _read(self, after: str, give_up_at: datetime) -> Sequence[Message]:
        owner, clock = self._owner, self._owner.adapters.clock
        while True:
            try:
                return await owner.transport.recent_messages(owner.account.channel, after)
            except TransportError as error:
                log.warning("owner.history_unread", reason=str(error))
                if clock.now() >= give_up_at or owner.account.halt is not None:
                    return ()
                await clock.sleep(_AGAIN_S)


def _first(jobs: Sequence[Job]) -> str | None:
    """Return the Discord id after which the first of these jobs was asked (R28)."""
    after = [job.asked_after or NO_SNOWFLAKE for job in jobs if job.submitted_at is not None]
    return min(after, key=lambda one: (len(one), one), default=None)


def _is_readable(job: Job) -> bool:
    return job.submitted_at is not None and in_history(job)
