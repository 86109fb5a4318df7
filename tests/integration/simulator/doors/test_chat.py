from __future__ import annotations

import re
from typing import Any

import pytest

from tests.integration.simulator.conftest import Start
from tests.integration.simulator.discord_client import Client
from tests.pictures import webp
from waystation.simulator import drawing

ENVELOPE = "%E2%9C%89%EF%B8%8F"


async def _react(client: Client, message: dict[str, Any], emoji: str = ENVELOPE) -> int:
    path = f"/api/v9/channels/{message['channel_id']}/messages/{message['id']}/reactions"
    url = f"{path}/{emoji}/%40me?location=Message&type=0"
    return (await client.request("PUT", url)).status


@pytest.mark.parametrize("emoji", [ENVELOPE, "%E2%9C%89"])
async def test_an_envelope_brings_the_seed_into_the_direct_channel(
    ready: Client, emoji: str
) -> None:
    grid = await ready.imagine("a red fox --seed 12345")
    assert await _react(ready, grid, emoji) == 204
    (echo_name, echo), (name, said) = await ready.events()
    assert echo_name == "MESSAGE_REACTION_ADD"
    assert (echo["message_id"], echo["user_id"]) == (grid["id"], ready.account.user_id)
    assert echo["guild_id"] == ready.account.guild_id
    page = ready.sim.book[0]
    assert name == "MESSAGE_CREATE"
    assert said["channel_id"] == ready.account.dm_channel_id
    assert said["content"] == (
        f"**a red fox --seed 12345**\n**Job ID**: {page['uuid']}\n**seed** 12345"
    )
    assert "nonce" not in said and "interaction_metadata" not in said
    found = re.search(
        r"\*\*Job ID\*\*:\s*([0-9a-fA-F-]{36})\s*\*\*seed\*\*\s*(\d+)", said["content"]
    )
    assert found is not None and found.groups() == (page["uuid"], "12345")


async def test_the_seeds_message_shows_the_four_pictures_one_by_one(ready: Client) -> None:
    await _react(ready, await ready.imagine("a red fox --seed 12345"))
    said = (await ready.events())[-1][1]
    canvas = drawing.imagine("a red fox", 12345)
    for number, attachment in enumerate(said["attachments"], start=1):
        data = (await ready.get(attachment["url"])).body
        assert data == drawing.tile(canvas, number, 64)
    assert len(said["attachments"]) == 4
    page = ready.sim.book[-1]
    assert (page["verb"], page["status"], page["direct_id"]) == ("seed", "completed", said["id"])


async def test_the_seed_can_be_asked_for_in_the_direct_channel(ready: Client) -> None:
    await _react(ready, await ready.imagine("fox"))
    said = (await ready.events())[-1][1]
    await _react(ready, said | {"id": "1"})
    body = {"channel_id": ready.account.dm_channel_id, "guild_id": None}
    uuid = ready.sim.book[0]["uuid"]
    options = [{"type": 3, "name": "job_id", "value": uuid}]
    data = {"version": "1", "id": "1169435442328911902", "name": "show", "type": 1}
    await ready.ask("info", data=data | {"options": options}, **body)
    shown = (await ready.events())[-1][1]
    await _react(ready, shown)
    assert f"**Job ID**: {uuid}" in (await ready.events())[-1][1]["content"]


async def test_another_emoji_and_another_message_bring_nothing(ready: Client) -> None:
    grid = await ready.imagine("fox")
    assert await _react(ready, grid, "%F0%9F%91%8D") == 204
    assert [name for name, _ in await ready.events()] == ["MESSAGE_REACTION_ADD"]
    await ready.ask("describe", await ready.upload(webp()))
    described = (await ready.events())[-1][1]
    await _react(ready, described)
    assert [name for name, _ in await ready.events()] == ["MESSAGE_REACTION_ADD"]


async def test_an_unknown_message_takes_no_emoji(ready: Client) -> None:
    message = {"id": "5", "channel_id": ready.account.channel_id}
    assert await _react(ready, message) == 404


async def test_faults_can_keep_the_seed_back(ready: Client) -> None:
    grid = await ready.imagine("fox")
    ready.sim.fault("no_answer", command="seed")
    await _react(ready, grid)
    assert [name for name, _ in await ready.events()] == ["MESSAGE_REACTION_ADD"]


async def test_an_acknowledgement_is_told_to_the_users_sessions(start: Start) -> None:
    client = await start()
    socket = await client.identify()
    grid = await client.imagine()
    path = f"/api/v9/channels/{grid['channel_id']}/messages/{grid['id']}/ack"
    answer = await client.post(path, {"token": None, "last_viewed": 3496})
    assert (answer.status, answer.json) == (200, {"token": None})
    event = await socket.event("MESSAGE_ACK")
    assert (event["message_id"], event["last_viewed"]) == (grid["id"], 3496)


def _messages(client: Client) -> str:
    return f"/api/v9/channels/{client.account.channel_id}/messages"


def _bot(client: Client) -> dict[str, str]:
    return {"Authorization": f"Bot {client.sim.bots[0].token}"}


async def test_emojis_are_seen_below_a_message_and_taken_away(ready: Client) -> None:
    sent = (await ready.post(_messages(ready), {"content": "hello"})).json
    await _react(ready, sent, "%F0%9F%91%8D")
    await _react(ready, sent, "%F0%9F%91%8D")
    base = f"{_messages(ready)}/{sent['id']}/reactions"
    (user,) = (await ready.get(f"{base}/%F0%9F%91%8D?limit=100&type=0")).json
    assert user["id"] == ready.account.user_id
    (message,) = (await ready.get(_messages(ready))).json
    (below,) = message["reactions"]
    assert (below["emoji"]["name"], below["count"], below["me"]) == ("👍", 1, True)
    seen = (await ready.get(f"{_messages(ready)}/{sent['id']}", headers=_bot(ready))).json
    assert seen["reactions"][0]["me"] is False
    own = await ready.request("DELETE", f"{base}/%F0%9F%91%8D/%40me")
    assert own.status == 204
    assert "reactions" not in (await ready.get(_messages(ready))).json[0]
    assert (await ready.get(f"{base}/%F0%9F%91%8D")).json == []


async def test_a_bot_takes_all_emojis_away_and_a_user_may_not(ready: Client) -> None:
    sent = (await ready.post(_messages(ready), {"content": "hello"})).json
    await _react(ready, sent, "%F0%9F%91%8D")
    base = f"{_messages(ready)}/{sent['id']}/reactions"
    refused = await ready.request("DELETE", base)
    assert (refused.status, refused.json["code"]) == (403, 50013)
    assert (await ready.request("DELETE", base, headers=_bot(ready))).status == 204
    name, event = (await ready.events())[-1]
    assert (name, event["message_id"]) == ("MESSAGE_REACTION_REMOVE_ALL", sent["id"])
    assert (await ready.get(f"{base}/%F0%9F%91%8D")).json == []
