"""Limits that an admin sets for a user, and an owner for an account, as their callers meet them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Install, eventually
from tests.e2e.databases import on_postgresql_too
from tests.e2e.process import Doors, ground
from waystation.quotas import UserQuotas

pytestmark = on_postgresql_too


def until_midnight(retry_after: str) -> bool:
    now = datetime.now(UTC)
    left = 86_400 - (now.hour * 3600 + now.minute * 60 + now.second)
    apart = abs(int(retry_after) - left)
    return min(apart, 86_400 - apart) <= 30


async def test_a_user_over_the_jobs_of_a_day_is_told_when_the_day_ends(install: Install) -> None:
    async with install() as here:
        ada = await here.ready()
        await here.change(ada, quotas=UserQuotas(jobs_a_day=2))
        for left in (1, 0):
            status, job, headers = await ada.describe(here.photo())
            assert status == 200
            assert f'"jobs-a-day";r={left}' in headers["RateLimit"]
            await ada.final(job["jobid"])
        asked = len(here.sim.book)
        status, refused, headers = await ada.describe(here.photo())
        assert (status, refused) == (429, {"error": "Maximum of 2 jobs a day reached", "code": 429})
        assert until_midnight(headers["Retry-After"])
        assert headers["RateLimit-Policy"] == '"jobs-a-day";q=2;w=86400'
        assert headers["RateLimit"].startswith('"jobs-a-day";r=0;t=')
        assert len(here.sim.book) == asked
        # what takes no slot goes on
        assert (await ada.run("info"))["status"] == "completed"
        await here.change(ada, quotas=None)
        assert (await ada.describe(here.photo()))[0] == 200


async def test_a_user_over_the_jobs_at_once_is_told_which_run(install: Install) -> None:
    async with install(accounts=2) as here:
        ada = await here.person()
        await here.equip(ada, 2)
        await here.connected(2)
        await here.change(ada, quotas=UserQuotas(jobs_at_once=2))
        here.sim.fault("no_result")
        asked = [(await ada.describe(here.photo()))[1]["jobid"] for _ in range(2)]
        status, refused, headers = await ada.describe(here.photo())
        assert (status, refused) == (
            429,
            {
                "error": "Maximum of 2 jobs executing in parallel supported",
                "executingJobs": asked,
                "code": 429,
            },
        )
        assert headers["RateLimit-Policy"] == '"jobs-at-once";q=2;qu="concurrent-requests"'
        assert int(headers["Retry-After"]) >= 1


async def test_requests_at_once_take_no_more_than_there_is(install: Install) -> None:
    async with install() as here:
        ada = await here.ready()
        await ada.set_up(here.sim.accounts[0], maxJobs=15)
        await here.change(ada, quotas=UserQuotas(jobs_a_day=3))
        answers = await asyncio.gather(*(ada.describe(here.photo()) for _ in range(8)))
        assert sorted(status for status, _, _ in answers) == [200] * 3 + [429] * 5


async def test_an_account_over_its_day_is_not_drawn(install: Install) -> None:
    async with install(accounts=2) as here:
        ada = await here.person()
        channels = await here.equip(ada, 2)
        await here.connected(2)
        route = f"/v2/account/midjourney/{channels[0]}/limit"
        assert "jobsADay" not in await ada.account(channels[0])
        assert (await ada.call("POST", route, {"jobsADay": 1}))[0] == 204
        assert (await ada.account(channels[0]))["jobsADay"] == 1
        assert (await ada.describe(here.photo(), channel=channels[0]))[0] == 200
        for _ in range(3):
            status, job, _ = await ada.describe(here.photo())
            assert (status, job["channel"]) == (200, channels[1])
            await ada.final(job["jobid"])
        status, refused, headers = await ada.describe(here.photo(), channel=channels[0])
        error = "Maximum of 1 jobs a day reached on this account"
        assert (status, refused) == (429, {"error": error, "code": 429})
        assert until_midnight(headers["Retry-After"])
        assert headers["RateLimit"].startswith('"account-jobs-a-day";r=0;t=')
        assert (await ada.call("POST", route, {"jobsADay": 0}))[0] == 204
        assert "jobsADay" not in await ada.account(channels[0])
        assert (await ada.describe(here.photo(), channel=channels[0]))[0] == 200


async def test_a_limit_is_a_number_and_set_by_the_owner(install: Install) -> None:
    async with install() as here:
        ada, bob = await here.ready(), await here.person("bob@example.org")
        (channel,) = [account.channel_id for account in here.sim.accounts]
        route = f"/v2/account/midjourney/{channel}/limit"
        bodies: tuple[tuple[Any, str], ...] = (
            ({}, "jobsADay must be a whole number from 0"),
            ({"jobsADay": -1}, "jobsADay must be a whole number from 0"),
            ({"jobsADay": "x"}, "jobsADay must be a whole number"),
        )
        for body, error in bodies:
            assert (await ada.call("POST", route, body))[:2] == (400, {"error": error, "code": 400})
        status, absent, _ = await bob.call("POST", route, {"jobsADay": 1})
        assert (status, absent["error"]) == (404, "Configuration not found for provided channel")
        await here.share(channel, bob)
        assert (await bob.call("POST", route, {"jobsADay": 1}))[0] == 404
        assert "jobsADay" not in await ada.account(channel)


async def test_the_slots_of_an_account_are_set_without_its_token(install: Install) -> None:
    async with install() as here:
        ada, doors = await here.ready(), Doors(here.sim)
        # the first ones run until the doors are opened
        doors.hold("MESSAGE_UPDATE")
        (channel,) = [account.channel_id for account in here.sim.accounts]
        route = f"/v2/account/midjourney/{channel}/limit"
        assert (await ada.call("POST", route, {"maxJobs": 1}))[0] == 204
        shown = await ada.account(channel)
        assert (shown["maxJobs"], "jobsADay" in shown) == (1, False)
        assert (await ada.describe(here.photo()))[0] == 200
        assert (await ada.describe(here.photo()))[0] == 429
        # a job that waits is sent when there are more of them
        status, job, _ = await ada.describe(here.photo(), queue=True)
        assert (status, job["status"]) == (201, "created")
        assert (await ada.call("POST", route, {"maxJobs": 2, "jobsADay": 9}))[0] == 204
        doors.release()
        assert (await ada.final(job["jobid"]))["status"] == "completed"
        shown = await ada.account(channel)
        assert (shown["maxJobs"], shown["jobsADay"]) == (2, 9)
        for number, words in ((0, "be less than 1"), (16, "be more that 15")):
            status, refused, _ = await ada.call("POST", route, {"maxJobs": number})
            assert (status, refused["error"].endswith(words)) == (400, True)


# ── with the queue ──


async def test_a_job_of_the_queue_waits_where_the_day_of_an_account_is_used_up(
    install: Install,
) -> None:
    async with install() as here:
        ada = await here.ready()
        (channel,) = [account.channel_id for account in here.sim.accounts]
        route = f"/v2/account/midjourney/{channel}/limit"
        await ada.call("POST", route, {"jobsADay": 1})
        await ada.final((await ada.describe(here.photo()))[1]["jobid"])
        status, job, _ = await ada.describe(here.photo(), queue=True)
        assert (status, job["status"]) == (201, "created")
        assert job["queue"]["why"] == "As many jobs were taken today (UTC) as an account may take."
        await ada.call("POST", route, {"jobsADay": 0})
        assert (await ada.final(job["jobid"]))["status"] == "completed"


async def test_a_job_of_the_queue_waits_for_another_of_its_user(install: Install) -> None:
    async with install() as here:
        ada, doors = await here.ready(), Doors(here.sim)
        # the first one runs until the doors are opened
        doors.hold("MESSAGE_UPDATE")
        await here.change(ada, quotas=UserQuotas(jobs_at_once=1, waiting_jobs=1))
        first = (await ada.describe(here.photo()))[1]["jobid"]
        status, job, _ = await ada.describe(here.photo(), queue=True)
        assert (status, job["status"]) == (201, "created")
        assert job["queue"]["why"] == "As many jobs of the user run as may at once: 1."
        status, refused, headers = await ada.describe(here.photo(), queue=True)
        assert status == 429 and "executingJobs" not in refused
        assert headers["RateLimit"] == '"waiting-jobs";r=0'
        doors.release()
        assert [(await ada.final(one))["status"] for one in (first, job["jobid"])] == (
            ["completed"] * 2
        )


async def test_a_user_whose_day_is_used_up_is_refused_in_the_queue_as_well(
    install: Install,
) -> None:
    async with install() as here:
        ada = await here.ready()
        await here.change(ada, quotas=UserQuotas(jobs_a_day=1))
        await ada.final((await ada.describe(here.photo()))[1]["jobid"])
        status, refused, headers = await ada.describe(here.photo(), queue=True)
        assert (status, refused["error"]) == (429, "Maximum of 1 jobs a day reached")
        assert until_midnight(headers["Retry-After"])


async def test_a_limit_that_is_raised_on_the_host_is_noticed_at_once(tmp_path: Path) -> None:
    """A round over all waiting jobs comes every 30 s, and would be the next to see it."""
    async with ground(tmp_path) as here:
        ada = await here.settle_in()
        limit = ("users", "limit", "ada@example.org", "--jobs-at-once")
        assert (await here.run(*limit, "1"))[0] == 0
        here.sim.fault("no_result")
        await ada.describe(here.photo())
        status, job, _ = await ada.describe(here.photo(), queue=True)
        assert (status, job["status"]) == (201, "created")
        assert (await here.run(*limit, "2"))[0] == 0

        async def is_granted() -> bool:
            return bool((await ada.job(job["jobid"]))["channel"] != "0")

        async with asyncio.timeout(2.0):
            await eventually(is_granted)


async def test_a_limit_that_is_lowered_below_what_waits_is_told_as_it_is(install: Install) -> None:
    async with install() as here:
        ada, doors = await here.ready(), Doors(here.sim)
        doors.hold("MESSAGE_UPDATE")
        (channel,) = [account.channel_id for account in here.sim.accounts]
        route = f"/v2/account/midjourney/{channel}/limit"
        assert (await ada.call("POST", route, {"maxJobs": 1}))[0] == 204
        answers = [(await ada.describe(here.photo(), queue=True))[0] for _ in range(3)]
        assert answers == [200, 201, 201]
        await here.change(ada, quotas=UserQuotas(waiting_jobs=1))
        status, refused, headers = await ada.describe(here.photo(), queue=True)
        error = "At most 1 of your jobs may wait, and 2 wait already"
        assert (status, refused) == (429, {"error": error, "code": 429})
        assert headers["RateLimit-Policy"].startswith('"waiting-jobs";q=1')
        assert headers["RateLimit"].startswith('"waiting-jobs";r=0')
        doors.release()
