"""StoreGlance: `ports.Glance` on the connection that is read in the event loop's thread."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from waystation.failings import FAILING_SPAN
from waystation.jobs import Child, Job
from waystation.ports import Account, User
from waystation.store.columns import minute_of
from waystation.store.rows import ACCOUNTS, JOBS, user_of
from waystation.store.sqlite.reader import Reader

__all__ = ["KNOWN_JOBS", "KNOWN_USERS", "StoreGlance"]

KNOWN_JOBS = 250
"""Jobs kept decoded, a few kilobytes each: callers read the same job again and again."""


KNOWN_USERS = 100
"""Users whose accounts are kept decoded, half a kilobyte each: a request looks at all of them."""


class StoreGlance:
    """Reads users and jobs at once."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._job_at = lru_cache(maxsize=KNOWN_JOBS)(self._read_job)
        """Jobs read lately. Every change of a row raises its version, so none is ever stale."""
        self._accounts_at = lru_cache(maxsize=KNOWN_USERS)(self._read_accounts)
        """Accounts of users who have asked lately; a change of any raises its user's version."""

    def user(self, user_id: int) -> User | None:
        """Return one user. Raises: StoreError."""
        row = self._reader.one("user_by_id", {"user_id": user_id})
        return None if row is None else user_of(row)

    def accounts(self, user_id: int) -> Sequence[Account]:
        """Return a user's accounts, oldest first. Raises: StoreError."""
        row = self._reader.one("accounts_version", {"user_id": user_id})
        return () if row is None else self._accounts_at(user_id, row[0])

    def failings(self, account_id: str, at: datetime) -> int:
        """Return how many jobs of an account have failed lately. Raises: StoreError."""
        since = minute_of(at - FAILING_SPAN)
        row = self._reader.one("failings", {"account_id": account_id, "since": since})
        return 0 if row is None else int(row[0])

    def job(self, jobid: str, user_id: int | None) -> Job | None:
        """Return a job of that user, of anyone when None. Raises: StoreError."""
        row = self._reader.one("job_version", {"jobid": jobid, "user_id": user_id})
        return None if row is None else self._job_at(jobid, row[0])

    def family(self, jobid: str, user_id: int) -> tuple[Job, Sequence[Child]] | None:
        """Return a job of that user and what its buttons started. Raises: StoreError."""
        row = self._reader.one("job_version", {"jobid": jobid, "user_id": user_id})
        job = None if row is None else self._job_at(jobid, row[0])
        if row is None or job is None:
            return None
        rows = self._reader.all("children", {"jobid": jobid}) if row[1] else ()
        return job, [Child(*each) for each in rows]

    def _read_accounts(self, user_id: int, version: int) -> Sequence[Account]:
        """Read accounts that have at least this version."""
        rows = self._reader.all("accounts_of_user", {"user_id": user_id})
        return tuple(ACCOUNTS.read(row) for row in rows)

    def _read_job(self, jobid: str, version: int) -> Job | None:
        """Read a job that has at least this version."""
        row = self._reader.one("job", {"jobid": jobid})
        return None if row is None else JOBS.read(row)
