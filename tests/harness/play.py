"""Play: a conversation with its store and its clock, both set by hand.

Every step is applied as the owner does it: decide, commit (here: keep), adopt.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from tests.fakes import START
from tests.golden.corpus import event_of
from tests.limits import OWNER
from waystation.gateway_events import GatewayEvent, Seen
from waystation.jobs import Job, JobId, JobStatus, Nonce, Refused, Source
from waystation.midjourney.commands import COMMANDS
from waystation.midjourney.conversation import Conversation, Limits, Step

__all__ = ["CHANNEL", "LIMITS", "USER", "Play", "new_job", "told"]

USER = "1144000000000000001"
CHANNEL = "1145000000000000003"
LIMITS = OWNER.conversation


def new_job(name: str, verb: str = "describe", at: datetime = START) -> Job:
    """Return a job that was just accepted."""
    return Job(
        jobid=JobId(name),
        user_id=1,
        account_id="account",
        channel=CHANNEL,
        verb=verb,
        status=JobStatus.CREATED,
        created_at=at,
        updated_at=at,
        discord="ABC…secured…xyz",
        slot=COMMANDS[verb].takes_slot,
    )


class Play:
    """One conversation, restartable at any moment."""

    def __init__(self, jobs: Iterable[Job] = (), limits: Limits = LIMITS) -> None:
        self.now = START
        self.limits = limits
        self.jobs: dict[JobId, Job] = {}
        self.nonces: dict[JobId, Nonce] = {}
        self.sources: dict[JobId, Source] = {}
        self.seen: dict[tuple[str, str], Seen] = {}
        self.talk = Conversation(USER, CHANNEL, limits, ())
        self.looks_back = False
        """True: readings of history that are asked for are noted, as the owner does it."""
        for job in jobs:
            self.admit(job)

    def admit(self, job: Job) -> None:
        """Accept a job."""
        self.jobs[job.jobid] = job
        self.talk.admit(job)

    def restart(self) -> None:
        """Rebuild the conversation from what is stored."""
        kept = (
            job
            for job in self.jobs.values()
            if not job.final or job.slot or (job.ghost and self._young(job))
        )
        self.talk = Conversation(
            USER, CHANNEL, self.limits, kept, newest=self.talk.newest, remembered=self.seen.values()
        )

    def _young(self, job: Job) -> bool:
        assert job.finished_at is not None
        return job.finished_at > self.now - self.limits.ghost_life

    def commit(self, step: Step) -> Step:
        """Store a step as the owner would, then adopt it."""
        self._keep(step)
        self.talk.adopt(step)
        if self.looks_back:
            self.talk.looking_back(step.look_back, is_due=False)
        return step

    def _keep(self, step: Step) -> None:
        for job_step in step.job_steps:
            before = self.jobs[job_step.job.jobid]
            assert job_step.job.version == before.version + len(job_step.events)
            self.jobs[job_step.job.jobid] = job_step.job
        for row in step.seen:
            if row.body is None:
                self.seen.pop((row.kind, row.id))
            else:
                self.seen[row.kind, row.id] = row

    def see_all(self, events: Sequence[GatewayEvent]) -> Step:
        """Let the conversation hear what waits, as the owner does it: committed together."""
        steps: list[Step] = []
        while events:
            if self.talk.undecided or len(events) == 1:
                steps.append(self.see(events[0]))
                events = events[1:]
                continue
            # what could not be committed changes nothing
            self.talk.receive_all(events, self.now)
            self.talk.undo()
            heard = self.talk.receive_all(events, self.now)
            for job in self.jobs.values():
                assert self.talk.get(job.jobid) in (job, None)
            for one in heard:
                self._keep(one)
            self.talk.adopt_all()
            steps += [*heard, *self.weigh()]
            events = events[len(heard) :]
        return join_all(steps)

    def see(self, event: GatewayEvent) -> Step:
        """Let the conversation hear something."""
        seen = self.commit(self.talk.receive(event, self.now))
        return join_all([seen, *self.weigh()])

    def weigh(self) -> Iterator[Step]:
        """Let pictures be told apart, as the owner does it; what is looked up is found as it is."""
        while self.talk.undecided:
            step = self.commit(self.talk.weigh(self.now))
            yield step
            if not step.writes and not step.look_back:
                return

    def submit(self, name: str, nonce: str) -> Step:
        """Commit a nonce."""
        jobid = JobId(name)
        modal = self.jobs[jobid].modal
        source = self.sources.get(jobid) if modal is None else None
        if modal is not None and modal.is_settings:
            source = Source(modal.modal_id, custom_id=modal.custom_id)
        return self.commit(self.talk.submitted(jobid, Nonce(nonce), self.now, source))

    def perform(self, step: dict[str, Any]) -> Step:
        """Do one step of a conversation golden."""
        match step:
            case {"see": _}:
                return self.see(event_of(step))
            case {"submit": name}:
                return self.submit(name, step.get("nonce", self.nonces[JobId(name)]))
            case {"unclear": name}:
                return self.commit(self.talk.unclear(JobId(name), "time-out", self.now))
            case {"silent": name}:
                return self.commit(self.talk.silent(JobId(name), self.now))
            case {"refuse": name}:
                event = Refused(429, "Discord /interactions failed with HTTP status 429")
                return self.commit(self.talk.ended(JobId(name), event, self.now))
            case {"cancel": name}:
                return self.commit(self.talk.cancel(JobId(name), self.now))
            case {"expire": caught_up}:
                return self.commit(self.talk.expire(self.now, caught_up=caught_up))
            case {"settle": True}:
                return self.commit(self.talk.settle(self.now))
            case _:
                return self._arrange(step)

    def _arrange(self, step: dict[str, Any]) -> Step:
        match step:
            case {"wait": seconds}:
                self.now += timedelta(seconds=seconds)
            case {"restart": True}:
                self.restart()
            case {"look_back": name}:
                self.talk.looked_back([JobId(name)], self.now)
            case _:
                raise AssertionError(f"no such step: {step}")
        return Step()


def join_all(steps: Sequence[Step]) -> Step:
    """Return several steps as one."""
    return Step(
        job_steps=tuple(one for step in steps for one in step.job_steps),
        halt=next((step.halt for step in steps if step.halt), None),
        look_back=frozenset(jobid for step in steps for jobid in step.look_back),
        unrecognised=next((step.unrecognised for step in steps if step.unrecognised), None),
        untold=tuple(message for step in steps for message in step.untold),
    )


def told(step: Step) -> list[str]:
    """Return what a step gives, in the words of conversation goldens."""
    lines = []
    for job_step in step.job_steps:
        for event in job_step.events:
            by = getattr(event, "matched_by", "")
            line = f"{job_step.job.jobid}: {type(event).__name__}"
            lines.append(f"{line} by {by}" if by else line)
    if step.halt is not None:
        lines.append(f"halt: {step.halt.text}")
    if step.look_back:
        lines.append(f"look back: {', '.join(sorted(step.look_back))}")
    if step.unrecognised is not None:
        lines.append("kept")
    lines.extend("untold" for _ in step.untold)
    return lines
