"""Telling: the events of a job that its caller is told, of all that happens to it.

Each change that a reader of the job sees is told: that it was created, that it waits in the queue,
that an account has it, what the bot shows, and its end.

Pure: no I/O, no clock, no randomness. Source: R37
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from waystation.jobs import (
    Acknowledged,
    Cancelled,
    Completed,
    Expired,
    Failed,
    Granted,
    Job,
    JobEvent,
    Lost,
    Moderated,
    Progressed,
    PutBack,
    Reacted,
    Refused,
    Submitted,
)

__all__ = ["Created", "beginning", "told"]

_SHOWN = (Granted, PutBack, Reacted, Acknowledged, Progressed)

_ENDS = (Completed, Moderated, Failed, Refused, Lost, Expired, Cancelled)


@dataclass(frozen=True, slots=True)
class Created:
    """The job was accepted. It has number 0, and no row: the job's own row says it."""

    waits: bool
    """True: no account had room, so it entered the queue."""


def beginning(events: Sequence[tuple[int, JobEvent]], job: Job) -> Created:
    """Return how a job began. Args: events: all of them; job: as it is after them."""
    for _, event in events:
        if isinstance(event, Granted):
            return Created(waits=True)
        if isinstance(event, (Submitted, PutBack)):
            return Created(waits=False)
    return Created(waits=not job.account_id)


def told(events: Sequence[tuple[int, JobEvent]], job: Job) -> Iterator[tuple[int, JobEvent]]:
    """Yield the numbered events that callers are told; `job` is as it is after them.

    The end is told once: a refusal may be followed by another attempt (R13).
    """
    ends = [number for number, event in events if isinstance(event, _ENDS)] if job.final else []
    for number, event in events:
        if isinstance(event, _SHOWN) or (ends and number == ends[-1]):
            yield number, event
