"""Step: what follows from one input of a conversation, as a value.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from waystation.jobs import Job, JobEvent, JobId
from waystation.wire.message import Message

__all__ = ["NOTHING", "Changed", "HaltSign", "Step", "join"]


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
    untold: Sequence[Message] = ()
    """Pictures that could not be told apart, to be kept for the operator (R20)."""

    @property
    def writes(self) -> bool:
        """Whether there is anything to commit."""
        return bool(self.changes or self.halt or self.unrecognised or self.untold)


NOTHING = Step()


def join(steps: Iterable[Step]) -> Step:
    """Return the changes of several steps as one."""
    return Step(changes=tuple(change for step in steps for change in step.changes))
