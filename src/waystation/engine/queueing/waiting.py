"""Waiting: how a request enters the queue, and what its caller may do while it waits there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from waystation import sentences
from waystation.engine.choice import Chosen, seconds_until
from waystation.engine.ending import end_waiting
from waystation.engine.feed import Feed
from waystation.engine.queueing.dispatcher import Dispatcher
from waystation.engine.queueing.places import Places
from waystation.engine.request import JobRequest
from waystation.engine.service_limits import QueueLimits
from waystation.engine.shared_throttle import SharedThrottle
from waystation.errors import InvalidRequest, NotFound, Throttled
from waystation.jobs import Cancelled, CancelRequested, Job
from waystation.ports import Clock, Counted, IdSource, QueueDraft, QueueFull, Store, User
from waystation.queueing.place import QueuePlace
from waystation.queueing.rotation import USUAL_PRIORITY
from waystation.quotas import Quota

__all__ = ["WaitingJobs", "cancels_an_hour", "queue_full"]

_WAITS_S: Final = 30
"""Seconds after which to ask again where nothing tells when a waiting job is sent."""


_HOUR: Final = timedelta(hours=1)


def cancels_an_hour(per_user: int) -> int:
    """Return how many waiting jobs a user cancels in an hour before the queue takes no more.

    A job that is never sent is counted for no account, so that jobs that are queued and cancelled
    in turns would write rows without end. A whole queue can be cancelled twice.

    Args: per_user: jobs of a user that may wait
    """
    return 2 * per_user


class WaitingJobs:
    """The jobs that wait, as the use cases know them.

    Args: nudge_outbox: for callbacks written; per_user: jobs of a user that may wait
    """

    def __init__(
        self,
        store: Store,
        places: Places,
        dispatcher: Dispatcher,
        ids: IdSource,
        feed: Feed,
        nudge_outbox: Callable[[], None],
        clock: Clock,
        per_user: int,
    ) -> None:
        self._cancelled = SharedThrottle(
            store.tallies,
            clock,
            Counted("cancelled-waiting-jobs", _HOUR),
            cancels_an_hour(per_user),
        )
        self._store = store
        self._places = places
        self._dispatcher = dispatcher
        self._ids = ids
        self._feed = feed
        self._nudge_outbox = nudge_outbox
        self._clock = clock

    async def flush(self) -> None:
        """Tell other nodes of the cancelled jobs that they do not know yet: the service stops."""
        await self._cancelled.flush()

    def draft(self, user: User, request: JobRequest, limits: QueueLimits) -> QueueDraft | None:
        """Return how a request waits where no account has room; None: it is refused then.

        Raises: InvalidRequest: its priority is higher than its user may have
        """
        if not (user.queues if request.queue is None else request.queue):
            return None
        if request.priority is not None and request.priority > user.queue_priority:
            raise InvalidRequest(sentences.PRIORITY_TOO_HIGH.said(most=user.queue_priority))
        priority = request.priority or min(USUAL_PRIORITY, user.queue_priority)
        most = None if user.quotas is None else user.quotas.waiting_jobs
        most = limits.per_user if most is None else min(most, limits.per_user)
        return QueueDraft(priority, self._clock.now() + limits.wait, most)

    async def admitted(self, user: User, chosen: Chosen) -> Chosen:
        """Return the choice without the queue, where the user has cancelled too many jobs in it.

        Raises: Throttled: no account has room, so that the job would have to wait; StoreError
        """
        quota = None if chosen.queue is None else await self._cancelled.look(str(user.user_id))
        if quota is None:
            return chosen
        if chosen.candidates:
            return Chosen(chosen.candidates)
        error = sentences.CANCELLED_WAITING.said(limit=quota.limit)
        raise Throttled(error, retry_after_s=quota.resets_s or 1, quota=quota)

    async def place(self, job: Job) -> QueuePlace | None:
        """Return where a job stands; None when it does not wait. Raises: StoreError."""
        return await self._places.of(job)

    async def cancel(self, job: Job) -> Job:
        """Cancel a job at once that waits; return it as it is when it waits no more (R26).

        Raises: StoreError, NotFound
        """
        now = self._clock.now()
        events = (CancelRequested(), Cancelled(ghost=False))
        ended = await end_waiting(self._store.queue, self._ids, job, now, *events)
        if ended is None:
            found = await self._store.get_job(job.jobid, job.user_id)
            if found is None:
                raise NotFound(sentences.UNKNOWN_JOB.said(jobid=job.jobid))
            return found
        await self._cancelled.count(str(job.user_id))
        self._feed.publish(ended)
        self._nudge_outbox()
        self._dispatcher.wake()
        return ended


def queue_full(most: int, full: QueueFull, now: datetime) -> Throttled:
    """Return what a job is refused with whose user has too many waiting.

    Args: most: how many may wait; more do where the limit was lowered
    """
    free_at = full.free_at
    return Throttled(
        sentences.QUEUE_FULL.said(limit=most, waiting=full.waiting),
        retry_after_s=_WAITS_S if free_at is None else seconds_until(free_at, now),
        quota=Quota("waiting-jobs", most, 0),
    )
