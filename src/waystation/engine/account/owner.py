"""Owner: the running side of one account.

Whoever owns an account holds its lease, its gateway session, its conversation and its submissions.
A store that fails breaks the hold: the connection is left resumable, the conversation is rebuilt
from the store, and what was missed is replayed.

The parts run side by side: `listener` (what Discord says), `submitter` (what we ask), `recovery`
(what was missed), and the clock here (deadlines). They change the account through `owned` alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import timedelta

import structlog

from waystation import sentences
from waystation.actions import Press, Submission
from waystation.engine.account.adapters import Adapters, OwnerLimits
from waystation.engine.account.hold import Hold, take_hold
from waystation.engine.account.lease import Lease, take_lease
from waystation.engine.account.line import Line
from waystation.engine.account.listener import Listener
from waystation.engine.account.owned import Owned
from waystation.engine.account.queue import Waiting
from waystation.engine.account.recovery import Recovery
from waystation.engine.account.submitter import Submitter
from waystation.engine.feed import Alarm, Bell, race
from waystation.engine.inputs import Asked, read_asked
from waystation.engine.nodes.node import Node
from waystation.errors import LeaseLost, StoreError, TransportError
from waystation.gateway_events import SessionState
from waystation.jobs import Failed, Job, JobId, JobStatus
from waystation.midjourney.commands import COMMANDS
from waystation.midjourney.deadlines import left_unsent
from waystation.midjourney.putting_back import not_sent
from waystation.ports import Account, Standing

__all__ = ["Owner"]

log = structlog.get_logger("waystation.owner")

_RESTART_WAITS_S = (0.1, 0.2, 1.0, 5.0, 15.0)
"""Waits between two holds, by how many broke soon one after the other; the last one repeats."""

_STABLE_S = 60.0
"""A hold that lasted this long starts the waits anew."""


class Owner(Owned):
    """Runs one account: takes holds one after the other, and what listens, asks and reads back."""

    def __init__(
        self, account: Account, adapters: Adapters, limits: OwnerLimits, node: Node, line: Line
    ) -> None:
        super().__init__(account, adapters, limits)
        self._line = line
        self._node = node
        self._lease: Lease | None = None
        """The last that was taken."""
        self._revived = Bell()
        self._stopping = asyncio.Event()
        self.ended = asyncio.Event()
        """Set when `run` has returned; who starts it sets it."""
        self._renewed = False
        """True: a new token waits for its first connection, which is made at once (R33)."""
        self._submitter = Submitter(self)
        self.listener = Listener(self)
        self._recovery = Recovery(self, self.listener)
        self.modal_opened = self._submitter.answer_modal

    # ── what faces may ask ──

    def standing(self, *, uploads: bool = False) -> Standing | None:
        """Return what Discord has asked this account to wait, None: nothing holds back (R16).

        Args: uploads: whether something must be uploaded first
        """
        return self._submitter.standing(uploads=uploads)

    def submit(self, waiting: Waiting) -> None:
        """Take a job that the store has accepted; from here on the engine sees it through.

        A hold that has begun meanwhile may have taken it from its rows: then it stays as it is.
        """
        if self._hold is None:
            self._line.hasten(self.account.account_id)
        elif self.current(waiting.job.jobid) is None:
            self._hold.conversation.admit(waiting.job)
        self._submitter.enqueue(waiting)
        self.moved.ring()

    async def take(self, job: Job) -> None:
        """Take a job that the store has given to the account from the queue.

        Without a hold nothing is to be done: the next one takes what the account has. After an
        error the job can be given again. Raises: StoreError
        """
        hold = self._hold
        if hold is not None and self.current(job.jobid) is None:
            hold.conversation.admit(job)
            try:
                await self._take(hold, job)
            except BaseException:
                hold.conversation.put_off(job)
                raise
            self.moved.ring()

    async def adopted(self) -> None:
        """Wait until a change that is being committed is known here, too."""
        if self._hold is not None:
            async with self._hold.lock:
                return

    async def look(self, unsent: Collection[JobId]) -> None:
        """Let go of jobs that another node has ended before they were asked. Raises: StoreError"""
        await self._submitter.look(unsent)

    async def cancel(self, jobid: JobId) -> None:
        """Cancel a job; nothing happens when it is final already (R26).

        Where the bot shows Cancel Job, it is pressed, and the bot's word is waited for a while.
        """
        hold = self._held()
        async with hold.lock:
            # what was committed a moment ago is adopted by now
            press = hold.conversation.cancel_press(jobid)
        if (
            press is not None
            and self.caught_up
            and self.account.usable
            and await self._submitter.may_press(self.limits.cancel_wait_s)
        ):
            await self._press_cancel(jobid, press)
        await self.step(lambda conversation, now: conversation.cancel(jobid, now))

    async def _press_cancel(self, jobid: JobId, press: Press) -> None:
        nonce = self.adapters.new_nonce()
        requested = await self.step(
            lambda conversation, now: conversation.cancel_requested(jobid, nonce, now)
        )
        job = self.current(jobid)
        if job is None or job.final:
            return
        if requested:
            account = self.account
            submission = Submission(nonce, account.channel, account.guild_id, press)
            try:
                await self.transport.perform(submission, self.request_timeout_s())
            except TransportError as error:
                log.warning(
                    "owner.cancel_not_pressed",
                    account=account.account_id,
                    jobid=jobid,
                    reason=error.message,
                )
                return
        waiting = self.adapters.feed.wait(job, lambda seen: seen.final, self.limits.cancel_wait_s)
        seen = asyncio.ensure_future(waiting)
        if (now := self.current(jobid)) is None or now.final:
            seen.cancel()
            return
        await seen

    async def fail(self, jobid: JobId, event: Failed) -> None:
        """End a job for a reason of our own; nothing happens when it is final already."""
        await self.step(lambda conversation, now: conversation.ended(jobid, event, now))

    async def end_unasked(self, jobid: JobId, otherwise: Failed) -> None:
        """End a job that was not asked in its time, with what it waited for if that is known.

        Nothing happens when it was asked, or is final already (R10).
        """
        event = self._submitter.unsent(jobid) or otherwise
        await self.step(lambda conversation, now: conversation.unasked(jobid, event, now))

    async def revive(self, account: Account) -> None:
        """Take over a changed row; connect again under a new token, or after giving up."""
        self.account = account
        if self._hold is not None and self._is_outdated(self._hold):
            self._renewed = True
            await self._hold.transport.close()
        self._revived.ring()
        self.moved.ring()
        self.adapters.freed(account.account_id)

    def _is_outdated(self, hold: Hold) -> bool:
        """Tell whether the account has another token than the one it is connected with."""
        return hold.sealed_token != self.account.sealed_token

    # ── running ──

    async def run(self) -> None:
        """Own the account until stopped."""
        clock = self.adapters.clock
        failures = 0
        while not self._stopping.is_set():
            began = clock.monotonic()
            try:
                await self._own()
            except* (StoreError, TransportError) as group:
                log.warning(
                    "owner.hold_broken",
                    account=self.account.account_id,
                    reason=[str(error) for error in group.exceptions],
                )
            except* Exception:
                # one of the engine's loops: it records what happened and goes on
                log.exception("owner.hold_failed", account=self.account.account_id)
            if self._renewed:
                failures, self._renewed = 0, False
            elif not self._stopping.is_set():
                failures = 0 if clock.monotonic() - began > _STABLE_S else failures + 1
                wait_s = _RESTART_WAITS_S[min(failures, len(_RESTART_WAITS_S) - 1)]
                await race(self._revived.wait(), clock.sleep(wait_s))

    async def rest(self) -> None:
        """Ask nothing new, and return when what is being sent has left: the service stops."""
        await self._submitter.rest()

    async def stop(self) -> None:
        """Save the gateway session and leave so that it stays resumable."""
        self._stopping.set()
        if self._hold is not None:
            try:
                await self._save_session(self._hold)
            except StoreError:
                log.warning("owner.session_not_saved", account=self.account.account_id)
        await self.leave()

    async def leave(self) -> None:
        """Leave for good, without a trace: the account is erased."""
        self._stopping.set()
        if self._hold is not None:
            await self._hold.transport.close()
        self._revived.ring()

    async def give_back(self) -> None:
        """Let another node take the account at once, after `run`."""
        if self._lease is not None:
            try:
                await self._lease.give_back()
            except StoreError:
                log.warning("owner.not_given_back", account=self.account.account_id)

    @property
    def epoch(self) -> int | None:
        """The epoch under which it has, or had, the account; None: it had it never."""
        return None if self._lease is None else self._lease.epoch

    @property
    def leaving(self) -> bool:
        """Tell whether it will never act again."""
        return self._stopping.is_set()

    async def _turn(self) -> None:
        """Return when the account may be taken over, and the node has its lease."""
        await self._node.now()
        await self._line.turn(self.account.account_id)

    async def _own(self) -> None:
        await race(self._turn(), self._stopping.wait())
        if self._stopping.is_set():
            return
        hold = await self._take_hold()
        if self._stopping.is_set() or self._is_outdated(hold):
            # a new token came while the hold was taken
            await hold.transport.close()
            self._renewed = True
            return
        self._hold = hold
        self.wanted.begin()
        try:
            await self._admit_queued(hold)
            await self._take_left_behind(hold)
            async with asyncio.TaskGroup() as group:
                helpers = [
                    group.create_task(self._submitter.run()),
                    group.create_task(self._recovery.run()),
                    group.create_task(self._recovery.read_late()),
                    group.create_task(self._keep_time(hold)),
                    group.create_task(hold.lease.keep()),
                ]
                await self.listener.run(hold.transport)
                self._line.arrived(self.account.account_id)
                while self._waits_for_a_person(hold):
                    await self._revived.wait()
                for helper in helpers:
                    helper.cancel()
        finally:
            self._blind_since = self._blind_since or self.adapters.clock.now()
            self._hold = None
            self._line.arrived(self.account.account_id)
            await hold.transport.close()

    async def bridged(self, session: SessionState) -> None:
        await super().bridged(session)
        self._line.arrived(self.account.account_id)

    def _waits_for_a_person(self, hold: Hold) -> bool:
        """Tell whether the token is dead or a person is asked for, so that connecting is no use.

        A reset helps, or a new token: that one connects although the halt may stay (R33).
        """
        halted = self.account.halt is not None
        return halted and not self._is_outdated(hold) and not self._stopping.is_set()

    async def _take_hold(self) -> Hold:
        adapters, account_id = self.adapters, self.account.account_id
        store = adapters.store
        self._lease = lease = await take_lease(self._node, store.nodes, account_id)
        account = await store.get_account(account_id)
        if account is None:
            raise LeaseLost(sentences.ACCOUNT_REMOVED.text)
        self.account = account
        return await take_hold(account, lease, adapters, self.limits)

    async def _admit_queued(self, hold: Hold) -> None:
        """Take in jobs that were accepted while the account was not held."""
        for jobid in self._submitter.queued:
            job = await self.adapters.store.get_job(jobid, None)
            if job is not None and not job.final and hold.conversation.get(jobid) is None:
                hold.conversation.admit(job)

    async def _take_left_behind(self, hold: Hold) -> None:
        """Take in what was accepted and not sent, from its rows.

        Discord was not asked: a committed nonce is never sent again (R12).
        """
        for job in self.jobs:
            if job.status is JobStatus.CREATED and job.jobid not in self._submitter.queued:
                await self._take(hold, job)
                log.info("job.left_unsent", jobid=job.jobid, account=self.account.account_id)
            if job.modal is not None and not job.final:
                self._submitter.answer_modal(job.jobid)

    async def _take(self, hold: Hold, job: Job) -> None:
        """Let a job wait for its turn again, or end it where it is too old or cannot be asked."""
        adapters, limits, now = self.adapters, self.limits, self.adapters.clock.now()
        life = timedelta(seconds=limits.send_within_s)
        left = left_unsent(job, now, life, limits.conversation)
        if left is None or left.deadline_at is None:
            over = Failed.by(sentences.DOWN_AT_TURN, sentences.NOTHING_SENT)
            if job.queue_until is not None:
                over = not_sent(job, sentences.DOWN_AT_TURN.text)
            await self.fail(job.jobid, over)
            return
        stored = await read_asked(adapters.store, adapters.sealer, job.jobid)
        current = hold.conversation.get(job.jobid)
        if current is None or current.version != job.version:
            # it was cancelled meanwhile
            return
        if stored is None and COMMANDS[job.verb].needs_inputs:
            await self.fail(job.jobid, Failed.by(sentences.INPUTS_GONE, sentences.NOTHING_SENT))
            return
        hold.conversation.admit(left)
        asked, has_pictures = stored or (Asked(), False)
        waiting = Waiting(left, (), asked.action, asked.source, stored=has_pictures)
        self._submitter.enqueue(waiting, (left.deadline_at - now).total_seconds())

    async def _keep_time(self, hold: Hold) -> None:
        clock = self.adapters.clock
        alarm = Alarm(self.moved, clock)
        try:
            while True:
                wake_at = hold.conversation.wake_at(caught_up=hold.caught_up)
                wait_s = hold.save_at - clock.monotonic()
                if wake_at is not None:
                    wait_s = min(wait_s, (wake_at - clock.now()).total_seconds())
                if wait_s > 0:
                    # a ring says that something moved, not that anything is due
                    alarm.within(wait_s)
                    await self.moved.wait()
                else:
                    await self._judge(hold)
                if hold.conversation.undecided:
                    await self.weigh()
        finally:
            alarm.stop()

    async def _judge(self, hold: Hold) -> None:
        """Do what is due: judge, look up, save the session."""
        await self.step(
            lambda conversation, now: conversation.expire(
                now, caught_up=hold.caught_up, unsent=self._submitter.unsent
            ),
            is_due=True,
        )
        await self.step(
            lambda conversation, now: conversation.unheard(now, caught_up=hold.caught_up)
        )
        now_s = self.adapters.clock.monotonic()
        if now_s >= hold.save_at:
            hold.save_at = now_s + self.limits.session_save_s
            await self._save_session(hold)
