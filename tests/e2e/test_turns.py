"""Nobody waits for another: one job's trouble is its own, and every refusal tells its cause."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any
from uuid import uuid4

import pytest

from tests.e2e.conftest import Install, Installation, Person, eventually, post_office
from tests.e2e.process import Doors
from tests.harness.fast_clock import FastClock
from tests.pictures import proof
from waystation.settings import Settings
from waystation.simulator.discord.sessions import Disturbance
from waystation.simulator.payload import Payload

PACING = {"pacing_s": 0.2, "pacing_jitter_s": 0.0}


def _photos(here: Installation, count: int) -> list[str]:
    picture = proof("tall.png")
    return [
        here.outside.picture(f"{number}.png", picture.build(), picture.content_type)
        for number in range(count)
    ]


async def _all(*asks: Any) -> list[tuple[int, Any, Any]]:
    return list(await asyncio.gather(*asks))


async def _info(ada: Person) -> tuple[int, Any, Any]:
    return await ada.call("POST", "/v2/jobs/info")


async def test_a_proxys_429_is_told_at_once_with_the_seconds_that_remain(install: Install) -> None:
    """R16."""
    async with install(first_answer_s=5.0) as here:
        ada = await here.ready()
        here.sim.fault("rate_limited_proxy", count=1)
        status, body, headers = await ada.describe(here.photo())
        assert (status, headers["retry-after"]) == (429, "300")
        answers = await _all(*(ada.describe(url) for url in _photos(here, 4)), _info(ada))
        for status, body, headers in answers:
            assert (status, body["code"]) == (429, 429)
            assert body["error"] == "Discord /interactions failed with HTTP status 429"
            assert "executingJobs" not in body and "jobid" not in body
            assert 290 <= int(headers["retry-after"]) <= 300
        # no row was written for them
        with here.records() as records:
            assert len(records.jobs()) == 1


@pytest.mark.parametrize("route", [{}, {"route": "attachments"}])
async def test_discords_own_429_is_repeated_with_the_seconds_that_remain(
    install: Install, route: dict[str, object]
) -> None:
    """R16."""
    async with install(first_answer_s=5.0) as here:
        ada = await here.ready()
        here.sim.fault("rate_limited_bucket", count=1, params={"retry_after": 120, **route})
        assert (await ada.describe(here.photo()))[0] == 429
        status, body, headers = await ada.describe(here.photo())
        seconds = headers["retry-after"]
        assert status == 429 and 110 <= int(seconds) <= 120
        assert f'"retry_after":{seconds}' in body["errorDetails"]
        if route:  # uploads alone must wait; what needs none is asked meanwhile
            assert (await ada.run("imagine", prompt="a cat"))["status"] == "completed"


async def test_an_unclear_ask_fails_alone(install: Install) -> None:
    """R15: what was asked beside it is asked and completes."""
    async with install(first_answer_s=8.0, speed=400.0) as here:
        ada = await here.ready()
        here.sim.fault("server_error_before", count=1)
        first, *others = await _all(*(ada.describe(url, maxJobs=10) for url in _photos(here, 6)))
        lost = [body for status, body, _ in (first, *others) if status != 200]
        assert [body["error"] for body in lost] == ["Midjourney bot did not reply within 8 seconds"]
        for status, body, _ in (first, *others):
            if status == 200:
                assert (await ada.final(body["jobid"]))["status"] == "completed"


async def test_an_unclear_ask_fails_alone_at_the_default_pace(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R15: twelve describes, one each 0.7 s, of which the first has an unclear outcome."""
    clock = FastClock()
    monkeypatch.setattr("waystation.app.state.SystemClock", lambda: clock)
    defaults = Settings()
    pace = {"pacing_s": defaults.pacing_s, "pacing_jitter_s": defaults.pacing_jitter_s}
    async with install(**pace, speed=clock.RATE) as here:
        ada = await here.ready()
        here.sim.fault("server_error_before", count=1)
        asks = []
        for url in _photos(here, 12):
            asks.append(asyncio.create_task(ada.describe(url, maxJobs=15)))
            await clock.sleep(0.7)
        (status, lost, _), *others = await _all(*asks)
        assert (status, lost["error"]) == (502, "Midjourney bot did not reply within 60 seconds")
        assert [status for status, _, _ in others] == [200] * 11
        for _, body, _ in others:
            assert (await ada.final(body["jobid"]))["status"] == "completed"


@pytest.mark.parametrize("how", [Disturbance.LOSE, Disturbance.INVALID_RESUMABLE], ids=str)
@pytest.mark.parametrize("verb", ["describe", "info"])
async def test_a_connection_that_breaks_between_the_turn_and_the_request_is_waited_for(
    install: Install, verb: str, how: Disturbance
) -> None:
    """R13: nothing has left, so the job is asked when the account hears Discord again."""
    async with install(first_answer_s=30.0) as here:
        ada = await here.ready()
        # the index is read after the commit of the nonce, and here once more half a second later
        here.sim.fault("server_error_before", count=1, params={"route": "index"})
        Doors(here.sim).at("index", lambda: here.sim.drop(0, how))
        job = await ada.run(verb, **({"describeUrl": here.photo()} if verb == "describe" else {}))
        assert (job["status"], job.get("error")) == ("completed", None)
        with here.records() as records:
            kinds = [event["kind"] for event in records.events()]
        if "Unsent" in kinds:
            assert kinds[:3] == ["Submitted", "Unsent", "Submitted"]
        else:
            # the session was resumed before the index was read
            assert (how, kinds[0]) == (Disturbance.INVALID_RESUMABLE, "Submitted")
            assert kinds.count("Submitted") == 1


async def test_a_look_alike_waits_alone(install: Install) -> None:
    """R15."""
    async with install(first_answer_s=2.0, speed=20.0) as here:
        ada = await here.ready()
        here.sim.fault("anonymous_progress", count=1)
        here.sim.fault("late_message", count=1, params={"seconds": 6.0})
        first = await ada.ask("imagine", prompt="a cat")
        twin = asyncio.create_task(ada.call("POST", "/v2/jobs/imagine", {"prompt": "a cat"}))
        dog = await ada.ask("imagine", prompt="a completely different dog")
        info = await ada.ask("info")
        assert (dog["status"], info["status"]) == ("started", "completed")
        status, body, _ = await twin
        assert (status, body["error"]) == (
            502,
            "Not sent within 4 seconds: an identical job has not shown which result is its own",
        )
        assert (await ada.final(first["jobid"]))["status"] == "completed"


async def test_an_open_breaker_is_named(install: Install) -> None:
    """R35: after too many invalid answers of Discord nothing is sent, and callers hear why."""
    async with install(first_answer_s=5.0, breaker_invalid=1) as here:
        ada = await here.ready()
        here.sim.fault("rate_limited_bucket", count=1, params={"retry_after": 0.1})
        assert (await ada.describe(here.photo()))[0] == 429
        began = asyncio.get_running_loop().time()
        status, body, _ = await ada.describe(here.photo())
        assert asyncio.get_running_loop().time() - began < 4
        assert (status, body["error"]) == (
            502,
            "Discord refused too many requests of this installation; nothing is sent to it now",
        )


async def test_a_turn_that_does_not_come_is_named(install: Install) -> None:
    """Pacing alone is in the way."""
    async with install(first_answer_s=2.0, pacing_s=30.0, pacing_jitter_s=0.0) as here:
        ada = await here.ready()
        assert (await _info(ada))[0] == 200
        status, body, _ = await _info(ada)
        assert status == 502
        assert body["error"] == (
            "Not sent within 2 seconds: an account sends one job after the other"
        )


async def test_a_lane_takes_as_many_as_get_their_turn(install: Install) -> None:
    """R16."""
    async with install(**PACING) as here:
        ada = await here.ready()
        answers = await _all(*(_info(ada) for _ in range(12)))
        assert {status for status, _, _ in answers} == {200}


async def test_a_look_back_that_fails_holds_up_nobody(install: Install) -> None:
    """R28: an update came before its create, and history cannot be read."""
    async with install(first_answer_s=8.0, speed=400.0) as here:
        ada = await here.ready()
        unread = {"route": "messages.read", "status": 500}
        here.sim.fault("server_error_before", params=unread)
        here.sim.fault("reordered", count=1)
        here.sim.fault("partial_update", count=1)
        first = asyncio.create_task(ada.run("imagine", prompt="an early bird"))
        await eventually(lambda: bool(_asked(here, "messages.read")))
        innocent = await ada.run("imagine", prompt="an innocent lamb")
        info = await ada.run("info")
        assert (innocent["status"], info["status"]) == ("completed", "completed")
        assert (await first)["status"] == "completed"


async def test_pictures_of_strangers_cost_one_read(install: Install) -> None:
    """R28: finished pictures without an author, any of which might be the waiting job's."""
    async with install(first_answer_s=15.0, speed=400.0) as here:
        ada = await here.ready()
        account = here.sim.accounts[0]
        done = await ada.run("imagine", prompt="a hasty fisherman")
        known = here.sim.messages.get(account.channel_id, done["messageId"])
        assert known is not None
        await here.sim.settled()
        reads, asks = len(_asked(here, "messages.read")), len(_asked(here, "interactions"))
        here.sim.fault("slow_answer", count=1, params={"seconds": 4.0})
        job = asyncio.create_task(ada.run("imagine", prompt="a patient fisherman"))
        await eventually(lambda: len(_asked(here, "interactions")) > asks)
        for _ in range(40):
            stranger = _strangers(known, here.sim.ids.snowflake())
            here.sim.sessions.publish((account.user_id,), "MESSAGE_UPDATE", stranger)
        assert (await job)["status"] == "completed"
        assert len(_asked(here, "messages.read")) == reads + 1


def _strangers(known: Payload, message_id: str) -> Payload:
    """Return an update of a picture of somebody else, in the form of one that is known."""
    named = ("id", "channel_id", "content", "attachments", "components")
    text = json.dumps({name: known[name] for name in named})
    (uuid,) = set(re.findall(r"upsample::1::([0-9a-f-]{36})", text))
    return {**json.loads(text.replace(uuid, str(uuid4()))), "id": message_id}


def _asked(here: Installation, route: str) -> list[Any]:
    return [one for one in here.sim.read_log(kind="request") if one.get("route") == route]


async def test_an_account_that_discord_keeps_refusing_is_sidelined(install: Install) -> None:
    """R50: three jobs fail, the others go to the account that works, and the owner is told why."""
    async with post_office() as office, install(accounts=2, smtp_url=office.url) as here:
        ada = await here.person()
        _, refused = await here.equip(ada, 2, maxJobs=15)
        await here.connected(2)
        here.sim.fault("unknown_channel_400", account=1)
        answers = [
            await ada.call("POST", "/v2/jobs/imagine", {"prompt": f"a fox, number {number}"})
            # as many as fail and as find a slot of the other account, however slow they are
            for number in range(3 + 15)
        ]
        failed = [body for status, body, _ in answers if status != 200]
        assert [body["code"] for body in failed] == [502, 502, 502]
        for status, body, _ in answers:
            if status == 200:
                assert (await ada.final(body["jobid"]))["status"] == "completed"
        sidelined = (await ada.account(refused))["sidelined"]
        cause = "Discord refuses what this account sends: HTTP status 400 with code 10003"
        assert sidelined["cause"] == cause and "Unknown Channel" in sidelined["details"]
        await eventually(lambda: bool(office.mails))
        assert [cause in mail for _, mail in office.mails] == [True]
        # it stays so over a restart
        await here.stop()
        await here.start()
        ada.url = here.url
        await here.connected(2)
        assert (await ada.account(refused))["sidelined"] == sidelined
        for number in range(3):
            assert (await ada.run("imagine", prompt=f"an owl {number}"))["status"] == "completed"
