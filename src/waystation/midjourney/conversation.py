"""Conversation: one bot in one channel, and the jobs that wait for it to say something.

It holds one account's unfinished jobs and ghosts, nothing else, and can be rebuilt from the store
at any moment. Each input gives a Step: the changed jobs with their events, and what else follows.
A Step changes nothing by itself; the owner commits it and then calls `adopt` (R36). So a store
that fails leaves the conversation as it was.

This is the face of what follows from what: our own steps (asking/own_steps.py), what Discord says
(receiving.py), pictures that wait (weighing.py), what was missed (gaps.py), and time (judging.py).
All of them work on one state (state.py).

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from waystation.actions import Press
from waystation.gateway_events import GatewayEvent, Seen
from waystation.jobs import Failed, Job, JobEvent, JobId, Modal, Nonce, Source
from waystation.midjourney import gaps, judging, receiving, weighing
from waystation.midjourney.asking import own_steps, plans
from waystation.midjourney.deadlines import Limits, told_span
from waystation.midjourney.state import rebuild
from waystation.midjourney.steps import HaltSign, JobStep, Step
from waystation.wire.snowflake import NO_SNOWFLAKE, Snowflake

__all__ = ["JobStep", "Conversation", "HaltSign", "Limits", "Step"]


class Conversation:
    """One account's unfinished jobs and ghosts, and what the bot says about them."""

    def __init__(
        self,
        discord_user_id: str,
        channel: str,
        limits: Limits,
        jobs: Iterable[Job],
        cdn_url: str = "",
        newest: Snowflake = NO_SNOWFLAKE,
        remembered: Iterable[Seen] = (),
    ) -> None:
        """Build it from what is stored. Args: remembered: what `Step.seen` gave, oldest first"""
        self._state = rebuild(discord_user_id, channel, limits, jobs, cdn_url, newest, remembered)

    @property
    def jobs(self) -> Sequence[Job]:
        """The jobs held, ghosts too, as last committed."""
        return tuple(self._state.jobs_committed.values())

    @property
    def holding(self) -> Sequence[Job]:
        """The jobs that are not final or hold a slot, as last committed."""
        if self._state.committed is None:
            return self._state.agenda.holding
        return tuple(job for job in self.jobs if job.slot or not job.final)

    def get(self, jobid: JobId) -> Job | None:
        """Return a held job as last committed."""
        return self._state.as_committed(jobid)

    @property
    def newest(self) -> Snowflake:
        """The newest Discord id that was seen: what it does next is newer (R28)."""
        return self._state.newest

    def seen(self, snowflake: str) -> None:
        """Remember an id that Discord has made."""
        self._state.seen(snowflake)

    @property
    def in_flight(self) -> JobId | None:
        """The job that was asked a moment ago and has shown nothing: no other is asked (R15)."""
        if self._state.committed is None:
            return next(iter(self._state.in_flight), None)
        return next((job.jobid for job in self.jobs if job.in_flight), None)

    def adopt_all(self) -> None:
        """Take over what `receive_all` gave: it was committed."""
        self._state.adopt_all()

    def adopt(self, step: Step) -> None:
        """Take over what was committed."""
        self._state.adopt(step)

    def undo(self) -> None:
        """Know nothing of the steps that could not be committed."""
        self._state.undo()

    def admit(self, job: Job) -> None:
        """Take in a job as the store has it."""
        self._state.admit(job)

    def put_off(self, job: Job) -> None:
        """Forget a job that `admit` took in and that could not be queued; one that changed stays.

        So it can be taken in again.
        """
        if self._state.jobs.get(job.jobid) is job:
            self._state.forget(job)

    def over(self, stored: Job) -> Step:
        """Let go of a job that was ended elsewhere before it was asked; the rows have it already.

        Args: stored: as the store has it
        """
        return own_steps.over(self._state, stored)

    # ── our own steps ──

    def must_wait(self, jobid: JobId, target: str | None = None) -> bool:
        """Tell whether a job must wait for one whose answer could be taken for its own (R15).

        A job that must has more time for its turn from then on.

        Args: target: the message that it will press
        """
        return own_steps.must_wait(self._state, jobid, target)

    def turn_span(self, job: Job) -> timedelta:
        """Return how long a job that was not asked may wait for its turn, as its end tells it."""
        return told_span(job, self._state.limits, held_up=job.jobid in self._state.held_up)

    def submitted(
        self, jobid: JobId, nonce: Nonce, now: datetime, source: Source | None = None
    ) -> Step:
        """Return the step that must be committed before the request leaves (R12)."""
        return own_steps.submitted(self._state, jobid, nonce, now, source)

    def silent(self, jobid: JobId, now: datetime, *, refused: bool = False) -> Step:
        """Return the step for an ask of which nothing was seen in time: others may pass (R15).

        Args: refused: Discord has not executed it, so there is nothing to read
        """
        return own_steps.silent(self._state, jobid, now, refused=refused)

    def reacted(self, jobid: JobId, now: datetime) -> Step:
        """Return the step for an emoji that Discord has put under the message."""
        return own_steps.reacted(self._state, jobid, now)

    def ended(
        self,
        jobid: JobId,
        event: JobEvent,
        now: datetime,
        halt: str | None = None,
        *,
        token_rejected: bool = False,
    ) -> Step:
        """Return the step for an end that HTTP or Waystation itself decided."""
        return own_steps.ended(self._state, jobid, event, now, halt, token_rejected=token_rejected)

    def unsent(self, jobid: JobId, event: JobEvent, now: datetime) -> Step:
        """Return the step of a job that cannot be sent in its time; of the queue it waits again."""
        return own_steps.unsent(self._state, jobid, event, now)

    def not_written(self, jobid: JobId, event: JobEvent, now: datetime) -> Step:
        """Return the step of a job whose request never left; of the queue it waits again (R13)."""
        return own_steps.not_written(self._state, jobid, event, now)

    def not_left(self, jobid: JobId, event: Failed, now: datetime, until: datetime | None) -> Step:
        """Return the step of a job whose request has not left and may leave later (R13)."""
        return own_steps.not_left(self._state, jobid, event, now, until)

    def reopened(self, jobid: JobId, modal: Modal, now: datetime) -> Step:
        """Return the step of a job whose answer to a modal has not left and may leave later."""
        return own_steps.reopened(self._state, jobid, modal, now)

    def unasked(self, jobid: JobId, event: JobEvent, now: datetime) -> Step:
        """Return the end of a job that was not asked in its time; nothing if it was (R10)."""
        return own_steps.unasked(self._state, jobid, event, now)

    def unclear(self, jobid: JobId, reason: str, now: datetime) -> Step:
        """Return the step that notes an unclear outcome."""
        return own_steps.unclear(self._state, jobid, reason, now)

    def cancel_press(self, jobid: JobId) -> Press | None:
        """Return the press that asks the bot to cancel, None when nothing shows the button."""
        job = self._state.get(jobid)
        return None if job is None else plans.cancel(job)

    def cancel_requested(self, jobid: JobId, nonce: Nonce, now: datetime) -> Step:
        """Return the step that must be committed before Cancel Job is pressed (R12, R26)."""
        return own_steps.cancel_requested(self._state, jobid, nonce, now)

    def cancel(self, jobid: JobId, now: datetime) -> Step:
        """Return the step that ends a job as cancelled, without evidence from the bot (R26)."""
        return own_steps.cancel(self._state, jobid, now)

    # ── what Discord says ──

    def receive(self, event: GatewayEvent, now: datetime) -> Step:
        """Return what follows from a gateway event or a message read back from history."""
        return receiving.receive(self._state, event, now)

    def receive_all(self, events: Iterable[GatewayEvent], now: datetime) -> Sequence[Step]:
        """Return what follows from the first of several events, each after the one before.

        They are to be committed together, and then `adopt_all` takes them over, or `undo` takes
        them back. Until then nothing but `receive_all` sees what they change.
        """
        return receiving.receive_all(self._state, events, now)

    @property
    def undecided(self) -> bool:
        """True when pictures wait to be told apart: then `weigh` may have something to say."""
        return bool(self._state.held)

    def weigh(self, now: datetime) -> Step:
        """Return the next that follows for the pictures that wait to be told apart."""
        return weighing.weigh(self._state, now)

    def has_given(self, message_id: str) -> bool:
        """Tell whether a picture that had to be told apart was given to a job of late."""
        return message_id in self._state.given

    def disprove(self, step: Step) -> None:
        """Take back pictures that the store knows to be another job's (I1)."""
        weighing.disprove(self._state, step)

    # ── what was missed ──

    def settle(self, now: datetime) -> Step:
        """Return the ends of jobs whose reply is gone with a gap in the gateway session (R29)."""
        return gaps.settle(self._state, now)

    def missed(self, now: datetime, listening: str = NO_SNOWFLAKE) -> Step:
        """Return the step after a gap: until history was read, elimination decides nothing (R20).

        Args: listening: the newest id of which the new session knows
        """
        return gaps.missed(self._state, now, listening)

    def read_to_the_end(self, since: str) -> Step:
        """Return the step after history was read from an id on: all asked after it is known."""
        return gaps.read_to_the_end(self._state, since)

    @property
    def unread_past(self) -> Snowflake | None:
        """The id from which on history is read for what was asked before we listened."""
        return gaps.unread_past(self._state)

    @property
    def unread_ghosts(self) -> Sequence[Job]:
        """The ghosts of which a gap may hide the late result."""
        return gaps.unread_ghosts(self._state)

    def reading_late(self, jobids: Iterable[JobId]) -> None:
        """Remember for which ghosts history is read now, or is about to be."""
        self._state.late = frozenset(jobids)

    def read_past(self) -> None:
        """Remember that history was read for what was asked before we listened, or cannot be."""
        self._state.reads_past = False

    @property
    def readable(self) -> Sequence[Job]:
        """The jobs that wait for something that history has, ghosts too."""
        return gaps.readable(self._state)

    def looking_back(self, jobids: Iterable[JobId], *, is_due: bool) -> None:
        """Remember that history is to be read for these jobs.

        Args: is_due: they are due, and nobody judges them until it was read
        """
        self._state.lookups.want(jobids, is_due=is_due)

    def reading(self) -> None:
        """Remember that a reading of history begins, for all who want one by now."""
        self._state.lookups.begin()

    def looked_back(self, jobids: Iterable[JobId], began_at: datetime) -> None:
        """Remember that history was read for these jobs, or cannot be.

        Args: began_at: when reading began
        """
        self._state.lookups.done(jobids, began_at)

    # ── time ──

    def wake_at(self, *, caught_up: bool) -> datetime | None:
        """Return when `expire` has something to judge next, or `unheard` something to look up."""
        return judging.wake_at(self._state, caught_up=caught_up)

    def unheard(self, now: datetime, *, caught_up: bool) -> Step:
        """Return the look-up of the running jobs of which nothing is heard, together (R51)."""
        return judging.unheard(self._state, now, caught_up=caught_up)

    def expire(
        self,
        now: datetime,
        *,
        caught_up: bool,
        unsent: Callable[[JobId], JobEvent | None] = lambda jobid: None,
    ) -> Step:
        """Return the verdicts that are due (R27, R28, R31).

        Args: caught_up: whether every message up to now has been received; unsent: the end of a
        job that still waits to be asked, or to answer what the bot has opened, by what it waits for
        """
        return judging.expire(self._state, now, caught_up=caught_up, unsent=unsent)
