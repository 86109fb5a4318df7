"""Point reads of users, accounts and jobs, as functions of the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from waystation.failings import FAILING_SPAN
from waystation.jobs import Child, Job
from waystation.ports import Account, User
from waystation.store.columns import minute_of
from waystation.store.rows import ACCOUNTS, JOBS, user_of
from waystation.store.transactions.database import Reads

__all__ = ["accounts", "failings", "family", "job", "user"]


def user(reads: Reads, user_id: int) -> User | None:
    """Return one user."""
    row = reads.one("user_by_id", {"user_id": user_id})
    return None if row is None else user_of(row)


def accounts(reads: Reads, user_id: int) -> Sequence[Account]:
    """Return the accounts that a user may use, oldest first (R32)."""
    return [ACCOUNTS.read(row) for row in reads.all("accounts_of_user", {"user_id": user_id})]


def failings(reads: Reads, account_id: str, at: datetime) -> int:
    """Return how many jobs of an account have failed lately."""
    since = minute_of(at - FAILING_SPAN)
    row = reads.one("failings", {"account_id": account_id, "since": since})
    return 0 if row is None else int(row[0])


def job(reads: Reads, jobid: str, user_id: int | None) -> Job | None:
    """Return a job of that user, of anyone when None."""
    if reads.one("job_version", {"jobid": jobid, "user_id": user_id}) is None:
        return None
    row = reads.one("job", {"jobid": jobid})
    return None if row is None else JOBS.read(row)


def family(reads: Reads, jobid: str, user_id: int) -> tuple[Job, Sequence[Child]] | None:
    """Return a job of that user and what its buttons started."""
    found = job(reads, jobid, user_id)
    if found is None:
        return None
    return found, [Child(*each) for each in reads.all("children", {"jobid": jobid})]
