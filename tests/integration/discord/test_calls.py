from __future__ import annotations

import asyncio

import pytest

from tests.fakes import FakeClock
from tests.integration.discord.conftest import Reply, StandIn
from waystation.discord.calls import Calls
from waystation.discord.routes import ROUTES
from waystation.discord.site import Site
from waystation.errors import (
    HumanCheckRequired,
    NotAuthorised,
    RequestRefused,
    TransportError,
    Unreachable,
    Withheld,
)
from waystation.secret import Secret
from waystation.wire.message import User


@pytest.fixture
def calls(site: Site) -> Calls:
    return Calls(site, Secret("the-token"))


async def me(calls: Calls) -> User:
    return await calls.read(ROUTES["who am I"].request(), User)


@pytest.mark.parametrize("reply", [Reply(500), Reply(0), Reply(200, b"<html>")])
async def test_a_read_is_repeated_until_it_can_be_read(
    reply: Reply, calls: Calls, discord: StandIn
) -> None:
    discord.on("GET /users/@me", reply, Reply(body={"id": "1111", "username": "tester"}))
    assert (await me(calls)).username == "tester"


async def test_a_read_gives_up_after_a_few_tries(calls: Calls, discord: StandIn) -> None:
    discord.on("GET /users/@me", Reply(503))
    with pytest.raises(Unreachable, match="503"):
        await me(calls)
    assert len(discord.asked("GET /users/@me")) == 4


async def test_a_read_waits_as_long_as_discord_asks(
    calls: Calls, discord: StandIn, clock: FakeClock
) -> None:
    discord.on("GET /users/@me", Reply(429, {"retry_after": 3}), Reply(body={"id": "1"}))
    read = asyncio.create_task(me(calls))
    await clock.sleeping()
    assert len(discord.asked("GET /users/@me")) == 1
    clock.advance(3)
    assert (await read).id == "1"


async def test_a_read_does_not_wait_for_minutes(calls: Calls, discord: StandIn) -> None:
    discord.on("GET /users/@me", Reply(429, b"<html>error 1015</html>"))
    with pytest.raises(Withheld) as withheld:
        await me(calls)
    assert withheld.value.text == "<html>error 1015</html>"
    assert len(discord.asked("GET /users/@me")) == 1


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(401, {"code": 0}), NotAuthorised),
        (Reply(400, {"captcha_key": []}), HumanCheckRequired),
        (Reply(302, headers={"Location": "/api/v9/users/@me"}), RequestRefused),
    ],
)
async def test_a_definite_refusal_of_a_read_is_not_repeated(
    reply: Reply, error: type[TransportError], calls: Calls, discord: StandIn
) -> None:
    discord.on("GET /users/@me", reply)
    with pytest.raises(error):
        await me(calls)
    assert len(discord.asked("GET /users/@me")) == 1


async def test_an_endless_answer_is_not_read_to_its_end(
    calls: Calls, discord: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("waystation.discord.calls._ANSWER_LIMIT_BYTES", 1000)
    discord.on("GET /users/@me", Reply(200, b"x" * 2000))
    with pytest.raises(Unreachable):
        await me(calls)
