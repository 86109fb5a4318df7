from __future__ import annotations

import json

import aiohttp
import pytest

from tests.integration.simulator.conftest import Start
from tests.integration.simulator.discord_client import Client
from tests.pictures import webp
from waystation.simulator.discord.routes import ROUTES
from waystation.simulator.doors.rest import Rest

DESCRIBE_ID = "1092492867185950852"


def test_every_route_has_a_method_that_answers() -> None:
    assert all(callable(getattr(Rest, route.answer)) for route in ROUTES)


async def test_the_gateway_is_told_to_anybody(client: Client) -> None:
    answer = await client.get("/api/v10/gateway", headers={"Authorization": ""})
    assert answer.json == {"url": client.sim.url.replace("http", "ws")}


async def test_a_bot_learns_its_gateway_and_start_limit(client: Client) -> None:
    headers = {"Authorization": f"Bot {client.sim.bots[0].token}"}
    body = (await client.get("/api/v10/gateway/bot", headers=headers)).json
    assert (body["shards"], body["session_start_limit"]["max_concurrency"]) == (1, 1)
    assert (await client.get("/api/v10/gateway/bot")).status == 403


async def test_the_owner_of_a_token_is_shown(client: Client) -> None:
    assert (await client.get("/api/v9/users/@me")).json["id"] == client.account.user_id
    country = await client.get("/api/v9/users/@me/billing/country-code")
    assert country.json == {"country_code": "US"}
    guilds = (await client.get("/api/v9/users/@me/guilds")).json
    assert [guild["id"] for guild in guilds] == [client.account.guild_id]


async def test_a_bot_learns_its_application(client: Client) -> None:
    bot = client.sim.bots[0]
    headers = {"Authorization": f"Bot {bot.token}"}
    body = (await client.get("/api/v10/oauth2/applications/@me", headers=headers)).json
    assert body["id"] == bot.user_id
    # a full reader takes what is there for an object
    assert "install_params" not in body
    assert body["approximate_guild_count"] == len(client.sim.accounts)


async def test_the_direct_channel_with_the_bot_is_listed_and_opened(client: Client) -> None:
    (listed,) = (await client.get("/api/v9/users/@me/channels")).json
    wanted = {"recipients": ["936929561302675456"]}
    opened = (await client.post("/api/v9/users/@me/channels", wanted)).json
    assert listed == opened
    assert listed["id"] == client.account.dm_channel_id
    refused = await client.post("/api/v9/users/@me/channels", {"recipients": ["1"]})
    assert refused.status == 403


async def test_guild_and_channels_can_be_read(client: Client) -> None:
    account = client.account
    assert (await client.get(f"/api/v9/guilds/{account.guild_id}")).json["id"] == account.guild_id
    (channel,) = (await client.get(f"/api/v9/guilds/{account.guild_id}/channels")).json
    assert channel["id"] == account.channel_id
    for channel_id, kind in ((account.channel_id, 0), (account.dm_channel_id, 1)):
        assert (await client.get(f"/api/v9/channels/{channel_id}")).json["type"] == kind


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/guilds/1", 404, 10004),
        ("/channels/1", 404, 10003),
        ("/channels/1/messages", 404, 10003),
        ("/applications/1/commands", 404, 10002),
        ("/nothing/here", 404, 0),
    ],
)
async def test_an_unknown_thing_is_refused_in_discords_words(
    client: Client, path: str, status: int, code: int
) -> None:
    answer = await client.get("/api/v9" + path)
    assert (answer.status, answer.json["code"]) == (status, code)


async def test_other_accounts_places_are_out_of_reach(start: Start) -> None:
    client = await start(accounts=2)
    other = client.sim.accounts[1]
    paths = (f"/guilds/{other.guild_id}", f"/channels/{other.dm_channel_id}/messages")
    for path in paths:
        answer = await client.get("/api/v9" + path)
        assert (answer.status, answer.json["code"]) == (403, 50001)


@pytest.mark.parametrize(
    "path",
    [
        "/guilds/{account.guild_id}/application-command-index",
        "/channels/{account.dm_channel_id}/application-command-index",
        "/users/@me/application-command-index",
    ],
)
async def test_every_form_of_the_index_lists_the_same_commands(client: Client, path: str) -> None:
    body = (await client.get("/api/v9" + path.format(account=client.account))).json
    names = [(c["application_id"], c["name"]) for c in body["application_commands"]]
    assert ("936929561302675456", "describe") in names
    assert ("936929561302675456", "info") in names
    owners = [owner for owner, name in names if name == "info"]
    assert len(owners) == 2 and owners[1] == "936929561302675456", "another's /info comes first"
    assert names[0] == ("936929561302675456", "imagine"), "one client takes the first row"
    assert {app["id"] for app in body["applications"]} == {owner for owner, _ in names}
    assert body["version"].isdigit()


async def test_the_index_of_one_application_has_only_its_commands(client: Client) -> None:
    path = "/api/v9/applications/936929561302675456"
    index = (await client.get(path + "/application-command-index")).json
    commands = (await client.get(path + "/commands")).json
    assert commands == index["application_commands"]
    assert {command["application_id"] for command in commands} == {"936929561302675456"}


async def test_the_legacy_search_finds_a_command_by_its_beginning(client: Client) -> None:
    path = f"/api/v9/channels/{client.account.channel_id}/application-commands/search"
    query = {"type": "1", "query": "desc", "limit": "1", "include_applications": "true"}
    body = (await client.get(path, params=query)).json
    assert [command["id"] for command in body["application_commands"]] == [DESCRIBE_ID]
    assert [app["id"] for app in body["applications"]] == ["936929561302675456"]


async def _say(client: Client, *texts: str) -> list[str]:
    path = f"/api/v9/channels/{client.account.channel_id}/messages"
    return [(await client.post(path, {"content": text})).json["id"] for text in texts]


async def test_history_is_newest_first_and_can_be_cut_everywhere(start: Start) -> None:
    client = await start(rate_limits=False)
    ids = await _say(client, *"abcdefg")
    path = f"/api/v9/channels/{client.account.channel_id}/messages"

    async def texts(**query: object) -> str:
        answer = await client.get(path, params={k: str(v) for k, v in query.items()})
        return "".join(message["content"] for message in answer.json)

    assert await texts() == "gfedcba"
    assert await texts(limit=2) == "gf"
    assert await texts(before=ids[3]) == "cba"
    assert await texts(before=ids[3], limit=2) == "cb"
    assert await texts(after=ids[3]) == "gfe"
    assert await texts(after=ids[3], limit=2) == "fe"
    assert await texts(around=ids[3], limit=3) == "edc"
    assert await texts(around=ids[3], limit=1) == "d"


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "101"}, {"before": "x"}])
async def test_a_wrong_cut_is_an_invalid_form(client: Client, query: dict[str, str]) -> None:
    path = f"/api/v9/channels/{client.account.channel_id}/messages"
    answer = await client.get(path, params=query)
    assert (answer.status, answer.json["code"]) == (400, 50035)


async def test_times_have_six_sub_second_digits(client: Client) -> None:
    await _say(client, "hi")
    path = f"/api/v9/channels/{client.account.channel_id}/messages"
    (message,) = (await client.get(path)).json
    assert len(message["timestamp"].split(".")[1]) == len("123456+00:00")


async def test_a_single_message_is_for_bots_only(client: Client) -> None:
    (message_id,) = await _say(client, "hi")
    path = f"/api/v9/channels/{client.account.channel_id}/messages/{message_id}"
    assert (await client.get(path)).status == 403
    headers = {"Authorization": f"Bot {client.sim.bots[0].token}"}
    assert (await client.get(path, headers=headers)).json["content"] == "hi"
    assert (await client.get(path + "1", headers=headers)).status == 404


async def test_a_sent_message_is_announced_with_its_nonce(ready: Client) -> None:
    path = f"/api/v9/channels/{ready.account.channel_id}/messages"
    sent = await ready.post(path, {"content": "hi", "nonce": "42", "enforce_nonce": True})
    ((name, event),) = [e for e in await ready.events() if e[0].startswith("MESSAGE")]
    assert name == "MESSAGE_CREATE"
    assert (event["id"], event["nonce"]) == (sent.json["id"], "42")
    (kept,) = (await ready.get(path)).json
    assert "nonce" not in kept


async def test_a_bot_may_send_and_read(client: Client) -> None:
    headers = {"Authorization": f"Bot {client.sim.bots[0].token}"}
    path = f"/api/v10/channels/{client.account.channel_id}/messages"
    assert (await client.post(path, {"content": "beep"}, headers=headers)).status == 200
    (message,) = (await client.get(path, headers=headers)).json
    assert (message["content"], message["author"]["bot"]) == ("beep", True)


async def test_an_uploaded_file_becomes_an_attachment_with_a_link(client: Client) -> None:
    name = await client.upload(webp(), "a b.webp")
    attachment = {"id": "0", "filename": "a b.webp", "uploaded_filename": name}
    path = f"/api/v9/channels/{client.account.channel_id}/messages"
    sent = await client.post(path, {"content": "", "attachments": [attachment]})
    (shown,) = sent.json["attachments"]
    assert shown["filename"] == "a_b.webp"
    assert (shown["size"], shown["content_type"]) == (len(webp()), "image/png")
    assert shown["width"] and shown["height"]
    for url in (shown["url"], shown["proxy_url"]):
        assert (await client.get(url)).body == webp()


async def test_a_file_may_come_with_the_message(client: Client) -> None:
    form = aiohttp.FormData()
    form.add_field("payload_json", json.dumps({"content": "look"}))
    form.add_field("files[0]", b"not a picture", filename="a.txt", content_type="text/plain")
    path = f"/api/v9/channels/{client.account.channel_id}/messages"
    (shown,) = (await client.request("POST", path, data=form)).json["attachments"]
    assert "width" not in shown
    assert (await client.get(shown["url"])).body == b"not a picture"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"content": ""}, 50006),
        ({"content": "x" * 2001}, 50035),
        ({"content": 5}, 50035),
        ({"attachments": [{"uploaded_filename": "nope/nope.png"}]}, 50035),
        ({"attachments": [{"id": "0"}]}, 50006),
    ],
)
async def test_a_message_that_cannot_be_sent_is_refused(
    client: Client, body: dict[str, object], code: int
) -> None:
    path = f"/api/v9/channels/{client.account.channel_id}/messages"
    answer = await client.post(path, body)
    assert (answer.status, answer.json["code"]) == (400, code)


@pytest.mark.parametrize(
    ("files", "status", "code"),
    [
        (None, 400, 50035),
        ([], 400, 50035),
        ([{"filename": "a.png", "file_size": 1}] * 11, 400, 50035),
        ([{"file_size": 1}], 400, 50035),
        ([{"filename": "a.png"}], 400, 50035),
        ([{"filename": "a.png", "file_size": 10 * 1024 * 1024 + 1}], 413, 40005),
    ],
)
async def test_an_upload_that_cannot_be_is_refused(
    client: Client, files: object, status: int, code: int
) -> None:
    path = f"/api/v9/channels/{client.account.channel_id}/attachments"
    answer = await client.post(path, {"files": files})
    assert (answer.status, answer.json["code"]) == (status, code)


async def test_an_unused_upload_can_be_dropped_once(client: Client) -> None:
    name = await client.upload(webp())
    assert (await client.request("DELETE", f"/api/v9/attachments/{name}")).status == 204
    assert (await client.request("DELETE", f"/api/v9/attachments/{name}")).status == 404


async def test_links_are_refreshed_in_the_order_they_were_sent(start: Start) -> None:
    client = await start(link_life_s=-60.0)
    await client.identify()
    grid = await client.imagine()
    (attachment,) = grid["attachments"]
    old = [attachment["proxy_url"], attachment["url"], "http://127.0.0.1:9/cat.png", "nonsense"]
    assert (await client.get(old[1])).status == 404
    answer = await client.post("/api/v9/attachments/refresh-urls", {"attachment_urls": old})
    assert [row["original"] for row in answer.json["refreshed_urls"]] == old
    fresh = [row["refreshed"] for row in answer.json["refreshed_urls"]]
    assert fresh[2:] == [None, None]
    assert [url.split("?")[0] for url in fresh[:2]] == [url.split("?")[0] for url in old[:2]]


async def test_a_refreshed_link_works_again(ready: Client) -> None:
    ready.sim.fault("expired_links", count=1)
    (attachment,) = (await ready.imagine())["attachments"]
    assert (await ready.get(attachment["url"])).status == 404
    body = {"attachment_urls": [attachment["url"]]}
    answer = await ready.post("/api/v9/attachments/refresh-urls", body)
    (row,) = answer.json["refreshed_urls"]
    assert (await ready.get(row["refreshed"])).status == 200


@pytest.mark.parametrize("urls", [None, [], "x", ["x"] * 51])
async def test_refreshing_takes_one_to_fifty_links(client: Client, urls: object) -> None:
    answer = await client.post("/api/v9/attachments/refresh-urls", {"attachment_urls": urls})
    assert (answer.status, answer.json["code"]) == (400, 50035)


def _as_bot(client: Client) -> dict[str, str]:
    return {"Authorization": f"Bot {client.sim.bots[0].token}"}


async def test_a_bots_own_commands_are_none_and_it_may_write_some(client: Client) -> None:
    own, headers = client.sim.bots[0].user_id, _as_bot(client)
    for path in (f"/applications/{own}/commands", f"/applications/{own}/guilds/1/commands"):
        assert (await client.get("/api/v10" + path, headers=headers)).json == []
        answer = await client.request(
            "PUT", "/api/v10" + path, json=[{"name": "a"}], headers=headers
        )
        assert [(one["name"], one["application_id"]) for one in answer.json] == [("a", own)]
        one = await client.post("/api/v10" + path, {"name": "b"}, headers=headers)
        assert (one.status, one.json["name"]) == (201, "b")
    refused = await client.get("/api/v10/applications/1/commands", headers=headers)
    assert refused.status == 403


async def test_users_and_members_can_be_looked_up(client: Client) -> None:
    account, midjourney = client.account, "936929561302675456"
    for path in (f"/users/{account.user_id}", f"/users/{midjourney}"):
        assert (await client.get("/api/v9" + path)).json["id"] == path.rpartition("/")[2]
    profile = (await client.get(f"/api/v9/users/{midjourney}/profile")).json
    assert profile["user"]["bot"] is True
    guild = f"/api/v9/guilds/{account.guild_id}"
    for who, id_ in ((midjourney, midjourney), ("@me", account.user_id)):
        assert (await client.get(f"{guild}/members/{who}")).json["user"]["id"] == id_
    found = (await client.get(f"{guild}/members/search?query=mid&limit=5")).json
    assert [one["user"]["id"] for one in found] == [midjourney]
    assert (await client.get(f"{guild}/roles")).json[0]["id"] == account.guild_id
    assert (await client.get("/api/v9/users/7")).json["code"] == 10013
    assert (await client.get(f"{guild}/members/7")).json["code"] == 10007
    assert (await client.get(f"{guild}/members")).status == 403


async def test_a_bot_reads_members_page_by_page(client: Client) -> None:
    path, seen = f"/api/v10/guilds/{client.account.guild_id}/members", []
    after = "0"
    while page := (await client.get(f"{path}?limit=2&after={after}", headers=_as_bot(client))).json:
        seen += [one["user"]["id"] for one in page]
        after = seen[-1]
    assert len(seen) == len(set(seen)) == 4


async def test_ones_own_message_is_edited_and_deleted_and_anothers_is_not(ready: Client) -> None:
    channel = f"/api/v9/channels/{ready.account.channel_id}"
    sent = (await ready.post(f"{channel}/messages", {"content": "helo"})).json
    path = f"{channel}/messages/{sent['id']}"
    edited = await ready.request("PATCH", path, json={"content": "hello"})
    assert (edited.json["content"], edited.json["id"]) == ("hello", sent["id"])
    assert edited.json["edited_timestamp"] is not None
    for method in ("PATCH", "DELETE"):
        other = await ready.request(method, path, json={"content": "x"}, headers=_as_bot(ready))
        assert other.status == 403
    assert (await ready.request("DELETE", path)).status == 204
    assert (await ready.request("DELETE", path)).json["code"] == 10008
    names = [name for name, _ in await ready.events() if name.startswith("MESSAGE_")]
    assert names == ["MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE"]


async def test_typing_and_taking_a_reaction_back_are_told_to_the_channel(ready: Client) -> None:
    channel = f"/api/v9/channels/{ready.account.channel_id}"
    sent = (await ready.post(f"{channel}/messages", {"content": "hello"})).json
    reaction = f"{channel}/messages/{sent['id']}/reactions/%F0%9F%91%8D/@me"
    assert (await ready.request("PUT", reaction)).status == 204
    assert (await ready.request("DELETE", reaction)).status == 204
    assert (await ready.post(f"{channel}/typing")).status == 204
    names = [name for name, _ in await ready.events()]
    assert names[-3:] == ["MESSAGE_REACTION_ADD", "MESSAGE_REACTION_REMOVE", "TYPING_START"]


@pytest.mark.parametrize("raw", [b"[", b"7", b'"x"', b"[1, null]"])
async def test_an_odd_body_is_refused_or_taken_for_none(client: Client, raw: bytes) -> None:
    answer = await client.request(
        "POST", f"/api/v9/channels/{client.account.channel_id}/messages", data=raw
    )
    assert answer.status == 400


async def test_a_prompt_of_any_length_keeps_messages_within_discords_limit(ready: Client) -> None:
    events = await ready.imagined("a red fox " * 500)
    contents = [
        data["content"] for name, data in events if name in ("MESSAGE_CREATE", "MESSAGE_UPDATE")
    ]
    assert contents and max(map(len, contents)) <= 2000
    assert all(f"<@{ready.account.user_id}>" in content for content in contents)
    assert ready.sim.book[0]["status"] == "completed"


async def test_components_of_messages_are_numbered(ready: Client) -> None:
    grid = await ready.imagine()
    assert [row["id"] for row in grid["components"]] == [1, 7]
    assert [one["id"] for one in grid["components"][0]["components"]] == [2, 3, 4, 5, 6]
