"""Use cases: what a caller may ask of Waystation, whichever face it came through.

Here are jobs and upkeep; who is calling is in `logins`, Discord accounts are in `accounts`,
callbacks in `deliveries`.

Rules: one method per use case, in the order of checks of R1; a foreign id answers exactly as an
absent one (I13); nothing here knows HTTP or SQL.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime
from functools import partial

import structlog

from waystation import sentences
from waystation.actions import Action, Press
from waystation.engine.account.deeds import Deeds
from waystation.engine.account.pool import Pool
from waystation.engine.account.queue import Waiting
from waystation.engine.accounts import Accounts
from waystation.engine.answering import Answering
from waystation.engine.choice import Choice, Chosen, busy, halted, over_quota
from waystation.engine.deliveries import Deliveries
from waystation.engine.everywhere import Everywhere
from waystation.engine.feed import Feed
from waystation.engine.health import Health, Readiness, longest_waits
from waystation.engine.idempotency import Idempotency, KeyUsed, request_key
from waystation.engine.inputs import Asked, Inputs
from waystation.engine.intake import Intake
from waystation.engine.links import Links
from waystation.engine.logins import Logins
from waystation.engine.media.serving import Media
from waystation.engine.pressing import check_mask
from waystation.engine.queueing.dispatcher import Dispatcher
from waystation.engine.queueing.places import Places
from waystation.engine.queueing.waiting import WaitingJobs, queue_full
from waystation.engine.reads import Reads
from waystation.engine.request import JobRequest, check_prompt
from waystation.engine.service_limits import ServiceLimits
from waystation.errors import (
    ButtonRepeated,
    InvalidRequest,
    PreconditionFailed,
    Unavailable,
)
from waystation.ignored import Ignored
from waystation.jobs import Job
from waystation.midjourney.asking.plans import plan, source_of, used_params
from waystation.midjourney.commands import COMMANDS, Command
from waystation.ports import (
    Clock,
    Counts,
    Fetched,
    Fetcher,
    IdSource,
    JobDraft,
    KeyTaken,
    NoSlot,
    OverQuota,
    QueueFull,
    Repeated,
    RequestKey,
    Sealer,
    Store,
    User,
    wall_ahead,
)
from waystation.queueing.place import QueuePlace
from waystation.quotas import Quota
from waystation.shares import Shares

__all__ = ["Readiness", "Service", "ServiceLimits"]

log = structlog.get_logger("waystation.service")

_CANCEL_TRIES = 3
"""Tries to cancel a job that accounts are given and put back meanwhile."""


class Service:
    """The use cases of a caller."""

    def __init__(
        self,
        store: Store,
        pool: Pool,
        everywhere: Everywhere,
        deeds: Deeds,
        feed: Feed,
        fetcher: Fetcher,
        sealer: Sealer,
        clock: Clock,
        ids: IdSource,
        links: Links,
        logins: Logins,
        accounts: Accounts,
        deliveries: Deliveries,
        media: Media,
        limits: ServiceLimits,
        clock_warning: Callable[[], str | None] = lambda: None,
        nudge_outbox: Callable[[], None] = lambda: None,
    ) -> None:
        """Args: clock_warning: says when a clock is off (R28); nudge_outbox: callbacks are due"""
        self._clock_warning = clock_warning
        self.logins = logins
        self.accounts = accounts
        self.deliveries = deliveries
        self.media = media
        self._store = store
        self._pool = pool
        self._deeds = deeds
        self._feed = feed
        self._fetcher = fetcher
        self._health = Health(store, sealer, clock)
        shares = Shares(limits.pictures_per_user, limits.pictures), Shares(*limits.fetched_bytes)
        self._intake = Intake(fetcher, *shares, limits.picture_bytes)
        self._inputs = Inputs(store, sealer, ids, limits.input_bytes)
        self._clock = clock
        self._limits = limits
        self._choice = Choice(
            *(store, pool, everywhere, accounts, clock, ids),
            *(limits.lane, limits.first_answer_s, limits.a_minute),
        )
        self._answering = Answering(
            store, pool, deeds, feed, limits.first_answer_s, limits.first_edit_s
        )
        self.reads = Reads(store, everywhere, self._answering, links, logins, clock, feed)
        self._idempotency = Idempotency(store, self._answering, clock)
        standing = Places(store, everywhere, self._choice, clock, limits.lane)
        self.dispatcher = Dispatcher(
            *(store, pool, self._choice, standing, feed, clock, ids, nudge_outbox),
            lane=limits.lane,
            turn_s=limits.first_answer_s,
        )
        self._waiting = WaitingJobs(
            *(store, standing, self.dispatcher, ids, feed, nudge_outbox, clock),
            per_user=limits.queue.per_user,
        )
        self._draining = False
        self._submitting: set[asyncio.Task[Job]] = set()

    def check_reply_url(self, url: str, bad_input_status: int = 400) -> None:
        """Tell whether a URL can be called back at all (R42).

        Raises: PreconditionFailed with a `bad_input_status` of 412, else InvalidRequest
        """
        reason = self._fetcher.out_of_reach(url)
        if reason is not None:
            is_412 = bad_input_status == PreconditionFailed.status_hint
            refusal = PreconditionFailed if is_412 else InvalidRequest
            raise refusal(sentences.REPLY_URL_CLOSED.said(reason=reason))

    # ── jobs ──

    async def submit_once(
        self, user: User, request: JobRequest, key: str, wait_s: float | None = None
    ) -> tuple[Job, bool]:
        """Take a job unless an earlier request with the key has made one (R11).

        Returns: the job as `submit` would return it now, and whether it is the earlier one's
        Raises: as `submit`; InvalidRequest: it was another request; NotAnsweredYet
        """
        named = await request_key(key, request)
        job, replayed = await self._idempotency.once(
            user, named, lambda: self.submit(user, request, wait_s, named)
        )
        if replayed and wait_s is not None:
            job = await self._answering.end(job, wait_s)
        return job, replayed

    async def submit(
        self,
        user: User,
        request: JobRequest,
        wait_s: float | None = None,
        key: RequestKey | None = None,
    ) -> Job:
        """Take a job and return it when its verb's answer is due (R2).

        Args: wait_s: return it when it is final or so many seconds from now are over; None: as the
        verb has it

        A caller that hangs up changes nothing: the engine owns the submission.

        Raises: InvalidRequest, PreconditionFailed, Busy, Halted, Unavailable; KeyUsed
        """
        if self._draining:
            raise Unavailable
        began_s = self._clock.monotonic()
        command = COMMANDS[request.verb]
        if request.reply_url:
            self.check_reply_url(request.reply_url, command.bad_input_status)
        request = replace(request, params=used_params(request.params))
        parent = await self._parent(user, request)
        check_prompt(command, request.params, parent)
        action = None if parent is None else plan(command.verb, request.params, parent)
        chosen = await self._chosen(user, request, command, parent)
        fits = partial(_check_mask, parent, action, request)
        if not request.files:
            fits(None)
        async with AsyncExitStack() as held:
            pictures = await self._intake.take(
                user, command, request.params, request.files, held, fits
            )
            left_s = None if wait_s is None else wait_s - (self._clock.monotonic() - began_s)
            until = self._answering.until(self._clock.now(), left_s)
            accepting = asyncio.create_task(
                self._accept(user, request, command, chosen, pictures, action, parent, key, until)
            )
            self._submitting.add(accepting)
            accepting.add_done_callback(self._accepted)
            try:
                job = await asyncio.shield(accepting)
            finally:
                # else a refusal and this frame hold each other, and the pictures
                del accepting, pictures
            if left_s is not None:
                return await self._answering.end(job, left_s)
            return await self._answering.answer(job, command)

    def _accepted(self, accepting: asyncio.Task[Job]) -> None:
        self._submitting.discard(accepting)
        if not accepting.cancelled():
            # looked at here, because a caller who has hung up does not
            accepting.exception()

    async def cancel(self, user: User, jobid: str) -> Job:
        """Cancel a job and return it with its first final status (R26).

        Raises: NotFound; Unavailable: its account is not owned at the moment
        """
        for _ in range(_CANCEL_TRIES):
            job = await self._cancel(await self.reads.get_job(user, jobid))
            if job.final:
                return job
        raise Unavailable(sentences.NOT_CONNECTED_NOW.text)

    async def _cancel(self, job: Job) -> Job:
        """Cancel a job; return it as it is where an account has just taken it, or put it back."""
        if job.waiting:
            job = await self._waiting.cancel(job)
        if job.final:
            return job
        if self._submitting:
            # a job is in the store a moment before its owner has it
            await asyncio.wait(tuple(self._submitting))
        await self.dispatcher.handed_over()
        await self._deeds.cancel(job)
        return await self._store.get_job(job.jobid, job.user_id) or job

    async def quotas(self, user: User, job: Job) -> Sequence[Quota]:
        """Return how many jobs the account of a job, and its user, may still take."""
        account = None
        if not job.waiting:
            account = self._choice.quota(job.account_id, job.channel)
        today = None
        if user.quotas is not None:
            today = await self._store.quotas.left(user.user_id, self._clock.wall())
        return [quota for quota in (account, today) if quota is not None]

    async def place(self, job: Job) -> QueuePlace | None:
        """Return where a job stands in the queue; None when it does not wait."""
        return await self._waiting.place(job)

    async def _chosen(
        self, user: User, request: JobRequest, command: Command, parent: Job | None
    ) -> Chosen:
        """Return the accounts that may take a job, and how it waits. Raises: Throttled."""
        draft = self._waiting.draft(user, request, self._limits.queue)
        chosen = await self._choice.of(user, request, command, parent, draft)
        return await self._waiting.admitted(user, chosen)

    async def _parent(self, user: User, request: JobRequest) -> Job | None:
        """Return the job whose button is pressed, if one is. Raises: NotFound."""
        jobid = request.params.get("parentJobId")
        return None if jobid is None else await self.reads.get_job(user, str(jobid))

    async def _accept(
        self,
        user: User,
        request: JobRequest,
        command: Command,
        chosen: Chosen,
        pictures: Sequence[Fetched],
        action: Action | None = None,
        parent: Job | None = None,
        key: RequestKey | None = None,
        post_until: datetime | None = None,
    ) -> Job:
        if self._draining:
            raise Unavailable
        draft = JobDraft(
            user_id=user.user_id,
            verb=command.verb,
            wall_ahead=wall_ahead(self._clock),
            params=dict(request.params),
            candidates=[account.account_id for account in chosen.candidates],
            takes_slot=command.takes_slot,
            max_jobs=request.max_jobs if command.takes_slot else None,
            lane=self._limits.lane,
            reply_url=request.reply_url or user.reply_url,
            reply_ref=request.reply_ref,
            key=key,
            post_until=post_until,
            queue=chosen.queue,
            trace=request.trace,
            reply_progress=(
                command.replies_progress
                if request.reply_progress is None
                else request.reply_progress
            ),
        )
        source = None if parent is None else source_of(parent, action)
        asked = Asked(pictures, action, source)
        job = await self._inputs.add_job(draft, asked, self._clock.now())
        if isinstance(job, KeyTaken):
            raise KeyUsed
        if isinstance(job, NoSlot):
            if job.all_halted:
                raise halted(chosen.candidates[0], user)
            raise busy(job, command, self._clock.now())
        if isinstance(job, OverQuota):
            raise over_quota(job, self._clock.now())
        if isinstance(job, Repeated):
            button = str(request.params["button"])
            raise ButtonRepeated(
                sentences.PRESSED_BEFORE.said(button=button, jobid=job.jobid),
                button=button,
                jobid=job.jobid,
            )
        if isinstance(job, QueueFull):
            most = 0 if chosen.queue is None else chosen.queue.most
            raise queue_full(most, job, self._clock.now())
        log.info("job.accepted", jobid=job.jobid, verb=job.verb, account=job.account_id)
        self._feed.publish(job)
        if job.waiting:
            self.dispatcher.wake()
            return job
        self._choice.took(job.account_id)
        owner = self._pool.get(job.account_id)
        if owner is not None:
            owner.submit(Waiting(job, pictures, action, source))
        return job

    # ── upkeep ──

    async def readiness(self) -> Readiness:
        """Return whether the database and the key work (R48)."""
        problems = await self._health.problems()
        warning = self._clock_warning()
        warnings = () if warning is None else (warning,)
        return Readiness(not problems, problems, self._pool.states, warnings)

    async def counts(self) -> Counts:
        """Return totals."""
        return await self._store.counts()

    def waits(self, counts: Counts) -> Mapping[str, float]:
        """Return how long the oldest of each kind has waited, in seconds (health.py)."""
        unheard_since = self._deeds.unheard_since
        return longest_waits(counts, self._pool.silent_since, self._clock.now(), unheard_since)

    @property
    def ignored(self) -> Mapping[Ignored, int]:
        """How many messages have changed no job since the start, by the reason."""
        return self._pool.ignored

    async def drain(self) -> None:
        """Take and ask nothing new, and let every POST answer; the next start sends the rest."""
        self._draining = True
        self.dispatcher.rest()
        self._intake.close()
        resting = asyncio.gather(*(owner.rest() for owner in self._pool.owners))
        try:
            await asyncio.gather(*self._submitting, return_exceptions=True)
        finally:
            self._feed.release()
        await asyncio.gather(resting, self.logins.flush(), self._waiting.flush())


def _check_mask(
    parent: Job | None, action: Action | None, request: JobRequest, mask: Fetched | None
) -> None:
    if isinstance(action, Press) and parent is not None:
        check_mask(parent, str(request.params["button"]), mask)
