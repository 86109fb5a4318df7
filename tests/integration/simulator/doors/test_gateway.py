from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.simulator.conftest import Start
from tests.integration.simulator.discord_client import Client, Closed
from tests.pictures import webp

HEARTBEAT, IDENTIFY, RESUME = 1, 2, 6


async def test_hello_comes_first_and_names_the_heartbeat_interval(client: Client) -> None:
    socket = await client.connect()
    hello = await socket.receive()
    assert hello["op"] == 10
    assert hello["d"]["heartbeat_interval"] == 41_250


async def test_identify_may_come_before_hello_is_read(client: Client) -> None:
    socket = await client.connect()
    await socket.send(IDENTIFY, {"token": client.account.token})
    assert [frame["op"] for frame in await socket.until("READY")] == [10, 0]


async def test_a_binary_frame_holding_plain_json_is_understood(client: Client) -> None:
    socket = await client.connect()
    body = {"op": IDENTIFY, "d": {"token": client.account.token}}
    await socket.ws.send_bytes(json.dumps(body).encode())
    assert (await socket.event("READY"))["user"]["id"] == client.account.user_id


@pytest.mark.parametrize("d", [None, 0, 7, "odd"])
async def test_a_heartbeat_is_acknowledged_whatever_it_carries(client: Client, d: object) -> None:
    socket = await client.connect()
    await socket.send(HEARTBEAT, d)
    assert (await socket.until(11))[-1]["op"] == 11


async def test_the_quality_heartbeat_is_acknowledged_too(ready: Client) -> None:
    assert ready.socket is not None
    await ready.socket.send(40, {"seq": 1, "qos": {"ver": 27, "active": True, "reasons": []}})
    assert (await ready.socket.until(11))[-1]["op"] == 11


async def test_ready_tells_a_user_everything_that_peers_read(client: Client) -> None:
    body = await (await client.connect()).identify(client.account.token)
    account = client.account
    assert body["user"]["id"] == account.user_id
    assert body["private_channels"][0]["id"] == account.dm_channel_id
    assert body["private_channels"][0]["recipient_ids"] == ["936929561302675456"]
    assert body["private_channels"][0]["recipients"][0]["bot"] is True
    assert body["guilds"][0]["channels"][0]["id"] == account.channel_id
    assert body["resume_gateway_url"] == client.sim.url.replace("http", "ws")
    assert body["sessions"][0]["session_id"] == body["session_id"]
    assert body["required_action"] is None
    assert "auth_token" not in body


@pytest.mark.parametrize(("bit", "split"), [(1 << 10, True), (0, False)])
async def test_capabilities_shape_the_guilds_of_ready(
    client: Client, bit: int, split: bool
) -> None:
    socket = await client.connect()
    body = await socket.identify(client.account.token, capabilities=bit)
    assert ("properties" in body["guilds"][0]) is split
    assert ("name" in body["guilds"][0]) is not split


@pytest.mark.parametrize(("bit", "told"), [(1 << 5, True), (0, False)])
async def test_only_a_prioritized_ready_has_a_supplement(
    client: Client, bit: int, told: bool
) -> None:
    client.socket = await client.connect()
    await client.socket.identify(client.account.token, capabilities=bit)
    names = [name for name, _ in await client.events()]
    assert names == (["READY_SUPPLEMENTAL"] if told else [])


@pytest.mark.parametrize("compress", ["", "zlib-stream", "zstd-stream"])
async def test_every_compression_carries_a_whole_conversation(
    client: Client, compress: str
) -> None:
    await client.identify(compress)
    await client.ask("describe", await client.upload(webp()))
    names = [name for name, _ in await client.events()]
    assert names[-4:] == [
        "INTERACTION_CREATE",
        "INTERACTION_SUCCESS",
        "MESSAGE_CREATE",
        "MESSAGE_UPDATE",
    ]


async def test_each_compressed_message_ends_with_a_sync_flush(client: Client) -> None:
    socket = await client.connect("zlib-stream")
    message = await socket.ws.receive()
    assert message.data.endswith(b"\x00\x00\xff\xff")


async def test_permessage_deflate_is_never_negotiated(client: Client) -> None:
    url = client.sim.url.replace("http", "ws") + "/?v=9"
    async with client.http.ws_connect(url, compress=15) as ws:
        assert ws.compress == 0


async def test_the_first_of_equal_query_keys_wins_and_junk_is_cut(client: Client) -> None:
    junk = "&compress=zlib-stream/?encoding=etf&v=99&compress=nothing"
    socket = await client.connect(query=junk)
    message = await socket.ws.receive()
    assert message.data.endswith(b"\x00\x00\xff\xff")


async def test_a_request_that_offers_http_2_is_answered_plainly(client: Client) -> None:
    headers = {"Upgrade": "h2c", "Connection": "Upgrade, HTTP2-Settings", "HTTP2-Settings": ""}
    answer = await client.get("/api/v9/gateway", headers=headers)
    assert answer.json == {"url": client.sim.url.replace("http", "ws")}


async def test_resume_replays_what_was_missed_in_order(ready: Client) -> None:
    socket = ready.socket
    assert socket is not None
    seen = socket.seq
    ready.sim.drop()
    assert await socket.close_code() == 1006
    await ready.ask("info")
    await ready.sim.settled()
    again = await ready.connect()
    await again.resume(ready.account.token, socket.ready["session_id"], seen)
    frames = [frame for frame in await again.until("RESUMED") if frame["op"] == 0]
    names = [frame["t"] for frame in frames]
    assert names[-5:] == [
        "INTERACTION_CREATE",
        "INTERACTION_SUCCESS",
        "MESSAGE_CREATE",
        "MESSAGE_UPDATE",
        "RESUMED",
    ]
    assert [frame["s"] for frame in frames] == list(range(seen + 1, seen + 1 + len(frames)))


async def test_a_resumed_session_goes_on_live(ready: Client) -> None:
    socket = ready.socket
    assert socket is not None
    ready.sim.drop()
    await socket.close_code()
    again = await ready.connect()
    await again.resume(ready.account.token, socket.ready["session_id"], socket.seq)
    await again.until("RESUMED")
    ready.socket, again.ready = again, socket.ready
    await ready.ask("info")
    assert [name for name, _ in await ready.events()][-1] == "MESSAGE_UPDATE"


async def test_an_unknown_session_is_invalid_and_the_socket_may_identify(client: Client) -> None:
    socket = await client.connect()
    await socket.resume(client.account.token, "0" * 32, 3)
    assert (await socket.until(9))[-1]["d"] is False
    assert (await socket.identify(client.account.token))["session_id"]


async def test_another_users_session_cannot_be_resumed(start: Start) -> None:
    client = await start(accounts=2)
    socket = await client.identify()
    other = client.sim.accounts[1]
    thief = await client.connect()
    await thief.resume(other.token, socket.ready["session_id"], 1)
    assert (await thief.until(9))[-1]["d"] is False


async def test_a_session_dies_with_a_normal_close(ready: Client) -> None:
    socket = ready.socket
    assert socket is not None
    await ready.hang_up(1000)
    again = await ready.connect()
    await again.resume(ready.account.token, socket.ready["session_id"], socket.seq)
    assert (await again.until(9))[-1]["d"] is False


async def test_a_session_survives_another_close_code(ready: Client) -> None:
    socket = ready.socket
    assert socket is not None
    await ready.hang_up(4900)
    again = await ready.connect()
    await again.resume(ready.account.token, socket.ready["session_id"], socket.seq)
    assert (await again.until("RESUMED"))[-1]["t"] == "RESUMED"


async def test_a_session_is_forgotten_after_the_resume_window(start: Start) -> None:
    client = await start(resume_window_s=0.0)
    socket = await client.identify()
    client.sim.drop()
    await socket.close_code()
    again = await client.connect()
    await again.receive()
    await again.resume(client.account.token, socket.ready["session_id"], socket.seq)
    assert (await again.receive())["op"] == 9


async def test_a_sequence_that_is_no_longer_kept_cannot_be_resumed(start: Start) -> None:
    client = await start(replay_limit=2)
    socket = await client.identify()
    seen = socket.seq
    await client.ask("info")
    await client.events()
    client.sim.drop()
    again = await client.connect()
    await again.resume(client.account.token, socket.ready["session_id"], seen)
    assert (await again.until(9))[-1]["d"] is False


async def test_a_sequence_from_the_future_is_closed_with_4007(ready: Client) -> None:
    assert ready.socket is not None
    again = await ready.connect()
    await again.resume(ready.account.token, ready.socket.ready["session_id"], 999)
    assert await again.close_code() == 4007


async def test_a_resumed_session_leaves_its_old_connection(ready: Client) -> None:
    old = ready.socket
    assert old is not None
    again = await ready.connect()
    await again.resume(ready.account.token, old.ready["session_id"], old.seq)
    await again.until("RESUMED")
    assert await old.close_code() == 4000


async def test_sessions_of_one_user_all_hear_and_are_told_of_each_other(ready: Client) -> None:
    first = ready.socket
    second = await ready.identify()
    assert first is not None
    assert len(await first.event("SESSIONS_REPLACE")) == 2
    await ready.ask("info")
    mine, also_mine = await second.event("MESSAGE_UPDATE"), await first.event("MESSAGE_UPDATE")
    assert mine == also_mine


async def test_an_ephemeral_message_reaches_nobody_else(start: Start) -> None:
    client = await start(accounts=2)
    await client.identify()
    bot = await client.connect()
    await bot.identify(client.sim.bots[0].token, intents=(1 << 26) - 1)
    await client.ask("info")
    await client.ask("describe", await client.upload(webp()))
    await client.events()
    created = await bot.event("MESSAGE_CREATE")
    assert created["interaction"]["name"] == "describe"


async def test_missing_heartbeats_are_closed_with_4009(start: Start) -> None:
    client = await start(heartbeat_interval_ms=20)
    socket = await client.identify()
    assert await socket.close_code() == 4009


async def test_every_heartbeat_renews_the_patience(start: Start) -> None:
    client = await start(heartbeat_interval_ms=200)
    socket = await client.identify()
    for _ in range(20):
        await socket.send(HEARTBEAT, socket.seq)
        await socket.until(11)
    assert not socket.ws.closed


Frames = list[tuple[int, object]]
TOKEN = object()

CLOSE_CODES: dict[str, tuple[int, str, Frames]] = {
    "an unknown opcode before IDENTIFY": (4003, "", [(3, {})]),
    "a wrong token": (4004, "", [(IDENTIFY, {"token": "wrong"})]),
    "no token": (4004, "", [(IDENTIFY, None)]),
    "a second IDENTIFY": (4005, "", [(IDENTIFY, {"token": TOKEN})] * 2),
    "RESUME after IDENTIFY": (4005, "", [(IDENTIFY, {"token": TOKEN}), (RESUME, {})]),
    "an unsupported version": (4012, "v=5", []),
    "a version that is no number": (4012, "v=x", []),
}


@pytest.mark.parametrize("case", CLOSE_CODES)
async def test_a_users_mistake_closes_the_session_with_its_code(client: Client, case: str) -> None:
    code, query, frames = CLOSE_CODES[case]
    url = client.sim.url.replace("http", "ws") + f"/?{query}"
    async with client.http.ws_connect(url) as ws:
        for op, d in frames:
            known = d if not isinstance(d, dict) else _with_token(d, client.account.token)
            await ws.send_json({"op": op, "d": known})
        while not (await ws.receive()).type.name.startswith("CLOS"):
            pass
        assert ws.close_code == code


def _with_token(d: dict[str, Any], token: str) -> dict[str, Any]:
    return {key: token if value is TOKEN else value for key, value in d.items()}


@pytest.mark.parametrize("text", ["{", "[]", '"op"', '{"op": "x"}', '{"op":1,"d":"' + "x" * 20_000])
async def test_an_unreadable_frame_is_closed_with_4002(client: Client, text: str) -> None:
    socket = await client.connect()
    await socket.ws.send_str(text)
    assert await socket.close_code() == 4002


async def test_sending_too_fast_is_closed_with_4008(start: Start) -> None:
    client = await start(max_sends_per_minute=5)
    socket = await client.connect()
    for _ in range(6):
        await socket.send(HEARTBEAT)
    assert await socket.close_code() == 4008


async def test_too_many_sessions_are_closed_with_4015(start: Start) -> None:
    client = await start(max_sessions=1)
    await client.identify()
    socket = await client.connect()
    await socket.send(IDENTIFY, {"token": client.account.token})
    assert await socket.close_code() == 4015


async def test_identifying_too_often_is_an_invalid_session(start: Start) -> None:
    client = await start(identify_gap_s=60.0)
    await client.identify()
    socket = await client.connect()
    await socket.send(IDENTIFY, {"token": client.account.token})
    assert (await socket.until(9))[-1]["d"] is False


BOT_CLOSE_CODES: dict[str, tuple[int, dict[str, object]]] = {
    "no intents": (4013, {}),
    "unknown intents": (4013, {"intents": 1 << 40}),
    "an impossible shard": (4010, {"intents": 0, "shard": [3, 2]}),
}


@pytest.mark.parametrize("case", BOT_CLOSE_CODES)
async def test_a_bots_mistake_closes_the_session_with_its_code(client: Client, case: str) -> None:
    code, fields = BOT_CLOSE_CODES[case]
    socket = await client.connect()
    await socket.send(IDENTIFY, {"token": client.sim.bots[0].token} | fields)
    assert await socket.close_code() == code


async def test_an_unknown_opcode_closes_a_bot_and_not_a_user(ready: Client) -> None:
    bot = await ready.connect()
    await bot.identify(ready.sim.bots[0].token, intents=0)
    await bot.send(99, {})
    assert await bot.close_code() == 4001
    assert ready.socket is not None
    await ready.socket.send(99, {})
    await ready.socket.send(HEARTBEAT)
    assert (await ready.socket.until(11))[-1]["op"] == 11


async def test_a_bot_is_ready_with_its_application_and_then_learns_its_guilds(
    start: Start,
) -> None:
    client = await start(accounts=2)
    bot = client.sim.bots[0]
    socket = await client.connect()
    body = await socket.identify(f"Bot {bot.token}", intents=513)
    assert body["v"] == 9
    assert body["application"]["id"] == bot.user_id
    assert [guild["unavailable"] for guild in body["guilds"]] == [True, True]
    guild = await socket.event("GUILD_CREATE")
    assert guild["channels"][0]["id"] == client.account.channel_id
    assert guild["name"]


async def test_a_bot_without_the_content_intent_gets_empty_messages(client: Client) -> None:
    bot = await client.connect()
    await bot.identify(client.sim.bots[0].token, intents=1 << 9)
    await client.post(f"/api/v9/channels/{client.account.channel_id}/messages", {"content": "hi"})
    assert (await bot.event("MESSAGE_CREATE"))["content"] == ""


async def test_a_bot_without_the_message_intent_hears_nothing(client: Client) -> None:
    bot = await client.connect()
    await bot.identify(client.sim.bots[0].token, intents=1 << 15)
    await client.post(f"/api/v9/channels/{client.account.channel_id}/messages", {"content": "hi"})
    await bot.send(HEARTBEAT)
    assert [f["t"] for f in await bot.until(11) if f["op"] == 0] == ["GUILD_CREATE"]


async def test_frames_and_closes_are_logged_in_full(ready: Client) -> None:
    assert ready.socket is not None
    await ready.socket.send(37, {"subscriptions": {}})
    await ready.hang_up(4900)
    frames = ready.sim.read_log(kind="frame")
    assert [frame["op"] for frame in frames] == [2, 37]
    assert frames[0]["d"]["token"] == ready.account.token
    closes = ready.sim.read_log(kind="close")
    assert [(c["code"], c["by"]) for c in closes] == [(4900, "client")]


async def test_stopping_closes_every_socket(ready: Client) -> None:
    assert ready.socket is not None
    await ready.sim.stop()
    with pytest.raises(Closed) as closed:
        while True:
            await ready.socket.receive()
    assert closed.value.code in (1001, 1006)


async def test_a_reader_that_falls_behind_is_closed(start: Start) -> None:
    client = await start(queue_frames=10)
    socket = await client.identify()
    for _ in range(20):
        client.sim.sessions.publish((client.account.user_id,), "TEST", {})
    assert await socket.close_code() == 4000


async def test_a_close_code_reaches_a_client_that_reads_late(ready: Client) -> None:
    assert ready.socket is not None
    ready.sim.revoke()
    await ready.get("/_sim/state")
    assert await ready.socket.close_code() == 4004


async def _speaks(client: Client) -> list[str]:
    """Say something in the channel, and return the events that came of it."""
    sent = await client.post(
        f"/api/v9/channels/{client.account.channel_id}/messages", {"content": "hello"}
    )
    assert sent.status == 200
    return [name for name, _ in await client.events() if name.startswith("MESSAGE_")]


async def _subscribes(client: Client, op: int, d: object) -> None:
    assert client.socket is not None
    await client.socket.send(op, d)
    await client.until(lambda: [f for f in client.sim.read_log(kind="frame") if f["op"] == op])


@pytest.mark.parametrize(
    ("op", "of"),
    [
        (37, lambda guild: {"subscriptions": {guild: {"typing": True}}}),
        (14, lambda guild: {"guild_id": guild, "typing": True}),
    ],
)
async def test_a_large_guild_is_heard_once_a_session_has_subscribed(
    start: Start, op: int, of: Any
) -> None:
    client = await start(large_guilds=True)
    socket = await client.identify()
    assert socket.ready["guilds"][0]["member_count"] > 75_000
    assert await _speaks(client) == []
    await _subscribes(client, op, of(client.account.guild_id))
    assert await _speaks(client) == ["MESSAGE_CREATE"]


async def test_a_resumed_session_stays_subscribed_and_a_new_one_is_not(start: Start) -> None:
    client = await start(large_guilds=True)
    await client.identify()
    await _subscribes(client, 37, {"subscriptions": {client.account.guild_id: {}}})
    assert client.socket is not None
    assert await _speaks(client) == ["MESSAGE_CREATE"]
    client.sim.drop(0)
    seq, session_id = client.socket.seq, client.socket.ready["session_id"]
    client.socket = await client.connect()
    await client.socket.resume(client.account.token, session_id, seq)
    await client.socket.event("RESUMED")
    assert await _speaks(client) == ["MESSAGE_CREATE"]
    await client.identify()
    assert await _speaks(client) == []


@pytest.mark.parametrize("odd", [None, 7, [], {}, {"subscriptions": []}, {"guild_id": None}])
@pytest.mark.parametrize("op", [37, 14])
async def test_an_odd_subscription_subscribes_to_nothing(
    start: Start, op: int, odd: object
) -> None:
    client = await start(large_guilds=True)
    await client.identify()
    await _subscribes(client, op, odd)
    assert await _speaks(client) == []


@pytest.mark.parametrize("many", [False, True])
async def test_members_that_are_asked_for_come_in_a_chunk(ready: Client, many: bool) -> None:
    guild_id, own = ready.account.guild_id, ready.account.user_id
    assert ready.socket is not None
    asked = {"guild_id": [guild_id] if many else guild_id, "user_ids": [own], "nonce": "7"}
    await ready.socket.send(8, asked)
    chunk = await ready.socket.event("GUILD_MEMBERS_CHUNK")
    assert (chunk["guild_id"], chunk["nonce"]) == (guild_id, "7")
    assert [member["user"]["id"] for member in chunk["members"]] == [own]


async def test_nobody_is_told_who_is_in_anothers_guild(start: Start) -> None:
    client = await start(accounts=2)
    await client.identify()
    await _subscribes(client, 8, {"guild_id": client.sim.accounts[1].guild_id})
    assert "GUILD_MEMBERS_CHUNK" not in [name for name, _ in await client.events()]


async def test_a_bot_sees_the_members_of_its_guilds_itself_included(client: Client) -> None:
    bot = client.sim.bots[0]
    socket = await client.connect()
    ready = await socket.identify(f"Bot {bot.token}", intents=513, shard=[0, 1])
    assert ready["shard"] == [0, 1]
    guild = await socket.event("GUILD_CREATE")
    assert {member["user"]["id"] for member in guild["members"]} >= {
        bot.user_id,
        client.account.user_id,
    }
