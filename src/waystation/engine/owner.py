"""Owner: the running side of one account.

Whoever owns an account holds its lease, its gateway session, its conversation and its submissions.
Every change goes one way: the conversation gives a Step, `_write` commits it with everything that
belongs to it (deliveries, mail, the gateway sequence), and only then is it adopted and published
(R36). A store that fails breaks the hold: the connection is left resumable, the conversation is
rebuilt from the store, and what was missed is replayed.

The three parts run side by side: `listener` (what Discord says), `submitter` (what we ask), and the
clock here (deadlines).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from waystation.actions import Press, Submission
from waystation.engine.changes import (
    halt_with_mail,
    job_change,
    sidelined_mail,
    unrecognised,
)
from waystation.engine.feed import Bell, Feed, race
from waystation.engine.hold import Hold, take_hold
from waystation.engine.lease import Lease
from waystation.engine.listener import Listener
from waystation.engine.recovery import Recovery
from waystation.engine.submitter import Submitter, Waiting
from waystation.errors import LeaseLost, StoreError, TransportError
from waystation.gateway_events import SessionState
from waystation.jobs import (
    Failed,
    Job,
    JobId,
    JobStatus,
    ModalOpened,
)
from waystation.midjourney.conversation import Conversation, HaltSign, Limits, Step
from waystation.ports import (
    Account,
    Change,
    Clock,
    Halt,
    IdSource,
    Sealer,
    Standing,
    Store,
    Transport,
    TransportFactory,
    TroubleChange,
)
from waystation.sidelining import Cause, trouble_after

__all__ = ["Adapters", "Owner", "OwnerLimits"]

log = structlog.get_logger("waystation.owner")

_RESTART_WAITS_S = (0.1, 0.2, 1.0, 5.0, 15.0)
"""Waits between two holds, by how many broke soon one after the other; the last one repeats."""

_STABLE_S = 60.0
"""A hold that lasted this long starts the waits anew."""


@dataclass(frozen=True, slots=True)
class Adapters:
    """The ports an owner works through."""

    store: Store
    transports: TransportFactory
    sealer: Sealer
    clock: Clock
    ids: IdSource
    feed: Feed
    nudge_outbox: Callable[[], None]
    """Called when deliveries or mails were written."""
    cdn_url: str = ""
    """Midjourney's own content network, for links to single pictures; empty: no links."""


@dataclass(frozen=True, slots=True)
class OwnerLimits:
    """Numbers from the settings."""

    conversation: Limits
    pacing_s: float
    pacing_jitter_s: float
    request_timeout_s: float
    lease_s: float
    cancel_wait_s: float = 10.0
    """How long the bot's word on a cancel is waited for (R26)."""
    session_save_s: float = 30.0
    """How often an advanced gateway sequence is saved when nothing else is written."""


class Owner:
    """One account while this process owns it."""

    def __init__(
        self, account: Account, adapters: Adapters, limits: OwnerLimits, holder: str
    ) -> None:
        self.account = account
        self.adapters = adapters
        self.limits = limits
        self.moved = Bell()
        """Rung after every change that a waiting submission may depend on."""
        self._holder = holder
        self._born_at = adapters.clock.now()
        self._hold: Hold | None = None
        self._revived = Bell()
        self._stopping = asyncio.Event()
        self.ended = asyncio.Event()
        """Set when `run` has returned; who starts it sets it."""
        self._renewed = False
        """Whether a new token waits for its first connection: that is made at once (R33)."""
        self._submitter = Submitter(self)
        self.listener = Listener(self)
        self._recovery = Recovery(self)
        self._is_connected = False
        self.lost_for = ""
        """Why the last connection to Discord broke, or could not be made."""
        self._blind_since: datetime | None = self._born_at
        """Moment from which on it has not been caught up; None while it is."""

    # ── what faces may ask ──

    @property
    def state(self) -> str:
        """`connected`, `connecting`, `halted` or `waiting` (no lease yet)."""
        if self._hold is None:
            return "waiting"
        if self._hold.caught_up:
            return "connected"
        return "halted" if self.account.halt else "connecting"

    @property
    def jobs(self) -> Sequence[Job]:
        """The account's unfinished jobs and ghosts, as last committed."""
        return () if self._hold is None else self._hold.conversation.jobs

    @property
    def holding(self) -> Sequence[Job]:
        """The account's jobs that are not final or hold a slot, as last committed."""
        return () if self._hold is None else self._hold.conversation.holding

    def standing(self, *, uploads: bool = False) -> Standing | None:
        """Return what Discord has asked this account to wait, None: nothing holds back (R16).

        Args: uploads: whether something must be uploaded first
        """
        return self._submitter.standing(uploads=uploads)

    def submit(self, waiting: Waiting) -> None:
        """Take a job that the store has accepted; from here on the engine sees it through."""
        if self._hold is not None:
            self._hold.conversation.admit(waiting.job)
        self._submitter.enqueue(waiting)
        self.moved.ring()

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
        nonce = self.adapters.ids.nonce(self.adapters.clock.now())
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

    @property
    def leaving(self) -> bool:
        """Whether it will never act again."""
        return self._stopping.is_set()

    async def _own(self) -> None:
        hold = await self._take_hold()
        if self._stopping.is_set() or self._is_outdated(hold):
            # a new token came while the hold was taken
            await hold.transport.close()
            self._renewed = True
            return
        self._hold = hold
        self._recovery.begin()
        try:
            await self._admit_queued(hold)
            await self._end_left_behind()
            async with asyncio.TaskGroup() as group:
                helpers = [
                    group.create_task(self._submitter.run()),
                    group.create_task(self._recovery.run()),
                    group.create_task(self._recovery.read_late()),
                    group.create_task(self._keep_time(hold)),
                    group.create_task(hold.lease.keep()),
                ]
                await self.listener.run(hold.transport)
                while self._waits_for_a_person(hold):
                    await self._revived.wait()
                for helper in helpers:
                    helper.cancel()
        finally:
            self._blind_since = self._blind_since or self.adapters.clock.now()
            self._hold = None
            await hold.transport.close()

    def _waits_for_a_person(self, hold: Hold) -> bool:
        """Tell whether the token is dead or a person is asked for, so that connecting is no use.

        A reset helps, or a new token: that one connects although the halt may stay (R33).
        """
        halted = self.account.halt is not None
        return halted and not self._is_outdated(hold) and not self._stopping.is_set()

    async def _take_hold(self) -> Hold:
        adapters, account_id = self.adapters, self.account.account_id
        store, clock = adapters.store, adapters.clock
        lease = Lease(store, clock, account_id, self._holder, self.limits.lease_s)
        await lease.take()
        account = await store.get_account(account_id)
        if account is None:
            raise LeaseLost("The account was removed")
        self.account = account
        return await take_hold(account, lease, adapters, self.limits)

    async def _admit_queued(self, hold: Hold) -> None:
        """Take in jobs that were accepted while the account was not held."""
        for jobid in self._submitter.queued:
            job = await self.adapters.store.get_job(jobid, None)
            if job is not None and not job.final and hold.conversation.get(jobid) is None:
                hold.conversation.admit(job)

    async def _end_left_behind(self) -> None:
        """End jobs that an earlier process accepted and never sent; Discord was not asked.

        A younger job that is not queued is about to be: its row is committed before `submit`.
        """
        for job in self.jobs:
            queued = job.jobid in self._submitter.queued or job.created_at >= self._born_at
            if job.status is JobStatus.CREATED and not queued:
                await self.fail(job.jobid, Failed(502, _RESTARTED, _NOTHING_SENT))
            if job.modal is not None and not job.final:
                self._submitter.answer_modal(job.jobid)

    async def _keep_time(self, hold: Hold) -> None:
        clock = self.adapters.clock
        while True:
            wake_at = hold.conversation.wake_at(caught_up=hold.caught_up)
            wait_s = hold.save_at - clock.monotonic()
            if wake_at is not None:
                wait_s = min(wait_s, (wake_at - clock.now()).total_seconds())
            if wait_s > 0:
                # a ring says that something moved, not that anything is due
                await race(self.moved.wait(), clock.sleep(wait_s))
            else:
                await self._judge(hold)
            if hold.conversation.undecided:
                await self.listener.weigh()

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

    # ── the connection, as the listener reports it ──

    async def connected(self, session: SessionState, *, resumed: bool) -> None:
        """After a gap, read history back before anything is judged (R28); then save the session.

        In this order: a new session on disk says that nothing before it is missing, so that a crash
        in between must find the old one.
        """
        hold = self._held()
        self._is_connected = True
        if not resumed or self._recovery.gap:
            hold.session.now = None
            self._recovery.torn()
            await self.step(lambda conversation, now: conversation.missed(now, session.newest))
            self._recovery.missed(session)
        else:
            hold.conversation.seen(session.newest)
            await self.bridged(session)

    async def bridged(self, session: SessionState) -> None:
        """Go on under a session before which nothing that lives has missed anything; then save it.

        Which ghosts have is committed with the gap, so that a crash forgets none of them.
        """
        hold = self._held()
        hold.session.now = session
        await self._save_session(hold)
        hold.caught_up = self._is_connected
        if hold.caught_up:
            self._blind_since = None
        ghosts = hold.conversation.unread_ghosts
        hold.conversation.reading_late([ghost.jobid for ghost in ghosts])
        if ghosts or hold.conversation.unread_past is not None:
            self._recovery.want_late()
        # whose a picture is may depend on what was read back; an earlier process may have held it
        await self.listener.weigh()
        self.moved.ring()

    def disconnected(self, reason: str = "") -> None:
        """Judge nothing and submit nothing until caught up again."""
        self._is_connected = False
        self.lost_for = reason
        self._held().caught_up = False
        self._blind_since = self._blind_since or self.adapters.clock.now()
        self.moved.ring()

    def applied(self, sequence: int | None) -> None:
        """Remember the last gateway event whose effects are committed (I5)."""
        hold = self._held()
        hold.session.applied(sequence, hold.conversation.newest)
        self._recovery.applied(sequence)

    @property
    def undecided(self) -> bool:
        """Whether pictures wait to be told apart."""
        return self._held().conversation.undecided

    def disprove(self, step: Step) -> None:
        """Take back what a step would have written: the store knows better, or it cannot be."""
        self._held().conversation.disprove(step)

    @property
    def unread_ghosts(self) -> Sequence[Job]:
        """The ghosts of which a gap may hide the late result."""
        return self._held().conversation.unread_ghosts

    @property
    def unread_past(self) -> str | None:
        """The id from which on history is read for what was asked before we listened."""
        return self._held().conversation.unread_past

    def read_past(self) -> None:
        """Remember that history was read for that, or cannot be."""
        self._held().conversation.read_past()

    def read_late(self) -> None:
        """Remember that history was read for the ghosts, or cannot be."""
        self._held().conversation.reading_late(())
        self.moved.ring()

    @property
    def newest_seen(self) -> str | None:
        """The newest Discord id that the session has seen; None while there is none (R34)."""
        return None if self._hold is None else self._hold.conversation.newest

    def reading(self) -> datetime:
        """Remember that a reading of history begins; return when."""
        self._held().conversation.reading()
        return self.adapters.clock.now()

    def looked_back(self, jobids: Sequence[JobId], began_at: datetime) -> None:
        """Remember that history was read for these jobs, or cannot be: they may be judged."""
        self._held().conversation.looked_back(jobids, began_at)
        self.moved.ring()

    # ── what the submitter needs ──

    @property
    def caught_up(self) -> bool:
        """Whether everything up to now was received: before that nothing is submitted (R28)."""
        return self._hold is not None and self._hold.caught_up

    def was_connected_since(self, moment: datetime) -> bool:
        """Tell whether everything was received at some time after a moment."""
        return self._blind_since is None or self._blind_since > moment

    @property
    def in_flight(self) -> JobId | None:
        """The job that was asked a moment ago and has shown nothing: no other is asked (R15)."""
        return None if self._hold is None else self._hold.conversation.in_flight

    @property
    def transport(self) -> Transport:
        """The account's connection. Raises: LeaseLost."""
        return self._held().transport

    @property
    def transport_now(self) -> Transport | None:
        """The account's connection, None while it is not held."""
        return None if self._hold is None else self._hold.transport

    def must_wait(self, jobid: JobId, target: str | None) -> bool:
        """Whether a job must wait for one whose answer could be taken for its own (R15)."""
        return self._hold is not None and self._hold.conversation.must_wait(jobid, target)

    def current(self, jobid: JobId) -> Job | None:
        """Return a held job as last committed."""
        return None if self._hold is None else self._hold.conversation.get(jobid)

    def request_timeout_s(self) -> float:
        """Return how long a request may take: never past the lease (R17).

        Raises: LeaseLost: nothing remains
        """
        return self._held().lease.request_timeout_s(self.limits.request_timeout_s)

    # ── the one way to change anything ──

    async def step(
        self,
        decide: Callable[[Conversation, datetime], Step],
        *,
        only_if_usable: bool = False,
        sequence: int | None = None,
        is_due: bool = False,
        refused: Cause | None = None,
        done: bool = False,
    ) -> bool:
        """Let the conversation decide, commit, adopt, publish.

        Args: is_due: what needs history read is due, and is judged right after; refused, done: how
        Discord answered the account, as it counts for sidelining (R50)

        Returns: whether something was written

        Raises: AccountHalted: with only_if_usable; StoreError: nothing was changed
        """
        hold = self._held()
        async with hold.lock:
            now = self.adapters.clock.now()
            try:
                step = decide(hold.conversation, now)
                trouble = await self._trouble(refused, now) if refused or done else None
                if step.commits or trouble is not None:
                    await self._write(hold, step, now, only_if_usable, sequence, trouble)
            except Exception:
                hold.conversation.undo()
                raise
            self.applied(sequence)
        for jobid in step.unheard:
            log.info("job.unheard", jobid=jobid, account=self.account.account_id)
        if step.reads_past:
            self._recovery.want_late()
        if step.look_back:
            hold.conversation.looking_back(step.look_back, is_due=is_due)
            self._recovery.want(step.look_back, is_due=is_due)
        return step.writes

    async def _write(
        self,
        hold: Hold,
        step: Step,
        now: datetime,
        only_if_usable: bool,
        sequence: int | None,
        trouble: TroubleChange | None,
    ) -> None:
        session = hold.session.at(sequence, hold.conversation.newest)
        halt = None if step.halt is None else await self._halt(hold, step.halt, now)
        changes = tuple(
            job_change(hold.conversation.get(one.job.jobid), one, self._new_id, now)
            for one in step.changes
        )
        await self.adapters.store.commit(
            Change(
                account_id=self.account.account_id,
                epoch=hold.lease.epoch,
                at=now,
                jobs=changes,
                halt=halt,
                trouble=trouble,
                session=hold.session.seal(session),
                unrecognised=unrecognised(step),
                seen=step.seen,
                only_if_usable=only_if_usable,
            )
        )
        hold.conversation.adopt(step)
        hold.session.saved(session)
        if halt is not None or trouble is not None:
            account = await self.adapters.store.get_account(self.account.account_id)
            self.account = account or self.account
            self._log_account(halt, trouble)
        has_mail = halt is not None or (trouble is not None and trouble.mail is not None)
        if has_mail or any(change.deliveries for change in changes):
            self.adapters.nudge_outbox()
        for change in step.changes:
            log.info(
                f"job.{change.job.status}",
                jobid=change.job.jobid,
                nonce=change.job.nonce,
                events=[type(event).__name__ for event in change.events],
                code=change.job.code,
                **({} if change.job.error is None else {"error": change.job.error}),
            )
            self.adapters.feed.publish(change.job)
            if any(isinstance(event, ModalOpened) for event in change.events):
                self._submitter.answer_modal(change.job.jobid)
        if step.writes:
            self.moved.ring()

    def _log_account(self, halt: Halt | None, trouble: TroubleChange | None) -> None:
        account = self.account
        if halt is not None and account.halt is not None:
            log.warning("account.halted", account=account.account_id, text=halt.text)
        if trouble is None or trouble.after != account.trouble:
            return
        if (after := trouble.after) is not None and after.until is not None:
            until, cause = after.until.isoformat(timespec="seconds"), str(after.cause)
            log.warning("account.sidelined", account=account.account_id, until=until, cause=cause)
        elif trouble.before is not None and trouble.before.until is not None:
            log.info("account.back", account=account.account_id)

    async def _halt(self, hold: Hold, sign: HaltSign, now: datetime) -> Halt:
        to = await self._address()
        halt = halt_with_mail(sign, self.account, to, self._new_id(), now)
        return replace(halt, sealed_token=hold.sealed_token)

    async def _trouble(self, refused: Cause | None, now: datetime) -> TroubleChange | None:
        """Return what becomes of the account's trouble; None when it stays as it is."""
        before = self.account.trouble
        after = trouble_after(before, refused, now)
        if after == before:
            return None
        mail = None
        if after is not None and after.is_new:
            mail = sidelined_mail(after, self.account, await self._address(), self._new_id(), now)
        return TroubleChange(before, after, mail)

    async def _address(self) -> str:
        user = await self.adapters.store.get_user(self.account.user_id)
        return "" if user is None else user.email

    def _new_id(self) -> str:
        return self.adapters.ids.token(18)

    async def _save_session(self, hold: Hold) -> None:
        await hold.session.save(self.adapters.store, self.adapters.clock, hold.lease.epoch)

    def _held(self) -> Hold:
        if self._hold is None:
            raise LeaseLost("The account is not owned at the moment")
        return self._hold


_RESTARTED = "Waystation was restarted before the job was sent to Discord"
_NOTHING_SENT = "Nothing was submitted to Midjourney; the job can be submitted again."
