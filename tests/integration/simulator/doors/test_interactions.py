from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest

from tests.integration.simulator.conftest import Start
from tests.integration.simulator.discord_client import Client
from tests.pictures import webp

PATH = "/api/v9/interactions"


@pytest.mark.parametrize("prefix", ["/api", "/api/v6", "/api/v8", "/api/v9", "/api/v10"])
async def test_an_accepted_interaction_is_an_empty_204_under_every_version(
    ready: Client, prefix: str
) -> None:
    answer = await ready.post(f"{prefix}/interactions", ready.interaction("info"))
    assert (answer.status, answer.body) == (204, b"")


@pytest.mark.parametrize("kind", ["application/json", None])
async def test_the_body_may_come_as_a_form_field(ready: Client, kind: str | None) -> None:
    form = aiohttp.FormData()
    form.add_field("payload_json", json.dumps(ready.interaction("info")), content_type=kind)
    form._is_multipart = True  # one text field alone would not be multipart
    answer = await ready.request("POST", PATH, data=form)
    assert answer.status == 204
    assert (await ready.events())[-1][0] == "MESSAGE_UPDATE"


async def test_a_file_may_come_with_the_interaction_itself(ready: Client) -> None:
    body = ready.interaction("describe")
    body["data"]["options"] = [{"type": 11, "name": "image", "value": "0"}]
    form = aiohttp.FormData()
    form.add_field("payload_json", json.dumps(body))
    form.add_field("files[0]", webp(), filename="cat.webp", content_type="image/webp")
    assert (await ready.request("POST", PATH, data=form)).status == 204
    await ready.events()
    assert ready.sim.book[0]["status"] == "completed"


@pytest.mark.parametrize(
    ("nonce", "echoed"), [("abc", "abc"), (1234567890123456789, "1234567890123456789")]
)
async def test_any_nonce_comes_back_as_a_string(ready: Client, nonce: object, echoed: str) -> None:
    await ready.ask("info", nonce=nonce)
    events = await ready.events()
    assert [data.get("nonce") for _, data in events[-4:]] == [echoed, echoed, echoed, None]


async def test_a_nonce_is_not_mandatory(ready: Client) -> None:
    body = ready.interaction("info")
    del body["nonce"]
    assert (await ready.post(PATH, body)).status == 204
    events = await ready.events()
    assert all("nonce" not in data for _, data in events)


def _without(name: str) -> dict[str, Any]:
    return {name: None}


REFUSALS: dict[str, tuple[int, int, dict[str, Any]]] = {
    "no type": (400, 50035, _without("type")),
    "an unknown type": (400, 50035, {"type": 9}),
    "no guild in a guild channel": (400, 10003, _without("guild_id")),
    "another guild": (400, 10003, {"guild_id": "1"}),
    "an unknown channel": (400, 10003, {"channel_id": "1"}),
    "an unknown application": (404, 10002, {"application_id": "5"}),
    "no data": (400, 50035, _without("data")),
    "an unknown command": (404, 10063, {"data": {"id": "5", "name": "imagine"}}),
    "a command under another's name": (404, 10063, {"data": {"id": "972289487818334209"}}),
    "an overlong nonce": (400, 50035, {"nonce": "x" * 101}),
    "a nonce that is a list": (400, 50035, {"nonce": [1]}),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_a_wrong_interaction_is_refused_in_discords_words(ready: Client, case: str) -> None:
    status, code, changes = REFUSALS[case]
    answer = await ready.post(PATH, ready.interaction("info") | changes)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert answer.json["message"]
    assert ready.sim.book == []


async def test_another_accounts_channel_is_out_of_reach(start: Start) -> None:
    client = await start(accounts=2)
    other = client.sim.accounts[1]
    body = client.interaction("info", guild_id=other.guild_id, channel_id=other.channel_id)
    answer = await client.post(PATH, body)
    assert (answer.status, answer.json["code"]) == (403, 50001)


@pytest.mark.parametrize(
    "options",
    [
        [],
        [{"type": 3, "name": "image", "value": "x"}],
        [{"type": 3, "name": "prompt", "value": "x"}],
        [{"type": 11, "name": "image", "value": 5}],
        ["image"],
    ],
)
async def test_describe_without_a_usable_picture_is_an_invalid_form(
    ready: Client, options: list[object]
) -> None:
    body = ready.interaction("describe", await ready.upload(webp()))
    body["data"]["options"] = options
    answer = await ready.post(PATH, body)
    assert (answer.status, answer.json["code"]) == (400, 50035)


async def test_a_file_that_was_announced_and_never_put_is_an_invalid_form(ready: Client) -> None:
    files = {"files": [{"id": "0", "filename": "a.png", "file_size": 3}]}
    path = f"/api/v9/channels/{ready.account.channel_id}/attachments"
    name = (await ready.post(path, files)).json["attachments"][0]["upload_filename"]
    answer = await ready.ask("describe", name)
    assert answer.json["errors"]["data"]["attachments"]["_errors"][0]["code"]


async def test_any_session_id_will_do_unless_sessions_are_strict(ready: Client) -> None:
    assert (await ready.ask("info", session_id="constant")).status == 204


async def test_strict_sessions_refuse_an_unknown_session(start: Start) -> None:
    client = await start(strict_sessions=True)
    await client.identify()
    refused = await client.ask("info", session_id="constant")
    assert (refused.status, refused.json["code"]) == (400, 50035)
    assert (await client.ask("info")).status == 204


async def test_strict_sessions_tell_only_the_asking_session_of_its_interaction(
    start: Start,
) -> None:
    client = await start(strict_sessions=True)
    first = await client.identify()
    await client.identify()
    await client.ask("info")
    await client.events()
    names = {frame["t"] for frame in await first.until("MESSAGE_UPDATE")}
    assert "INTERACTION_CREATE" not in names


async def test_another_applications_info_fails_after_a_while(ready: Client) -> None:
    decoy = {"id": "1000000000000000002", "name": "info", "version": "1"}
    answer = await ready.ask("info", application_id="1000000000000000001", data=decoy)
    assert answer.status == 204
    events = await ready.events()
    assert [name for name, _ in events][-2:] == ["INTERACTION_CREATE", "INTERACTION_FAILURE"]
    assert events[-1][1]["reason_code"] == 2


async def test_a_button_without_a_script_is_taken_and_not_answered(ready: Client) -> None:
    ready.sim.fault("pending_mod_message", command="info")
    await ready.ask("info")
    message = (await ready.events())[-1][1]
    await ready.press(message, "Acknowledge")
    assert (await ready.events())[-1][0] == "INTERACTION_FAILURE"
    assert ready.sim.book[-1]["button"] == "Acknowledge"


async def test_a_button_that_the_message_does_not_have_is_an_invalid_form(ready: Client) -> None:
    await ready.ask("describe", await ready.upload(webp()))
    message = (await ready.events())[-1][1]
    press = {"component_type": 2, "custom_id": "MJ::JOB::upsample::1::stale"}
    body = ready.interaction("info", type=3, message_id=message["id"], data=press)
    answer = await ready.post(PATH, body)
    assert (answer.status, answer.json["code"]) == (400, 50035)
    assert len(ready.sim.book) == 1


async def test_a_press_needs_a_message(ready: Client) -> None:
    answer = await ready.ask("info", type=3, data={"custom_id": "x"})
    assert (answer.status, answer.json["code"]) == (400, 50035)


async def test_nobody_presses_another_users_ephemeral_button(start: Start) -> None:
    client = await start(accounts=2)
    await client.identify()
    settings = await client.command("settings")
    channel = client.sim.world.channels[client.account.channel_id]
    other = client.sim.accounts[1].user_id
    assert client.sim.messages.seen_by(other, channel.id, settings["id"]) is None


async def test_a_form_is_taken_once(ready: Client) -> None:
    modal = await ready.opened(await ready.single(), "Custom Zoom")
    assert (await ready.submit(modal, "fox --zoom 1.5")).status == 204
    again = await ready.submit(modal, "fox --zoom 1.5")
    assert (again.status, again.json["code"]) == (404, 10062)


async def test_a_form_expires(start: Start) -> None:
    client = await start(form_life_s=0.0)
    await client.identify()
    late = await client.submit(await client.opened(await client.single(), "Custom Zoom"), "fox")
    assert (late.status, late.json["code"]) == (404, 10062)


async def test_a_form_is_its_openers_alone(start: Start) -> None:
    client = await start(accounts=2)
    await client.identify()
    modal = await client.opened(await client.single(), "Custom Zoom")
    stranger = Client(client.sim, client.http, account=1)
    assert (await stranger.submit(modal, "fox --zoom 1.5")).json["code"] == 10062


async def test_a_button_of_an_unknown_message_is_refused(ready: Client) -> None:
    changes: dict[str, Any] = {"type": 3, "message_id": "1", "data": {"custom_id": "x"}}
    answer = await ready.ask("info", **changes)
    assert (answer.status, answer.json["code"]) == (404, 10008)


async def test_autocompletion_is_accepted_and_ignored(ready: Client) -> None:
    assert (await ready.ask("info", type=4)).status == 204
    assert ready.sim.book == []


async def test_a_bot_may_not_use_commands(client: Client) -> None:
    headers = {"Authorization": f"Bot {client.sim.bots[0].token}"}
    answer = await client.post(PATH, client.interaction("info"), headers=headers)
    assert (answer.status, answer.json["code"]) == (403, 20001)


async def test_the_book_tells_what_was_asked_by_whom(ready: Client) -> None:
    upload = await ready.upload(webp())
    await ready.ask("describe", upload)
    await ready.events()
    (entry,) = ready.sim.book
    assert entry["account"] == entry["user_id"] == ready.account.user_id
    assert (entry["verb"], entry["nonce"]) == ("describe", ready.last_nonce)
    assert entry["session_id"] == ready.socket.ready["session_id"]  # type: ignore[union-attr]
    assert entry["message_ids"] == [entry["message_id"]]
    assert entry["status"] == "completed"
    assert entry["by_hand"] is False


async def test_the_log_says_which_result_belongs_to_which_interaction(ready: Client) -> None:
    await ready.ask("describe", await ready.upload(webp()))
    await ready.events()
    (result,) = ready.sim.read_log(kind="result")
    (entry,) = ready.sim.book
    for fact in ("interaction_id", "nonce", "account", "message_id", "prompts", "status"):
        assert result[fact] == entry[fact]
