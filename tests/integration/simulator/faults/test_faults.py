"""Each row of FAULTS makes its effect; a row without an expectation fails the suite."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from tests.integration.simulator.conftest import Start
from tests.integration.simulator.discord_client import Answer, Client
from tests.pictures import webp
from waystation.simulator.bot.titles import TITLES, Form, Title
from waystation.simulator.faults.faults import FAULTS, FaultError, Place, read_params

Events = list[tuple[str, dict[str, Any]]]
Expectation = Callable[[Client], Awaitable[None]]
EXPECTATIONS: dict[str, Expectation] = {}
DESCRIBED = ["INTERACTION_CREATE", "INTERACTION_SUCCESS", "MESSAGE_CREATE", "MESSAGE_UPDATE"]


def expects(name: str) -> Callable[[Expectation], Expectation]:
    """Register what one fault does."""

    def register(expectation: Expectation) -> Expectation:
        EXPECTATIONS[name] = expectation
        return expectation

    return register


@pytest.mark.parametrize("name", FAULTS)
async def test_the_fault_makes_its_effect(ready: Client, name: str) -> None:
    await ready.events()
    await EXPECTATIONS[name](ready)


def test_every_fault_has_an_expectation_and_none_is_left_over() -> None:
    assert set(EXPECTATIONS) == set(FAULTS)


async def _describe(client: Client, fault: str, **params: Any) -> Events:
    """Run one describe under a fault; return its events."""
    client.sim.fault(fault, **params)
    assert (await client.ask("describe", await client.upload(webp()))).status == 204
    return await client.events()


def _names(events: Events) -> list[str]:
    return [name for name, _ in events]


def _status(client: Client, index: int = 0) -> str:
    status: str = client.sim.book[index]["status"]
    return status


async def _history(client: Client) -> list[dict[str, Any]]:
    path = f"/api/v9/channels/{client.account.channel_id}/messages"
    listed: list[dict[str, Any]] = (await client.get(path)).json
    return listed


# Titles: one expectation for each form in which words arrive.


def _title_expectation(row: Title) -> Expectation:
    async def expectation(client: Client) -> None:
        events = await _describe(client, row.name)
        name, said = events[-1]
        assert _status(client) == row.ends.value
        if row.form in (Form.NONCE, Form.CONTENT):
            assert _names(events) == DESCRIBED[:3]
            assert (said["nonce"], said["flags"]) == (client.last_nonce, 64)
            assert await _history(client) == []
        else:
            assert _names(events)[:3] == DESCRIBED[:3]
            assert "nonce" not in said
            if row.form is Form.REFERENCE:
                assert said["message_reference"]["message_id"] == events[2][1]["id"]
                assert "interaction" not in said
            else:
                assert (name, said["id"]) == ("MESSAGE_UPDATE", events[2][1]["id"])
        _check_words(row, said)

    return expectation


def _check_words(row: Title, said: dict[str, Any]) -> None:
    if row.form in (Form.CONTENT, Form.STOPPED):
        assert row.title in said["content"]
        assert said["embeds"] == []
        return
    (embed,) = said["embeds"]
    assert embed["title"] == row.title
    assert embed["description"][:10] == row.description[:10]
    assert embed.get("color") == row.color
    assert embed["footer"]["text"] == (row.footer or "/describe")
    buttons = [button for line in said["components"] for button in line["components"]]
    assert [(b["label"], b["custom_id"]) for b in buttons] == list(row.buttons)


EXPECTATIONS.update({row.name: _title_expectation(row) for row in TITLES})


@pytest.mark.parametrize("form", list(Form))
async def test_any_title_can_arrive_in_any_form(ready: Client, form: Form) -> None:
    events = await _describe(ready, "queue_full", form=form.value, title="Something", color=-1)
    said = events[-1][1]
    words = said["content"] or said["embeds"][0]["title"]
    assert "Something" in words
    assert ("nonce" in said) is (form in (Form.NONCE, Form.CONTENT))


async def test_an_ephemeral_command_is_refused_ephemerally_in_any_form(ready: Client) -> None:
    for form in Form:
        ready.sim.fault("internal_error", count=1, form=form.value)
        await ready.ask("info")
        events = await ready.events()
        assert all(data["flags"] & 64 for name, data in events if name.startswith("MESSAGE"))
    assert await _history(ready) == []


# The bot's timeline.


@expects("no_answer")
async def _(client: Client) -> None:
    assert _names(await _describe(client, "no_answer", count=1)) == DESCRIBED[:2]
    assert _status(client) == "unfinished"
    events = await _describe(client, "no_answer", failure_event=True)
    assert _names(events) == ["INTERACTION_CREATE", "INTERACTION_FAILURE"]
    assert events[-1][1]["nonce"] == client.last_nonce


@expects("slow_answer")
async def _(client: Client) -> None:
    await _takes_at_least(client, 0.2, "slow_answer", seconds=0.2)
    assert _status(client) == "completed"


@expects("late_message")
async def _(client: Client) -> None:
    await _takes_at_least(client, 0.2, "late_message", seconds=0.2)
    assert _status(client) == "completed"


async def _takes_at_least(client: Client, least_s: float, fault: str, **params: Any) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert _names(await _describe(client, fault, **params)) == DESCRIBED
    assert loop.time() - began >= least_s


@expects("no_result")
async def _(client: Client) -> None:
    assert _names(await _describe(client, "no_result")) == DESCRIBED[:3]
    assert _status(client) == "unfinished"


@expects("interaction_failure")
async def _(client: Client) -> None:
    names = _names(await _describe(client, "interaction_failure"))
    assert names == ["INTERACTION_CREATE", "INTERACTION_FAILURE", *DESCRIBED[2:]]


@expects("no_interaction_events")
async def _(client: Client) -> None:
    assert _names(await _describe(client, "no_interaction_events")) == DESCRIBED[2:]


@expects("job_queued")
async def _(client: Client) -> None:
    events = await _describe(client, "job_queued", start_after_s=0.05)
    assert _names(events) == [*DESCRIBED[:3], "MESSAGE_CREATE", "MESSAGE_UPDATE"]
    notice, started, finished = (data for _, data in events[2:])
    assert notice["embeds"][0]["title"] == "Job queued"
    assert notice["nonce"] == client.last_nonce
    assert "nonce" not in started and "nonce" not in finished
    assert started["id"] == finished["id"] != notice["id"]
    assert _status(client) == "completed"


@expects("human_check_frame")
async def _(client: Client) -> None:
    events = await _describe(client, "human_check_frame")
    assert _names(events) == [*DESCRIBED[:2], "INTERACTION_IFRAME_MODAL_CREATE"]
    frame = events[-1][1]
    assert frame["iframe_path"].startswith("/captcha/embedded/")
    assert (frame["title"], frame["nonce"]) == ("Action required to continue", client.last_nonce)
    assert _status(client) == "halted"


@expects("required_action_update")
async def _(client: Client) -> None:
    events = await _describe(client, "required_action_update")
    name, data = events[0]
    assert name == "USER_REQUIRED_ACTION_UPDATE"
    assert data == {"required_action": "REQUIRE_VERIFIED_PHONE"}


@expects("vanished")
async def _(client: Client) -> None:
    events = await _describe(client, "vanished")
    assert _names(events) == [*DESCRIBED[:3], "MESSAGE_DELETE"]
    assert events[-1][1]["id"] == events[-2][1]["id"]
    assert await _history(client) == []
    assert _status(client) == "vanished"


@expects("deleted_message")
async def _(client: Client) -> None:
    assert _names(await _describe(client, "deleted_message")) == [*DESCRIBED, "MESSAGE_DELETE"]
    assert await _history(client) == []
    assert _status(client) == "completed"


@expects("duplicate_message")
async def _(client: Client) -> None:
    events = await _describe(client, "duplicate_message", times=3)
    assert _names(events)[2:] == ["MESSAGE_CREATE"] * 3 + ["MESSAGE_UPDATE"] * 3
    assert events[2] == events[3] == events[4]


@expects("partial_update")
async def _(client: Client) -> None:
    update = (await _describe(client, "partial_update"))[-1][1]
    assert set(update) == {
        "id",
        "channel_id",
        "guild_id",
        "embeds",
        "components",
        "flags",
        "edited_timestamp",
    }


@expects("reordered")
async def _(client: Client) -> None:
    events = await _describe(client, "reordered")
    assert _names(events)[2:] == ["MESSAGE_UPDATE", "MESSAGE_CREATE"]
    assert events[-1][1]["nonce"] == client.last_nonce
    assert events[-1][1]["embeds"] == []


@expects("missing_create")
async def _(client: Client) -> None:
    assert _names(await _describe(client, "missing_create"))[2:] == ["MESSAGE_UPDATE"]


@expects("missing_result")
async def _(client: Client) -> None:
    assert _names(await _describe(client, "missing_result"))[2:] == ["MESSAGE_CREATE"]
    (kept,) = await _history(client)
    assert kept["embeds"][0]["description"]
    assert _status(client) == "completed"


@expects("expired_links")
async def _(client: Client) -> None:
    update = (await _describe(client, "expired_links"))[-1][1]
    image = update["embeds"][0]["image"]
    assert (await client.get(image["url"])).status == 404
    assert (await client.get(image["proxy_url"])).status == 404


@expects("impostor_bot")
async def _(client: Client) -> None:
    events = await _describe(client, "impostor_bot")
    assert _names(events)[2:] == ["MESSAGE_CREATE", "MESSAGE_CREATE", "MESSAGE_UPDATE"]
    real, fake, final = (data for _, data in events[2:])
    assert fake["author"]["username"] == real["author"]["username"]
    assert fake["author"]["id"] != real["author"]["id"]
    assert fake["application_id"] == fake["author"]["id"]
    assert fake["nonce"] == real["nonce"]
    assert fake["embeds"][0]["description"] != final["embeds"][0]["description"]
    assert fake["embeds"][0]["description"]


@expects("foreign_user")
async def _(client: Client) -> None:
    events = await _describe(client, "foreign_user")
    finals = [data for name, data in events if name == "MESSAGE_UPDATE"]
    users = [final["interaction"]["user"]["id"] for final in finals]
    assert users.count(client.account.user_id) == 1
    assert users.count(client.sim.world.foreigner.id) == 3
    assert len({final["embeds"][0]["description"] for final in finals}) == 4
    told = [data["nonce"] for name, data in events if name == "INTERACTION_CREATE"]
    assert told == [client.last_nonce]


@expects("owner_by_hand")
async def _(client: Client) -> None:
    events = await _describe(client, "owner_by_hand", when="around")
    finals = [data for name, data in events if name == "MESSAGE_UPDATE"]
    assert [f["interaction"]["user"]["id"] for f in finals] == [client.account.user_id] * 4
    told = [data["nonce"] for name, data in events if name == "INTERACTION_CREATE"]
    assert len(set(told)) == 4 and client.last_nonce in told
    assert [entry["by_hand"] for entry in client.sim.book] == [False, True, True, True]
    assert len({entry["picture"] for entry in client.sim.book}) == 1


@pytest.mark.parametrize(("when", "place"), [("before", 0), ("after", -1)])
async def test_the_owner_can_be_first_or_last(ready: Client, when: str, place: int) -> None:
    await ready.events()
    events = await _describe(ready, "owner_by_hand", when=when)
    created = [data for name, data in events if name == "MESSAGE_CREATE"]
    assert len(created) == 2
    assert created[place]["nonce"] != ready.last_nonce


async def test_neither_impostor_nor_passer_by_enters_a_direct_channel(ready: Client) -> None:
    await ready.events()
    ready.sim.fault("impostor_bot")
    ready.sim.fault("foreign_user")
    dm = ready.account.dm_channel_id
    await ready.ask("describe", await ready.upload(webp()), channel_id=dm, guild_id=None)
    assert _names(await ready.events()) == DESCRIBED


# The gateway.


async def _disturbed(client: Client, fault: str, **params: Any) -> list[dict[str, Any]]:
    """Run one describe during which the gateway fails; return the frames that came before."""
    client.sim.fault(fault, **params)
    assert client.socket is not None
    await client.ask("describe", await client.upload(webp()))
    await client.sim.settled()
    return []


async def _resume(client: Client) -> list[dict[str, Any]]:
    old = client.socket
    assert old is not None
    again = await client.connect()
    await again.resume(client.account.token, old.ready["session_id"], old.seq)
    frames = [await again.receive(), await again.receive()]
    while frames[-1]["op"] == 0 and frames[-1]["t"] != "RESUMED":
        frames.append(await again.receive())
    return frames[1:]


@expects("gateway_drop")
async def _(client: Client) -> None:
    await _disturbed(client, "gateway_drop", at="received")
    assert client.socket is not None
    assert await client.socket.close_code() == 1006
    assert [frame["t"] for frame in await _resume(client)] == [*DESCRIBED, "RESUMED"]


@expects("gateway_drop_lost")
async def _(client: Client) -> None:
    await _disturbed(client, "gateway_drop_lost")
    assert client.socket is not None
    assert await client.socket.close_code() == 1006
    (refused,) = await _resume(client)
    assert (refused["op"], refused["d"]) == (9, False)
    assert (await _history(client))[0]["embeds"]


@expects("gateway_close")
async def _(client: Client) -> None:
    await _disturbed(client, "gateway_close", code=4008, at="before_final")
    assert client.socket is not None
    assert await client.socket.close_code() == 4008
    assert [frame["t"] for frame in await _resume(client)] == ["MESSAGE_UPDATE", "RESUMED"]


@pytest.mark.parametrize("code", [4000, 4001, 4003, 4004, 4007, 4009, 4010, 4011, 4014, 4016])
async def test_the_gateway_closes_with_any_code(ready: Client, code: int) -> None:
    await _disturbed(ready, "gateway_close", code=code, at="final")
    assert ready.socket is not None
    assert await ready.socket.close_code() == code


@expects("gateway_reconnect")
async def _(client: Client) -> None:
    await _disturbed(client, "gateway_reconnect", at="acknowledged")
    assert client.socket is not None
    frames = await client.socket.until(7)
    assert frames[-2]["t"] == "MESSAGE_CREATE"
    assert [frame["t"] for frame in await _resume(client)] == ["MESSAGE_UPDATE", "RESUMED"]


@expects("gateway_invalid_session")
async def _(client: Client) -> None:
    await _disturbed(client, "gateway_invalid_session")
    assert client.socket is not None
    assert (await client.socket.until(9))[-1]["d"] is False
    assert (await client.socket.identify(client.account.token))["session_id"]


@expects("gateway_invalid_resumable")
async def _(client: Client) -> None:
    await _disturbed(client, "gateway_invalid_resumable")
    assert client.socket is not None
    assert (await client.socket.until(9))[-1]["d"] is True
    assert [frame["t"] for frame in await _resume(client)] == ["MESSAGE_UPDATE", "RESUMED"]


@expects("identify_refused")
async def _(client: Client) -> None:
    client.sim.fault("identify_refused", code=4013, count=1)
    socket = await client.connect()
    await socket.send(2, {"token": client.account.token})
    assert await socket.close_code() == 4013
    assert await client.identify()


@expects("resume_refused")
async def _(client: Client) -> None:
    client.sim.fault("resume_refused")
    client.sim.drop()
    (refused,) = await _resume(client)
    assert (refused["op"], refused["d"]) == (9, False)


@expects("missed_heartbeats")
async def _(client: Client) -> None:
    client.sim.fault("missed_heartbeats", count=1)
    assert client.socket is not None
    await client.socket.send(1, None)
    await client.ask("info")
    frames = await client.socket.until("MESSAGE_UPDATE")
    assert 11 not in [frame["op"] for frame in frames]
    await client.socket.send(1, None)
    assert (await client.socket.until(11))[-1]["op"] == 11


@expects("required_action")
async def _(client: Client) -> None:
    client.sim.fault("required_action", action="AGREEMENTS")
    socket = await client.identify()
    assert socket.ready["required_action"] == "AGREEMENTS"


# Requests.


async def _asked(client: Client, fault: str, **params: Any) -> Answer:
    client.sim.fault(fault, count=1, **params)
    answer = await client.ask("info")
    await client.sim.settled()
    return answer


def _executed(client: Client) -> bool:
    return bool(client.sim.book)


@expects("rate_limited_bucket")
async def _(client: Client) -> None:
    answer = await _asked(client, "rate_limited_bucket", retry_after=0.5)
    assert answer.status == 429
    assert answer.json == {
        "global": False,
        "message": "You are being rate limited.",
        "retry_after": 0.5,
    }
    assert answer.headers["Retry-After"] == "0.5"
    assert answer.headers["X-RateLimit-Scope"] == "user"
    assert not _executed(client)


@expects("rate_limited_global")
async def _(client: Client) -> None:
    answer = await _asked(client, "rate_limited_global")
    words = b'{"global":true,"message":"You are being rate limited.","retry_after":10}'
    assert (answer.status, answer.body) == (429, words)
    assert answer.headers["X-RateLimit-Global"] == "true"
    assert answer.headers["Via"]
    assert not _executed(client)
    assert (await client.ask("info")).status == 204


@expects("rate_limited_proxy")
async def _(client: Client) -> None:
    answer = await _asked(client, "rate_limited_proxy")
    assert answer.status == 429
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "Via" not in answer.headers
    assert not _executed(client)


@expects("server_error_before")
async def _(client: Client) -> None:
    for status in (500, 502, 503):
        answer = await _asked(client, "server_error_before", status=status)
        assert answer.status == status
    assert not _executed(client)


@expects("server_error_after")
async def _(client: Client) -> None:
    answer = await _asked(client, "server_error_after", status=503)
    assert answer.status == 503
    assert _status(client) == "completed"


async def _reset(client: Client, fault: str, **params: Any) -> None:
    client.sim.fault(fault, count=1, **params)
    with pytest.raises((aiohttp.ClientConnectionError, TimeoutError)):
        async with asyncio.timeout(0.5):
            await client.ask("info")
    await client.sim.settled()
    assert client.sim.read_log(kind="request")[-1]["fault"] == fault


@expects("reset_before")
async def _(client: Client) -> None:
    await _reset(client, "reset_before")
    assert not _executed(client)


@expects("reset_after")
async def _(client: Client) -> None:
    await _reset(client, "reset_after")
    assert _status(client) == "completed"


@expects("hang_before")
async def _(client: Client) -> None:
    await _reset(client, "hang_before", seconds=60.0)
    assert not _executed(client)


@expects("hang_after")
async def _(client: Client) -> None:
    await _reset(client, "hang_after", seconds=60.0)
    assert _status(client) == "completed"


@expects("captcha_400")
async def _(client: Client) -> None:
    answer = await _asked(client, "captcha_400")
    assert (answer.status, answer.json["captcha_key"]) == (400, ["captcha-required"])
    assert not _executed(client)


def _refusal_expectation(fault: str, status: int, code: int) -> Expectation:
    async def expectation(client: Client) -> None:
        answer = await _asked(client, fault)
        assert (answer.status, answer.json["code"]) == (status, code)
        assert not _executed(client)

    return expectation


REFUSALS = {
    "unauthorized_401": (401, 0),
    "missing_access_403": (403, 50001),
    "missing_permissions_403": (403, 50013),
    "abuse_block_403": (403, 10008),
    "verify_account_403": (403, 40002),
    "unknown_channel_400": (400, 10003),
    "unknown_channel_404": (404, 10003),
    "unknown_message_404": (404, 10008),
    "unknown_command_404": (404, 10063),
    "outdated_400": (400, 50035),
}
EXPECTATIONS.update({name: _refusal_expectation(name, *row) for name, row in REFUSALS.items()})


@expects("stale_version")
async def _(client: Client) -> None:
    client.sim.fault("stale_version", count=1, announce=True)
    old = await client.version("info")
    refused = await client.ask("info")
    assert refused.status == 400
    assert "This command is outdated" in refused.body.decode()
    assert (await client.ask("info")).status == 400
    new = await client.version("info")
    assert new != old
    body = client.interaction("info")
    body["data"]["version"] = new
    assert (await client.post("/api/v9/interactions", body)).status == 204
    assert "GUILD_APPLICATION_COMMAND_INDEX_UPDATE" in _names(await client.events())


async def test_a_fault_of_requests_may_hit_any_route(ready: Client) -> None:
    ready.sim.fault("server_error_before", count=1, route="index", status=500)
    ready.sim.fault("server_error_before", count=1, route="upload")
    path = f"/api/v9/guilds/{ready.account.guild_id}/application-command-index"
    assert (await ready.get(path)).status == 500
    assert (await ready.get(path)).status == 200
    files = {"files": [{"id": "0", "filename": "a.png", "file_size": 3}]}
    slots = await ready.post(f"/api/v9/channels/{ready.account.channel_id}/attachments", files)
    url = slots.json["attachments"][0]["upload_url"]
    for status in (502, 200):
        async with ready.http.put(url, data=b"abc") as answer:
            assert answer.status == status


async def test_faults_add_up_in_the_order_they_were_switched_on(ready: Client) -> None:
    await ready.events()
    ready.sim.fault("missing_create")
    events = await _describe(ready, "duplicate_message")
    assert _names(events)[2:] == ["MESSAGE_UPDATE", "MESSAGE_UPDATE"]
    assert ready.sim.book[0]["faults"] == ["missing_create", "duplicate_message"]


async def test_a_fault_can_be_for_one_account_and_one_command(start: Start) -> None:
    client = await start(accounts=2)
    await client.identify()
    client.sim.fault("queue_full", account=1)
    client.sim.fault("queue_full", command="describe")
    await client.ask("info")
    await client.events()
    assert _status(client) == "completed"
    await client.ask("describe", await client.upload(webp()))
    await client.events()
    assert _status(client, 1) == "failed"


async def test_a_fault_can_be_for_the_next_interactions_only(ready: Client) -> None:
    ready.sim.fault("queue_full", count=2)
    for _ in range(3):
        await ready.ask("info")
        await ready.events()
    assert [e["status"] for e in ready.sim.book] == ["failed", "failed", "completed"]


def test_an_unknown_parameter_names_the_known_ones() -> None:
    with pytest.raises(FaultError, match="it has: seconds"):
        FAULTS["late_message"].with_params({"second": 1})


def test_command_line_values_take_the_type_of_their_defaults() -> None:
    fault = FAULTS["no_answer"]
    given = {"failure_event": "yes", "after_s": "1.5"}
    assert read_params(fault, given) == {"failure_event": True, "after_s": 1.5}
    assert read_params(FAULTS["gateway_close"], {"code": "4004"}) == {"code": 4004}
    with pytest.raises(FaultError, match="needs a number"):
        read_params(FAULTS["gateway_close"], {"code": "x"})


def test_every_row_says_what_it_does_and_has_its_function() -> None:
    for fault in FAULTS.values():
        assert fault.about
        assert (fault.http is not None) is (fault.place is Place.HTTP)
        assert (fault.script is not None) is (fault.place is Place.SCRIPT)
