"""Owned: one account while this process owns it, and the one way to change anything.

Every change goes one way: the conversation gives a Step, `_write` commits it with everything that
belongs to it (callbacks, mail, the gateway sequence), and only then is it adopted and published
(R36). The listener, the submitter and the recovery take an `Owned`; who runs them is `owner`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from waystation.engine.account import spans
from waystation.engine.account.adapters import Adapters, OwnerLimits
from waystation.engine.account.commits import job_changes, unrecognised
from waystation.engine.account.halting import ID_LENGTH, halt_of, log_change, trouble_of
from waystation.engine.account.hold import Hold
from waystation.engine.account.wanted import Wanted
from waystation.engine.feed import Bell
from waystation.errors import LeaseLost, StoreError, UuidTaken
from waystation.gateway_events import GatewayEvent, SessionState, last_sequence
from waystation.jobs import Job, JobId, ModalOpened
from waystation.midjourney.conversation import Conversation, Step
from waystation.midjourney.steps import NOTHING
from waystation.ports import Account, Commit, Transport, TroubleChange
from waystation.sidelining import Cause

__all__ = ["Owned"]

log = structlog.get_logger("waystation.owner")

_EVER = datetime.min.replace(tzinfo=UTC)
"""Since when an account has not been caught up that was not connected yet."""


class Owned:
    """One account while this process owns it."""

    def __init__(self, account: Account, adapters: Adapters, limits: OwnerLimits) -> None:
        self.account = account
        self.adapters = adapters
        self.limits = limits
        self.moved = Bell()
        """Rung after every change that a waiting submission may depend on."""
        self.wanted = Wanted()
        """Readings of history that are still to be done."""
        self.modal_opened: Callable[[JobId], None] = lambda jobid: None
        """Called when a press has opened something that is to be answered."""
        self.lost_for = ""
        """Reason why the last connection to Discord broke, or could not be made."""
        self._log = log.bind(account=account.account_id)
        self._hold: Hold | None = None
        self._is_connected = False
        self._made_at = adapters.clock.now()
        self._blind_since: datetime | None = _EVER
        """Moment from which on it has not been caught up; None while it is."""

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

    # ── the connection, as the listener reports it ──

    async def connected(self, session: SessionState, *, resumed: bool) -> None:
        """After a gap, read history back before anything is judged (R28); then save the session.

        In this order: a new session on disk says that nothing before it is missing, so that a crash
        in between must find the old one.
        """
        hold = self._held()
        self._is_connected = True
        if not resumed or self.wanted.gap:
            hold.session.now = None
            self.wanted.torn()
            await self.step(lambda conversation, now: conversation.missed(now, session.newest))
            self.wanted.missed(session)
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
            self.wanted.want_late()
        # whose a picture is may depend on what was read back; an earlier process may have held it
        await self.weigh()
        self.moved.ring()
        self.adapters.freed(self.account.account_id)

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
        self.wanted.applied(sequence)

    @property
    def undecided(self) -> bool:
        """Tell whether pictures wait to be told apart."""
        return self._held().conversation.undecided

    def has_given(self, message_id: str) -> bool:
        """Tell whether a picture that had to be told apart was given to a job of late."""
        return self._held().conversation.has_given(message_id)

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
        """Tell whether everything up to now was received; nothing is submitted before (R28)."""
        return self._hold is not None and self._hold.caught_up

    @property
    def silent_since(self) -> datetime | None:
        """Since when nothing has been received of what happened; None while it is."""
        return None if self._blind_since is None else max(self._blind_since, self._made_at)

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
        """Tell whether a job must wait for another: their answers could be confused (R15)."""
        return self._hold is not None and self._hold.conversation.must_wait(jobid, target)

    def turn_span(self, job: Job) -> timedelta:
        """Return how long a job that was not asked may wait for its turn, as its end tells it."""
        return self._held().conversation.turn_span(job)

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
        hold, step = self._held(), NOTHING
        async with hold.lock:
            now = self.adapters.clock.now()
            while True:
                try:
                    step, trouble = decide(hold.conversation, now), None
                    if refused or done:
                        trouble = await trouble_of(self.adapters, self.account, refused, now)
                    if step.commits or trouble:
                        adopt = partial(hold.conversation.adopt, step)
                        rest = (only_if_usable, sequence, trouble)
                        await self._write(hold, [step], adopt, now, *rest)
                    break
                except Exception as error:
                    hold.conversation.undo()
                    if not await hold.let_go_of_ended(error, self.adapters.store, self.moved):
                        raise
            self.applied(sequence)
        for jobid in step.unheard:
            log.info("job.unheard", jobid=jobid, account=self.account.account_id)
        if step.reads_past:
            self.wanted.want_late()
        if step.look_back:
            hold.conversation.looking_back(step.look_back, is_due=is_due)
            self.wanted.want(step.look_back, is_due=is_due)
        return step.writes

    async def receive(self, events: Sequence[GatewayEvent]) -> Sequence[Step]:
        """Apply the first of several gateway events in one transaction, in their order (R36).

        Returns: what followed from each that was applied; the others are to be given again

        Raises: StoreError, or what deciding raised: nothing was changed
        """
        hold = self._held()
        async with hold.lock:
            now = self.adapters.clock.now()
            try:
                steps = hold.conversation.receive_all(events, now)
                sequence = last_sequence(events[: len(steps)])
                if any(step.commits for step in steps):
                    adopt = hold.conversation.adopt_all
                    await self._write(hold, steps, adopt, now, False, sequence, None)
                else:
                    hold.conversation.adopt_all()
            except Exception:
                hold.conversation.undo()
                self.moved.ring()
                raise
            self.applied(sequence)
        look_back = frozenset[JobId]().union(*(step.look_back for step in steps))
        if look_back:
            self.wanted.want(look_back, is_due=False)
        return steps

    async def weigh(self) -> None:
        """Let the pictures that wait to be told apart find their jobs. Raises: StoreError.

        After a gap only what was read back tells who could own a picture (R20).
        """
        weighed = NOTHING

        def weigh(conversation: Conversation, now: datetime) -> Step:
            nonlocal weighed
            weighed = conversation.weigh(now)
            return weighed

        while self.caught_up and self.undecided:
            try:
                if not await self.step(weigh):
                    return
            except UuidTaken as error:
                self._log.error("gateway.uuid_taken", details=error.details)
                self.disprove(weighed)
            except StoreError:
                raise
            except Exception:
                self._log.exception("gateway.picture_not_applied")
                self.disprove(weighed)
                return

    async def _write(
        self,
        hold: Hold,
        steps: Sequence[Step],
        adopt: Callable[[], None],
        now: datetime,
        only_if_usable: bool,
        sequence: int | None,
        trouble: TroubleChange | None,
    ) -> None:
        """Commit steps together. Only the last one may halt, and it has what is to be known."""
        session = hold.session.at(sequence, hold.conversation.newest)
        last, job_steps = steps[-1], [one for step in steps for one in step.job_steps]
        halt, sign = None, last.halt
        if sign is not None:
            halt = await halt_of(self.adapters, self.account, hold.sealed_token, sign, now)
        copies, new_id = self.adapters.copies, partial(self.adapters.ids.token, ID_LENGTH)
        changes = job_changes(hold.conversation.get, job_steps, new_id, now, copies=copies)
        traced = [
            span
            for step in steps
            for span in spans.begin(self.adapters.traces, step, self.account.account_id)
        ]
        claim = self.adapters.claims().claiming()
        claimed = await self.adapters.store.commit(
            Commit(
                account_id=self.account.account_id,
                epoch=hold.lease.epoch,
                at=now,
                jobs=changes,
                halt=halt,
                trouble=trouble,
                session=hold.session.seal(session),
                unrecognised=[one for step in steps for one in unrecognised(step)],
                seen=last.seen,
                only_if_usable=only_if_usable,
                claim_until=claim.until,
            )
        )
        adopt()
        hold.session.saved(session)
        spans.end(traced)
        if halt is not None or trouble is not None:
            account = await self.adapters.store.get_account(self.account.account_id)
            self.account = account or self.account
            log_change(self.account, halt, trouble)
        has_mail = halt is not None or (trouble is not None and trouble.mail is not None)
        self.adapters.claims().take(claimed or (), claim)
        if has_mail or len(claimed or ()) < sum(len(change.callbacks) for change in changes):
            self.adapters.nudge_outbox()
        if any(change.files for change in changes):
            self.adapters.expect_copies(now)
        for job_step in job_steps:
            spans.tell(job_step)
            self.adapters.feed.publish(job_step.job)
            if any(isinstance(event, ModalOpened) for event in job_step.events):
                self.modal_opened(job_step.job.jobid)
            if job_step.job.final or job_step.job.waiting:
                self.adapters.freed(self.account.account_id)
        if any(step.writes for step in steps):
            self.moved.ring()

    async def _save_session(self, hold: Hold) -> None:
        await hold.session.save(self.adapters.store, self.adapters.clock, hold.lease.epoch)

    def _held(self) -> Hold:
        if self._hold is None:
            raise LeaseLost("The account is not owned at the moment")
        return self._hold
