"""An account is its Discord user: removed, added again, added by somebody else (R19, R33)."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import Any

import pytest

from tests.e2e.account_calls import ACCOUNTS, give_another_token, identified_with, put, started
from tests.e2e.conftest import Install, Installation, Person, eventually
from waystation.simulator.discord.world import Account

ABSENT = {"error": "Configuration not found for provided channel", "code": 404}


def path(account: Account) -> str:
    return f"{ACCOUNTS}/{account.channel_id}"


async def leave_a_ghost(
    here: Installation, person: Person, prompt: str = "twin", after_s: float = 2.5
) -> str:
    """Ask for a picture that Midjourney begins to draw in some seconds; return its jobid."""
    here.sim.fault("job_queued", count=1, start_after_s=after_s)
    status, ghost, _ = await person.call("POST", "/v2/jobs/imagine", {"prompt": prompt})
    assert status == 504, ghost
    return str(ghost["jobid"])


def forget_whose_it_is(here: Installation) -> None:
    """Let nothing that the bot says next name the ask that it answers."""
    for fault in ("missing_nonce", "missing_metadata", "no_interaction_events"):
        here.sim.fault(fault, count=1)
    here.sim.fault("slow_answer", count=1, seconds=2)


async def its_own_or_an_honest_failure(here: Installation, person: Person, **body: Any) -> str:
    """Ask for the look-alike; the invariants hold the result against the simulator's own book."""
    status, job, _ = await person.call("POST", "/v2/jobs/imagine", {"prompt": "twin", **body})
    assert status in (200, 502), job
    final = await person.final(job["jobid"])
    assert final["status"] in ("completed", "failed"), final
    return str(job["jobid"])


async def late_result_of(here: Installation, jobid: str) -> Any:
    with here.records() as records:
        return next(job["late"] for job in records.jobs() if job["jobid"] == jobid)


async def test_a_ghost_of_an_account_that_is_removed_and_added_again_takes_no_job(
    install: Install,
) -> None:
    async with install(speed=20.0) as here:
        ada = await here.ready()
        (account,) = here.sim.accounts
        # it is drawn when the account is back, five seconds after its first IDENTIFY
        ghost = await leave_a_ghost(here, ada, after_s=7.5)
        assert (await ada.call("DELETE", path(account)))[0] == 204
        await here.equip(ada)
        await here.connected()
        forget_whose_it_is(here)
        jobid = await its_own_or_an_honest_failure(here, ada)
        await here.sim.settled()
        with here.records() as records:
            rows = {job["jobid"]: job for job in records.jobs()}
        assert rows[ghost]["account_id"] == rows[jobid]["account_id"]


async def test_a_late_result_is_the_ghosts_own_after_the_account_came_back(
    install: Install,
) -> None:
    async with install() as here:
        ada = await here.ready()
        (account,) = here.sim.accounts
        ghost = await leave_a_ghost(here, ada)
        assert (await ada.call("DELETE", path(account)))[0] == 204
        await here.sim.settled()
        await here.equip(ada)

        async def is_there() -> bool:
            return await late_result_of(here, ghost) is not None

        await eventually(is_there)
        assert (await ada.job(ghost))["status"] == "failed"


async def test_a_ghosts_slot_is_counted_when_its_account_comes_back(install: Install) -> None:
    async with install() as here:
        ada = await here.person()
        await here.equip(ada, maxJobs=1)
        await here.connected()
        (account,) = here.sim.accounts
        here.sim.fault("no_result", count=1)
        job = await started(ada, here)
        assert (await ada.call("DELETE", path(account) + "?force=true"))[0] == 204
        assert (await ada.final(job["jobid"]))["error"] == "The account was removed"
        await here.equip(ada, maxJobs=1)
        await here.connected()
        status, answer, headers = await ada.describe(here.photo())
        assert (status, answer) == (
            429,
            {"error": "Maximum of 1 jobs executing in parallel supported", "code": 429},
        )
        # R31: nothing can be waited for by name; the slot is free at the latest then
        assert 500 < int(headers["Retry-After"]) <= 600


# ── another user of the installation ──


async def test_another_users_account_of_the_same_discord_user_shows_nothing_of_the_first(
    install: Install,
) -> None:
    async with install(accounts=2, speed=40.0) as here:
        # the other user's picture comes within five seconds of the second session (R20)
        ada, bob = await here.person(), await here.person("bob@example.org")
        account = here.sim.accounts[0]
        await here.equip(ada, maxJobs=1)
        await here.connected()
        grid = await ada.run("imagine", prompt="a fox")
        # it is drawn as the second session begins
        ghost = await leave_a_ghost(here, ada)

        # as v2 does while it stands
        same = f"Channel {account.channel_id} configuration has same discord value"
        assert (await put(bob, account))[:2] == (400, {"error": same, "code": 400})
        assert (await ada.call("DELETE", path(account)))[0] == 204
        assert (await put(bob, account, maxJobs=1))[0] == 204
        await here.connected()

        # nothing is listed or counted there
        assert (await bob.call("GET", "/v2/jobs"))[1] == []
        here.sim.fault("no_result", count=1)
        filler = await started(bob, here)
        status, full, _ = await bob.describe(here.photo())
        assert (status, full["executingJobs"]) == (429, [filler["jobid"]])
        forget_whose_it_is(here)
        await its_own_or_an_honest_failure(here, bob, maxJobs=2)
        # what came late belongs to the first user's job
        await here.sim.settled()
        assert (await bob.call("GET", f"/v2/jobs/?jobid={ghost}"))[0] == 404
        assert (await ada.job(ghost))["status"] == "failed"

        # his presses and seeds are on no account of his
        press = {"jobid": grid["jobid"], "button": "U1"}
        for verb, body in (("button", press), ("seed", {"jobid": grid["jobid"]})):
            assert (await ada.call("POST", f"/v2/jobs/{verb}", body))[:2] == (404, ABSENT)
            status, answer, _ = await bob.call("POST", f"/v2/jobs/{verb}", body)
            assert (status, answer["error"]) == (404, f"Unable to locate job {grid['jobid']}")
        assert (await ada.call("GET", path(account)))[:2] == (404, ABSENT)
        # and he cannot take it back
        assert (await put(ada, account))[:2] == (400, {"error": same, "code": 400})


async def test_another_user_waits_until_the_jobs_of_a_removed_account_have_ended(
    install: Install,
) -> None:
    async with install() as here:
        ada, bob = await here.person(), await here.person("bob@example.org")
        (account,) = here.sim.accounts
        await here.equip(ada)
        await here.connected()
        here.sim.fault("no_result", count=1)
        job = await started(ada, here)
        assert (await ada.call("DELETE", path(account)))[0] == 204
        # I13: nothing tells that it is being removed, or whose it is
        same = f"Channel {account.channel_id} configuration has same discord value"
        assert (await put(bob, account))[:2] == (400, {"error": same, "code": 400})
        assert (await bob.call("GET", path(account)))[:2] == (404, ABSENT)
        assert (await ada.call("GET", f"/v2/jobs/cancel/?jobid={job['jobid']}"))[0] == 200

        async def is_free() -> bool:
            return (await put(bob, account))[0] == 204

        await eventually(is_free)


# ── the same token again, while it is removed, while it is halted ──


async def test_the_same_token_changes_what_differs_and_keeps_the_session(install: Install) -> None:
    async with install() as here:
        ada = await here.ready()
        (account,) = here.sim.accounts
        here.sim.fault("late_message", count=1, seconds=0.3)
        asking = asyncio.create_task(ada.call("POST", "/v2/jobs/info", {}))
        asked = len(here.sim.log)
        for jobs in itertools.islice(itertools.cycle((4, 5)), 30):
            assert (await put(ada, account, maxJobs=jobs))[0] == 204
        status, info, _ = await asking
        assert (status, info["status"]) == (200, "completed")
        assert (await ada.account(account.channel_id))["maxJobs"] == 5
        assert identified_with(here) == [account.token]
        # nor is Discord asked thirty times about a token that it has taken
        asked_about = [one for one in here.sim.log[asked:] if "users/@me" in str(one.get("path"))]
        assert asked_about == []


async def test_an_account_that_is_being_removed_says_so_and_can_be_kept_or_forced(
    install: Install,
) -> None:
    async with install() as here:
        ada = await here.ready()
        (account,) = here.sim.accounts
        here.sim.fault("no_result", count=1)
        job = await started(ada, here)
        assert (await ada.call("DELETE", path(account)))[0] == 204
        for method, where in (
            ("GET", path(account)),
            ("DELETE", path(account)),
            ("POST", f"{path(account)}/reset"),
            ("GET", ACCOUNTS),
        ):
            status, answer, _ = await ada.call(method, where)
            assert (status, "is being removed" in answer["errorDetails"]) == (404, True), method
        for body in ({}, {"channel": account.channel_id}):
            status, answer, _ = await ada.call("POST", "/v2/jobs/info", body)
            assert (status, "is being removed" in answer["errorDetails"]) == (400, True)

        # it is taken back, with its session and its job
        assert (await put(ada, account))[0] == 204
        assert identified_with(here) == [account.token]
        assert (await ada.job(job["jobid"]))["status"] == "started"
        info = await ada.run("info")
        assert info["status"] == "completed"

        assert (await ada.call("DELETE", path(account)))[0] == 204
        assert (await ada.call("DELETE", path(account) + "?force=true"))[0] == 204
        assert (await ada.final(job["jobid"]))["error"] == "The account was removed"
        assert (await ada.call("GET", path(account)))[:2] == (404, ABSENT)


async def test_an_account_removed_and_added_in_turns_sends_no_burst_of_identifies(
    install: Install,
) -> None:
    """Wire notes 2.4: Discord allows one IDENTIFY in five seconds."""
    async with install() as here:
        ada = await here.ready()
        (account,) = here.sim.accounts
        began = time.monotonic()
        for _ in range(12):
            assert (await ada.call("DELETE", path(account)))[0] == 204
            assert (await put(ada, account))[0] == 204
        await here.stop()
        await here.start()
        ada.url = here.url
        await here.connected()
        allowed = 1 + (time.monotonic() - began + 1) // 5
        assert 1 < len(identified_with(here)) <= allowed


async def test_a_new_token_lifts_the_halt_of_a_rejected_one(install: Install) -> None:
    async with install() as here:
        ada = await here.person()
        (account,) = here.sim.accounts
        here.sim.fault("identify_refused", count=1)
        await here.equip(ada)

        async def is_halted() -> bool:
            return "pendingModMessage" in await ada.account(account.channel_id)

        await eventually(is_halted)
        status, answer, _ = await ada.call("POST", "/v2/jobs/info", {})
        assert (status, answer["error"]) == (
            596,
            "Discord rejected the token of your Discord account. Please POST "
            f"account/midjourney/{account.channel_id} with a new token "
            "before making any new API calls.",
        )
        with here.records() as records:
            (mail,) = records.mails()
        assert "a new token" in mail["body"] and "/reset" not in mail["body"]

        token = give_another_token(here, account)
        assert (await put(ada, account, discord=token))[0] == 204
        assert not await is_halted()
        await here.connected()
        assert identified_with(here)[-1] == token
        assert (await ada.run("info"))["status"] == "completed"


async def test_a_new_token_connects_an_account_that_a_person_must_look_at(
    install: Install,
) -> None:
    async with install() as here:
        ada = await here.ready()
        (account,) = here.sim.accounts
        here.sim.fault("late_message", count=1, seconds=0.5)
        job = await started(ada, here)
        here.sim.fault("pending_mod_message", count=1)
        assert (await ada.describe(here.photo()))[0] == 596
        token = give_another_token(here, account)
        assert (await put(ada, account, discord=token))[0] == 204
        await eventually(lambda: identified_with(here)[-1] == token)
        await here.connected()
        assert (await ada.final(job["jobid"]))["status"] == "completed"
        # R34: only a person's reset ends it
        assert "pendingModMessage" in await ada.account(account.channel_id)
        assert (await ada.describe(here.photo()))[0] == 596


async def test_a_halt_outlives_a_removal(install: Install) -> None:
    async with install() as here:
        ada = await here.ready()
        (account,) = here.sim.accounts
        here.sim.fault("pending_mod_message", count=1)
        assert (await ada.describe(here.photo()))[0] == 596
        assert (await ada.call("DELETE", path(account)))[0] == 204
        await here.equip(ada)
        assert "pendingModMessage" in await ada.account(account.channel_id)
        assert (await ada.call("POST", f"{path(account)}/reset"))[0] == 204
        await here.connected()
        assert (await ada.run("info"))["status"] == "completed"


async def test_setting_up_and_removing_at_once_ends_owned_or_gone(install: Install) -> None:
    async with install() as here:
        ada = await here.ready()
        (account,) = here.sim.accounts
        for _ in range(10):
            told = await asyncio.gather(
                *(
                    ada.call("DELETE", path(account)) if number % 2 else put(ada, account)
                    for number in range(4)
                )
            )
            assert {status for status, _, _ in told} <= {204, 404}
            status, _, _ = await ada.call("GET", path(account))
            if status == 200:
                await here.connected()
                assert (await ada.run("info"))["status"] == "completed"
            else:
                with here.records() as records:
                    await eventually(lambda records=records: not records.accounts())  # type: ignore[misc]


async def test_wrong_wording_of_a_halt_is_not_asked_again(install: Install) -> None:
    async with install() as here:
        ada = await here.ready()
        (account,) = here.sim.accounts
        here.sim.fault("not_allowed_to_dm")
        asked = [(await ada.call("POST", "/v2/jobs/info", {}))[0] for _ in range(6)]
        assert asked == [596] * 6
        shown = await ada.account(account.channel_id)
        assert shown["pendingModMessage"] == "Direct messages are for subscribers of another plan."
        assert len(here.sim.book) == 1


# ── every state × every operation ──

STANDS, GOING, GONE, HALTED = "stands", "is being removed", "is gone", "is halted"

OPERATIONS: dict[str, dict[str, tuple[int, bool]]] = {
    # operation: {state: (status, whether the account stands afterwards)}
    "GET": {STANDS: (200, True), GOING: (404, False), GONE: (404, False), HALTED: (200, True)},
    "POST": {STANDS: (204, True), GOING: (204, True), GONE: (204, True), HALTED: (204, True)},
    "DELETE": {STANDS: (204, False), GOING: (404, False), GONE: (404, False), HALTED: (204, False)},
    "FORCE": {STANDS: (204, False), GOING: (204, False), GONE: (404, False), HALTED: (204, False)},
    "RESET": {STANDS: (204, True), GOING: (404, False), GONE: (404, False), HALTED: (204, True)},
    "JOB": {STANDS: (200, True), GOING: (400, False), GONE: (400, False), HALTED: (596, True)},
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("state", [STANDS, GOING, GONE, HALTED])
async def test_every_operation_in_every_state(install: Install, state: str, operation: str) -> None:
    async with install() as here:
        ada = await here.ready()
        (account,) = here.sim.accounts
        if state == GOING:
            here.sim.fault("no_result", count=1)
            await started(ada, here)
        if state == HALTED:
            here.sim.fault("pending_mod_message", count=1)
            assert (await ada.describe(here.photo()))[0] == 596
        if state in (GOING, GONE):
            assert (await ada.call("DELETE", path(account)))[0] == 204
        match operation:
            case "POST":
                told = await put(ada, account)
            case "FORCE":
                told = await ada.call("DELETE", f"{path(account)}?force=true")
            case "RESET":
                told = await ada.call("POST", f"{path(account)}/reset")
            case "JOB":
                told = await ada.call("POST", "/v2/jobs/info", {"channel": account.channel_id})
            case method:
                told = await ada.call(method, path(account))
        status, stands = OPERATIONS[operation][state]
        assert told[0] == status, told
        assert ((await ada.call("GET", path(account)))[0] == 200) is stands
        # whatever was done, its owner can use the account in the end
        assert (await put(ada, account))[0] == 204
        assert (await ada.call("POST", f"{path(account)}/reset"))[0] == 204
        await here.connected()
        assert (await ada.run("info"))["status"] == "completed"
