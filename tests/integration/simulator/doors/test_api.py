from __future__ import annotations

import asyncio

import aiohttp
import pytest

from tests.integration.simulator.conftest import Start
from tests.integration.simulator.discord_client import Client


async def test_json_is_announced_as_exactly_application_json(client: Client) -> None:
    for path in ("/api/v9/users/@me", "/api/v9/nothing"):
        assert (await client.get(path)).headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "authorization", ["", "wrong", "Bearer {token}", "Bot {token}", "{bot}", "{token}x"]
)
async def test_only_the_bare_token_of_a_user_is_taken(client: Client, authorization: str) -> None:
    bot = client.sim.bots[0].token
    header = authorization.format(token=client.account.token, bot=bot)
    answer = await client.get("/api/v9/users/@me", headers={"Authorization": header})
    assert (answer.status, answer.json) == (401, {"message": "401: Unauthorized", "code": 0})


async def test_a_revoked_token_is_refused(client: Client) -> None:
    client.sim.revoke()
    assert (await client.get("/api/v9/users/@me")).status == 401
    client.sim.revoke(revoked=False)
    assert (await client.get("/api/v9/users/@me")).status == 200


@pytest.mark.parametrize("raw", [b"{", b"[]", b"5", b"\xff"])
async def test_a_body_that_is_no_object_is_refused(client: Client, raw: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await client.request("POST", "/api/v9/interactions", data=raw, headers=headers)
    assert answer.status == 400
    assert answer.json["code"] in (50109, 50035)


async def test_the_bucket_of_a_channel_runs_empty_and_says_so(client: Client) -> None:
    path = f"/api/v9/channels/{client.account.channel_id}/messages"
    answers = [await client.post(path, {"content": "x"}) for _ in range(6)]
    assert [answer.status for answer in answers] == [200] * 5 + [429]
    refused = answers[-1]
    assert refused.json["global"] is False
    assert refused.json["message"] == "You are being rate limited."
    assert 0 < refused.json["retry_after"] <= 5
    assert refused.headers["Retry-After"] == f"{refused.json['retry_after']:g}"
    assert refused.headers["X-RateLimit-Scope"] == "user"
    assert "X-RateLimit-Global" not in refused.headers
    assert refused.headers["Via"]
    other = f"/api/v9/channels/{client.account.dm_channel_id}/messages"
    assert (await client.post(other, {"content": "x"})).status == 200


async def test_the_global_limit_holds_over_all_routes(start: Start) -> None:
    client = await start(global_limit_per_s=3)
    answers = [await client.get("/api/v9/users/@me") for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].json["global"] is True
    assert answers[-1].headers["X-RateLimit-Global"] == "true"
    assert answers[-1].headers["X-RateLimit-Scope"] == "global"


async def test_a_bot_sees_its_bucket_and_a_user_does_not(client: Client) -> None:
    path = f"/api/v9/channels/{client.account.channel_id}/messages"
    headers = {"Authorization": f"Bot {client.sim.bots[0].token}"}
    seen = (await client.post(path, {"content": "x"}, headers=headers)).headers
    assert (seen["X-RateLimit-Limit"], seen["X-RateLimit-Remaining"]) == ("5", "4")
    assert float(seen["X-RateLimit-Reset-After"]) <= 5
    assert len(seen["X-RateLimit-Bucket"]) == 32
    unseen = (await client.post(path, {"content": "x"})).headers
    assert not [name for name in unseen if name.lower().startswith("x-ratelimit")]


async def test_rate_limits_can_be_switched_off(start: Start) -> None:
    client = await start(rate_limits=False, global_limit_per_s=1)
    answers = [await client.get("/api/v9/users/@me") for _ in range(5)]
    assert {answer.status for answer in answers} == {200}


async def test_a_request_is_logged_whole(client: Client) -> None:
    await client.post("/api/v9/interactions", {"type": 2}, headers={"X-Mine": "yes"})
    (entry,) = client.sim.log
    assert (entry["kind"], entry["method"], entry["path"]) == (
        "request",
        "POST",
        "/api/v9/interactions",
    )
    assert entry["headers"]["X-Mine"] == "yes"
    assert entry["headers"]["Authorization"] == client.account.token
    assert entry["body"] == {"type": 2}
    assert (entry["account"], entry["status"]) == (client.account.user_id, 400)


async def test_an_interaction_runs_even_if_nobody_waited_for_its_answer(ready: Client) -> None:
    ready.sim.fault("hang_after", seconds=60.0)
    task = asyncio.create_task(ready.ask("info"))
    while not ready.sim.book:
        await asyncio.sleep(0)
    task.cancel()
    assert (await ready.events())[-1][0] == "MESSAGE_UPDATE"
    assert ready.sim.book[0]["status"] == "completed"


async def test_a_file_in_the_request_has_the_same_limit_as_an_upload(start: Start) -> None:
    client = await start(max_file_bytes=10)
    form = aiohttp.FormData()
    form.add_field("files[0]", b"x" * 11, filename="a.png", content_type="image/png")
    path = f"/api/v9/channels/{client.account.channel_id}/messages"
    answer = await client.request("POST", path, data=form)
    assert (answer.status, answer.json["code"]) == (413, 40005)


async def test_a_form_of_plain_fields_is_understood(client: Client) -> None:
    form = aiohttp.FormData()
    form.add_field("content", "hello")
    form.add_field("files[0]", b"x", filename="a.bin", content_type="application/octet-stream")
    path = f"/api/v9/channels/{client.account.channel_id}/messages"
    sent = await client.request("POST", path, data=form)
    assert (sent.json["content"], len(sent.json["attachments"])) == ("hello", 1)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing/here", 404, 0),
        ("PATCH", "/gateway", 405, 0),
        ("DELETE", "/users/@me", 405, 0),
        ("POST", "/interactions/1/token/callback", 404, 10062),
        ("PATCH", "/webhooks/1/token/messages/@original", 404, 10015),
        ("POST", "/webhooks/1/token", 404, 10015),
    ],
)
async def test_a_missing_thing_is_refused_with_discords_own_code(
    client: Client, method: str, path: str, status: int, code: int
) -> None:
    answer = await client.request(method, f"/api/v10{path}")
    assert (answer.status, answer.json["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/json"
