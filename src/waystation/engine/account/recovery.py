"""Recovery: what happened in a channel while nobody listened.

A gateway session that was resumed replays everything. After any other gap the channel's history is
read back before anything is judged (R28): unfinished jobs complete from it (R30), and replies that
history never holds are settled as lost (R29). Afterwards and apart it is read for what no caller
waits for: the late results of ghosts, and what was asked by hand before we listened.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import structlog

from waystation.engine.account.listener import Listener
from waystation.engine.account.owned import Owned
from waystation.engine.feed import race
from waystation.errors import (
    HumanCheckRequired,
    NotAuthorised,
    RequestRefused,
    TransportError,
    Withheld,
)
from waystation.gateway_events import MessageSeen, SeenAs
from waystation.jobs import Job
from waystation.midjourney.answers import in_history
from waystation.midjourney.conversation import Conversation, Step
from waystation.midjourney.matching.likeness import asked_after
from waystation.midjourney.steps import NOTHING
from waystation.wire.message import Message
from waystation.wire.snowflake import snowflake_order

__all__ = ["HISTORY_PAGE", "HISTORY_PAGES", "Recovery"]

log = structlog.get_logger("waystation.recovery")

HISTORY_PAGE: Final = 500
"""A read that returns so many messages may not have reached the end (`ports.Transport`)."""

HISTORY_PAGES: Final = 10
"""Bounds what a busy public channel can cost."""

_AGAIN_S = 5.0
"""Wait after a read that failed."""

_GATHER_S = 0.5
"""How long a look-back waits for others that want one, so that a burst costs one read."""

_PAUSE_S = 2.0
"""Between two look-backs; twice as long each time while they follow one another closely."""

_LONGEST_PAUSE_S = 60.0


class Recovery:
    """Reads one account's channel back: a task of each hold for what lives, one for the rest (R28).

    What is wanted while it reads or gathers is read for together. It takes its time between two
    reads, the more the closer they follow one another, except where a job is due.
    """

    def __init__(self, owned: Owned, listener: Listener) -> None:
        self._owned = owned
        self._listener = listener
        self._wanted = owned.wanted

    async def run(self) -> None:
        """Read until cancelled. Raises: StoreError."""
        clock, pause_s, read_at = self._owned.adapters.clock, _PAUSE_S, float("-inf")
        while True:
            await self._wanted.bell.wait()
            self._wanted.bell.clear()
            while self._wanted.jobids or self._wanted.gap:
                await self._bridge_gaps()
                await self._gather(max(clock.monotonic() + _GATHER_S, read_at + pause_s))
                if self._wanted.gap or not self._wanted.jobids:
                    continue
                is_close = clock.monotonic() - read_at <= 2 * pause_s
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S) if is_close else _PAUSE_S
                await self._look_back()
                read_at = clock.monotonic()

    async def read_late(self) -> None:
        """Read until cancelled. Raises: StoreError.

        One that a new gap ends is wanted again when that is bridged.
        """
        owned = self._owned
        while True:
            await self._wanted.late.wait()
            self._wanted.late.clear()
            give_up_at = owned.adapters.clock.now() + owned.limits.conversation.blind_grace
            # apart, and first: old ghosts may have much to be read
            if (since := owned.unread_past) is not None:
                gaps = self._wanted.gaps
                await self._read_since(since, give_up_at)
                if gaps == self._wanted.gaps:
                    owned.read_past()
                await owned.weigh()
            if (since := _first(owned.unread_ghosts)) is not None:
                await self._read_since(since, give_up_at)
            if not self._wanted.late.is_set():
                owned.read_late()
            await owned.weigh()

    async def _gather(self, until: float) -> None:
        """Wait for others who want the same; not when a job is due or a gap is found."""
        clock = self._owned.adapters.clock
        while self._wanted.jobids and not (self._wanted.is_due or self._wanted.gap):
            if (left_s := until - clock.monotonic()) <= 0:
                return
            await race(self._wanted.bell.wait(), clock.sleep(left_s))
            self._wanted.bell.clear()

    async def _bridge_gaps(self) -> None:
        """Bridge a gap, and what was missed meanwhile. Raises: StoreError."""
        while self._wanted.session is not None:
            gaps = self._wanted.gaps
            await self._bridge_gap()
            if gaps == self._wanted.gaps:
                session, self._wanted.session = self._wanted.session, None
                await self._owned.bridged(session)

    async def _bridge_gap(self) -> None:
        """Apply what unfinished jobs have missed, and settle what cannot be read back.

        Raises: StoreError
        """
        owned = self._owned
        unfinished = [job for job in owned.jobs if not job.final and _is_readable(job)]
        first = _first(unfinished)
        began_at = owned.reading()
        give_up_at = began_at + owned.limits.conversation.blind_grace
        if first is not None:
            await self._read_since(first, give_up_at)
            owned.looked_back([job.jobid for job in unfinished], began_at)
        await owned.step(lambda conversation, now: conversation.settle(now))

    async def _look_back(self) -> None:
        """Read history for all who want it; the grace counts from the first deadline."""
        owned = self._owned
        jobids = self._wanted.taken()
        began_at = owned.reading()
        jobs = [job for job in owned.jobs if job.jobid in jobids]
        since = _first(jobs)
        if since is not None:
            deadlines = [job.deadline_at for job in jobs if job.deadline_at is not None]
            grace = owned.limits.conversation.blind_grace
            await self._read_since(since, min((began_at, *deadlines)) + grace)
        owned.looked_back(tuple(jobids), began_at)
        # only now: whose a picture is may depend on what else there is
        await owned.weigh()

    async def _read_since(self, after: str, give_up_at: datetime) -> None:
        """Read and apply, again and again until it works, the time is up or the account halted."""
        owned, since, gaps = self._owned, after, self._wanted.gaps

        def read_to_the_end(conversation: Conversation, _: datetime) -> Step:
            # what a newer gap hides is not in what was read before it (R20)
            return conversation.read_to_the_end(since) if gaps == self._wanted.gaps else NOTHING

        for _ in range(HISTORY_PAGES):
            messages = await self._read(after, give_up_at)
            if messages is None:
                return
            for message in messages:
                await self._listener.receive(MessageSeen(SeenAs.HISTORY, message))
            if len(messages) < HISTORY_PAGE:
                await owned.step(read_to_the_end)
                return
            after = messages[-1].id

    async def _read(self, after: str, give_up_at: datetime) -> Sequence[Message] | None:
        """Return a page; None when it cannot be read in time, or a gap is to be read first."""
        owned, clock, gaps = self._owned, self._owned.adapters.clock, self._wanted.gaps
        account_id = owned.account.account_id
        while True:
            again_s = _AGAIN_S
            try:
                return await owned.transport.recent_messages(owned.account.channel, after)
            except (NotAuthorised, HumanCheckRequired, RequestRefused) as error:
                # it will not be otherwise in a while
                log.warning("owner.history_refused", account=account_id, reason=str(error))
                return None
            except TransportError as error:
                log.warning("owner.history_unread", account=account_id, reason=str(error))
                if isinstance(error, Withheld):
                    again_s = max(again_s, error.wait_s)
            left_s = (give_up_at - clock.now()).total_seconds()
            if left_s <= 0 or gaps != self._wanted.gaps or owned.account.halt is not None:
                return None
            await clock.sleep(min(again_s, left_s))


def _first(jobs: Sequence[Job]) -> str | None:
    """Return the Discord id after which the first of these jobs was asked (R28)."""
    after = [asked_after(job) for job in jobs if job.submitted_at is not None]
    return min(after, key=snowflake_order, default=None)


def _is_readable(job: Job) -> bool:
    return job.submitted_at is not None and in_history(job)
