"""Conversation: one bot in one channel, and the jobs that wait for it to say something.

It holds one account's unfinished jobs and ghosts, nothing else, and can be rebuilt from the store
at any moment. Each input gives a Step: the changed jobs with their events, and what else follows.
A Step changes nothing by itself; the owner commits it and then calls `adopt` (R36). So a store
that fails leaves the conversation as it was.

How it works: read (replies.py), match (matching.py), decide (machine.py). This file only joins
them and keeps the deadlines.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from waystation.gateway_events import (
    GatewayEvent,
    HumanCheckSeen,
    IframeSeen,
    InteractionStep,
    InteractionTold,
    MessageGone,
    MessageSeen,
    MessageStep,
)
from waystation.jobs import (
    Acknowledged,
    Cancelled,
    CancelRequested,
    Completed,
    Expired,
    Failed,
    InteractionSeen,
    Job,
    JobEvent,
    JobId,
    JobStatus,
    Late,
    Lost,
    Moderated,
    Nonce,
    Progressed,
    Shown,
    SlotReleased,
    Submitted,
    Unclear,
    Vanished,
)
from waystation.midjourney.commands import COMMANDS
from waystation.midjourney.machine import apply
from waystation.midjourney.matching import Ambiguous, Candidates, Matched, match
from waystation.midjourney.replies import Ending, Reading, ReplyKind, is_human_check, read
from waystation.wire.message import Message
from waystation.wire.snowflake import snowflake_time

__all__ = ["Changed", "Conversation", "HaltSign", "Limits", "Step"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How long silence is borne. All settings."""

    first_answer: timedelta
    """From submission to the bot's first message (R2)."""
    job_timeout: timedelta
    """From submission to the end (R28)."""
    vanish_grace: timedelta = timedelta(seconds=30)
    """From a deleted message to the verdict (R27)."""
    slot_hold: timedelta = timedelta(minutes=10)
    """How long a ghost keeps its slot without evidence (R31)."""
    ghost_life: timedelta = timedelta(hours=24)
    """How long a ghost stays a candidate (R19)."""
    blind_grace: timedelta = timedelta(minutes=10)
    """How much longer a submitted job lives while Discord cannot be heard (R28)."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A job's new state and the events that led to it, oldest first."""

    job: Job
    events: Sequence[JobEvent]


@dataclass(frozen=True, slots=True)
class HaltSign:
    """The account must stop: what was said, and when (R34)."""

    text: str
    triggered_at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """What follows from one input."""

    changes: Sequence[Changed] = ()
    halt: HaltSign | None = None
    look_back: frozenset[JobId] = frozenset()
    """Jobs that need a read-back of history before they are judged."""
    unrecognised: Message | None = None

    @property
    def writes(self) -> bool:
        """Whether there is anything to commit."""
        return bool(self.changes or self.halt or self.unrecognised)


NOTHING = Step()


class Conversation:
    """One account's unfinished jobs and ghosts, and what the bot says about them."""

    def __init__(
        self, discord_user_id: str, channel: str, limits: Limits, jobs: Iterable[Job]
    ) -> None:
        self._discord_user_id = discord_user_id
        self._channel = channel
        self._limits = limits
        self._jobs: dict[JobId, Job] = {job.jobid: job for job in jobs}
        self._candidates = Candidates(self._jobs.values())
        self._looked_back: dict[JobId, datetime] = {}
        self._ambiguous: set[JobId] = set()

    @property
    def jobs(self) -> Sequence[Job]:
        """The jobs held, ghosts too."""
        return tuple(self._jobs.values())

    def get(self, jobid: JobId) -> Job | None:
        """Return a held job."""
        return self._jobs.get(jobid)

    @property
    def unbound(self) -> bool:
        """Whether a submitted job has shown nothing yet: then nothing else is submitted (R15)."""
        return any(
            job.status is JobStatus.SUBMITTED and not job.bound for job in self._jobs.values()
        )

    def adopt(self, step: Step) -> None:
        """Take over what was committed."""
        for change in step.changes:
            job = change.job
            if job.final and not job.ghost:
                self._forget(job)
            else:
                self._jobs[job.jobid] = job
                self._candidates.put(job)

    def admit(self, job: Job) -> None:
        """Take in a job that the store has accepted for this account."""
        self._jobs[job.jobid] = job

    # ── our own steps ──

    def submitted(self, jobid: JobId, nonce: Nonce, now: datetime) -> Step:
        """Return the step that must be committed before the request leaves (R12)."""
        return self._step(jobid, now, Submitted(nonce, now + self._limits.first_answer))

    def ended(self, jobid: JobId, event: JobEvent, now: datetime, halt: str | None = None) -> Step:
        """Return the step for an end that HTTP or Waystation itself decided.

        A job that is final already stays as it is.
        """
        step = self._step(jobid, now, event)
        return replace(step, halt=HaltSign(halt, now)) if halt else step

    def unclear(self, jobid: JobId, reason: str, now: datetime) -> Step:
        """Return the step that notes an unclear outcome."""
        return self._step(jobid, now, Unclear(reason))

    def cancel(self, jobid: JobId, now: datetime) -> Step:
        """Return the step of a caller's cancel (R26).

        Nothing that can be cancelled on Discord shows a Cancel Job button yet, so no evidence can
        come: what was submitted ends at once, as a ghost.
        """
        job = self._jobs.get(jobid)
        if job is None or job.final:
            return NOTHING
        ghost = job.status is not JobStatus.CREATED
        return self._step(jobid, now, CancelRequested(), Cancelled(ghost=ghost))

    # ── what Discord says ──

    def receive(self, event: GatewayEvent, now: datetime) -> Step:
        """Return what follows from a gateway event or a message read back from history."""
        match event:
            case MessageSeen(step, message):
                return self._message(step, message, now)
            case InteractionTold(step, interaction_id, nonce):
                return self._interaction(step, interaction_id, nonce, now)
            case MessageGone(message_id):
                return self._gone(message_id, now)
            case IframeSeen(iframe) if is_human_check(iframe):
                jobid = self._candidates.find("nonce", str(iframe.nonce or ""))
                return self._human_check(jobid, iframe.title, snowflake_time(iframe.id), now)
            case HumanCheckSeen(text):
                return Step(halt=HaltSign(text, now))
            case _:
                return NOTHING

    def settle(self, now: datetime) -> Step:
        """Return the ends of jobs whose reply is gone with a gap in the gateway session (R29)."""
        return _join(
            self._step(job.jobid, now, Failed(502, "reply lost", _REPLY_LOST, ghost=True))
            for job in self.jobs
            if not job.final
            and job.submitted_at is not None
            and not COMMANDS[job.verb].reply_in_history
        )

    def earliest_readable(self) -> datetime | None:
        """Return since when history must be read back; None when nothing in it is waited for."""
        moments = [
            job.submitted_at
            for job in self._jobs.values()
            if job.submitted_at is not None and COMMANDS[job.verb].reply_in_history
        ]
        return min(moments, default=None)

    def looked_back(self, jobids: Iterable[JobId], now: datetime) -> None:
        """Remember that history has been read for these jobs."""
        self._looked_back.update(dict.fromkeys(jobids, now))

    # ── time ──

    def wake_at(self, *, caught_up: bool) -> datetime | None:
        """Return when `expire` has something to judge next."""
        moments = [moment for job in self._jobs.values() if (moment := self._due(job, caught_up))]
        return min(moments, default=None)

    def expire(self, now: datetime, *, caught_up: bool) -> Step:
        """Return the verdicts that are due (R27, R28, R31).

        Call it only under the account's lease. Jobs in `look_back` are judged by the next call,
        after history was read.

        Args: caught_up: whether every message up to now has been received
        """
        due = [job for job in self.jobs if (moment := self._due(job, caught_up)) and moment <= now]
        for job in due:
            if job.final and not job.slot:
                self._forget(job)
        waiting = [job for job in due if job.final and job.slot]
        silent = [job for job in due if not job.final]
        look_back = frozenset(
            job.jobid for job in silent if caught_up and self._needs_look_back(job)
        )
        return replace(
            _join(
                [
                    *(self._step(job.jobid, now, SlotReleased()) for job in waiting),
                    *(
                        self._step(job.jobid, now, self._verdict(job))
                        for job in silent
                        if job.jobid not in look_back
                    ),
                ]
            ),
            look_back=look_back,
        )

    def _due(self, job: Job, caught_up: bool) -> datetime | None:
        if job.final:
            if job.slot:
                return job.slot_until
            return (job.finished_at or job.updated_at) + self._limits.ghost_life
        if job.status is JobStatus.CREATED:
            return job.created_at + self._limits.first_answer
        due = job.deadline_at
        if job.vanished_at is not None:
            due = job.vanished_at + self._limits.vanish_grace
        if due is None or caught_up:
            return due
        return due + self._limits.blind_grace

    def _needs_look_back(self, job: Job) -> bool:
        due = self._due(job, caught_up=True)
        looked = self._looked_back.get(job.jobid)
        return (
            job.status is not JobStatus.CREATED
            and COMMANDS[job.verb].reply_in_history
            and (looked is None or due is None or looked < due)
        )

    def _verdict(self, job: Job) -> JobEvent:
        if job.vanished_at is not None:
            return Moderated("Job was removed by the bot", _VANISHED)
        if job.status is JobStatus.CREATED:
            return Failed(502, _NOT_SUBMITTED)
        limit_s = self._limits.first_answer.total_seconds()
        if job.status is JobStatus.SUBMITTED:
            return Lost(f"Midjourney bot did not reply within {limit_s:g} seconds")
        if COMMANDS[job.verb].takes_slot:
            limit_s = self._limits.job_timeout.total_seconds()
        return Expired(f"Job did not finish within {_spoken(limit_s)}")

    def _running_deadline(self, job: Job) -> datetime:
        limits = self._limits
        limit = limits.job_timeout if COMMANDS[job.verb].takes_slot else limits.first_answer
        return (job.submitted_at or job.created_at) + limit

    # ── reading, matching, deciding ──

    def _message(self, step: MessageStep, message: Message, now: datetime) -> Step:
        reading = read(message)
        if reading.from_bot is False or message.channel_id != self._channel:
            return NOTHING
        if reading.from_bot is None and not self._candidates.find("message", message.id):
            return NOTHING
        if reading.addressee not in (None, self._discord_user_id):
            return NOTHING
        found = match(reading, self._candidates)
        if isinstance(found, Ambiguous):
            return self._told_apart(found.jobids, message, now)
        if isinstance(found, Matched):
            return self._matched(self._jobs[found.jobid], reading, found.by, now)
        return self._unmatched(step, message, reading)

    def _told_apart(self, jobids: frozenset[JobId], message: Message, now: datetime) -> Step:
        """Look once more; what stays ambiguous fails, with the message kept (R20)."""
        if not jobids <= self._ambiguous:
            self._ambiguous |= jobids
            return Step(look_back=jobids)
        ends = _join(
            self._step(jobid, now, Failed(502, "Result could not be told apart", ghost=True))
            for jobid in sorted(jobids)
        )
        return replace(ends, unrecognised=message)

    def _unmatched(self, step: MessageStep, message: Message, reading: Reading) -> Step:
        if step is MessageStep.HISTORY or reading.addressee is None:
            return NOTHING
        if reading.meaning is not None and reading.meaning.ending is Ending.HALT:
            # R34: somebody must look at the account, whoever's job it was
            text = reading.meaning.details or reading.meaning.error
            return Step(halt=HaltSign(text, snowflake_time(message.id)))
        if reading.kind is ReplyKind.UNRECOGNISED:
            return Step(unrecognised=message)
        return NOTHING

    def _matched(self, job: Job, reading: Reading, by: str, now: datetime) -> Step:
        if job.final:
            return self._late(job, reading, by, now)
        if reading.meaning is not None:
            return self._error(job, reading, by, now)
        if reading.kind in COMMANDS[job.verb].finished_by:
            return self._step(job.jobid, now, Completed(reading.shown, by))
        if reading.kind is ReplyKind.UNRECOGNISED and not _adds(job, reading.shown):
            return NOTHING
        if job.message_id is None:
            event: JobEvent = Acknowledged(reading.shown, self._running_deadline(job), by)
            return self._step(job.jobid, now, event)
        if not _adds(job, reading.shown):
            return NOTHING
        return self._step(job.jobid, now, Progressed(reading.shown, by))

    def _late(self, job: Job, reading: Reading, by: str, now: datetime) -> Step:
        ended = reading.meaning is not None or reading.kind in COMMANDS[job.verb].finished_by
        if job.late == reading.shown or not _adds(job, reading.shown):
            return NOTHING
        return self._step(job.jobid, now, Late(reading.shown, ended, by))

    def _error(self, job: Job, reading: Reading, by: str, now: datetime) -> Step:
        meaning = reading.meaning
        assert meaning is not None
        shown: Shown = reading.shown
        match meaning.ending:
            case Ending.MODERATED:
                event: JobEvent = Moderated(meaning.error, meaning.details, shown, by)
            case Ending.STOPPED:
                event = Cancelled(ghost=False)
            case _:
                event = Failed(
                    meaning.code,
                    meaning.error,
                    meaning.details,
                    shown,
                    by,
                    ghost=meaning.ending is Ending.QUEUED,
                )
        step = self._step(job.jobid, now, event)
        if meaning.ending is not Ending.HALT:
            return step
        text = meaning.details or meaning.error
        return replace(step, halt=HaltSign(text, snowflake_time(shown.message_id)))

    def _interaction(
        self, step: InteractionStep, interaction_id: str, nonce: str | None, now: datetime
    ) -> Step:
        jobid = self._candidates.find("nonce", nonce)
        job = self._jobs.get(jobid) if jobid is not None else None
        if job is None or job.final:
            return NOTHING
        if step is InteractionStep.FAILED:
            # R14: the bot may still answer; the deadline judges
            return self._step(job.jobid, now, Unclear("the bot did not answer Discord in time"))
        if job.interaction_id is not None:
            return NOTHING
        return self._step(job.jobid, now, InteractionSeen(interaction_id))

    def _gone(self, message_id: str, now: datetime) -> Step:
        jobid = self._candidates.find("message", message_id)
        job = self._jobs.get(jobid) if jobid is not None else None
        if job is None or job.final or job.message_id != message_id or job.vanished_at:
            return NOTHING
        return self._step(job.jobid, now, Vanished())

    def _human_check(
        self, jobid: JobId | None, title: str, triggered_at: datetime, now: datetime
    ) -> Step:
        halt = HaltSign(title, triggered_at)
        job = self._jobs.get(jobid) if jobid is not None else None
        if job is None or job.final:
            return Step(halt=halt)
        return replace(self._step(job.jobid, now, Failed(596, title)), halt=halt)

    def _step(self, jobid: JobId, now: datetime, *events: JobEvent) -> Step:
        job = self._jobs.get(jobid)
        if job is None or (job.final and not isinstance(events[0], Late | SlotReleased)):
            return NOTHING
        for event in events:
            job = apply(job, event, now, self._limits.slot_hold)
        return Step(changes=(Changed(job, events),))

    def _forget(self, job: Job) -> None:
        self._jobs.pop(job.jobid, None)
        self._looked_back.pop(job.jobid, None)
        self._ambiguous.discard(job.jobid)
        self._candidates.drop(job.jobid)


_REPLY_LOST = "The connection to Discord broke while the bot answered; this reply is not in history"
_VANISHED = "The bot deleted its message without a result"
_NOT_SUBMITTED = "The account's connection to Discord was not ready; nothing was submitted"


def _adds(job: Job, shown: Shown) -> bool:
    """Whether a message shows anything that the job does not show yet (R36: twice is a no-op)."""
    return (
        shown.message_id != job.message_id
        or (shown.content is not None and shown.content != job.content)
        or (bool(shown.embeds) and tuple(shown.embeds) != tuple(job.embeds))
        or (bool(shown.attachments) and tuple(shown.attachments) != tuple(job.attachments))
    )


def _join(steps: Iterable[Step]) -> Step:
    return Step(changes=tuple(change for step in steps for change in step.changes))


def _spoken(seconds: float) -> str:
    minutes = seconds / 60
    return f"{minutes:g} minutes" if minutes >= 1 else f"{seconds:g} seconds"
