"""The probe over loopback: who a token is, where its bot is, what it can read."""

from __future__ import annotations

import pytest

from tests.integration.discord.conftest import Reply, StandIn
from waystation.discord.probe import DiscordProbe
from waystation.discord.site import Site
from waystation.errors import NotAuthorised, Unreachable
from waystation.ports import DiscordIdentity
from waystation.secret import Secret

TOKEN = Secret("the-token")
FRIEND = {"id": "4440", "type": 1, "recipients": [{"id": "77"}]}
GROUP = {"id": "4441", "type": 3, "recipients": [{"id": "900"}, {"id": "77"}]}


@pytest.mark.parametrize(
    ("channels", "dm_channel"),
    [
        ([FRIEND, GROUP, {"id": "4444", "type": 1, "recipients": [{"id": "900"}]}], "4444"),
        ([{"id": "4444", "type": 1, "recipient_ids": ["900"]}], "4444"),
        ([FRIEND, GROUP], None),
        ([], None),
    ],
)
async def test_a_token_is_identified_with_its_channel_to_the_bot(
    channels: list[object], dm_channel: str | None, site: Site, discord: StandIn
) -> None:
    discord.on("GET /users/@me", Reply(body={"id": "1111", "username": "tester"}))
    discord.on("GET /users/@me/channels", Reply(body=channels))
    identity = await DiscordProbe(site).identify(TOKEN)
    assert identity == DiscordIdentity("1111", "tester", dm_channel)


@pytest.mark.parametrize(("status", "readable"), [(200, True), (403, False), (404, False)])
async def test_a_channel_can_be_read_or_not(
    status: int, readable: bool, site: Site, discord: StandIn
) -> None:
    body: object = [] if readable else {"code": 50001}
    discord.on("GET /channels/3333/messages", Reply(status, body))
    assert await DiscordProbe(site).can_read(TOKEN, "3333") is readable


@pytest.mark.parametrize(("status", "error"), [(401, NotAuthorised), (503, Unreachable)])
async def test_a_dead_token_and_a_dead_discord_are_errors(
    status: int, error: type[Exception], site: Site, discord: StandIn
) -> None:
    discord.on("GET /users/@me", Reply(status, {"code": 0}))
    discord.on("GET /channels/3333/messages", Reply(status, {"code": 0}))
    with pytest.raises(error):
        await DiscordProbe(site).identify(TOKEN)
    with pytest.raises(error):
        await DiscordProbe(site).can_read(TOKEN, "3333")
