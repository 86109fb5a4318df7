"""Conversation: one bot in one channel, and the jobs that wait for it to say something.

It holds one account's unfinished jobs and ghosts, nothing else, and can be rebuilt from the store
at any moment. Each input gives a Step: the changed jobs with their events, and what else follows.
A Step changes nothing by itself; the owner commits it and then calls `adopt` (R36). So a store
that fails leaves the conversation as it was.

How it works: read (replies.py), match and hold what cannot be told yet (matching), decide
(heard.py, machine.py), and wait (deadlines.py). This file only joins them.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from msgspec import structs

from waystation.actions import Press
from waystation.gateway_events import (
    GatewayEvent,
    HumanCheckSeen,
    IframeSeen,
    InteractionStep,
    InteractionTold,
    MessageGone,
    MessageSeen,
    MessageStep,
    ModalSeen,
    Seen,
)
from waystation.jobs import (
    Cancelled,
    CancelRequested,
    Completed,
    Failed,
    InteractionSeen,
    Job,
    JobEvent,
    JobId,
    JobStatus,
    Late,
    Modal,
    ModalInput,
    ModalOpened,
    Nonce,
    Reacted,
    Refused,
    Shown,
    Silent,
    SlotReleased,
    Source,
    Submitted,
    Unclear,
    Vanished,
)
from waystation.midjourney.agenda import Agenda
from waystation.midjourney.buttons import CANCEL_JOB, all_components
from waystation.midjourney.commands import COMMANDS
from waystation.midjourney.deadlines import IN_FLIGHT, Limits, due_at, running_deadline, verdict
from waystation.midjourney.edits import Faces, edit_of, finishes, in_history, is_edit
from waystation.midjourney.heard import Heard, halt_of, late_ended
from waystation.midjourney.lookups import LookUps
from waystation.midjourney.matching.candidates import Candidates
from waystation.midjourney.matching.held import HeldPicture, HeldPictures
from waystation.midjourney.matching.match import Ambiguous, Matched, Undecided, match
from waystation.midjourney.matching.unread import Doubts, Unread
from waystation.midjourney.memory import Memory
from waystation.midjourney.reading import Reading, read
from waystation.midjourney.recent import RecentIds
from waystation.midjourney.refusals import HUMAN_CHECK, is_human_check
from waystation.midjourney.replies import ReplyKind
from waystation.midjourney.results import picture_links
from waystation.midjourney.steps import NOTHING, TOKEN_REJECTED, Changed, HaltSign, Step, join, take
from waystation.wire.interaction import IframeModalCreated, ModalCreated
from waystation.wire.message import ComponentType, Message
from waystation.wire.snowflake import NO_SNOWFLAKE, Snowflake, newest, snowflake_time

__all__ = ["TOLD_APART", "Changed", "Conversation", "HaltSign", "Limits", "Step"]


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
        self._cdn_url = cdn_url
        self._newest = newest
        self._discord_user_id = discord_user_id
        self._channel = channel
        self._limits = limits
        self._jobs: dict[JobId, Job] = {job.jobid: job for job in jobs}
        self._agenda = Agenda(limits, self._jobs.values())
        self._memory = Memory(remembered)
        self._candidates = Candidates(self._jobs.values(), self._memory)
        self._in_flight = {job.jobid for job in self._jobs.values() if job.in_flight}
        """The ask that has shown nothing yet; one at most (I2)."""
        self._lookups = LookUps()
        self._ambiguous: set[JobId] = set()
        self._torn: frozenset[JobId] = frozenset()
        """Those of them whose look-up follows from the newest step, if it is committed."""
        self._unclear: set[JobId] = set()
        """Jobs whose unclear outcome is noted already."""
        self._faces = Faces(self._memory)
        self._held = HeldPictures(self._candidates, self._memory)
        self._weigh_at: datetime | None = None
        """When a picture that waits for more than elimination is weighed again."""
        self._unread = Unread(self._memory)
        """What was missed and is not read back yet (R20)."""
        self._reads_past = True
        """Whether history is, or will be, read for what was asked before we listened."""
        self._doubtful = Doubts()
        """Pictures that came when that progress was deleted which history might have shown."""
        self._late: frozenset[JobId] = frozenset()
        """Ghosts for which history is read after a gap."""
        self._early = RecentIds()
        """Messages of which a partial update came before anything that says whose they are."""
        self._silent = {job.jobid for job in self._jobs.values() if _is_silent(job)}
        """Jobs of which no message was known when this was built: a part may have come before."""

    @property
    def jobs(self) -> Sequence[Job]:
        """The jobs held, ghosts too."""
        return tuple(self._jobs.values())

    @property
    def holding(self) -> Sequence[Job]:
        """The jobs that are not final or hold a slot."""
        return self._agenda.holding

    def get(self, jobid: JobId) -> Job | None:
        """Return a held job."""
        return self._jobs.get(jobid)

    @property
    def newest(self) -> Snowflake:
        """The newest Discord id that was seen: what it does next is newer (R28)."""
        return self._newest

    def seen(self, snowflake: str) -> None:
        """Remember an id that Discord has made."""
        self._newest = newest(self._newest, snowflake)

    @property
    def in_flight(self) -> JobId | None:
        """The job that was asked a moment ago and has shown nothing: no other is asked (R15)."""
        return next(iter(self._in_flight), None)

    def adopt(self, step: Step) -> None:
        """Take over what was committed."""
        self._memory.keep()
        for change in step.changes:
            job = change.job
            if job.final and not job.ghost:
                self._forget(job)
            else:
                self.admit(job)
                if any(isinstance(event, Unclear) for event in change.events):
                    self._unclear.add(job.jobid)

    def undo(self) -> None:
        """Know nothing of a step that could not be committed."""
        self._memory.undo()
        self._ambiguous -= self._torn

    def _learnt(self, step: Step) -> Step:
        """Return a step with all that is to be known from it on, its own changes' part, too."""
        for change in step.changes:
            job = change.job
            if job.final and job.error == TOLD_APART:
                self._held.give_up(job.jobid)
            for event in change.events:
                if isinstance(event, Completed | Late):
                    self._candidates.claim(job)
                    self._faces.see(event.shown)
            if job.final and (not job.ghost or late_ended(job)):
                self._candidates.settle(job)
            else:
                self._candidates.learn(job)
        if step.changes:
            self._held.settle({one for change in step.changes for one in change.job.messages})
        return replace(step, seen=self._memory.changes())

    def admit(self, job: Job) -> None:
        """Take in a job as the store has it."""
        self._jobs[job.jobid] = job
        self._agenda.put(job)
        self._candidates.index.put(job)
        (self._in_flight.add if job.in_flight else self._in_flight.discard)(job.jobid)

    # ── our own steps ──

    def must_wait(self, jobid: JobId, target: str | None = None) -> bool:
        """Tell whether a job must wait for one whose answer could be taken for its own (R15).

        Args: target: the message that it will press
        """
        job = self._jobs.get(jobid)
        return job is not None and bool(self._candidates.rivals(job, target))

    def submitted(
        self, jobid: JobId, nonce: Nonce, now: datetime, source: Source | None = None
    ) -> Step:
        """Return the step that must be committed before the request leaves (R12).

        It writes nothing when the job must not be sent: it is final, or the gateway has shown that
        the bot has it, whatever HTTP said (R25).
        """
        job = self._jobs.get(jobid)
        if job is None or (job.bound and job.modal is None):
            return NOTHING
        deadline_at = now + self._limits.first_answer
        event = Submitted(nonce, deadline_at, after=self._newest)
        if source is not None:
            self._faces.expect(source.message_id, source.face)
            event = Submitted(
                nonce,
                deadline_at,
                source.message_id,
                source.hash,
                source.custom_id,
                self._newest,
            )
        step = self._learnt(self._step(jobid, now, event))
        return replace(step, reads_past=self._depends_on_past(job))

    def silent(self, jobid: JobId, now: datetime, *, refused: bool = False) -> Step:
        """Return the step for an ask of which nothing was seen in time: others may pass (R15).

        History is read once meanwhile, since it may have what the gateway has lost.

        Args: refused: Discord has not executed it, so there is nothing to read
        """
        job = self._jobs.get(jobid)
        if job is None or not job.in_flight:
            return NOTHING
        looks = frozenset() if refused or not in_history(job) else frozenset({jobid})
        return replace(self._learnt(self._step(jobid, now, Silent())), look_back=looks)

    def reacted(self, jobid: JobId, now: datetime) -> Step:
        """Return the step for an emoji that Discord has put under the message."""
        return self._learnt(self._step(jobid, now, Reacted()))

    def ended(self, jobid: JobId, event: JobEvent, now: datetime, halt: str | None = None) -> Step:
        """Return the step for an end that HTTP or Waystation itself decided.

        A job that is final already stays as it is. A refusal of what the gateway has shown to be
        executed is noted and judged by the deadline (R25).
        """
        job = self._jobs.get(jobid)
        if isinstance(event, Refused) and job is not None and job.bound:
            event = Unclear(event.error)
        step = self._learnt(self._step(jobid, now, event))
        if not halt:
            return step
        return replace(step, halt=HaltSign(halt, now, token_rejected=halt == TOKEN_REJECTED))

    def unasked(self, jobid: JobId, event: JobEvent, now: datetime) -> Step:
        """Return the end of a job that was not asked in its time; nothing if it was (R10)."""
        job = self._jobs.get(jobid)
        waits = job is not None and job.status is JobStatus.CREATED
        return self._learnt(self._step(jobid, now, event)) if waits else NOTHING

    def unclear(self, jobid: JobId, reason: str, now: datetime) -> Step:
        """Return the step that notes an unclear outcome."""
        return self._learnt(self._step(jobid, now, Unclear(reason)))

    def cancel_press(self, jobid: JobId) -> Press | None:
        """Return the press that asks the bot to cancel, None when nothing shows the button."""
        job = self._jobs.get(jobid)
        if job is None or job.final or job.message_id is None:
            return None
        for button in job.buttons:
            if button.custom_id.startswith(CANCEL_JOB):
                return Press(job.message_id, job.flags, button.custom_id)
        return None

    def cancel_requested(self, jobid: JobId, nonce: Nonce, now: datetime) -> Step:
        """Return the step that must be committed before Cancel Job is pressed (R12, R26)."""
        job = self._jobs.get(jobid)
        if job is None or job.cancel_requested_at is not None:
            return NOTHING
        # its press is no ask by hand, and brings no picture
        self._candidates.others.disown(nonce)
        return self._learnt(self._step(jobid, now, CancelRequested(nonce)))

    def cancel(self, jobid: JobId, now: datetime) -> Step:
        """Return the step that ends a job as cancelled, without evidence from the bot (R26)."""
        job = self._jobs.get(jobid)
        if job is None or job.final:
            return NOTHING
        cancelled = Cancelled(ghost=job.status is not JobStatus.CREATED)
        requested = () if job.cancel_requested_at is not None else (CancelRequested(),)
        return self._learnt(self._step(jobid, now, *requested, cancelled))

    # ── what Discord says ──

    def receive(self, event: GatewayEvent, now: datetime) -> Step:
        """Return what follows from a gateway event or a message read back from history."""
        self._torn = frozenset()
        return self._learnt(self._received(event, now))

    def _received(self, event: GatewayEvent, now: datetime) -> Step:
        match event:
            case MessageSeen(step, message):
                self.seen(message.id)
                return self._message(step, message, now)
            case InteractionTold(step, interaction_id, nonce):
                self.seen(interaction_id)
                return self._interaction(step, interaction_id, nonce, now)
            case MessageGone(message_id):
                return self._gone(message_id, now)
            case ModalSeen(modal):
                return self._modal(modal, now)
            case IframeSeen(iframe) if is_human_check(iframe):
                return self._human_check(iframe, now)
            case IframeSeen(iframe):
                return self._opened(Modal(iframe.id, iframe.custom_id), iframe.nonce, now)
            case HumanCheckSeen(text, token_rejected=token_rejected):
                return Step(halt=HaltSign(text, now, token_rejected=token_rejected))
            case _:
                return NOTHING

    @property
    def undecided(self) -> bool:
        """Whether pictures wait to be told apart: then `weigh` may have something to say."""
        return bool(self._held)

    def weigh(self, now: datetime) -> Step:
        """Return the next that follows for the pictures that wait to be told apart.

        Call it again until it writes nothing. What stays ambiguous is looked up once; it fails when
        every picture is there that could come, and else with its deadline (R20).
        """
        self._torn = frozenset()
        return self._learnt(self._weighed(now))

    def _weighed(self, now: datetime) -> Step:
        self._weigh_at = None
        waiting: set[str] = set()
        for held, ask in self._held.decided():
            job = self._jobs.get(JobId(ask))
            if job is None:
                self._held.finish(held, ask)
                return self._weighed(now)
            if job.hash is None and self._unread.hides_from(job):
                continue
            if not self._held.is_evident(held, job.jobid):
                continue
            past = self._unread.may_own(held.message.id)
            if (past or self._doubtful.about(held.message.id, job)) and not self._held.is_told(
                held
            ):
                waiting.update({ask} if past and self._reads_past else ())
                continue
            named_at = _named_at(job)
            if named_at is None or named_at <= now:
                return self._matched(job, held.step, held.message, held.reading, "weak", now)
            self._weigh_at = min(named_at, self._weigh_at or named_at)
        if self._weigh_at is not None:
            return NOTHING
        return self._given_up(waiting, now)

    def _given_up(self, waiting: Collection[str], now: datetime) -> Step:
        """Return the end of jobs of which nothing more can be learnt, after one more look.

        Args: waiting: asks for which history is still to be read
        """
        jobids = frozenset(
            JobId(ask)
            for ask in self._held.asks
            if (job := self._jobs.get(JobId(ask))) is not None
            and not job.final
            and ask not in waiting
        )
        if not jobids <= self._ambiguous:
            return self._looks_again(jobids)
        for asks in self._held.hopeless():
            late = self._lookups.under_way(asks) or not self._late.isdisjoint(asks)
            if late or not asks.isdisjoint(waiting):
                continue
            ends = [self._step(JobId(ask), now, Failed(502, TOLD_APART)) for ask in sorted(asks)]
            if any(end.writes for end in ends):
                return replace(join(ends), untold=self._held.of(asks))
            self._held.close(asks)
        return NOTHING

    def disprove(self, step: Step) -> None:
        """Take back pictures that the store knows to be another job's (I1)."""
        for change in step.changes:
            late = change.job.late
            for message_id in (change.job.message_id, None if late is None else late.message_id):
                if message_id is not None:
                    self._held.discard(message_id)

    def settle(self, now: datetime) -> Step:
        """Return the ends of jobs whose reply is gone with a gap in the gateway session (R29)."""
        lost = join(
            self._step(job.jobid, now, Failed(502, "reply lost", _REPLY_LOST, ghost=True))
            for job in self._agenda.open
            if job.submitted_at is not None and (job.modal is not None or not in_history(job))
        )
        return self._learnt(lost)

    def missed(self, now: datetime, listening: str = NO_SNOWFLAKE) -> Step:
        """Return the step after a gap: until history was read, elimination decides nothing (R20).

        Somebody may have asked for the same in it, and his picture be all that is heard.

        Args: listening: the newest id of which the new session knows
        """
        asked = [job for job in self._jobs.values() if job.submitted_at and not late_ended(job)]
        if self._unread.missed(asked, self._newest, listening):
            self._doubtful.listening(listening, now)
        self._reads_past = True
        self.seen(listening)
        return self._learnt(NOTHING)

    def read_to_the_end(self, since: str) -> Step:
        """Return the step after history was read from an id on: all asked after it is known."""
        self._unread.read_to_the_end(since, self._jobs.values())
        return self._learnt(NOTHING)

    @property
    def unread_past(self) -> Snowflake | None:
        """The id from which on history is read for what was asked before we listened.

        None where everything was heard, or no picture is waited for that could be somebody's.
        """
        asked = (job for job in self._jobs.values() if job.submitted_at is not None)
        needed = self._unread.past is not None and any(map(self._depends_on_past, asked))
        return self._unread.past if needed else None

    def _depends_on_past(self, job: Job) -> bool:
        """Tell whether an ask from before we listened may be taken for a job that is asked."""
        draws = job.hash is None and finishes(job, ReplyKind.PICTURE) and not late_ended(job)
        return draws and self._reads_past and self._unread.may_own(self._newest)

    @property
    def unread_ghosts(self) -> Sequence[Job]:
        """The ghosts of which a gap may hide the late result."""
        return [job for job in self.readable if job.final and self._unread.hides_from(job)]

    def reading_late(self, jobids: Iterable[JobId]) -> None:
        """Remember for which ghosts history is read now, or is about to be."""
        self._late = frozenset(jobids)

    def read_past(self) -> None:
        """Remember that history was read for what was asked before we listened, or cannot be."""
        self._reads_past = False

    @property
    def readable(self) -> Sequence[Job]:
        """The jobs that wait for something that history has, ghosts too."""
        return [
            job
            for job in self._jobs.values()
            if job.submitted_at is not None and in_history(job) and not late_ended(job)
        ]

    def looking_back(self, jobids: Iterable[JobId], *, is_due: bool) -> None:
        """Remember that history is to be read for these jobs.

        Args: is_due: they are due, and nobody judges them until it was read
        """
        self._lookups.want(jobids, is_due=is_due)

    def reading(self) -> None:
        """Remember that a reading of history begins, for all who want one by now."""
        self._lookups.begin()

    def looked_back(self, jobids: Iterable[JobId], began_at: datetime) -> None:
        """Remember that history was read for these jobs, or cannot be.

        Args: began_at: when reading began
        """
        self._lookups.done(jobids, began_at)

    # ── time ──

    def wake_at(self, *, caught_up: bool) -> datetime | None:
        """Return when `expire` has something to judge next, or `unheard` something to look up."""
        moments = [self._due_at(job, caught_up=caught_up) for job in self._agenda.open]
        moments.append(self._agenda.next_ghost())
        if caught_up:
            silence = self._limits.silence
            moments.extend(self._lookups.silent_at(job, silence) for job in self._agenda.open)
        moments.append(self._weigh_at if self.undecided and caught_up else None)
        return min((moment for moment in moments if moment is not None), default=None)

    def unheard(self, now: datetime, *, caught_up: bool) -> Step:
        """Return the look-up of the running jobs of which nothing is heard, together (R51)."""
        if not caught_up:
            return NOTHING
        jobids, new = self._lookups.unheard(self._agenda.open, now, self._limits.silence)
        return Step(look_back=frozenset(jobids), unheard=new)

    def expire(
        self,
        now: datetime,
        *,
        caught_up: bool,
        unsent: Callable[[JobId], JobEvent | None] = lambda jobid: None,
    ) -> Step:
        """Return the verdicts that are due (R27, R28, R31).

        Call it only under the account's lease. Jobs in `look_back` are judged by the next call,
        after history was read.

        Args: caught_up: whether every message up to now has been received; unsent: the end of a
        job that still waits to be asked, or to answer what the bot has opened, by what it waits for
        """
        steps: list[Step] = []
        look_back: set[JobId] = set()
        untold: list[Message] = []
        for ghost in self._agenda.due_ghosts(now):
            if ghost.slot:
                steps.append(self._step(ghost.jobid, now, SlotReleased()))
            else:
                self._forget(ghost)
        for job in self._agenda.open:
            due = self._due_at(job, caught_up=caught_up)
            if due is None or due > now:
                continue
            if (end := unsent(job.jobid)) is not None:
                # nobody can have answered what was not sent
                steps.append(self._step(job.jobid, now, end))
            elif caught_up and self._lookups.needed(job, due):
                look_back.add(job.jobid)
            elif held := self._held.of(frozenset({job.jobid})):
                steps.append(self._step(job.jobid, now, Failed(502, TOLD_APART, ghost=True)))
                untold.extend(held)
            elif job.status is not JobStatus.CREATED and self._candidates.may_be_lost(job):
                # R20: a result that resembles no ask says nothing, so nobody can have it
                runs_on = job.vanished_at is None
                steps.append(self._step(job.jobid, now, Failed(502, TOLD_APART, ghost=runs_on)))
            else:
                end = verdict(job, self._limits, caught_up=caught_up)
                steps.append(self._step(job.jobid, now, end))
        learnt = self._learnt(join(steps))
        return replace(learnt, look_back=frozenset(look_back), untold=tuple(untold))

    def _due_at(self, job: Job, *, caught_up: bool) -> datetime | None:
        if self._lookups.judges(job.jobid):
            return None
        if job.vanished_at is not None and self._held.of(frozenset({job.jobid})):
            # R27 is about a job without a result, and this one may have one
            job = structs.replace(job, vanished_at=None)
        if job.status is JobStatus.SUBMITTED and self._candidates.may_have_begun(job):
            job = structs.replace(job, deadline_at=running_deadline(job, self._limits))
        return due_at(job, self._limits, caught_up=caught_up)

    # ── reading, matching, deciding ──

    def _message(self, step: MessageStep, message: Message, now: datetime) -> Step:
        elsewhere = message.channel_id != self._channel
        if elsewhere and not self._candidates.index.awaits_seed:
            return NOTHING
        reading = read(message)
        if reading.from_bot is False or (elsewhere and reading.kind is not ReplyKind.SEED):
            return NOTHING
        if reading.from_bot is None and not self._candidates.index.find("message", message.id):
            self._early.add(message.id)
            return Step(
                look_back=self._answerless() if reading.kind is ReplyKind.PICTURE else frozenset()
            )
        if reading.addressee not in (None, self._discord_user_id):
            return NOTHING
        found: Matched | Ambiguous | Undecided | None = None
        if step is MessageStep.UPDATED:
            found = self._edited(reading)
        if found is None:
            if step is MessageStep.UPDATED and self._answers_by_hand(reading):
                self._candidates.others.by_hand.answered_by_edit(message.id)
            # the face of an answer is taken over with the answer
            self._faces.see(reading.shown)
        if step is MessageStep.UPDATED and found is None and self._is_echo(reading):
            return NOTHING
        if (several := self._candidates.one_of_several(reading)) is not None:
            found = Matched(several, "several")
        found = found or match(reading, self._candidates)
        if isinstance(found, Ambiguous):
            return self._told_apart(found.jobids, message, now)
        if isinstance(found, Undecided):
            self._held.hold(HeldPicture(step, message, reading, found.asks))
            if step is not MessageStep.HISTORY:
                self._doubtful.came(message.id, now)
            return NOTHING
        if isinstance(found, Matched):
            return self._matched(self._jobs[found.jobid], step, message, reading, found.by, now)
        return self._unmatched(step, message, reading)

    def _answerless(self) -> frozenset[JobId]:
        """Return the jobs that have no message yet: one that nobody knows may be theirs."""
        return frozenset(
            job.jobid
            for job in self._candidates.index.unanswered
            if COMMANDS[job.verb].reply_in_history
        )

    def _edited(self, reading: Reading) -> Matched | None:
        """Return the job whose press is answered by this edit of what it pressed (R21)."""
        echo = self._faces.is_seen(reading.shown)
        waiting = [
            job.jobid
            for job in self._candidates.index.pressing(reading.shown.message_id)
            if not job.final
            and edit_of(job.pressed) is reading.kind
            and ((job.interaction_id is not None and not echo) or _changed(job, reading.shown))
        ]
        return Matched(waiting[0], "target") if len(waiting) == 1 else None

    def _answers_by_hand(self, reading: Reading) -> bool:
        """Tell whether an edit answers a press that no job of ours has made (R23)."""
        pressed = self._candidates.index.pressing(reading.shown.message_id)
        ours = any(edit_of(job.pressed) is reading.kind and not job.final for job in pressed)
        return is_edit(reading.kind) and not ours and not self._faces.is_seen(reading.shown)

    def _is_echo(self, reading: Reading) -> bool:
        """Tell whether it is a pressed message that only changes its colours (R21)."""
        message_id = reading.shown.message_id
        return self._candidates.index.find("message", message_id) is None and bool(
            self._candidates.index.pressing(message_id)
        )

    def _looks_again(self, jobids: frozenset[JobId]) -> Step:
        """Return the look-up that is made once before a picture of these is given up."""
        self._torn = jobids - self._ambiguous
        self._ambiguous |= jobids
        return Step(look_back=jobids)

    def _told_apart(self, jobids: frozenset[JobId], message: Message, now: datetime) -> Step:
        """Look once more; what stays ambiguous fails, with the message kept (R20)."""
        if not jobids <= self._ambiguous:
            return self._looks_again(jobids)
        if self._lookups.under_way(jobids):
            return NOTHING
        ends = join(
            self._step(jobid, now, Failed(502, TOLD_APART, ghost=True)) for jobid in sorted(jobids)
        )
        return replace(ends, unrecognised=message)

    def _unmatched(self, step: MessageStep, message: Message, reading: Reading) -> Step:
        self._candidates.others.hear(reading)
        if reading.nonce is not None:
            # R23: asked by hand; what follows carries no nonce and must not be taken for ours
            self._candidates.others.disown(message.id, reading.interaction_id)
        orphan = not self._candidates.others.is_settled(reading) and self._candidates.note_stranger(
            reading, read_back=step is MessageStep.HISTORY
        )
        ours = reading.addressee is not None or reading.ephemeral
        if step is MessageStep.HISTORY or not ours:
            return NOTHING
        # R34: somebody must look at the account, whoever's job it was
        halt = halt_of(reading)
        unknown = reading.kind is ReplyKind.UNRECOGNISED and reading.says_something
        kept = message if unknown or orphan else None
        return Step(halt=halt, unrecognised=kept)

    def _matched(
        self,
        job: Job,
        step: MessageStep,
        message: Message,
        reading: Reading,
        by: str,
        now: datetime,
    ) -> Step:
        if reading.kind is ReplyKind.PICTURE:
            links = picture_links(self._cdn_url, reading.shown)
            reading = replace(reading, shown=replace(reading.shown, result=links))
        if not COMMANDS[job.verb].shows_own:
            reading = replace(reading, shown=replace(reading.shown, hash=None))
        lately = step is not MessageStep.HISTORY and job.jobid in self._silent
        early = lately or message.id in self._early
        return Heard(job, step, message, reading, by, now, self._limits, early).follows()

    def _interaction(
        self, step: InteractionStep, interaction_id: str, nonce: str | None, now: datetime
    ) -> Step:
        jobid = self._candidates.index.find("nonce", nonce)
        if jobid is None:
            if nonce is not None:
                self._candidates.others.asked_by_hand(interaction_id, nonce)
            return NOTHING
        job = self._jobs[jobid]
        events: list[JobEvent] = []
        if job.interaction_id is None or (
            nonce == job.nonce and job.interaction_id != interaction_id
        ):
            # an answered modal is an interaction of its own
            events.append(InteractionSeen(interaction_id))
        if step is InteractionStep.FAILED and jobid not in self._unclear:
            # R14: the bot may still answer; the deadline judges
            events.append(Unclear("the bot did not answer Discord in time"))
        return self._step(jobid, now, *events)

    def _modal(self, created: ModalCreated, now: datetime) -> Step:
        inputs = tuple(
            ModalInput(one.custom_id, one.value or "")
            for one in all_components(created.components)
            if one.type == ComponentType.TEXT_INPUT and one.custom_id
        )
        return self._opened(Modal(created.id, created.custom_id, inputs), created.nonce, now)

    def _opened(self, modal: Modal, nonce: str | int | None, now: datetime) -> Step:
        """Keep what our press opened; it is answered next."""
        nonce = None if nonce is None else str(nonce)
        jobid = self._candidates.index.find("nonce", nonce)
        job = None if jobid is None else self._jobs[jobid]
        if job is None:
            # what it is filled in with is another interaction
            self._candidates.others.by_hand.answered(modal.modal_id, nonce)
        if job is None or job.status is not JobStatus.SUBMITTED or job.modal is not None:
            return NOTHING
        if nonce != job.nonce or job.target is None:
            # only the press that is waited for opens something
            return NOTHING
        events: list[JobEvent] = []
        if job.interaction_id is None:
            events.append(InteractionSeen(modal.modal_id))
        return self._step(job.jobid, now, *events, ModalOpened(modal))

    def _gone(self, message_id: str, now: datetime) -> Step:
        jobid = self._candidates.index.find("message", message_id)
        job = None if jobid is None else self._jobs[jobid]
        if jobid is None and self._unread.may_hide(message_id):
            self._doubtful.deleted(now)
        if job is None or job.message_id != message_id or job.vanished_at:
            return NOTHING
        return self._step(job.jobid, now, Vanished())

    def _human_check(self, iframe: IframeModalCreated, now: datetime) -> Step:
        halt = HaltSign(iframe.title or HUMAN_CHECK, snowflake_time(iframe.id), iframe.id)
        jobid = self._candidates.index.find("nonce", str(iframe.nonce))
        step = NOTHING if jobid is None else self._step(jobid, now, Failed(596, halt.text))
        return replace(step, halt=halt)

    def _step(self, jobid: JobId, now: datetime, *events: JobEvent) -> Step:
        job = self._jobs.get(jobid)
        return NOTHING if job is None else take(job, now, self._limits.slot_hold, *events)

    def _forget(self, job: Job) -> None:
        self._jobs.pop(job.jobid, None)
        self._agenda.drop(job.jobid)
        self._in_flight.discard(job.jobid)
        self._lookups.forget(job.jobid)
        self._ambiguous.discard(job.jobid)
        self._unclear.discard(job.jobid)
        self._silent.discard(job.jobid)
        self._candidates.index.drop(job.jobid)


TOLD_APART = "Result could not be told apart"
"""R20."""

_REPLY_LOST = "The connection to Discord broke while the bot answered; this reply is not in history"


def _is_silent(job: Job) -> bool:
    return job.status is JobStatus.SUBMITTED and job.message_id is None


def _named_at(job: Job) -> datetime | None:
    """Return until when a job's interaction may be told.

    It may say that a picture is older than the ask, or somebody else's who asked at that moment.
    """
    if job.bound or job.submitted_at is None:
        return None
    return job.submitted_at + IN_FLIGHT


def _changed(job: Job, shown: Shown) -> bool:
    """Tell whether the message that a job shows has other buttons now."""
    return job.message_id == shown.message_id and shown.buttons not in (None, job.buttons)
