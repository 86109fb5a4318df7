"""Queue: one account's accepted jobs that were not asked yet, and what they need for it.

What was asked is never sent again (R12): a place is kept for a job that has just been accepted, for
one that Discord has refused as outdated, and for one whose request could not leave (R13).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from waystation.actions import Action, Uploaded
from waystation.jobs import Job, JobId, JobStatus, Nonce, Source
from waystation.ports import Fetched

__all__ = ["Place", "Queue", "Waiting"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """An accepted job with what it needs to be asked.

    `pictures` are in the order of its command's params. `action` and `source` are set where a
    message of an earlier job is pressed or reacted to.
    """

    job: Job
    pictures: Sequence[Fetched] = ()
    action: Action | None = None
    source: Source | None = None
    stored: bool = False
    """True: its pictures are read from their rows when they are needed."""

    @property
    def uploads(self) -> bool:
        """True when pictures must be uploaded before it can be asked."""
        return self.action is None and (self.stored or bool(self.pictures))


@dataclass(eq=False, slots=True)
class Place:
    """One place in the queue."""

    waiting: Waiting
    until: float
    """Monotonic seconds by which it must have been asked."""
    again: bool = False
    """It was asked and refused as outdated; this is the other try (R13)."""
    recorded: bool = False
    """Its nonce is committed, and its request could not leave."""
    nonce: Nonce | None = None
    uploads: Sequence[Uploaded] | None = None
    """None while they are not there."""
    uploading: asyncio.Task[None] | None = None

    @property
    def afresh(self) -> Place:
        """The place for another try under another nonce, after a refusal as outdated."""
        return Place(self.waiting, self.until, again=True)

    def kept(self, nonce: Nonce) -> Place:
        """Return the place of a job whose request could not leave: all that it needs is there."""
        return replace(self, recorded=True, nonce=nonce, uploading=None)

    def __post_init__(self) -> None:
        if not self.waiting.uploads:
            self.uploads = ()

    def fits(self, job: Job | None) -> bool:
        """Tell whether the job still waits: what was asked is never sent again (R12)."""
        if job is None:
            return False
        if job.status is JobStatus.CREATED:
            return self.recorded or not self.again
        in_vain = self.again or self.recorded
        return in_vain and job.status is JobStatus.SUBMITTED and not job.bound


class Queue:
    """The places, in the order in which they are looked at, and the modals to be answered."""

    def __init__(self) -> None:
        self._places: dict[JobId, Place] = {}
        self.modals: set[JobId] = set()
        """Jobs whose modal is committed and not answered."""
        self.masks: dict[JobId, bytes] = {}
        """The mask, until the bot has asked for it or the job has ended."""

    def __bool__(self) -> bool:
        return bool(self._places or self.modals)

    def __iter__(self) -> Iterator[tuple[JobId, Place]]:
        return iter(tuple(self._places.items()))

    @property
    def jobids(self) -> Sequence[JobId]:
        """The jobs that have a place."""
        return tuple(self._places)

    def get(self, jobid: JobId) -> Place | None:
        """Return a job's place."""
        return self._places.get(jobid)

    def add(self, waiting: Waiting, until: float) -> None:
        """Give a job the last place; one that has a place keeps it."""
        if waiting.job.jobid in self._places:
            return
        self._places[waiting.job.jobid] = Place(waiting, until)
        if waiting.action is not None and waiting.pictures:
            self.masks[waiting.job.jobid] = waiting.pictures[0].data

    def put_back(self, place: Place) -> None:
        """Give a job the first place: it is to be asked again, or could not be."""
        self._places = {place.waiting.job.jobid: place, **self._places}

    def drop(self, jobid: JobId) -> None:
        """Take a job's place away, and end its uploads."""
        place = self._places.pop(jobid, None)
        if place is not None and place.uploading is not None:
            place.uploading.cancel()

    def let_go(self, current: Callable[[JobId], Job | None]) -> None:
        """Forget what has ended, and masks with it."""
        for jobid, place in self:
            if not place.fits(current(jobid)):
                self.drop(jobid)
        for jobid in list(self.masks):
            if (job := current(jobid)) is None or job.final:
                del self.masks[jobid]
        for jobid in list(self.modals):
            if (job := current(jobid)) is None or job.modal is None:
                self.modals.discard(jobid)
