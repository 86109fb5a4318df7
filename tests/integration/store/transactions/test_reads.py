from __future__ import annotations

from tests import build
from waystation.jobs import Job
from waystation.store.sqlite.database import Database
from waystation.store.transactions import accounts, commit, reads, slots


def test_users_and_their_accounts_are_read(database: Database) -> None:
    user = reads.user(database, 1)
    assert user is not None and user.email == "owner@example.org"
    assert reads.user(database, 2) is None
    accounts.put(database, build.setup(build.account(2)))
    found = [account.account_id for account in reads.accounts(database, 1)]
    assert found == ["account-1", "account-2"]
    assert list(reads.accounts(database, 2)) == []


def test_a_job_and_its_family_are_its_users(database: Database) -> None:
    job = slots.add_job(database, build.draft(), build.later())
    assert isinstance(job, Job)
    assert reads.job(database, job.jobid, 1) == reads.job(database, job.jobid, None) == job
    assert reads.job(database, job.jobid, 2) is None
    assert reads.job(database, "job:unknown", None) is None
    draft = build.replace(
        build.draft(), verb="button", params={"parentJobId": job.jobid, "button": "V1"}
    )
    child = slots.add_job(database, draft, build.later())
    assert isinstance(child, Job)
    family = reads.family(database, job.jobid, 1)
    assert family is not None and family[0] == job
    assert [(one.button, one.jobid) for one in family[1]] == [("V1", child.jobid)]
    assert reads.family(database, job.jobid, 2) is None


def test_failings_are_counted_as_long_as_they_count(database: Database) -> None:
    assert reads.failings(database, "account-1", build.later()) == 0
    job = slots.add_job(database, build.draft(), build.later())
    assert isinstance(job, Job)
    commit.commit(database, build.change(build.failed(job)))
    assert reads.failings(database, "account-1", build.later(60)) == 1
    assert reads.failings(database, "account-1", build.later(3600)) == 0
