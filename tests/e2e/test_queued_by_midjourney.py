"""`WAYSTATION_TRACK_QUEUED_JOBS`: jobs that Midjourney queues itself are tracked to their end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.e2e.conftest import Install, eventually
from tests.e2e.desk import at_desk
from tests.e2e.relations import Seen
from waystation import sentences

FOX = "a red fox in the snow --v 7"
QUICK: dict[str, Any] = {"speed": 50.0, "track_queued_jobs": True}


async def test_a_job_that_midjourney_queues_goes_on_and_holds_its_slot(install: Install) -> None:
    async with at_desk(install, **QUICK) as desk:
        here, ada = desk.here, desk.ada
        here.sim.fault("job_queued", count=1, start_after_s=2.0)
        status, job, _ = await ada.call("POST", "/v2/jobs/imagine", {"prompt": FOX})
        assert (status, job["status"]) == (200, "started")
        assert job["messageId"] and "embeds" not in job and "error" not in job
        with here.records() as records:
            assert records.job(job["jobid"])["slot"] == 1
        seen = await desk.finished(job["jobid"])
        (page,) = here.sim.book
        assert seen.job["messageId"] == page["result_id"] != job["messageId"]
        assert "embeds" not in seen.job
        with here.records() as records:
            row = records.job(job["jobid"])
            assert (row["slot"], row["ghost"]) == (0, 0)
        # and it is as any other: its buttons are pressed
        await desk.press(seen, "U1")


async def test_without_the_setting_it_ends_with_504_as_in_v2(install: Install) -> None:
    async with at_desk(install, speed=50.0) as desk:
        desk.here.sim.fault("job_queued", count=1, start_after_s=0.1)
        status, job, _ = await desk.ada.call("POST", "/v2/jobs/imagine", {"prompt": FOX})
        assert (status, job["error"]) == (504, "Job queued")
        await desk.here.quiet()


async def test_a_describe_is_tracked_as_well(install: Install) -> None:
    async with install(track_queued_jobs=True) as here:
        ada = await here.ready()
        here.sim.fault("job_queued", count=1, start_after_s=0.5)
        status, job, _ = await ada.describe(here.photo())
        assert (status, job["status"]) == (200, "started")
        assert len((await ada.final(job["jobid"]))["embeds"]) == 1


async def test_it_is_tracked_over_a_restart(install: Install) -> None:
    async with at_desk(install, **QUICK) as desk:
        here, ada = desk.here, desk.ada
        here.sim.fault("job_queued", count=1, start_after_s=1.0)
        _, job, _ = await ada.call("POST", "/v2/jobs/imagine", {"prompt": FOX})
        await here.stop()
        await here.sim.settled()
        await here.start()
        ada.url = here.url
        seen = await desk.finished(job["jobid"])
        (page,) = here.sim.book
        assert seen.job["messageId"] == page["result_id"]


async def test_it_can_be_cancelled_while_it_waits(install: Install) -> None:
    async with at_desk(install, **QUICK) as desk:
        desk.here.sim.fault("job_queued", count=1, start_after_s=30.0)
        _, job, _ = await desk.ada.call("POST", "/v2/jobs/imagine", {"prompt": FOX})
        cancel = f"/v2/jobs/cancel?jobid={job['jobid']}"
        assert (await desk.ada.call("GET", cancel))[1]["status"] == "cancelled"


@pytest.mark.parametrize(
    "beside",
    [(), ("missing_metadata",), ("missing_metadata", "missing_progress"), ("anonymous_progress",)],
    ids="+".join,
)
async def test_equal_prompts_of_which_some_are_queued_are_never_swapped(
    install: Install, beside: tuple[str, ...]
) -> None:
    """Each ends with its own picture, or says that nothing told it apart."""
    settings = QUICK | {"first_answer_s": 8.0, "vanish_grace_s": 3.0, "job_timeout_s": 12.0}
    async with at_desk(install, **settings) as desk:
        here, ada = desk.here, desk.ada
        await ada.set_up(here.sim.accounts[0], maxJobs=12)

        async def ask(number: int) -> Seen | None:
            if number % 2:
                here.sim.fault("job_queued", count=1, start_after_s=0.05)
                for name in beside:
                    here.sim.fault(name, count=1)
            status, job, _ = await ada.call("POST", "/v2/jobs/imagine", {"prompt": FOX})
            if status != 200:
                assert job["error"].startswith(sentences.LOOK_ALIKE_WAITS.text.partition("<")[0]), (
                    job
                )
                return None
            final = await ada.final(job["jobid"])
            if final["status"] == "completed":
                return await desk.finished(job["jobid"])
            assert final["error"] == sentences.NOT_TOLD_APART.text, final
            return None

        ended = await asyncio.gather(*map(ask, range(6)))
        pictures = [seen.job["messageId"] for seen in ended if seen is not None]
        assert len(set(pictures)) == len(pictures)
        if not beside:
            assert len(pictures) == 6
        with here.records() as records:
            own = {page["nonce"]: page for page in here.sim.book}
            for row in records.jobs():
                if row["status"] == "completed":
                    assert row["message_id"] == own[row["nonce"]]["result_id"]


async def test_jobs_beyond_the_accounts_own_limit_are_tracked_in_turn(install: Install) -> None:
    """More jobs than the plan runs at once: the bot queues the rest itself, and runs them all."""
    async with at_desk(install, **QUICK) as desk:
        here, ada = desk.here, desk.ada
        await ada.set_up(here.sim.accounts[0], maxJobs=12)
        prompts = [f"owl number {number} --v 7" for number in range(6)]
        asked = await asyncio.gather(*(ada.ask("imagine", prompt=one) for one in prompts))
        for job, prompt in zip(asked, prompts, strict=True):
            seen = await desk.finished(job["jobid"])
            assert prompt.removesuffix(" --v 7") in seen.job["content"]
        assert await _all_are_own(desk)


async def _all_are_own(desk: Any) -> bool:
    await eventually(lambda: all(page["status"] == "completed" for page in desk.here.sim.book))
    with desk.here.records() as records:
        own = {page["nonce"]: page["result_id"] for page in desk.here.sim.book}
        return all(row["message_id"] == own[row["nonce"]] for row in records.jobs())
