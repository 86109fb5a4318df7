"""Waits: what keeps the jobs of one account from being asked now, and what they end with for it."""

from __future__ import annotations

from waystation.engine.account.owned import Owned
from waystation.engine.account.queue import Place
from waystation.engine.account.turns import Hindrance, Turns
from waystation.errors import Withheld
from waystation.jobs import Job, JobEvent, JobId, JobStatus
from waystation.midjourney.deadlines import spoken, told_span
from waystation.ports import Standing

__all__ = ["Waits"]


class Waits:
    """The hindrances of one account and its jobs."""

    def __init__(self, owned: Owned, turns: Turns) -> None:
        self._owned = owned
        self._turns = turns

    def standing(self, *, uploads: bool = False) -> Standing | None:
        """Return what Discord has asked to wait, or the breaker; None: nothing holds back (R16).

        Args: uploads: whether something must be uploaded first
        """
        transport = self._owned.transport_now
        of_transport = None if transport is None else transport.standing()
        return self._turns.standing(self._now(), of_transport, uploads=uploads)

    def hindrance(self, standing: Standing | None) -> Hindrance | None:
        """Return what keeps every job of the account waiting."""
        if not self._owned.caught_up:
            return Hindrance.CONNECTION
        if standing is not None:
            return Hindrance.of(standing)
        busy = self._owned.in_flight is not None or self._turns.pause_s(self._now()) > 0
        return Hindrance.TURN if busy else None

    def own_hindrance(self, place: Place) -> Hindrance | None:
        """Return what keeps one job waiting."""
        if place.uploads is None:
            return Hindrance.UPLOAD
        source = place.waiting.source
        target = None if source is None or source.custom_id is None else source.message_id
        alike = self._owned.must_wait(place.waiting.job.jobid, target)
        return Hindrance.LOOK_ALIKE if alike else None

    def more_s(self, jobid: JobId) -> float:
        """Return how much longer a job may wait than at first, since a look-alike held it up."""
        job = self._owned.current(jobid)
        if job is None:
            return 0.0
        at_first = told_span(job, self._owned.limits.conversation)
        return (self._owned.turn_span(job) - at_first).total_seconds()

    def end_of_unsent(self, job: Job, place: Place | None) -> JobEvent | None:
        """Return the end of a job whose time is over, with what it waits for.

        None: nothing of it is still to be sent.
        """
        opened = job.modal is not None
        if not (opened or (place is not None and place.fits(job))):
            return None
        standing = self.standing()
        hindrance = self.hindrance(standing)
        if hindrance is Hindrance.CONNECTION and self._owned.was_connected_since(
            job.submitted_at or job.created_at
        ):
            hindrance = Hindrance.LOST
        elif hindrance in (None, Hindrance.TURN) and place is not None and not opened:
            # turns come and go; what is the job's own has kept it from taking one
            hindrance = self.own_hindrance(place)
        return self.end_of(job, hindrance or Hindrance.TURN, standing, opened=opened)

    def end_of(
        self,
        job: Job | None,
        hindrance: Hindrance,
        standing: Standing | None,
        *,
        opened: bool = False,
    ) -> JobEvent:
        """Return the end of a job that was not asked for this reason."""
        if job is not None and job.status is JobStatus.CREATED:
            span = self._owned.turn_span(job)
        else:
            span = self._owned.limits.conversation.first_answer
        return hindrance.end(spoken(span), standing, opened=opened)

    def end_of_withheld(self, job: Job | None, withheld: Withheld) -> JobEvent:
        """Return the end of a job whose upload must wait too long; other jobs may go on (R16)."""
        standing = Standing(withheld.wait_s, withheld.text or "", is_breaker=withheld.text is None)
        return self.end_of(job, Hindrance.of(standing), standing)

    def pause_s(self, standing: Standing | None) -> float:
        """Return for how long nothing is sent; not positive: something may be sent."""
        told_s = 0.0 if standing is None else standing.wait_s
        return max(told_s, self._turns.pause_s(self._now()))

    def pacing_s(self) -> float:
        """Return the pause after what is sent now."""
        limits = self._owned.limits
        if limits.pacing_s <= 0:
            return 0.0
        jitter = limits.pacing_jitter_s * (2 * self._owned.adapters.ids.fraction() - 1)
        return limits.pacing_s + jitter

    def _now(self) -> float:
        return self._owned.adapters.clock.monotonic()
