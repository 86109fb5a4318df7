"""Telling: the events of a job that its caller is told, of all that happens to it.

Pure: no I/O, no clock, no randomness. Source: R37
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from waystation.jobs import (
    Acknowledged,
    Cancelled,
    Completed,
    Expired,
    Failed,
    Job,
    JobEvent,
    Lost,
    Moderated,
    Progressed,
    Refused,
)

__all__ = ["told"]

_SHOWN = (Acknowledged, Progressed)

_ENDS = (Completed, Moderated, Failed, Refused, Lost, Expired, Cancelled)


def told(events: Sequence[tuple[int, JobEvent]], job: Job) -> Iterator[tuple[int, JobEvent]]:
    """Yield the numbered events that callers are told; `job` is as it is after them.

    The end is told once: a refusal may be followed by another attempt (R13).
    """
    ends = [number for number, event in events if isinstance(event, _ENDS)] if job.final else []
    for number, event in events:
        if isinstance(event, _SHOWN) or (ends and number == ends[-1]):
            yield number, event
