"""State: what one conversation knows, and how it is rebuilt from what is stored.

The jobs and what is remembered beside them are rows of the store. What else is here is for a while,
and a conversation that is rebuilt does without. A step is decided first, then committed; then it is
taken over with `adopt`. `undo` is for one that could not be committed (R36).

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from msgspec.structs import replace as replace_job

from waystation import sentences
from waystation.gateway_events import Seen
from waystation.jobs import (
    Completed,
    Failed,
    InteractionSeen,
    Job,
    JobEvent,
    JobId,
    JobStatus,
    Late,
    MessageRole,
    Progressed,
    PutBack,
    Unclear,
)
from waystation.midjourney.agenda import Agenda
from waystation.midjourney.answers import Faces
from waystation.midjourney.deadlines import Limits
from waystation.midjourney.heard import late_ended
from waystation.midjourney.lookups import LookUps
from waystation.midjourney.matching.candidates import Candidates
from waystation.midjourney.matching.held import HeldPictures
from waystation.midjourney.matching.unread import Doubts, Unread
from waystation.midjourney.memory import Memory
from waystation.midjourney.recent import RecentIds
from waystation.midjourney.steps import NOTHING, JobStep, Step, take
from waystation.wire.snowflake import NO_SNOWFLAKE, Snowflake, newest

__all__ = ["Committed", "State", "rebuild"]


@dataclass(slots=True)
class Committed:
    """The committed part of a state that goes on from steps which are not committed yet."""

    jobs: dict[JobId, Job]
    """The jobs that those steps change, as they were."""
    ambiguous: set[JobId]
    unclear: set[JobId]
    silent: set[JobId]


@dataclass(slots=True)
class State:
    """The knowledge of one conversation."""

    discord_user_id: str
    channel: str
    limits: Limits
    cdn_url: str
    newest: Snowflake
    """The newest Discord id that was seen: what it does next is newer (R28)."""
    jobs: dict[JobId, Job]
    """The jobs held, ghosts too."""
    agenda: Agenda
    memory: Memory
    candidates: Candidates
    faces: Faces
    held: HeldPictures
    """Pictures that wait to be told apart."""
    unread: Unread
    """Gaps that are not read back yet (R20)."""
    in_flight: set[JobId]
    """The ask that has shown nothing yet; one at most (I2)."""
    silent: set[JobId]
    """Jobs of which no message was known when this was built: a part may have come before."""
    lookups: LookUps = field(default_factory=LookUps)
    ambiguous: set[JobId] = field(default_factory=set)
    """Jobs of which a picture was looked up once, since it could not be told apart."""
    torn: frozenset[JobId] = frozenset()
    """Those of them whose look-up follows from the newest step, if it is committed."""
    unclear: set[JobId] = field(default_factory=set)
    """Jobs whose unclear outcome is noted already."""
    held_up: set[JobId] = field(default_factory=set)
    """Jobs that had to wait for a look-alike at their turn (R15)."""
    weigh_at: datetime | None = None
    """Next moment for weighing a picture that waits for more than elimination."""
    reads_past: bool = True
    """True: history is, or will be, read for what was asked before we listened."""
    doubtful: Doubts = field(default_factory=Doubts)
    """Pictures that came when that progress was deleted which history might have shown."""
    late: frozenset[JobId] = frozenset()
    """Ghosts for which history is read after a gap."""
    given: RecentIds = field(default_factory=RecentIds)
    """Pictures that had to be told apart and have found their jobs."""
    early: RecentIds = field(default_factory=RecentIds)
    """Messages of which a partial update came before anything that says whose they are."""
    committed: Committed | None = None
    """Set while several steps are decided one after the other and committed together."""

    def get(self, jobid: JobId) -> Job | None:
        """Return a held job."""
        return self.jobs.get(jobid)

    def seen(self, snowflake: str) -> None:
        """Remember an id that Discord has made."""
        self.newest = newest(self.newest, snowflake)

    def begin(self) -> None:
        """Decide several steps, each from the one before; `adopt_all` or `undo` ends it."""
        self.committed = Committed({}, set(self.ambiguous), set(self.unclear), set(self.silent))

    def presume(self, step: Step) -> None:
        """Go on from a step that is committed with those that follow (R36)."""
        assert self.committed is not None
        for job_step in step.job_steps:
            jobid = job_step.job.jobid
            self.committed.jobs.setdefault(jobid, self.jobs[jobid])
        self._take_over(step)

    def adopt_all(self) -> None:
        """Take over the presumed steps: they were committed."""
        self.memory.keep()
        self.committed = None

    def adopt(self, step: Step) -> None:
        """Take over what was committed."""
        self.memory.keep()
        self._take_over(step)

    def _take_over(self, step: Step) -> None:
        for job_step in step.job_steps:
            job = job_step.job
            for event in job_step.events:
                if isinstance(event, Completed | Late | Progressed) and event.matched_by == "weak":
                    self.given.add(event.shown.message_id)
            if job.waiting or (job.final and not job.ghost):
                self.forget(job)
            else:
                self.admit(job)
                if any(isinstance(event, Unclear) for event in job_step.events):
                    self.unclear.add(job.jobid)

    def undo(self) -> None:
        """Know nothing of the steps that could not be committed."""
        self.memory.undo()
        self.ambiguous -= self.torn
        committed, self.committed = self.committed, None
        if committed is None:
            return
        for job in committed.jobs.values():
            # first out of every index: the presumed job may have had more keys
            self._drop(job.jobid)
            self.admit(job)
        self.ambiguous, self.unclear = committed.ambiguous, committed.unclear
        self.silent = committed.silent

    def learnt(self, step: Step) -> Step:
        """Return a step with all that is to be known from it on, what its jobs teach, too."""
        self.learn(step)
        return self.with_seen(step)

    def with_seen(self, step: Step) -> Step:
        """Return a step with the rows that are to be known from it on."""
        seen = self.memory.changes()
        return replace(step, seen=seen) if seen else step

    def learn(self, step: Step) -> None:
        """Keep what a step's jobs teach."""
        for job_step in step.job_steps:
            job = job_step.job
            for event in job_step.events:
                # once: what waits when its slot is free later is not its own end
                if isinstance(event, Failed) and event.error == sentences.NOT_TOLD_APART.text:
                    self.held.give_up(job.jobid)
                if isinstance(event, Completed | Late):
                    self.candidates.claim(job)
                    self.faces.see(event.shown)
            if job.waiting:
                # what an account had of it is over, and it is another's next time
                self.candidates.settle(_as_known(self.jobs.get(job.jobid, job), job_step))
            elif job.final and (not job.ghost or late_ended(job)):
                self.candidates.settle(job)
            else:
                self.candidates.learn(job)
        if step.job_steps:
            self.held.settle({one for job_step in step.job_steps for one in job_step.job.messages})

    def admit(self, job: Job) -> None:
        """Take in a job as the store has it."""
        self.jobs[job.jobid] = job
        self.agenda.put(job)
        self.candidates.index.put(job)
        (self.in_flight.add if job.in_flight else self.in_flight.discard)(job.jobid)

    def look_again(self, jobids: frozenset[JobId]) -> Step:
        """Return the look-up that is made once before a picture of these is given up."""
        self.torn = jobids - self.ambiguous
        self.ambiguous |= jobids
        return Step(look_back=jobids)

    def step(self, jobid: JobId, now: datetime, *events: JobEvent) -> Step:
        """Return a held job's step through these events, nothing for one that is not held."""
        job = self.jobs.get(jobid)
        return NOTHING if job is None else take(job, now, self.limits.slot_hold, *events)

    def forget(self, job: Job) -> None:
        """Let go of a job about which nothing more is to be said."""
        self._drop(job.jobid)
        self.lookups.forget(job.jobid)
        self.ambiguous.discard(job.jobid)
        self.unclear.discard(job.jobid)
        self.held_up.discard(job.jobid)
        self.silent.discard(job.jobid)

    def _drop(self, jobid: JobId) -> None:
        self.jobs.pop(jobid, None)
        self.agenda.drop(jobid)
        self.in_flight.discard(jobid)
        self.candidates.index.drop(jobid)

    # ── as committed, for those who must not see what is only presumed ──

    def as_committed(self, jobid: JobId) -> Job | None:
        """Return a held job as last committed."""
        before = None if self.committed is None else self.committed.jobs.get(jobid)
        return before or self.jobs.get(jobid)

    @property
    def jobs_committed(self) -> Mapping[JobId, Job]:
        """The held jobs as last committed."""
        return self.jobs if self.committed is None else self.jobs | self.committed.jobs


def rebuild(
    discord_user_id: str,
    channel: str,
    limits: Limits,
    jobs: Iterable[Job],
    cdn_url: str = "",
    newest: Snowflake = NO_SNOWFLAKE,
    remembered: Iterable[Seen] = (),
) -> State:
    """Build it from what is stored. Args: remembered: what `Step.seen` gave, oldest first"""
    held = {job.jobid: job for job in jobs}
    memory = Memory(remembered)
    candidates = Candidates(held.values(), memory)
    return State(
        discord_user_id,
        channel,
        limits,
        cdn_url,
        newest,
        held,
        Agenda(limits, held.values()),
        memory,
        candidates,
        Faces(memory),
        HeldPictures(candidates, memory),
        Unread(memory),
        in_flight={job.jobid for job in held.values() if job.in_flight},
        silent={job.jobid for job in held.values() if _is_silent(job)},
    )


def _as_known(job: Job, step: JobStep) -> Job:
    """Return a job that is put back as it was known, by the message that refused it, too."""
    for event in step.events:
        if isinstance(event, InteractionSeen):
            job = replace_job(job, interaction_id=event.interaction_id)
        elif isinstance(event, PutBack) and event.shown is not None:
            messages = {**job.messages, event.shown.message_id: MessageRole.RESULT}
            job = replace_job(job, messages=messages)
    return job


def _is_silent(job: Job) -> bool:
    return job.status is JobStatus.SUBMITTED and job.message_id is None
