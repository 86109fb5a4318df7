"""Copying: which files of jobs are copied, how cut pictures are named, and what room they take.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from waystation.jobs import Job, JobStatus
from waystation.media.files import AVIF, WEBP, Wish

__all__ = [
    "COPY_AFTER",
    "GIVEN_UP_AFTER",
    "LEAST_FREE_BYTES",
    "LEAST_FREE_SHARE",
    "Bounds",
    "can_have_room",
    "copied",
    "cut_name",
    "next_copy_at",
    "wants_room",
]

COPY_AFTER: Final = timedelta(seconds=2)
"""Time from a job's end until its files are copied: its callback goes out before."""

GIVEN_UP_AFTER: Final = 9
"""Tries of one file; the last is two days after the first."""

_AGAIN_S: Final = (30, 300, 1800, 7200, 21_600, 43_200)
"""Seconds after each failed try; the last repeats."""

LEAST_FREE_BYTES: Final = 1024**3
LEAST_FREE_SHARE: Final = 0.1
"""Room that copies leave to others: the larger of both."""

_KEPT_SIZES: Final = frozenset({320, 640})
_KEPT_FORMATS: Final = frozenset({None, WEBP.name, AVIF.name})


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much room copies take."""

    most: int
    """Bytes."""


def copied(before: Job | None, job: Job) -> Sequence[tuple[int, str]]:
    """Return number and attachment id of each file that a step of a job has given it.

    Files of a job that is not completed are passing, so they are not copied.
    """
    if job.status is not JobStatus.COMPLETED:
        return ()
    if before is not None and (before.status, before.attachments) == (job.status, job.attachments):
        return ()
    return [(number, one.id) for number, one in enumerate(job.attachments) if one.url]


def cut_name(wish: Wish) -> str:
    """Return the name of a picture that is kept beside the file it was cut of; empty: it is not.

    Small pictures are kept, which a page shows by the dozen.
    """
    if wish.size not in _KEPT_SIZES or wish.format not in _KEPT_FORMATS:
        return ""
    return f"{wish.tile or 0}-{wish.size}-{wish.format or 'same'}"


def next_copy_at(attempts: int, now: datetime) -> datetime | None:
    """Return when a file is tried again after one more failed try, None when it is given up.

    Args: attempts: failed tries before
    """
    if attempts + 1 >= GIVEN_UP_AFTER:
        return None
    return now + timedelta(seconds=_AGAIN_S[min(attempts, len(_AGAIN_S) - 1)])


def can_have_room(size: int, kept: int, bounds: Bounds, room: tuple[int, int] | None) -> bool:
    """Tell whether a file has room once all copies are gone; else none of them need go.

    Args: as in `wants_room`
    """
    without = None if room is None else (room[0] + kept, room[1])
    return not wants_room(size, 0, bounds, without)


def wants_room(size: int, kept: int, bounds: Bounds, room: tuple[int, int] | None) -> bool:
    """Tell whether older copies must go before a file is kept.

    Args: size: bytes of the file; kept: bytes of all copies; room: free and total bytes of the
    place where they lie, None where nobody can tell
    """
    if kept + size > bounds.most:
        return True
    if room is None:
        return False
    free, total = room
    return free - size < max(LEAST_FREE_BYTES, total * LEAST_FREE_SHARE)
