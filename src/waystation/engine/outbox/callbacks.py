"""Callbacks: due callbacks → Sender → recorded attempt (R41).

How it works: claims what is due and starts one task per callback. The commit that ends a job claims
its callbacks, and `take` starts them at once; the rounds find what is due for another reason. What
a receiver may take up is bounded in three ways, so that receivers that hang hold up themselves and
nobody else:

* requests: few at once per receiver, a share per user, many in all; retries hold at most half of
  the receiver's and of all, so a first attempt finds a place however much is being retried;
* memory: a receiver may hold a quarter of the room that is free, and always a few;
* time: a callback that waited so long that its claim could end under the request is not sent.

Progress gives way: whatever follows it to the same URL of the same job breaks off its attempt, so
that an end neither waits behind it nor is overtaken by it.

What finds no room is left to its claim: when that runs out it is due again, and no attempt is
counted. A crash does the same, so a callback can arrive twice, but never not at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog

from waystation.callbacks import Attempt, Callback, next_attempt_at
from waystation.engine.outbox.claims import UNCLAIMED, Claim
from waystation.engine.outbox.due import DueLoop
from waystation.errors import StoreError
from waystation.jobs import JobId
from waystation.ports import Clock, IdSource, Outbox, Sender
from waystation.receivers import receiver_of
from waystation.shares import Held, Shares

__all__ = ["Callbacks"]

IN_FLIGHT: Final = 512
"""Requests at once: more than 50 hung receivers can hold at `PER_RECEIVER` each."""
PER_USER: Final = 256
"""Of them for one user: a user's hung receivers hold up nobody else."""
PER_RECEIVER: Final = 4
ROOM: Final = 4096
"""Callbacks held in memory, beyond those that every receiver may hold anyway."""
ALWAYS_HELD: Final = 16
HELD_PER_USER: Final = 1024
"""Callbacks of one user held in memory: receivers without end would each hold `ALWAYS_HELD`."""
CLAIM_SIZE: Final = 256
RECORD_AGAIN_S: Final = (0.1, 0.5, 2.0, 5.0)
"""Waits between tries to record an attempt; after them the callback is left to its claim."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Receiver:
    """One host and port, and what it holds of us."""

    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PER_RECEIVER))
    retries: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PER_RECEIVER // 2))
    held: int = 0


class Callbacks:
    """Callbacks, made by its `loop` until that is stopped.

    Args: fresh: puts working links into a body before each attempt. headers: those of an attempt
    with that body. mail_owed: called when a mail about a receiver is. patience: how long a receiver
    may fail before it is disabled. send_timeout_s: how long `sender.send` may take; a callback
    waits as long for its place, and its claim outlives both by as much again. drain_s: how long
    attempts under way may go on after `stop`, before they are left to the next start
    """

    def __init__(
        self,
        store: Outbox,
        sender: Sender,
        clock: Clock,
        ids: IdSource,
        fresh: Callable[[Callback], Awaitable[Callback]],
        headers: Callable[[Callback], Awaitable[Mapping[str, str]]],
        *,
        mail_owed: Callable[[], None],
        patience: timedelta,
        send_timeout_s: float,
        drain_s: float,
    ) -> None:
        self._store = store
        self._sender = sender
        self._clock = clock
        self._ids = ids
        self._fresh = fresh
        self._headers = headers
        self._patience = patience
        self._mail_owed = mail_owed
        self._send_timeout_s = send_timeout_s
        self.loop = DueLoop("callbacks", store, clock, self._take, drain_s)
        self._places = Shares(PER_USER, IN_FLIGHT)
        self._retries = asyncio.Semaphore(IN_FLIGHT // 2)
        self._receivers: dict[str, _Receiver] = {}
        self._held: Held[int] = Held()
        """Callbacks in memory, by user."""
        self._out: set[str] = set()
        """Ids of those under way: a claim can end before, when the machine was suspended."""
        self._progress: dict[tuple[JobId | None, str], asyncio.Task[None]] = {}
        """Attempts under way that tell progress, by what they are about."""

    @property
    def claim(self) -> timedelta:
        """How long a callback may be on its way before it is due again."""
        return timedelta(seconds=3 * self._send_timeout_s)

    def claiming(self) -> Claim:
        """Return the claim for callbacks that are about to be written; none once this stops."""
        if self.loop.stopping:
            return UNCLAIMED
        send_before = self._clock.monotonic() + self._send_timeout_s
        return Claim(self._clock.now() + self.claim, send_before)

    def take(self, claimed: Sequence[Callback], claim: Claim) -> None:
        """Send callbacks that were written under a claim."""
        for callback in claimed:
            self._admit(callback, claim.send_before)

    async def _take(self) -> tuple[int, bool]:
        now = self._clock.now()
        send_before = self._clock.monotonic() + self._send_timeout_s
        claimed = await self._store.claim_callbacks(now, now + self.claim, CLAIM_SIZE)
        self.take(claimed, Claim(now + self.claim, send_before))
        return len(claimed), len(claimed) == CLAIM_SIZE

    def _admit(self, callback: Callback, send_before: float) -> None:
        """Start a claimed callback, unless its receiver holds too much already."""
        if callback.callback_id in self._out:
            return
        name = receiver_of(callback.url)
        receiver = self._receivers.setdefault(name, _Receiver())
        room = ROOM - self.loop.under_way
        held = self._held[callback.user_id]
        if held >= HELD_PER_USER or receiver.held >= max(ALWAYS_HELD, room // 4):
            self._forget_receiver(name, receiver)
            _log.debug(
                "callback.postponed",
                callback_id=callback.callback_id,
                jobid=callback.jobid,
                receiver=name,
            )
            return
        receiver.held += 1
        self._held[callback.user_id] += 1
        self._out.add(callback.callback_id)
        about = (callback.jobid, callback.url)
        before = self._progress.pop(about, None)
        if before is not None:
            before.cancel()
        task = self.loop.start(self._deliver(callback, name, receiver, send_before, before))
        if not callback.is_final:
            self._progress[about] = task
            task.add_done_callback(lambda done: self._forget(about, done))

    def _forget(self, about: tuple[JobId | None, str], done: asyncio.Task[None]) -> None:
        if self._progress.get(about) is done:
            del self._progress[about]

    async def _deliver(
        self,
        callback: Callback,
        name: str,
        receiver: _Receiver,
        send_before: float,
        before: asyncio.Task[None] | None,
    ) -> None:
        try:
            if before is not None:
                await asyncio.wait({before})
            async with self._place(receiver, callback.user_id, retry=callback.attempts > 0):
                if self.loop.stopping or self._clock.monotonic() > send_before:
                    return
                attempt = await self._send(await self._fresh(callback))
            await self._record(callback, attempt, name)
        finally:
            self._out.discard(callback.callback_id)
            receiver.held -= 1
            self._forget_receiver(name, receiver)
            self._held.give_back(callback.user_id)

    def _forget_receiver(self, name: str, receiver: _Receiver) -> None:
        if receiver.held == 0:
            self._receivers.pop(name, None)

    @asynccontextmanager
    async def _place(
        self, receiver: _Receiver, user_id: int, *, retry: bool
    ) -> AsyncIterator[None]:
        """Hold a place of the receiver and one of the user's; always taken in this order."""
        async with (
            receiver.retries if retry else nullcontext(),
            self._retries if retry else nullcontext(),
            receiver.places,
            self._places.hold(user_id, 1, None),
        ):
            yield

    async def _send(self, callback: Callback) -> Attempt:
        started = self._clock.monotonic()
        try:
            # The sender keeps this limit by itself; a claim must not depend on that.
            async with asyncio.timeout(self._send_timeout_s + 1):
                return await self._sender.send(callback, await self._headers(callback))
        except StoreError:
            # nothing was sent: it is left to its claim
            raise
        except TimeoutError:
            reason = "a time-out"
        except Exception:
            # the receiver may have run: uncounted, it would be called again and again
            _log.exception(
                "callback.attempt_failed", callback_id=callback.callback_id, jobid=callback.jobid
            )
            reason = "a fault of Waystation's own; its log says more"
        return Attempt(None, reason, self._clock.monotonic() - started)

    async def _record(self, callback: Callback, attempt: Attempt, name: str) -> None:
        now = self._clock.now()
        tried = callback.attempts + 1
        next_at = None
        if not attempt.delivered and not attempt.gone and callback.is_final:
            next_at = next_attempt_at(
                tried - callback.earlier, now, self._ids.fraction(), attempt.retry_after_s
            )
        tell = _log.info if attempt.delivered else _log.warning
        tell(
            "callback.attempted",
            callback_id=callback.callback_id,
            jobid=callback.jobid,
            receiver=name,
            attempt=tried,
            status=attempt.status,
            reason=attempt.reason,
            delivered=attempt.delivered,
            given_up=next_at is None and not attempt.delivered,
        )
        await self._write(callback, attempt, now, next_at)
        if next_at is not None:
            self.loop.expect(next_at)

    async def _write(
        self, callback: Callback, attempt: Attempt, now: datetime, next_at: datetime | None
    ) -> None:
        """Record the attempt, patiently: forgetting it means delivering twice."""

        async def record() -> None:
            if await self._store.record_attempt(callback, attempt, now, next_at, self._patience):
                self._mail_owed()

        for again_in_s in RECORD_AGAIN_S:
            try:
                await record()
            except StoreError:
                await self._clock.sleep(again_in_s)
            else:
                return
        await record()
