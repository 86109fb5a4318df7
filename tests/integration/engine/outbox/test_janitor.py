from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from structlog.testing import capture_logs

from tests.build import change, completed, draft, replace, submitted
from tests.fakes import FailingStore
from tests.harness.desk import ACCOUNT, Desk, desk, until
from tests.harness.leases import claim
from tests.limits import RETENTION
from waystation import sentences
from waystation.engine.outbox.janitor import Janitor
from waystation.errors import NotFound
from waystation.jobs import Job, JobStatus
from waystation.ports import QueueDraft, Store


def janitor(here: Desk, store: object | None = None) -> Janitor:
    return Janitor(cast(Store, store or here.failing), here.clock, here.ids, here.node, RETENTION)


async def orphan(here: Desk) -> Job:
    """A submitted job of an account that nobody holds."""
    job = await here.add()
    epoch = await claim(here.store, ACCOUNT.account_id, "dead")
    await here.store.commit(change(submitted(job), epoch=epoch))
    await here.store.nodes.leave("dead")
    return await here.job(job.jobid)


async def test_a_job_that_nobody_can_connect_for_ends_after_its_grace(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        job = await orphan(here)
        here.clock.advance(60 + 600)
        await janitor(here).round()
        assert (await here.job(job.jobid)).status is JobStatus.SUBMITTED
        here.clock.advance(1)
        await janitor(here).round()
        ended = await here.job(job.jobid)
        assert (ended.status, ended.code, ended.ghost) == (JobStatus.FAILED, 502, True)
        assert ended.error == "Waystation could not connect to the job's Discord account in time"
        assert len(await here.store.find_callbacks(job.jobid)) == 1


async def test_the_end_of_an_orphan_is_published(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        job = await orphan(here)
        told: list[Job] = []
        here.clock.advance(661)
        nobodys = Janitor(
            here.store, here.clock, here.ids, here.node, RETENTION, publish=told.append
        )
        await nobodys.round()
        assert [(one.jobid, one.status) for one in told] == [(job.jobid, JobStatus.FAILED)]


async def test_a_job_that_was_never_sent_ends_without_a_ghost(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        job = await here.accept()
        # an owner may still come in time, and a little later
        here.clock.advance(600 + 600)
        await janitor(here).round()
        assert (await here.job(job.jobid)).status is JobStatus.CREATED
        here.clock.advance(1)
        await janitor(here).round()
        ended = await here.job(job.jobid)
        assert (ended.status, ended.ghost, ended.slot) == (JobStatus.FAILED, False, False)
        assert (ended.error, ended.error_details) == (
            sentences.DOWN_AT_TURN.text,
            sentences.NOTHING_SENT,
        )
        assert await here.store.inputs_of(job.jobid) is None


@pytest.mark.parametrize("hours", [1, 25])
async def test_a_job_of_the_queue_that_was_not_sent_waits_again_up_to_its_end(
    tmp_path: Path, hours: int
) -> None:
    """R13: whatever account it had been given, nothing was asked."""
    async with desk(tmp_path) as here:
        told: list[Job] = []
        wanted = draft(ACCOUNT.account_id)
        wanted = replace(
            wanted, max_jobs=9, queue=QueueDraft(3, here.clock.now() + timedelta(hours=24), 9)
        )
        job = await here.store.add_job(wanted, here.clock.now())
        assert isinstance(job, Job)
        assert not job.waiting
        here.clock.advance(hours * 3600)
        lone = Janitor(here.store, here.clock, here.ids, here.node, RETENTION, publish=told.append)
        await lone.round()
        after = await here.job(job.jobid)
        assert [one.jobid for one in told] == [job.jobid]
        callbacks = await here.store.find_callbacks(job.jobid)
        if hours == 1:
            assert after.waiting
            assert (after.status, after.slot, after.error) == (JobStatus.CREATED, False, None)
            assert await here.kinds(job.jobid) == ["PutBack"]
            assert callbacks == []
            # and nothing more happens to it
            await lone.round()
            assert (await here.job(job.jobid)).version == after.version
        else:
            assert (after.status, after.code) == (JobStatus.FAILED, 502)
            assert after.error == f"Not sent within 24 hours: {sentences.DOWN_AT_TURN.text}"
            assert after.error_details == sentences.NOTHING_SENT
            assert len(callbacks) == 1


async def test_jobs_of_an_account_with_an_owner_are_none_of_its_business(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        job = await here.add()
        here.clock.advance(1201)
        await claim(here.store, ACCOUNT.account_id, "holder")
        await janitor(here).round()
        assert (await here.job(job.jobid)).status is JobStatus.CREATED


async def test_accounts_that_this_process_acts_for_are_none_of_its_business(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        job = await orphan(here)
        here.clock.advance(3600)
        owned = Janitor(
            here.store,
            here.clock,
            here.ids,
            here.node,
            RETENTION,
            {ACCOUNT.account_id}.__contains__,
        )
        await owned.round()
        assert (await here.job(job.jobid)).status is JobStatus.SUBMITTED


async def test_the_lease_is_given_back_and_the_epoch_moves_on(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await orphan(here)
        here.clock.advance(700)
        await janitor(here).round()
        assert await claim(here.store, ACCOUNT.account_id, "holder") == 3


async def test_an_orphan_that_somebody_owns_again_does_not_end_the_round(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        job = await orphan(here)
        here.clock.advance(700)

        class Beaten(FailingStore):
            async def orphaned_jobs(self) -> Sequence[Job]:
                found = await here.store.orphaned_jobs()
                await claim(here.store, ACCOUNT.account_id, "another")
                return found

        with capture_logs() as logs:
            await janitor(here, Beaten(cast(Store, here.store))).round()
        assert [line["event"] for line in logs] == ["node.began", "janitor.orphan_adopted"]
        assert (await here.job(job.jobid)).status is JobStatus.SUBMITTED


async def test_old_jobs_are_purged_in_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("waystation.engine.outbox.janitor._PURGE_BATCH", 2)
    async with desk(tmp_path) as here:
        epoch = await claim(here.store, ACCOUNT.account_id, "dead")
        jobs = [await here.add() for _ in range(5)]
        for number, job in enumerate(jobs):
            await here.store.commit(change(completed(job, str(900 + number)), epoch=epoch))
        here.clock.advance(RETENTION.jobs.total_seconds() + 1)
        with capture_logs() as logs:
            await janitor(here).round()
        assert [line["jobs"] for line in logs if line["event"] == "janitor.purged"] == [2, 2, 1]
        assert [await here.store.get_job(job.jobid, None) for job in jobs] == [None] * 5


async def test_open_jobs_of_a_restored_backup_fail(tmp_path: Path) -> None:
    """R39."""
    async with desk(tmp_path) as here:
        sent, unsent = await orphan(here), await here.add()
        here.clock.advance(2)
        await janitor(here).end_restored()
        # the process that ran on after the backup may have sent it
        for job in (sent, unsent):
            ended = await here.job(job.jobid)
            assert (ended.status, ended.error) == (JobStatus.FAILED, "restored")
            assert ended.error_details is not None
            assert "backup of the database was put back" in ended.error_details
            assert "look in the Discord channel" in ended.error_details


async def test_an_upgrade_fails_the_jobs_that_were_sent_and_leaves_the_others(
    tmp_path: Path,
) -> None:
    """R39, ADR 26."""
    async with desk(tmp_path) as here:
        sent, unsent = await orphan(here), await here.add()
        wanted = replace(
            draft(ACCOUNT.account_id),
            candidates=(),
            queue=QueueDraft(3, here.clock.now() + timedelta(hours=24), 9),
        )
        waiting = await here.store.add_job(wanted, here.clock.now())
        assert isinstance(waiting, Job)
        here.clock.advance(2)
        await janitor(here).end_restored(upgraded=True)
        ended = await here.job(sent.jobid)
        assert (ended.status, ended.error) == (JobStatus.FAILED, "restored")
        assert ended.error_details is not None
        assert "was upgraded" in ended.error_details
        assert "look in the Discord channel" in ended.error_details
        assert not (await here.job(unsent.jobid)).final
        assert (await here.job(waiting.jobid)).waiting


async def test_waiting_jobs_of_a_restored_backup_fail_and_those_of_a_round_stay(
    tmp_path: Path,
) -> None:
    """R39."""
    async with desk(tmp_path) as here:
        until_ = here.clock.now() + timedelta(hours=24)
        # no candidate has room: it waits without an account
        wanted = replace(draft(ACCOUNT.account_id), candidates=(), queue=QueueDraft(3, until_, 9))
        job = await here.store.add_job(wanted, here.clock.now())
        assert isinstance(job, Job)
        here.clock.advance(4000)
        await janitor(here).round()
        assert (await here.job(job.jobid)).waiting
        await janitor(here).end_restored()
        ended = await here.job(job.jobid)
        assert (ended.status, ended.error) == (JobStatus.FAILED, "restored")
        assert len(await here.store.find_callbacks(job.jobid)) == 1


@pytest.mark.parametrize("error", ["store", "bug"])
async def test_a_round_that_fails_is_followed_by_another(tmp_path: Path, error: str) -> None:
    async with desk(tmp_path) as here:
        job = await orphan(here)
        here.clock.advance(700)
        store: object = here.failing

        class Broken(FailingStore):
            broken = True

            async def orphaned_jobs(self) -> object:
                if self.broken:
                    raise NotFound("a bug")
                return await here.store.orphaned_jobs()

        if error == "bug":
            store = Broken(cast(Store, here.store))
        here.failing.failing = True
        with capture_logs() as logs:
            running = asyncio.create_task(janitor(here, store).run())
            await here.quiet()
            assert [line["event"] for line in logs] == ["janitor.round_failed"]
            here.failing.failing = False
            Broken.broken = False
            here.clock.advance(RETENTION.round.total_seconds())

            async def ended() -> bool:
                return (await here.job(job.jobid)).final

            await until(ended)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
