from __future__ import annotations

from pathlib import Path

from tests.build import replace
from tests.harness.house import DESCRIBE, INFO, house
from tests.limits import SERVICE
from waystation.ports import Standing

QUEUED = replace(DESCRIBE, queue=True, max_jobs=1)


async def test_a_place_tells_what_owners_know(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        here.here.discord.standing = Standing(120.0, "")
        job = await (await here.ask(QUEUED))
        place = await here.service.place(job)
        assert place is not None
        assert (place.position, place.estimate_s) == (1, None)
        assert place.why == "Discord asks to wait until 2026-01-02 03:06:05 UTC."
        here.here.discord.standing = Standing(120.0, "", is_breaker=True)
        place = await here.service.place(job)
        assert place is not None
        assert place.why.startswith("Discord has refused too many requests")
        here.here.discord.standing = None
        place = await here.service.place(job)
        assert place is not None
        assert place.why == "It is about to be sent."


async def test_a_job_that_does_not_wait_has_no_place(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        here.here.discord.standing = Standing(120.0, "")
        job = await (await here.ask(QUEUED))
        assert await here.service.place(replace(job, account_id="account-1")) is None
        await here.service.cancel(await here.user(), job.jobid)
        assert await here.service.place(job) is None


async def test_the_lane_is_told_for_a_job_without_a_slot(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        for _ in range(SERVICE.lane):
            await here.here.add("info", lane=SERVICE.lane)
        here.here.discord.standing = Standing(120.0, "")
        job = await (await here.ask(replace(INFO, queue=True)))
        assert job.waiting
        here.here.discord.standing = None
        place = await here.service.place(job)
        assert place is not None
        full = "The account has as many jobs without a slot as it can send in time."
        assert place.why == full


async def test_a_mode_is_looked_up_for_a_job_that_needs_one(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        here.here.discord.standing = Standing(120.0, "")
        job = await (await here.ask(QUEUED))
        await here.here.store._write(
            lambda database: database.connection.execute("update queue set mode = 'fast'")
        )
        here.here.discord.standing = None
        place = await here.service.place(job)
        assert place is not None
        assert place.why == "No account is known to be in fast mode."
        # and it holds up nobody: nothing is given that could not be asked
        await here.service.dispatcher.round()
        assert (await here.here.job(job.jobid)).waiting
