"""R32: an account that an admin has shared, its owner, its user, and a stranger."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.e2e.conftest import Install, Installation, Person, eventually

UNKNOWN = {"error": "Configuration not found for provided channel", "code": 404}


async def three_people(here: Installation) -> tuple[str, Person, Person, Person]:
    """Give the first of three users an account, shared with the second; return its channel."""
    ada, bob, eve = [await here.person(f"{one}@example.org") for one in ("ada", "bob", "eve")]
    (channel,) = await here.equip(ada)
    await here.connected()
    await here.share(channel, bob)
    return channel, ada, bob, eve


async def test_each_user_sees_their_own_jobs_on_it(install: Install) -> None:
    async with install() as here:
        channel, ada, bob, eve = await three_people(here)
        here.sim.fault("no_result", account=0)
        _, own, _ = await bob.describe(here.photo())
        _, owners, _ = await ada.describe(here.photo("wide.png"))
        assert own["channel"] == owners["channel"] == channel
        for person, theirs, others in ((bob, own, owners), (ada, owners, own)):
            assert (await person.call("GET", "/v2/jobs"))[1] == [theirs["jobid"]]
            for path in ("/v2/jobs/?jobid=", "/v2/jobs/cancel?jobid="):
                assert (await person.call("GET", path + others["jobid"]))[0] == 404
            slots = (await person.account(channel))["slots"]
            assert [slot.get("jobid") for slot in slots if "jobid" in slot] == [theirs["jobid"]]
            assert len(slots) == 2
            found = (await person.call("GET", "/v2/jobs/search"))[1]["jobs"]
            assert [one["jobid"] for one in found] == [theirs["jobid"]]
        assert (await eve.call("GET", "/v2/account/midjourney"))[0] == 404
        # R31: slots are the account's; R8: the jobs that are named are the caller's
        assert (await bob.describe(here.photo()))[0] == 200
        status, full, _ = await ada.describe(here.photo())
        assert (status, full["executingJobs"]) == (429, [owners["jobid"]])
        assert (await bob.call("GET", f"/v2/jobs/cancel?jobid={own['jobid']}"))[1]["code"] == 200


async def test_a_user_of_it_is_shown_what_they_need(install: Install) -> None:
    async with install() as here:
        channel, ada, bob, _ = await three_people(here)
        owners, users = await ada.account(channel), await bob.account(channel)
        assert "shared" not in owners
        assert users == owners | {"shared": True}
        assert list((await bob.call("GET", "/v2/account/midjourney"))[1]) == [channel]
        here.sim.fault("blocked", account=0, count=1)
        assert (await ada.describe(here.photo()))[0] == 596
        told = (await bob.account(channel))["pendingModMessage"]
        assert told == "The account is halted until its owner has dealt with it."
        assert told != (await ada.account(channel))["pendingModMessage"]
        assert (await bob.describe(here.photo()))[0] == 596


async def test_a_job_of_theirs_that_waits_tells_no_halt_of_the_owners(install: Install) -> None:
    async with install(speed=5.0) as here:
        channel, ada, bob, _ = await three_people(here)
        await ada.set_up(here.sim.accounts[0], maxJobs=1)
        here.sim.fault("no_result", count=1)
        assert (await ada.describe(here.photo()))[0] == 200
        waits = {"describeUrl": here.photo(), "queue": True}
        own = {}
        for person in (ada, bob):
            status, job, _ = await person.call("POST", "/v2/jobs/describe", waits)
            assert (status, job["status"]) == (201, "created")
            own[person] = job["jobid"]
        here.sim.fault("blocked", account=0, count=1)
        await ada.call("POST", "/v2/jobs/info", {"channel": channel})
        await eventually(lambda: _is_halted(ada, channel))
        halt = (await ada.account(channel))["pendingModMessage"]
        assert halt in (await ada.job(own[ada]))["queue"]["why"]
        assert (await bob.job(own[bob]))["queue"]["why"] == (
            f"The account of channel {channel} is halted: its owner has to deal with it"
        )
        for person, jobid in own.items():
            await person.call("GET", f"/v2/jobs/cancel?jobid={jobid}")


async def _is_halted(person: Person, channel: str) -> bool:
    return "pendingModMessage" in await person.account(channel)


async def test_a_user_of_it_changes_nothing_of_it(install: Install) -> None:
    async with install(accounts=2) as here:
        channel, ada, bob, _ = await three_people(here)
        before = await ada.account(channel)
        one = f"/v2/account/midjourney/{channel}"
        details = "The account is shared with you. Its owner may change it."
        routes = (("DELETE", one), ("DELETE", f"{one}?force=true"), ("POST", f"{one}/reset"))
        for method, path in routes:
            status, answer, _ = await bob.call(method, path)
            assert (status, answer) == (404, UNKNOWN | {"errorDetails": details})
        account = here.sim.accounts[0]
        body = {"discord": account.token, "server": account.guild_id, "channel": channel}
        status, answer, _ = await bob.call("POST", one, body | {"maxJobs": 1})
        same = f"Channel {channel} configuration has same discord value"
        assert (status, answer) == (400, {"error": same, "code": 400})
        assert await ada.account(channel) == before


async def test_buttons_and_seeds_are_those_of_ones_own_jobs(install: Install) -> None:
    sim_options = {"picture_size": 64, "rate_limits": False, "model": "7"}
    async with install(sim_options=sim_options) as here:
        channel, ada, bob, _ = await three_people(here)
        own = await bob.run("imagine", prompt="a red fox in the snow")
        assert own["status"] == "completed" and own["channel"] == channel
        pressed = await bob.run("button", jobid=own["jobid"], button="U1")
        assert pressed["status"] == "completed"
        assert (await bob.run("seed", jobid=own["jobid"]))["status"] == "completed"
        status, answer, _ = await ada.call(
            "POST", "/v2/jobs/button", {"jobid": own["jobid"], "button": "U2"}
        )
        assert (status, answer["error"]) == (404, f"Unable to locate job {own['jobid']}")
        # after the end: as an unknown account, also for presses of jobs that ran on it
        await here.share(channel, bob, end=True)
        press = {"jobid": own["jobid"], "button": "U2"}
        status, answer, _ = await bob.call("POST", "/v2/jobs/button", press)
        assert (status, answer) == (404, UNKNOWN)
        assert (await bob.job(own["jobid"]))["status"] == "completed"


async def test_running_jobs_go_on_when_it_is_shared_no_more(install: Install) -> None:
    async with install(speed=20.0) as here:
        channel, _, bob, _ = await three_people(here)
        status, job, _ = await bob.describe(here.photo())
        assert status == 200
        await here.share(channel, bob, end=True)
        for sent in (channel, None):
            named = {} if sent is None else {"channel": sent}
            refused = await bob.describe(here.photo(), **named)
            assert refused[:2] == (400, {"error": "Configuration not found", "code": 400})
        assert (await bob.final(job["jobid"]))["status"] == "completed"


async def test_the_late_result_of_a_ghost_goes_to_nobody_else(install: Install) -> None:
    """R19: Midjourney still runs what one user has asked, and another asks the same."""
    sim_options: dict[str, Any] = {"picture_size": 64, "rate_limits": False, "model": "7"}
    async with install(sim_options=sim_options, speed=50.0) as here:
        _, ada, bob, _ = await three_people(here)
        here.sim.fault("job_queued", count=1, start_after_s=0.6)
        status, ghost, _ = await bob.call("POST", "/v2/jobs/imagine", {"prompt": "a red fox"})
        assert (status, ghost["error"]) == (504, "Job queued")
        own = await ada.run("imagine", prompt="a red fox")
        await here.quiet()
        pages = {page["nonce"]: page for page in here.sim.book}
        with here.records() as records:
            rows = {row["user_id"]: row for row in records.jobs()}
        assert own["status"] == "completed"
        assert own["messageId"] == pages[rows[ada.user_id]["nonce"]]["result_id"]
        late = rows[bob.user_id]["late"]
        assert late["message_id"] == pages[rows[bob.user_id]["nonce"]]["result_id"]
        assert (await bob.job(ghost["jobid"]))["status"] == "failed"


@pytest.mark.parametrize("seed", [1, 2])
async def test_equal_prompts_of_two_users_are_not_mixed_up(install: Install, seed: int) -> None:
    sim_options: dict[str, Any] = {"picture_size": 64, "rate_limits": False, "model": "7"}
    async with install(sim_options=sim_options, speed=50.0, seed=seed) as here:
        _, ada, bob, _ = await three_people(here)
        await ada.set_up(here.sim.accounts[0], maxJobs=12)
        asks = [person.ask("imagine", prompt="a red fox") for person in (ada, bob) * 4]
        asked = await asyncio.gather(*asks)
        finals = [
            await person.final(job["jobid"])
            for person, job in zip((ada, bob) * 4, asked, strict=True)
        ]
        assert [one["status"] for one in finals] == ["completed"] * 8
        assert len({one["messageId"] for one in finals}) == 8
        own = {person: set[str]() for person in (ada, bob)}
        for person, job in zip((ada, bob) * 4, asked, strict=True):
            own[person].add(job["jobid"])
        with here.records() as records:
            for row in records.jobs():
                person = ada if row["user_id"] == ada.user_id else bob
                assert row["jobid"] in own[person]
        # whose picture is whose the simulator's book says: the invariants are checked at the end
