"""Writes jobs for ever and says which ones it was told are safe. To be killed by a test.

Usage: python -m tests.conformance.store_crash <database>
"""

from __future__ import annotations

import asyncio
import sys

from tests import build
from tests.conformance.stores import opened
from tests.harness.leases import claim
from waystation.clock import SystemClock
from waystation.jobs import Job
from waystation.ports import Store, Unrecognised
from waystation.store.sqlite.store import SqliteStore

_WRITERS = 8


async def write(store: Store, number: int, epoch: int) -> None:
    """Take jobs through their life and print each step that was acknowledged."""
    account_id, turn = f"account-{number}", 0
    while True:
        turn += 1
        job = await store.add_job(build.draft(account_id), SystemClock().now())
        assert isinstance(job, Job)
        print("added", job.jobid, flush=True)
        first = build.submitted(job, f"{job.jobid}")
        await store.commit(build.change(first, account_id=account_id, epoch=epoch))
        print("submitted", job.jobid, flush=True)
        last = build.completed(first.job, job.jobid, callbacks=[build.callback(job)])
        seen = [Unrecognised(job.jobid, b"{}")]
        session = job.jobid.encode()
        await store.commit(
            build.change(
                last, account_id=account_id, epoch=epoch, unrecognised=seen, session=session
            )
        )
        print("completed", job.jobid, flush=True)


async def main(where: str) -> None:
    """Open, claim and write until killed."""
    store = await opened(where, SystemClock())
    if isinstance(store, SqliteStore):
        await store.own_accounts()
    now = SystemClock().now()
    if await store.get_user(1) is None:
        await store.add_user("a@example.org", b"h", now)
    # New accounts for each run: a killed run leaves unbound jobs in its channels (I2).
    first = len(await store.list_accounts())
    writers = []
    for number in range(first, first + _WRITERS):
        await store.put_account(build.setup(build.account(number)))
        epoch = await claim(store, f"account-{number}", str(now))
        writers.append(write(store, number, epoch))
    await asyncio.gather(*writers)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
