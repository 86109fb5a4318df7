"""Reads: what a caller may read of jobs, and wait for.

Rules: a foreign id answers exactly as an absent one (I13); rows are the truth, and whoever waits is
woken to read them.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress

from waystation import sentences
from waystation.contract import retry_after_s
from waystation.engine.answering import Answering
from waystation.engine.everywhere import Everywhere
from waystation.engine.feed import Feed, Watch
from waystation.engine.links import Links
from waystation.engine.logins import Logins
from waystation.errors import NotFound, StoreError
from waystation.jobs import Child, Job, JobEvent, JobId
from waystation.ports import Clock, FeedPage, JobSearch, JobsFound, Store, User
from waystation.signed_links import expired_links

__all__ = ["Reads"]


class Reads:
    """The use cases of a caller who reads."""

    def __init__(
        self,
        store: Store,
        everywhere: Everywhere,
        answering: Answering,
        links: Links,
        logins: Logins,
        clock: Clock,
        feed: Feed,
    ) -> None:
        self._store = store
        self._everywhere = everywhere
        self._answering = answering
        self._links = links
        self._logins = logins
        self._clock = clock
        self._feed = feed

    async def get_job(self, user: User, jobid: str) -> Job:
        """Return a job of the caller. Raises: NotFound."""
        job = await self._store.get_job(jobid, user.user_id)
        if job is None:
            raise NotFound(sentences.UNKNOWN_JOB.said(jobid=jobid))
        return job

    async def wait_for_end(self, user: User, jobid: str, wait_s: float) -> None:
        """Return when a job of the caller is final, at the latest after so long. Raises: NotFound.

        A shutdown ends the wait.
        """
        await self._answering.end(await self.get_job(user, jobid), wait_s)

    async def family(self, user: User, jobid: str) -> tuple[Job, Sequence[Child]]:
        """Return a job of the caller and what its buttons started. Raises: NotFound."""
        found = await self._store.family(jobid, user.user_id)
        if found is None:
            raise NotFound(sentences.UNKNOWN_JOB.said(jobid=jobid))
        return found

    def glance(self, authorization: str, jobid: str) -> tuple[Job, Sequence[Child]] | None:
        """Return a job of a known caller and what its buttons started, at once.

        None where anything has to be waited for or refused: the usual way knows how.
        """
        reads = self._store.glance
        try:
            user = None if reads is None else self._logins.known(authorization, reads)
            if reads is None or user is None:
                return None
            return reads.family(jobid, user.user_id)
        except StoreError:
            return None

    def links_work(self, form: bytes) -> bool:
        """Tell whether no link in a job's form has ended."""
        return not expired_links(form, self._clock.now())

    async def with_working_links(self, job: Job, form: bytes) -> bytes:
        """Return a job's form with Discord's links renewed where they have ended."""
        return await self._links.in_form(job.account_id, form)

    def watching(self, jobid: str) -> AbstractContextManager[Watch]:
        """Wake a reader whenever something of a job was committed."""
        return self._feed.watching(JobId(jobid))

    async def events_after(
        self, user: User, jobid: str, number: int
    ) -> Sequence[tuple[int, JobEvent]]:
        """Return the events of a job of the caller after a number, in order. Raises: NotFound."""
        await self.get_job(user, jobid)
        return await self._store.events_after(jobid, number)

    def watching_all(self, user: User) -> AbstractContextManager[Watch]:
        """Wake a reader whenever something of any job of the caller was committed."""
        return self._feed.watching(user.user_id)

    async def feed_after(self, user: User, place: int, limit: int) -> FeedPage:
        """Return what the caller is told of all jobs after a place, in order."""
        return await self._store.feeds.after(user.user_id, place, limit)

    async def search(self, search: JobSearch) -> JobsFound:
        """Return a page of a caller's jobs, the newest first."""
        return await self._store.search.find(search)

    async def running_jobs(self, user: User) -> Sequence[JobId]:
        """Return the caller's jobs that are not final."""
        return await self._store.running_jobs(user.user_id)

    async def retry_after_s(self, job: Job) -> int | None:
        """Return the whole seconds to name beside a job's answer; None unless it was rate limited.

        What Discord has said beside its text counts, too: in a header, or by a page that is no
        JSON (R16).
        """
        if job.code != 429:
            return None
        standing = None
        with suppress(StoreError):
            standing = await self._everywhere.standing(job.account_id)
        return retry_after_s(job, None if standing is None else standing.wait_s)
