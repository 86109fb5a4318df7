"""Accounts: set up in both eras, changed, removed, and chosen among."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.e2e.account_calls import (
    ACCOUNTS,
    era_a,
    give_another_token,
    identified_with,
    put,
    started,
)
from tests.e2e.conftest import Install, Installation, Person, eventually, of_v2
from tests.e2e.halting import halted
from waystation.secret import mask
from waystation.store.sqlite.store import SqliteStore
from waystation.store.transactions.nodes import StoreNodes

# ── setting up ──


async def test_era_a_names_the_channel_and_era_b_finds_it(install: Install) -> None:
    async with install(accounts=2) as here:
        ada = await here.person()
        first, second = here.sim.accounts
        expected = {"error": "Configuration not found", "code": 404}
        assert (await ada.call("GET", ACCOUNTS))[:2] == (404, expected)

        assert (await put(ada, first, maxJobs=5))[:2] == (204, None)
        status, answer, _ = await ada.call("POST", ACCOUNTS, {"discord": second.token})
        direct = {"discord": mask(second.token), "channel": second.dm_channel_id, "maxJobs": 3}
        assert (status, answer) == (201, direct)

        named = {
            "channel": first.channel_id,
            "discord": mask(first.token),
            "server": first.guild_id,
            "maxJobs": 5,
        }
        both = {first.channel_id: named, second.dm_channel_id: direct}
        status, answer, _ = await ada.call("GET", ACCOUNTS)
        assert (status, {channel: of_v2(one) for channel, one in answer.items()}) == (200, both)
        assert of_v2(await ada.account(first.channel_id)) == named
        # both work: in a guild's channel, and in the direct messages with the bot
        await here.connected(2)
        for channel in both:
            job = await started(ada, here, channel=channel)
            assert (await ada.final(job["jobid"]))["status"] == "completed"


async def test_a_job_that_is_seen_before_it_is_queued_is_not_taken_for_left_behind(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = asyncio.Event()
    take, add = StoreNodes.take, SqliteStore.add_job

    async with install() as here:

        async def take_once_it_is_written(*given: Any) -> int:
            await written.wait()
            return await take(*given)

        async def return_once_it_was_read(*given: Any) -> Any:
            job = await add(*given)
            written.set()
            await here.connected()
            return job

        monkeypatch.setattr(StoreNodes, "take", take_once_it_is_written)
        monkeypatch.setattr(SqliteStore, "add_job", return_once_it_was_read)
        ada = await here.person()
        await here.equip(ada)
        job = await started(ada, here)
        assert (await ada.final(job["jobid"]))["status"] == "completed"


async def test_setting_up_again_changes_the_account_and_keeps_it(install: Install) -> None:
    async with install() as here:
        ada = await here.person()
        (account,) = here.sim.accounts
        token = {"discord": account.token}
        assert (await ada.call("POST", ACCOUNTS, token))[0] == 201
        status, answer, _ = await ada.call("POST", ACCOUNTS, token | {"maxJobs": 15})
        assert (status, answer["maxJobs"]) == (200, 15)
        error = "Required param maxJobs 16 can't be more that 15"
        status, answer, _ = await ada.call("POST", ACCOUNTS, token | {"maxJobs": 16})
        assert (status, answer) == (400, {"error": error, "code": 400})
        await here.connected()
        assert (await started(ada, here))["maxJobs"] == 15


async def test_one_discord_account_is_set_up_once(install: Install) -> None:
    async with install(accounts=2) as here:
        ada = await here.person()
        first, second = here.sim.accounts
        assert (await put(ada, first))[0] == 204
        error = f"Channel {first.channel_id} configuration has same discord value"
        status, answer, _ = await ada.call("POST", ACCOUNTS, {"discord": first.token})
        assert (status, answer) == (400, {"error": error, "code": 400})
        # a channel that the token cannot read
        error = f"Required param channel ({first.channel_id}) is not valid Discord channel id"
        body = {"discord": second.token, "channel": first.channel_id}
        status, answer, _ = await put(ada, first, **body)
        assert (status, answer["error"]) == (400, error)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"discord": ""}, "Required param discord is missing or empty"),
        ({"server": None}, "Required param server is missing or empty"),
        ({"server": "abc"}, "Required param server (abc) is not valid Discord server id"),
        ({"channel": ""}, "Required param channel is missing or empty"),
        ({"channel": "x"}, "Required param channel (x) is not valid Discord channel id"),
        ({"maxJobs": None}, "Required param maxJobs is missing or empty"),
        (
            {"channel": "1060437491713514999"},
            "Required param channel (1060437491713514999) not matching to "
            "/midjourney/channel (/midjourney/{channel})",
        ),
    ],
)
async def test_fields_of_era_a_are_asked_for_in_v2s_words(
    install: Install, changed: dict[str, Any], error: str
) -> None:
    async with install() as here:
        ada = await here.person()
        (account,) = here.sim.accounts
        path = f"{ACCOUNTS}/{account.channel_id}"
        status, answer, _ = await ada.call("POST", path, era_a(account, **changed))
        expected = error.replace("{channel}", account.channel_id)
        assert (status, answer) == (400, {"error": expected, "code": 400})


async def test_the_sixth_rejected_token_of_an_hour_is_not_tried(install: Install) -> None:
    async with install() as here:
        ada = await here.person()
        statuses = [
            (
                await ada.call(
                    "POST",
                    ACCOUNTS,
                    {"discord": f"MTE0NDAwMDAwMDAwMDAwMDAwMQ.GnoOne.not-a-token-{number}"},
                )
            )[0]
            for number in range(6)
        ]
        assert statuses == [400] * 5 + [429]
        # R35: Discord was asked five times
        asked = [entry for entry in here.sim.log if entry.get("status") == 401]
        assert len(asked) == 5


# ── a new token ──


async def test_a_new_token_of_the_same_user_takes_over_and_loses_nothing(install: Install) -> None:
    async with install(first_edit_s=0.0) as here:
        ada = await here.person()
        (account,) = here.sim.accounts
        await here.equip(ada)
        await here.connected()
        here.sim.fault("late_message", count=1, seconds=0.3)
        job = await started(ada, here)
        token = give_another_token(here, account)
        assert (await put(ada, account, discord=token))[0] == 204
        await eventually(lambda: identified_with(here) == [account.token, token])
        assert (await ada.account(account.channel_id))["discord"] == mask(token)
        assert (await ada.final(job["jobid"]))["status"] == "completed"
        await here.connected()
        assert (await started(ada, here))["discord"] == mask(token)


async def test_another_users_token_must_wait_for_the_running_jobs(install: Install) -> None:
    async with install(accounts=2, first_edit_s=0.0) as here:
        ada = await here.person()
        first, second = here.sim.accounts
        # the second user may read the first one's channel
        shared = here.sim.world.channels[first.channel_id]
        here.sim.world.channels[first.channel_id] = type(shared)(
            shared.id, shared.guild_id, (*shared.members, second.user_id)
        )
        await here.equip(ada)
        await here.connected()
        here.sim.fault("late_message", count=1, seconds=0.5)
        job = await started(ada, here)
        status, answer, _ = await put(ada, first, discord=second.token)
        error = (
            f"Channel {first.channel_id} has running jobs of another Discord user; wait for them"
        )
        assert (status, answer) == (400, {"error": error, "code": 400})
        await ada.final(job["jobid"])
        assert (await put(ada, first, discord=second.token))[0] == 204
        await eventually(lambda: identified_with(here)[-1] == second.token)


# ── removing ──


async def test_a_removed_account_ends_its_jobs_and_leaves_no_secret(install: Install) -> None:
    async with install(first_edit_s=0.0) as here:
        ada = await here.person()
        (channel,) = await here.equip(ada)
        await here.connected()
        here.sim.fault("late_message", count=1, seconds=0.5)
        job = await started(ada, here)
        path = f"{ACCOUNTS}/{channel}"
        assert (await ada.call("DELETE", path))[:2] == (204, None)
        # gone for its user at once
        status, missing, _ = await ada.call("GET", path)
        assert (status, missing["error"]) == (404, "Configuration not found for provided channel")
        assert (await ada.call("DELETE", path))[0] == 404
        assert (await ada.describe(here.photo()))[0] == 400
        # its job goes on to its end
        with here.records() as records:
            assert len(records.accounts()) == 1
            final = await ada.final(job["jobid"])
            assert final["status"] == "completed"
            await eventually(lambda: not records.accounts())
            assert records.rows("select * from gateway_sessions") == []
        assert await ada.job(job["jobid"]) == final


async def test_a_removal_by_force_fails_what_runs(install: Install) -> None:
    async with install() as here:
        ada = await here.person()
        (channel,) = await here.equip(ada)
        await here.connected()
        here.sim.fault("no_result", count=1)
        job = await started(ada, here, replyUrl=f"{here.outside.url}/callback")
        assert (await ada.call("DELETE", f"{ACCOUNTS}/{channel}?force=true"))[0] == 204
        final = await ada.final(job["jobid"])
        assert (final["status"], final["code"], final["error"]) == (
            "failed",
            502,
            "The account was removed",
        )
        assert await here.outside.callback() == final
        # the channel can be set up anew
        await here.equip(ada)
        await here.connected()
        assert (await ada.final((await started(ada, here))["jobid"]))["status"] == "completed"


# ── choosing ──


async def test_without_a_channel_every_account_gets_its_share(install: Install) -> None:
    async with install(accounts=3) as here:
        ada = await here.person()
        channels = await here.equip(ada, 3, maxJobs=15)
        await here.connected(3)
        url = here.photo()
        answers = await asyncio.gather(*(ada.describe(url, maxJobs=15) for _ in range(30)))
        chosen = [job["channel"] for status, job, _ in answers if status == 200]
        assert len(chosen) == 30
        # by chance alone one of three is left out less than once in 60,000 runs
        assert set(chosen) == set(channels)
        for _, job, _ in answers:
            assert (await ada.final(job["jobid"]))["status"] == "completed"


async def test_full_accounts_are_passed_over_until_all_are_full(install: Install) -> None:
    async with install(accounts=3) as here:
        ada = await here.person()
        channels = await here.equip(ada, 3, maxJobs=1)
        await here.connected(3)
        here.sim.fault("no_result")
        jobs = {}
        for _ in channels:
            job = await started(ada, here)
            jobs[job["channel"]] = job["jobid"]
        assert set(jobs) == set(channels)
        status, answer, _ = await ada.describe(here.photo())
        # R8: those of the account tried last
        (named,) = answer.pop("executingJobs")
        error = "Maximum of 1 jobs executing in parallel supported"
        assert (status, answer) == (429, {"error": error, "code": 429})
        assert named in jobs.values()


FREE, FULL, HALTED = "free", "full", "halted"


@pytest.mark.parametrize(
    ("states", "status"),
    [
        ((FREE, FULL), 200),
        ((FREE, HALTED), 200),
        ((FULL, FULL), 429),
        ((FULL, HALTED), 429),
        ((HALTED, HALTED), 596),
    ],
)
async def test_halted_accounts_are_skipped_and_full_ones_are_told(
    install: Install, states: tuple[str, str], status: int
) -> None:
    async with install(accounts=2) as here:
        ada = await here.person()
        channels = await here.equip(ada, 2, maxJobs=1)
        await here.connected(2)
        running = [
            await _bring(here, ada, number, channel, state)
            for number, (channel, state) in enumerate(zip(channels, states, strict=True))
        ]
        full = [jobid for jobid, state in zip(running, states, strict=True) if state == FULL]
        got, answer, _ = await ada.describe(here.photo())
        assert got == status, answer
        match status:
            case 200:
                assert answer["channel"] == channels[states.index(FREE)]
            case 429:
                assert answer["error"] == "Maximum of 1 jobs executing in parallel supported"
                (named,) = answer["executingJobs"]
                assert named in full
            case _:
                # a real channel's id, so that the sentence can be followed
                assert answer in [halted(channel) for channel in channels]


async def _bring(
    here: Installation, ada: Person, number: int, channel: str, state: str
) -> str | None:
    """Bring an account into a state; return the job that fills it."""
    if state == FREE:
        return None
    fault = "no_result" if state == FULL else "pending_mod_message"
    here.sim.fault(fault, account=number, count=1)
    status, job, _ = await ada.describe(here.photo(), channel=channel)
    assert status == (200 if state == FULL else 596)
    return str(job["jobid"])


async def test_a_removed_account_takes_no_slot_of_its_channel_with_it(install: Install) -> None:
    async with install() as here:
        ada, eve = await here.person(), await here.person("eve@example.org")
        (channel,) = await here.equip(ada, maxJobs=1)
        here.sim.fault("no_result", count=1)
        status, job, _ = await ada.describe(here.photo())
        assert status == 200, job
        await ada.call("GET", f"/v2/jobs/cancel/?jobid={job['jobid']}")
        # R31: what is over is no job to wait for
        status, full, _ = await ada.describe(here.photo())
        assert (status, "executingJobs" in full) == (429, False)
        assert (await ada.call("DELETE", f"/v2/account/midjourney/{channel}"))[0] == 204
        assert await here.equip(eve, maxJobs=1) == [channel]
        status, job, _ = await eve.describe(here.photo())
        assert status == 200, job


async def test_a_server_that_the_channel_is_not_in_is_refused_before_it_can_halt_anything(
    install: Install,
) -> None:
    async with install(accounts=2) as here:
        ada = await here.person()
        account, other = here.sim.accounts[:2]
        status, answer, _ = await put(ada, account, server=other.guild_id)
        assert (status, answer["error"]) == (
            400,
            f"Required param server ({other.guild_id}) is not valid Discord server id",
        )
