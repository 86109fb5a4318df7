from __future__ import annotations

from tests.integration.simulator.discord_client import Client


def _messages(client: Client) -> str:
    return f"/api/v9/channels/{client.account.channel_id}/messages"


def _bot(client: Client) -> dict[str, str]:
    return {"Authorization": f"Bot {client.sim.bots[0].token}"}


async def test_a_reply_names_the_message_and_brings_it(ready: Client) -> None:
    sent = (await ready.post(_messages(ready), {"content": "hello"})).json
    named = {"message_id": sent["id"]}
    body = {"content": "well met", "message_reference": named}
    reply = (await ready.post(_messages(ready), body)).json
    assert (reply["type"], reply["referenced_message"]["content"]) == (19, "hello")
    assert reply["message_reference"]["message_id"] == sent["id"]
    unknown = {"content": "x", "message_reference": {"message_id": "1"}}
    refused = await ready.post(_messages(ready), unknown)
    assert (refused.status, refused.json["code"]) == (400, 50035)
    unknown["message_reference"]["fail_if_not_exists"] = False  # type: ignore[index]
    assert (await ready.post(_messages(ready), unknown)).json["type"] == 0


async def test_a_bot_writes_embeds_and_buttons_and_a_user_does_not(ready: Client) -> None:
    button = {"type": 2, "style": 1, "label": "Yes", "custom_id": "yes"}
    body = {"embeds": [{"title": "t"}], "components": [{"type": 1, "components": [button]}]}
    told = (await ready.post(_messages(ready), body, headers=_bot(ready))).json
    assert told["embeds"] == [{"title": "t"}]
    assert told["components"][0]["components"][0]["custom_id"] == "yes"
    refused = await ready.post(_messages(ready), body)
    assert (refused.status, refused.json["code"]) == (400, 50006)


async def test_a_nonce_that_must_be_unique_brings_the_earlier_message_back(ready: Client) -> None:
    body = {"content": "hello", "nonce": "77", "enforce_nonce": True}
    first = (await ready.post(_messages(ready), body)).json
    again = (await ready.post(_messages(ready), body | {"content": "other"})).json
    assert (again["id"], again["content"], again["nonce"]) == (first["id"], "hello", "77")
    twice = (await ready.post(_messages(ready), body | {"enforce_nonce": False})).json
    assert twice["id"] != first["id"]
    assert len((await ready.get(_messages(ready))).json) == 2
