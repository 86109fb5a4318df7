from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from structlog.testing import capture_logs

from tests.build import account, draft, failed, replace, setup
from tests.fakes import START, FakeDiscord, FakeSealer
from tests.harness.desk import ACCOUNT, LIMITS, Desk, acknowledged, desk, told, until
from tests.harness.leases import claim
from waystation.engine.account.adapters import OwnerLimits
from waystation.engine.account.line import AT_ONCE, STEP_S
from waystation.engine.account.pool import REMOVAL_GRACE, Pool
from waystation.engine.account.queue import Waiting
from waystation.jobs import Job, JobStatus
from waystation.ports import Account, Commit

LONG_AFTER = START + timedelta(days=1)


class Floor:
    """A pool with what it works on."""

    def __init__(self, here: Desk, limits: OwnerLimits = LIMITS) -> None:
        self.here = here
        self.pool = Pool(here.adapters, limits, here.node)
        here.keep()
        self.running = asyncio.create_task(self.pool.run())

    async def live(self, account_id: str = ACCOUNT.account_id) -> None:
        await until(lambda: (owner := self.pool.get(account_id)) is not None and owner.caught_up)

    async def send(self) -> Job:
        """Let a job be performed."""
        job = await self.here.add()
        owner = self.pool.get(job.account_id)
        assert owner is not None
        before = len(self.here.discord.performed)
        owner.submit(Waiting(job))
        await until(lambda: len(self.here.discord.performed) > before)
        return await self.here.job(job.jobid)

    async def remove(self, *, force: bool = False) -> None:
        """Remove the account, as the service does."""
        await self.here.store.remove_account(ACCOUNT.account_id, self.here.clock.now())
        removed = await self.here.store.get_account(ACCOUNT.account_id)
        assert removed is not None
        await self.pool.remove(ACCOUNT.account_id, force=force)

    async def gone(self) -> bool:
        return await self.here.store.get_account(ACCOUNT.account_id) is None


@asynccontextmanager
async def floor(directory: Path, limits: OwnerLimits = LIMITS) -> AsyncIterator[Floor]:
    async with desk(directory) as here:
        place = Floor(here, limits)
        try:
            yield place
        finally:
            place.running.cancel()
            await asyncio.gather(place.running, return_exceptions=True)


async def second_account(here: Desk) -> Account:
    sealed = FakeSealer().seal("accounts", "account-2", b"token")
    added = replace(account(2), sealed_token=sealed)
    await here.store.put_account(setup(added))
    return added


async def test_every_account_gets_an_owner_before_the_pool_counts_as_started(
    tmp_path: Path,
) -> None:
    """I7."""
    async with floor(tmp_path) as here:
        await here.pool.started.wait()
        assert [owner.account.account_id for owner in here.pool.owners] == [ACCOUNT.account_id]
        assert here.pool.get("account-9") is None
        assert here.pool.jobs("account-9") == ()
        await here.live()
        assert here.pool.states == {"connected": 1}


async def test_a_new_account_is_owned_and_a_changed_one_keeps_its_owner(tmp_path: Path) -> None:
    async with floor(tmp_path) as here:
        await here.live()
        first = here.pool.get(ACCOUNT.account_id)
        assert first is not None
        more = replace(setup(ACCOUNT), max_jobs=9, sealed_token=None)
        await here.here.store.put_account(more)
        await here.pool.put(ACCOUNT.account_id)
        assert here.pool.get(ACCOUNT.account_id) is first
        assert first.account.max_jobs == 9
        added = await second_account(here.here)
        here.here.discord.discord_user_id = added.discord_user_id
        await here.pool.put(added.account_id)
        await here.live("account-2")
        assert len(here.pool.owners) == 2


async def test_a_stop_ends_all_owners_and_the_run(tmp_path: Path) -> None:
    async with floor(tmp_path) as here:
        await here.live()
        await here.send()
        assert len(here.pool.jobs(ACCOUNT.account_id)) == 1
        await here.pool.stop()
        await asyncio.wait_for(here.running, 30)
        assert here.pool.owners == ()
        assert here.here.discord.now.closed


async def test_an_account_that_comes_after_the_stop_is_left_to_the_next_start(
    tmp_path: Path,
) -> None:
    async with floor(tmp_path) as here:
        await here.live()
        await here.pool.stop()
        await asyncio.wait_for(here.running, 30)
        await here.pool.put((await second_account(here.here)).account_id)
        assert here.pool.owners == ()


# ── removal (R33) ──


async def test_an_account_without_jobs_is_gone_when_its_removal_returns(tmp_path: Path) -> None:
    async with floor(tmp_path) as here:
        await here.live()
        await here.remove()
        assert await here.gone()
        assert await here.here.store.load_session(ACCOUNT.account_id) is None
        assert here.pool.owners == ()


async def test_a_removed_account_goes_on_until_its_jobs_have_ended(tmp_path: Path) -> None:
    async with floor(tmp_path) as here:
        await here.live()
        job = await here.send()
        await here.remove()
        assert not await here.gone()
        here.here.discord.say(told(job), acknowledged(job))
        await here.here.becomes(job.jobid, JobStatus.STARTED)
        assert not await here.gone()
        owner = here.pool.get(ACCOUNT.account_id)
        assert owner is not None
        await owner.cancel(job.jobid)
        await until(here.gone)
        await until(lambda: here.here.discord.now.closed)


async def test_the_jobs_of_a_removed_account_fail_when_the_grace_is_over(tmp_path: Path) -> None:
    limits = replace(
        LIMITS, conversation=replace(LIMITS.conversation, first_answer=timedelta(days=1))
    )
    async with floor(tmp_path, limits) as here:
        await here.live()
        job = await here.send()
        await here.remove()
        await here.here.quiet()
        here.here.clock.advance(REMOVAL_GRACE.total_seconds() - 1)
        await here.here.quiet()
        assert (await here.here.job(job.jobid)).status is JobStatus.SUBMITTED
        await here.here.pass_until(lambda: here.pool.owners == (), step_s=1)
        failed = await here.here.job(job.jobid)
        assert (failed.status, failed.error) == (JobStatus.FAILED, "The account was removed")
        await until(here.gone)


async def test_a_forced_removal_fails_the_jobs_at_once(tmp_path: Path) -> None:
    """R33."""
    async with floor(tmp_path) as here:
        await here.live()
        job = await here.send()
        await here.remove(force=True)
        assert (await here.here.job(job.jobid)).status is JobStatus.FAILED
        assert await here.gone()


async def test_an_account_that_is_removed_while_it_is_not_held_goes_once_it_is(
    tmp_path: Path,
) -> None:
    async with floor(tmp_path) as here:
        await here.live()
        job = await here.send()
        here.here.failing.failing = {"take", "commit"}
        here.here.discord.now.say(told(job))
        owner = here.pool.get(ACCOUNT.account_id)
        assert owner is not None
        await until(lambda: owner.state == "waiting")
        with capture_logs() as logs:
            removing = asyncio.create_task(here.remove(force=True))
            await until(lambda: "account.not_erased" in [line["event"] for line in logs])
            assert not await here.gone()
            assert not here.running.done()
            here.here.failing.failing = False
            await here.here.pass_until(removing.done)
        assert await here.gone()
        assert (await here.here.job(job.jobid)).error == "The account was removed"


async def test_a_removal_that_a_crash_interrupted_goes_on_after_the_restart(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        await here.store.remove_account(ACCOUNT.account_id, here.clock.now())
        place = Floor(here)
        await until(place.gone)
        await until(lambda: place.pool.owners == ())
        await place.pool.stop()
        await place.running


async def test_a_removed_account_with_jobs_keeps_its_old_grace_after_a_restart(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        job = await here.add()
        await here.store._write(
            lambda database: database.connection.execute(
                "update jobs set status = 'submitted', nonce = '5', submitted_at = created_at,"
                " deadline_at = created_at + 86400000000"
            )
        )
        await here.store.remove_account(ACCOUNT.account_id, here.clock.now())
        here.clock.advance(REMOVAL_GRACE.total_seconds() - 5)
        place = Floor(here)
        await place.live()
        assert (await here.job(job.jobid)).status is JobStatus.SUBMITTED
        await here.pass_until(lambda: place.pool.owners == (), step_s=1)
        assert (await here.job(job.jobid)).error == "The account was removed"
        await until(place.gone)
        await place.pool.stop()
        await place.running


async def test_a_stop_does_not_wait_for_a_removed_accounts_jobs(tmp_path: Path) -> None:
    async with floor(tmp_path) as here:
        await here.live()
        await here.send()
        await here.remove()
        await here.pool.stop()
        await asyncio.wait_for(here.running, 30)
        assert not await here.gone()


async def test_an_account_that_nobody_owns_is_erased_at_once(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        pool = Pool(here.adapters, LIMITS, here.node)
        await here.store.remove_account(ACCOUNT.account_id, here.clock.now())
        await pool.remove(ACCOUNT.account_id, force=False)
        assert await here.store.get_account(ACCOUNT.account_id) is None


async def test_each_account_has_its_own_discord(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        second = await second_account(here)
        discords = {one.account_id: FakeDiscord(one.discord_user_id) for one in (ACCOUNT, second)}
        adapters = replace(
            here.adapters,
            transports=lambda token, session, name, *_: discords[name](token, session, name),
        )
        pool = Pool(adapters, LIMITS, here.node)
        here.keep()
        running = asyncio.create_task(pool.run())
        await until(lambda: pool.states == {"connected": 2})
        await pool.stop()
        await running
        assert all(discord.now.closed for discord in discords.values())


async def test_a_removal_that_is_taken_back_keeps_the_owner_and_its_jobs(tmp_path: Path) -> None:
    async with floor(tmp_path) as here:
        await here.live()
        job = await here.send()
        await here.remove()
        owner = here.pool.get(ACCOUNT.account_id)
        await here.here.store.put_account(replace(setup(ACCOUNT), sealed_token=None))
        await here.pool.put(ACCOUNT.account_id)
        await until(lambda: not here.pool._retiring)
        here.here.discord.say(told(job), acknowledged(job))
        await here.here.becomes(job.jobid, JobStatus.STARTED)
        assert here.pool.get(ACCOUNT.account_id) is owner
        assert len(here.here.discord.transports) == 1


async def test_force_reaches_an_account_that_is_being_removed(tmp_path: Path) -> None:
    async with floor(tmp_path) as here:
        await here.live()
        job = await here.send()
        await here.remove()
        assert not await here.gone()
        await here.remove(force=True)
        assert await here.gone()
        ended = await here.here.job(job.jobid)
        # it was asked: Midjourney may still run it
        assert (ended.error, ended.ghost, ended.slot) == ("The account was removed", True, True)


async def test_an_account_that_is_set_up_while_it_is_erased_is_owned_once(tmp_path: Path) -> None:
    async with floor(tmp_path) as here:
        await here.live()
        first = here.pool.get(ACCOUNT.account_id)
        erased, resume = asyncio.Event(), asyncio.Event()
        erase = here.here.store.erase_account

        async def erase_and_wait(account_id: str) -> None:
            await erase(account_id)
            erased.set()
            await resume.wait()

        here.here.store.erase_account = erase_and_wait  # type: ignore[method-assign]
        removing = asyncio.create_task(here.remove())
        await erased.wait()
        sealed = FakeSealer().seal("accounts", ACCOUNT.account_id, b"discord-token")
        again = replace(setup(ACCOUNT), sealed_token=sealed)
        assert await here.here.store.put_account(again) is True
        putting = asyncio.create_task(here.pool.put(ACCOUNT.account_id))
        resume.set()
        await asyncio.gather(removing, putting)
        await here.pool.put(ACCOUNT.account_id)
        await here.live()
        assert here.pool.get(ACCOUNT.account_id) is not first
        assert len(here.pool.owners) == 1


async def test_an_account_that_cannot_be_erased_is_logged_once(tmp_path: Path) -> None:
    async with floor(tmp_path) as here:
        await here.live()
        here.here.failing.failing = {"erase_account"}
        with capture_logs() as logs:
            removing = asyncio.create_task(here.remove())
            await here.here.pass_until(removing.done)
            for _ in range(20):
                await here.here.clock.elapse(60)
        assert [line["event"] for line in logs].count("account.not_erased") == 1
        here.here.failing.failing = False
        await here.here.pass_until(lambda: here.pool.owners == (), step_s=1)
        assert await here.gone()


async def test_ghosts_of_another_account_are_held_and_not_counted(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        job = await here.add()
        await claim(here.store, ACCOUNT.account_id, "me")
        ghost = failed(job, ghost=True, slot=True, at=here.clock.now())
        await here.store.commit(Commit(ACCOUNT.account_id, 1, here.clock.now(), (ghost,)))
        await here.store.remove_account(ACCOUNT.account_id, here.clock.now())
        await here.store.erase_account(ACCOUNT.account_id)
        await here.store.add_user("eve@example.org", b"hash", here.clock.now())
        sealed = FakeSealer().seal("accounts", "account-9", b"token")
        same = replace(ACCOUNT, account_id="account-9", user_id=2, sealed_token=sealed)
        await here.store.put_account(setup(same))
        place = Floor(here)
        await place.live("account-9")
        owner = place.pool.get("account-9")
        assert owner is not None and [one.jobid for one in owner.jobs] == [job.jobid]
        assert list(place.pool.holding("account-9")) == []
        await place.pool.stop()
        await place.running


async def test_accounts_are_taken_over_in_steps_and_those_with_jobs_first(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        others = [await numbered_account(here, number) for number in range(2, AT_ONCE + 5)]
        busy, asked_for = others[-1], others[-2]
        await added_to(here, busy)
        place = Floor(here)
        await place.pool.started.wait()
        await until(lambda: taken(place) >= {ACCOUNT.account_id, busy})
        await until(lambda: len(taken(place)) == AT_ONCE)
        # they wait for their turn, so the janitor must leave their jobs alone
        assert all(place.pool.holds(one) for one in others)
        job = await added_to(here, asked_for)
        owner = place.pool.get(asked_for)
        assert owner is not None
        owner.submit(Waiting(job))
        await here.clock.elapse(STEP_S)
        await until(lambda: asked_for in taken(place))
        assert len(taken(place)) == AT_ONCE + 1
        await here.clock.elapse(3 * STEP_S)
        await until(lambda: taken(place) >= {*others})
        place.running.cancel()
        await asyncio.gather(place.running, return_exceptions=True)


async def test_a_pool_that_stops_waits_for_nobody_in_the_line(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        for number in range(2, AT_ONCE + 5):
            await numbered_account(here, number)
        place = Floor(here)
        await until(lambda: len(taken(place)) == AT_ONCE)
        await place.pool.stop()
        async with asyncio.timeout(10):
            await place.running


async def added_to(here: Desk, account_id: str) -> Job:
    job = await here.store.add_job(draft(account_id, max_jobs=9), here.clock.now())
    assert isinstance(job, Job)
    return job


def taken(place: Floor) -> set[str]:
    return {one.account.account_id for one in place.pool.owners if one.state != "waiting"}


async def numbered_account(here: Desk, number: int) -> str:
    sealed = FakeSealer().seal("accounts", f"account-{number}", b"token")
    added = replace(account(number), sealed_token=sealed)
    await here.store.put_account(setup(added))
    return added.account_id
