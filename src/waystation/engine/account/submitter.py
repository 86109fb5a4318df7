"""Take one account's accepted jobs: upload, record, then send, at most once.

How it works: every job's pictures are uploaded at once; whoever of the queue is ready first is
asked first. Ready means: the conversation is caught up, the pictures are there, nothing is in
flight in the channel, pacing and Discord's own wait are over (R16), and no job that looks alike is
in the way (R15). The nonce is committed, and only then the request leaves (R12), in a task of its
own. An unclear outcome is noted and left to the gateway, history and the deadline; only a definite
"outdated" is asked again, with a new nonce after a fresh command index (R13).

What goes wrong with one job ends that job; only the store and the lease end the hold.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

import structlog

from waystation import sentences
from waystation.actions import (
    Accepted,
    Action,
    Outcome,
    Press,
    React,
    Refused,
    Submission,
    Unknown,
    Upload,
    Uploaded,
)
from waystation.engine.account.modals import answer_to
from waystation.engine.account.owned import Owned
from waystation.engine.account.turns import NOTHING_SENT, Hindrance, Turns
from waystation.engine.feed import race
from waystation.errors import (
    AccountHalted,
    HumanCheckRequired,
    NotAuthorised,
    RequestRefused,
    StoreError,
    TransportError,
    Withheld,
)
from waystation.jobs import Failed, Job, JobEvent, JobId, JobStatus, Nonce, Source
from waystation.jobs import Refused as RefusedEvent
from waystation.midjourney.commands import COMMANDS, action_for
from waystation.midjourney.deadlines import spoken
from waystation.midjourney.edits import edit_of, face_of
from waystation.midjourney.matching.evidence import upload_stem
from waystation.midjourney.steps import NOTHING, TOKEN_REJECTED
from waystation.ports import Fetched, Standing
from waystation.sidelining import Cause

__all__ = ["UPLOADS", "Submitter", "Waiting", "refusal"]

log = structlog.get_logger("waystation.submitter")

UPLOADS: Final = 4
"""Uploads of one account at a time, so that one that hangs holds up no other job."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An accepted job with what it needs to be asked.

    `pictures` are in the order of its command's params. `action` and `source` are set where a
    message of an earlier job is pressed or reacted to.
    """

    job: Job
    pictures: Sequence[Fetched] = ()
    action: Press | React | None = None
    source: Source | None = None

    @property
    def uploads(self) -> bool:
        """Whether pictures must be uploaded before it can be asked."""
        return self.action is None and bool(self.pictures)


@dataclass(eq=False, slots=True)
class _Entry:
    """One place in the queue."""

    waiting: Waiting
    until: float
    """Monotonic seconds by which it must have been asked."""
    again: bool = False
    """It was asked and refused as outdated; this is the other try (R13)."""
    nonce: Nonce | None = None
    uploads: Sequence[Uploaded] | None = None
    """None while they are not there."""
    uploading: asyncio.Task[None] | None = None

    def fits(self, job: Job | None) -> bool:
        """Tell whether the job still waits: what was asked is never sent again (R12)."""
        if job is None or not self.again:
            return job is not None and job.status is JobStatus.CREATED
        return job.status is JobStatus.SUBMITTED and not job.bound


class Submitter:
    """One account's accepted jobs that were not asked yet."""

    def __init__(self, owned: Owned) -> None:
        self._owned = owned
        self._queue: dict[JobId, _Entry] = {}
        self._modals: set[JobId] = set()
        self._masks: dict[JobId, bytes] = {}
        """What is to be painted, until the bot has asked for it or the job has ended."""
        self._turns = Turns()
        self._places = asyncio.Semaphore(UPLOADS)

    def enqueue(self, waiting: Waiting) -> None:
        """Add a job; `Owner.moved` must be rung after."""
        until = self._now() + self._owned.limits.conversation.first_answer.total_seconds()
        self._queue[waiting.job.jobid] = _entry(waiting, until)
        if waiting.action is not None and waiting.pictures:
            self._masks[waiting.job.jobid] = waiting.pictures[0].data

    def answer_modal(self, jobid: JobId) -> None:
        """Take a job whose modal is committed and not answered; `Owner.moved` is rung after."""
        self._modals.add(jobid)

    @property
    def queued(self) -> Sequence[JobId]:
        """The jobs for which this process still has what they need."""
        return tuple(self._queue)

    def standing(self, *, uploads: bool = False) -> Standing | None:
        """Return what Discord has asked to wait, or the breaker; None: nothing holds back (R16).

        Args: uploads: whether something must be uploaded first
        """
        transport = self._owned.transport_now
        of_transport = None if transport is None else transport.standing()
        return self._turns.standing(self._now(), of_transport, uploads=uploads)

    def unsent(self, jobid: JobId) -> JobEvent | None:
        """Return the end of a job whose time is over, with what it waits for.

        None: nothing of it is still to be sent.
        """
        entry, job = self._queue.get(jobid), self._owned.current(jobid)
        opened = job is not None and job.modal is not None
        if job is None or not (opened or (entry is not None and entry.fits(job))):
            return None
        standing = self.standing()
        hindrance = self._hindrance(standing)
        if hindrance is Hindrance.CONNECTION and self._owned.was_connected_since(
            job.submitted_at or job.created_at
        ):
            hindrance = Hindrance.LOST
        elif hindrance in (None, Hindrance.TURN) and entry is not None and not opened:
            # turns come and go; what is the job's own has kept it from taking one
            hindrance = self._own_hindrance(entry)
        return self._end_of(hindrance or Hindrance.TURN, standing, opened=opened)

    async def may_press(self, longest_s: float) -> bool:
        """Wait until Cancel Job may be pressed; False when that would take too long (R16)."""
        clock = self._owned.adapters.clock
        until = self._now() + longest_s
        while (wait_s := self._pause_s(self.standing())) > 0:
            if self._now() + wait_s > until:
                return False
            await clock.sleep(wait_s)
        self._turns.asked(self._now(), self._pacing_s(), unbound=False)
        return True

    # ── the loop ──

    async def run(self) -> None:
        """Submit until cancelled."""
        clock = self._owned.adapters.clock
        for entry in self._queue.values():
            entry.uploading = None
        async with asyncio.TaskGroup() as group:
            while True:
                moved = asyncio.ensure_future(self._owned.moved.wait())
                try:
                    while await self._took_turn(group):
                        pass
                    wait_s = self._wake_s()
                    if wait_s is None:
                        await moved
                    else:
                        await race(moved, clock.sleep(wait_s))
                finally:
                    moved.cancel()

    async def _took_turn(self, group: asyncio.TaskGroup) -> bool:
        """Let the first that is ready have its turn; False when nobody is."""
        self._let_go()
        await self._mark_silent()
        if not (self._queue or self._modals):
            return False
        await self._turn_away()
        self._begin_uploads(group)
        if self._hindrance(self.standing()) is not None:
            return False
        for jobid in sorted(self._modals):
            self._modals.discard(jobid)
            await self._alone(jobid, self._answer(jobid, group))
            return True
        for jobid, entry in self._queue.items():
            if self._own_hindrance(entry) is None:
                await self._alone(jobid, self._ask(entry, group))
                return True
        return False

    def _wake_s(self) -> float | None:
        """Return when to look again although nothing moves."""
        waits: list[float] = []
        if self._owned.in_flight is not None:
            waits.append(self._turns.in_flight_s(self._now()))
        if self._queue or self._modals:
            waits.append(self._pause_s(self.standing()))
        return min((wait_s for wait_s in waits if wait_s > 0), default=None)

    def _hindrance(self, standing: Standing | None) -> Hindrance | None:
        """Return what keeps every job of the account waiting."""
        if not self._owned.caught_up:
            return Hindrance.CONNECTION
        if standing is not None:
            return _refusal(standing)
        busy = self._owned.in_flight is not None or self._turns.pause_s(self._now()) > 0
        return Hindrance.TURN if busy else None

    def _own_hindrance(self, entry: _Entry) -> Hindrance | None:
        """Return what keeps one job waiting."""
        if entry.uploads is None:
            return Hindrance.UPLOAD
        source = entry.waiting.source
        target = None if source is None or source.custom_id is None else source.message_id
        alike = self._owned.must_wait(entry.waiting.job.jobid, target)
        return Hindrance.LOOK_ALIKE if alike else None

    def _let_go(self) -> None:
        """Forget what has ended, and masks with it."""
        current = self._owned.current
        for jobid, entry in list(self._queue.items()):
            if not entry.fits(current(jobid)):
                self._drop(jobid)
        for jobid in list(self._masks):
            if (job := current(jobid)) is None or job.final:
                del self._masks[jobid]
        for jobid in list(self._modals):
            if (job := current(jobid)) is None or job.modal is None:
                self._modals.discard(jobid)

    def _drop(self, jobid: JobId) -> None:
        entry = self._queue.pop(jobid, None)
        if entry is not None and entry.uploading is not None:
            entry.uploading.cancel()

    async def _mark_silent(self) -> None:
        """Let others pass an ask that has shown nothing in time (R15)."""
        jobid = self._owned.in_flight
        if jobid is None or not self._owned.caught_up:
            return
        if self._turns.in_flight_s(self._now()) <= 0:
            await self._owned.step(lambda conversation, now: conversation.silent(jobid, now))

    async def _turn_away(self) -> None:
        """End at once what cannot be asked in its time (R16, R34)."""
        if not self._owned.account.usable:
            # no turn comes before a person has acted, and the connection may be gone
            for jobid in (*self._queue, *self._modals):
                await self._end(jobid, await self._halted())
            return
        standing = self.standing()
        if standing is None:
            return
        ends_at = self._now() + standing.wait_s
        hindrance = _refusal(standing)
        for jobid, entry in list(self._queue.items()):
            if ends_at > entry.until:
                await self._end(jobid, self._end_of(hindrance, standing))
        wait, now = timedelta(seconds=standing.wait_s), self._owned.adapters.clock.now()
        for jobid in sorted(self._modals):
            job = self._owned.current(jobid)
            if job is not None and job.deadline_at is not None and now + wait > job.deadline_at:
                await self._end(jobid, self._end_of(hindrance, standing, opened=True))

    async def _alone(self, jobid: JobId, work: Coroutine[Any, Any, None]) -> None:
        """Do something for one job; what goes wrong with it ends that job alone.

        Raises: StoreError: the hold is broken
        """
        try:
            await work
        except StoreError:
            raise
        except Exception:
            # part of the engine's loop: one job's fault must not end the account's hold
            log.exception("submitter.job_failed", jobid=jobid)
            self._drop(jobid)
            job = self._owned.current(jobid)
            asked = job is not None and job.status is not JobStatus.CREATED
            await self._end(jobid, Failed.by(sentences.JOB_FAULT, ghost=asked))

    # ── uploads ──

    def _begin_uploads(self, group: asyncio.TaskGroup) -> None:
        for jobid, entry in self._queue.items():
            if entry.uploads is None and entry.uploading is None:
                entry.uploading = group.create_task(self._alone(jobid, self._upload(entry)))

    async def _upload(self, entry: _Entry) -> None:
        """Upload a job's pictures under a name that carries its nonce."""
        async with self._places:
            while True:
                nonce = self._nonce()
                try:
                    entry.uploads = await self._uploaded(entry.waiting, nonce)
                except Withheld as withheld:
                    if withheld.text is not None:
                        self._turns.told(self._now(), withheld.wait_s, withheld.text, uploads=True)
                    # nothing was asked; the job's own time says how long it may wait
                    if self._now() + withheld.wait_s > entry.until:
                        await self._end(entry.waiting.job.jobid, self._end_withheld(withheld))
                        return
                    await self._owned.adapters.clock.sleep(max(1.0, withheld.wait_s))
                except TransportError as error:
                    await self._not_sent(entry.waiting.job.jobid, error)
                    return
                else:
                    break
        entry.nonce = nonce
        self._owned.moved.ring()

    async def _uploaded(self, waiting: Waiting, nonce: Nonce) -> Sequence[Uploaded]:
        uploads: list[Uploaded] = []
        for index, picture in enumerate(waiting.pictures):
            stem = upload_stem(nonce) if index == 0 else f"{upload_stem(nonce)}-{index}"
            upload = Upload(f"{stem}.{picture.extension}", picture.content_type, picture.data)
            channel = self._owned.account.channel
            uploads.append(await self._owned.transport.upload(channel, upload))
        return uploads

    # ── asking ──

    async def _ask(self, entry: _Entry, group: asyncio.TaskGroup) -> None:
        waiting, jobid = entry.waiting, entry.waiting.job.jobid
        command = COMMANDS[waiting.job.verb]
        action = waiting.action or action_for(command, waiting.job.params, entry.uploads or ())
        nonce = entry.nonce or self._nonce()
        recorded = await self._record(jobid, nonce, await self._faced(waiting.source))
        self._drop(jobid)
        if recorded:
            submission = self._submission(nonce, action)
            group.create_task(self._alone(jobid, self._send(entry, submission)))

    async def _faced(self, source: Source | None) -> Source | None:
        """Return what is pressed with what it says now, where its edit is to answer (R21).

        That is what the newest job on the message shows, not what the pressed job does.
        """
        if source is None or edit_of(source.custom_id) is None:
            return source
        job = await self._owned.adapters.store.last_shown(source.message_id)
        return source if job is None else replace(source, face=face_of(job.embeds))

    async def _send(self, entry: _Entry, submission: Submission) -> None:
        waiting = entry.waiting
        outcome = await self._perform(waiting.job.jobid, submission)
        if outcome is None:
            return
        job = self._owned.current(waiting.job.jobid)
        outdated = isinstance(outcome, Refused) and outcome.kind == "outdated"
        if outdated and not entry.again and job is not None and not job.bound:
            await self._ask_again(entry)
        else:
            await self._judge(waiting.job, outcome)

    async def _ask_again(self, entry: _Entry) -> None:
        """Queue a job anew with a fresh command index: first in the row, with a new nonce (R13)."""
        owned, jobid = self._owned, entry.waiting.job.jobid
        # it is in flight no longer, and others need not wait for the index
        await owned.step(lambda conversation, now: conversation.silent(jobid, now, refused=True))
        try:
            await owned.transport.refresh_commands(owned.account.channel, owned.account.guild_id)
        except TransportError as error:
            await self._not_sent(jobid, error)
            return
        again = _entry(entry.waiting, entry.until, again=True)
        self._queue = {jobid: again, **self._queue}
        owned.moved.ring()

    async def _answer(self, jobid: JobId, group: asyncio.TaskGroup) -> None:
        """Answer the modal that a job's press has opened."""
        job = self._owned.current(jobid)
        if job is None or job.modal is None:
            return
        mask = self._masks.get(jobid)
        answer = await answer_to(self._owned.adapters.store, job, job.modal, mask)
        if answer is None:
            await self._end(jobid, Failed.by(sentences.RESTARTED_BEFORE_MASK))
            return
        source = None
        if isinstance(answer, Press):
            source = Source(answer.message_id, custom_id=answer.custom_id)
        nonce = self._nonce()
        if await self._record(jobid, nonce, source):
            self._masks.pop(jobid, None)
            submission = self._submission(nonce, answer)
            group.create_task(self._alone(jobid, self._send_answer(job, submission)))

    async def _send_answer(self, job: Job, submission: Submission) -> None:
        outcome = await self._perform(job.jobid, submission)
        if outcome is not None:
            await self._judge_answer(job, outcome)

    async def _record(self, jobid: JobId, nonce: Nonce, source: Source | None) -> bool:
        """Commit the nonce; the request leaves next (R12)."""
        owned = self._owned
        # a lease that has run out is noticed before the nonce is committed: nothing is lost then
        owned.request_timeout_s()
        try:
            recorded = await owned.step(
                lambda conversation, now: conversation.submitted(jobid, nonce, now, source),
                only_if_usable=True,
            )
        except AccountHalted:
            await self._end(jobid, await self._halted())
            return False
        if recorded:
            unbound = owned.in_flight == jobid
            self._turns.asked(self._now(), self._pacing_s(), unbound=unbound)
        return recorded

    async def _perform(self, jobid: JobId, submission: Submission) -> Outcome | None:
        try:
            return await self._owned.transport.perform(submission, self._owned.request_timeout_s())
        except TransportError as error:
            # perform raises only before anything was sent
            await self._not_sent(jobid, error)
            return None

    # ── judging ──

    async def _judge(self, job: Job, outcome: Accepted | Refused | Unknown) -> None:
        owned = self._owned
        match outcome:
            case Unknown(reason):
                await owned.step(
                    lambda conversation, now: conversation.unclear(job.jobid, reason, now)
                )
            case Refused():
                if outcome.retry_after_s is not None:
                    self._turns.told(self._now(), outcome.retry_after_s, outcome.body)
                await self._end(job.jobid, *refusal(outcome), cause_of(outcome))
            case Accepted() if COMMANDS[job.verb].reaction is not None:
                await owned.step(
                    lambda conversation, now: conversation.reacted(job.jobid, now), done=True
                )
            case Accepted():
                await owned.step(lambda conversation, now: NOTHING, done=True)

    async def _judge_answer(self, job: Job, outcome: Accepted | Refused | Unknown) -> None:
        """Judge the answer to a modal: that its press was executed says nothing of the answer."""
        current = self._owned.current(job.jobid)
        if not isinstance(outcome, Refused) or current is None or current.message_id:
            await self._judge(job, outcome)
            return
        event, halt = refusal(outcome)
        end = Failed(event.code, event.error, event.details)
        await self._end(job.jobid, end, halt, cause_of(outcome))

    async def _halted(self) -> Failed:
        """What a job that waited ends with when its account was halted or removed meanwhile."""
        account = await self._owned.adapters.store.get_account(self._owned.account.account_id)
        if account is not None and account.halt is not None:
            return Failed.by(sentences.HALTED_BEFORE, account.halt)
        if account is None or account.removed_at is not None:
            return Failed.by(sentences.REMOVED_BEFORE, NOTHING_SENT)
        return Failed.by(sentences.SET_UP_ANEW, NOTHING_SENT)

    async def _not_sent(self, jobid: JobId, error: TransportError) -> None:
        await self._end(jobid, *_transport_failure(error), cause_of(error))

    async def _end(
        self, jobid: JobId, event: JobEvent, halt: str | None = None, cause: Cause | None = None
    ) -> None:
        await self._owned.step(
            lambda conversation, now: conversation.ended(jobid, event, now, halt), refused=cause
        )

    # ── small things ──

    def _end_of(
        self, hindrance: Hindrance, standing: Standing | None, *, opened: bool = False
    ) -> JobEvent:
        limit = spoken(self._owned.limits.conversation.first_answer)
        return hindrance.end(limit, standing, opened=opened)

    def _end_withheld(self, withheld: Withheld) -> JobEvent:
        """Return the end of a job whose upload must wait too long; other jobs may go on (R16)."""
        standing = Standing(withheld.wait_s, withheld.text or "", is_breaker=withheld.text is None)
        return self._end_of(_refusal(standing), standing)

    def _submission(self, nonce: Nonce, action: Action) -> Submission:
        account = self._owned.account
        return Submission(nonce, account.channel, account.guild_id, action)

    def _pause_s(self, standing: Standing | None) -> float:
        told_s = 0.0 if standing is None else standing.wait_s
        return max(told_s, self._turns.pause_s(self._now()))

    def _pacing_s(self) -> float:
        limits = self._owned.limits
        if limits.pacing_s <= 0:
            return 0.0
        jitter = limits.pacing_jitter_s * (2 * self._owned.adapters.ids.fraction() - 1)
        return limits.pacing_s + jitter

    def _nonce(self) -> Nonce:
        return self._owned.adapters.ids.nonce(self._owned.adapters.clock.now())

    def _now(self) -> float:
        return self._owned.adapters.clock.monotonic()


def _entry(waiting: Waiting, until: float, *, again: bool = False) -> _Entry:
    return _Entry(waiting, until, again, uploads=None if waiting.uploads else ())


def refusal(refused: Refused) -> tuple[RefusedEvent, str | None]:
    """Return what a definite refusal of Discord means: the job's end and the halt's text (R6).

    An outdated command ends a job when it was outdated twice (R13).
    """
    status = refused.status
    error = sentences.INTERACTION_FAILED.said(status=status)
    match refused.kind:
        case "rate_limited":
            return RefusedEvent(429, error, refused.body), None
        case "captcha":
            return RefusedEvent(596, sentences.CAPTCHA.text, refused.body), sentences.CAPTCHA.text
        case "unauthorized":
            return RefusedEvent(596, error, refused.body), TOKEN_REJECTED
        case "blocked":
            text = f"{error}: {refused.body}"
            return RefusedEvent(596, error, refused.body), text
        case "target":
            return RefusedEvent(400, error, refused.body), None
        case _:
            return RefusedEvent(502, error, refused.body), None


def cause_of(answer: Refused | TransportError) -> Cause | None:
    """Return the refusal of the account; None for one of what was asked, or of a person (R50)."""
    if isinstance(answer, Refused | RequestRefused) and answer.kind == "account":
        return Cause(answer.status, answer.discord_code, answer.body)
    return None


def _transport_failure(error: TransportError) -> tuple[Failed, str | None]:
    match error:
        case NotAuthorised() | HumanCheckRequired():
            text = TOKEN_REJECTED if isinstance(error, NotAuthorised) else error.message
            return Failed(596, error.message, error.details), text
        case RequestRefused(status=413):
            return Failed.by(sentences.UPLOAD_TOO_LARGE, error.details), None
        case _:
            return Failed(502, error.message, error.details), None


def _refusal(standing: Standing) -> Hindrance:
    """Return who lets nothing through: Discord, or the installation's own breaker."""
    return Hindrance.BREAKER if standing.is_breaker else Hindrance.DISCORD
