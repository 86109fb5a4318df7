"""Nothing is heard, though the bot has spoken: large guilds, and events that Discord never sent."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.e2e.conftest import Install, Installation, Person, eventually
from waystation.wire.gateway import Opcode


def _is_heard(here: Installation) -> bool:
    """Tell whether a heartbeat came after the first subscription: it is acknowledged next."""
    ops = [one["op"] for one in here.sim.log if one["kind"] == "frame"]
    return Opcode.HEARTBEAT in ops[ops.index(Opcode.GUILD_SUBSCRIPTIONS_BULK) :]


def _subscriptions(here: Installation) -> list[Any]:
    op = Opcode.GUILD_SUBSCRIPTIONS_BULK
    return [one["d"] for one in here.sim.log if one["kind"] == "frame" and one["op"] == op]


async def _described(here: Installation, ada: Person) -> dict[str, Any]:
    status, job, _ = await ada.describe(here.photo())
    assert status == 200, job
    return await ada.final(job["jobid"])


async def test_jobs_in_a_large_guild_complete(install: Install) -> None:
    """R51: of a guild above the large threshold a session hears what it has subscribed to."""
    async with install(sim_options={"large_guilds": True}, first_answer_s=5.0) as here:
        ada = await here.ready()
        assert (await _described(here, ada))["status"] == "completed"
        guild_id = here.sim.accounts[0].guild_id
        assert _subscriptions(here) == [{"subscriptions": {guild_id: {"typing": True}}}]


async def test_a_resumed_session_hears_its_large_guild_without_asking_again(
    install: Install,
) -> None:
    """R51: the subscription is the session's, once Discord is known to have it."""
    options = {"large_guilds": True, "heartbeat_interval_ms": 1000}
    async with install(sim_options=options, first_answer_s=5.0) as here:
        ada = await here.ready()
        await _described(here, ada)
        await eventually(lambda: _is_heard(here))
        here.sim.fault("gateway_drop", count=1)
        assert (await _described(here, ada))["status"] == "completed"
        assert len(_subscriptions(here)) == 1


async def test_a_session_that_drops_at_once_asks_its_large_guild_again(install: Install) -> None:
    """R51: the socket may have been dying when the subscription was sent."""
    options = {"large_guilds": True, "heartbeat_interval_ms": 10**8}
    async with install(sim_options=options, first_answer_s=5.0) as here:
        ada = await here.ready()
        here.sim.fault("gateway_drop", count=1)
        assert (await _described(here, ada))["status"] == "completed"
        assert len(_subscriptions(here)) == 2


async def test_a_session_that_replaces_a_lost_one_hears_its_large_guild(install: Install) -> None:
    """R51."""
    async with install(sim_options={"large_guilds": True}, first_answer_s=5.0) as here:
        ada = await here.ready()
        here.sim.fault("gateway_drop_lost", count=1, params={"at": "before_final"})
        assert (await _described(here, ada))["status"] == "completed"
        await here.connected()
        assert (await _described(here, ada))["status"] == "completed"
        assert len(_subscriptions(here)) == 2


async def test_an_account_in_direct_messages_subscribes_to_nothing(install: Install) -> None:
    """R51."""
    async with install(sim_options={"large_guilds": True}, first_answer_s=5.0) as here:
        ada = await here.person()
        token = here.sim.accounts[0].token
        status, _, _ = await ada.call("POST", "/v2/account/midjourney", {"discord": token})
        assert status == 201
        await here.connected()
        assert (await _described(here, ada))["status"] == "completed"
        assert _subscriptions(here) == []


@pytest.mark.parametrize("verb", ["describe", "imagine"])
async def test_a_result_that_discord_never_tells_is_looked_up(install: Install, verb: str) -> None:
    """R51: on a living session, long before the job's time is over."""
    async with install(silence_s=0.5) as here:
        ada = await here.ready()
        switch = here.sim.fault("missing_result", count=1)
        body = {"describeUrl": here.photo()} if verb == "describe" else {"prompt": "a lamp"}
        job = await ada.run(verb, **body)
        assert (job["status"], switch.fired) == ("completed", 1)


async def test_jobs_complete_in_a_large_guild_that_discord_stays_silent_about(
    install: Install,
) -> None:
    """R51: whatever becomes of the subscription."""
    options = {"large_guilds": True}
    async with install(sim_options=options, silence_s=0.5, first_answer_s=2.0) as here:
        ada = await here.ready()
        for session in here.sim.sessions.of(here.sim.accounts[0].user_id):
            session.subscribed.clear()
        first, second = await asyncio.gather(
            ada.ask("imagine", prompt="a lamp"), ada.ask("imagine", prompt="a boat")
        )
        for job in (first, second):
            assert (await ada.final(job["jobid"]))["status"] == "completed"
