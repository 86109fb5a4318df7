"""Step: what follows from one input of a conversation, as a value.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from waystation.gateway_events import Seen
from waystation.ignored import Ignored
from waystation.jobs import Job, JobEvent, JobId, Late, SlotReleased
from waystation.midjourney.machine import apply
from waystation.wire.message import Message

__all__ = [
    "NOTHING",
    "JobStep",
    "HaltSign",
    "Step",
    "ignore",
    "join",
    "take",
]


@dataclass(frozen=True, slots=True)
class JobStep:
    """A job's new state and the events that led to it, oldest first."""

    job: Job
    events: Sequence[JobEvent]


@dataclass(frozen=True, slots=True)
class HaltSign:
    """The account must stop: what was said, and when (R34)."""

    text: str
    triggered_at: datetime
    said: str | None = None
    """Discord's id of what said it, if it was Discord: its age is told by that alone."""
    token_rejected: bool = False
    """True when Discord has rejected the account's token, so that a new one is the mend (R33)."""


@dataclass(frozen=True, slots=True)
class Step:
    """The consequences of one input."""

    job_steps: Sequence[JobStep] = ()
    halt: HaltSign | None = None
    look_back: frozenset[JobId] = frozenset()
    """Jobs that need a read-back of history before they are judged."""
    unheard: Sequence[JobId] = ()
    """Those of them of which nothing was heard for the first time since something was (R51)."""
    reads_past: bool = False
    """True: a picture may come that an ask from before we listened could own (R23)."""
    unrecognised: Message | None = None
    untold: Sequence[Message] = ()
    """Pictures that could not be told apart, to be kept for the operator (R20)."""
    ignored: Ignored | None = None
    """Reason why a message changes no job."""
    seen: Sequence[Seen] = ()
    """Rows to be known from now on, beside the jobs (memory.py)."""

    @property
    def writes(self) -> bool:
        """Tell whether anything follows that others hear of."""
        return bool(self.job_steps or self.halt or self.unrecognised or self.untold)

    @property
    def commits(self) -> bool:
        """Tell whether there is anything to commit."""
        return self.writes or bool(self.seen)


NOTHING = Step()

_IGNORED = {reason: Step(ignored=reason) for reason in Ignored}


def ignore(reason: Ignored) -> Step:
    """Return the step for a message from which nothing follows."""
    return _IGNORED[reason]


def join(steps: Iterable[Step]) -> Step:
    """Return the job steps of several steps as one."""
    return Step(job_steps=tuple(one for step in steps for one in step.job_steps))


def take(job: Job, now: datetime, slot_hold: timedelta, *events: JobEvent) -> Step:
    """Return a job's step through these events; nothing that is final already takes another end."""
    if not events or (job.final and not isinstance(events[0], Late | SlotReleased)):
        return NOTHING
    for event in events:
        job = apply(job, event, now, slot_hold)
    return Step(job_steps=(JobStep(job, events),))
