from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.integration.simulator.conftest import Start
from tests.integration.simulator.discord_client import Client, Json
from tests.pictures import not_a_picture, webp
from waystation.simulator.faults.faults import FAULTS
from waystation.simulator.faults.hazards import HAZARDS


async def test_the_state_shows_everything_at_once(ready: Client) -> None:
    ready.sim.fault("queue_full")
    state = (await ready.get("/_sim/state")).json
    assert state == (await ready.get("/_sim/")).json
    assert state["url"] == ready.sim.url
    assert state["accounts"][0]["token"] == ready.account.token
    assert [fault["name"] for fault in state["faults"]] == ["queue_full"]
    assert [session["connected"] for session in state["sessions"]] == [True]
    assert state["standing"][ready.account.user_id]["plan"] == "Pro"
    assert (state["speed"], state["seed"]) == (1000.0, 1)


async def test_faults_are_listed_switched_on_and_off(ready: Client) -> None:
    body = {"name": "queue_full", "account": 0, "command": "info", "count": 1, "title": "Full"}
    switch = (await ready.post("/_sim/faults", body)).json
    assert (switch["account"], switch["params"]["title"]) == (ready.account.user_id, "Full")
    listed = (await ready.get("/_sim/faults")).json
    assert [row["name"] for row in listed["faults"]] == list(FAULTS)
    assert [row["name"] for row in listed["hazards"]] == list(HAZARDS)
    assert [row["id"] for row in listed["active"]] == [switch["id"]]
    await ready.ask("info")
    assert (await ready.events())[-1][1]["embeds"][0]["title"] == "Full"
    await ready.post("/_sim/faults", {"name": "vanished"})
    assert (await ready.request("DELETE", "/_sim/faults")).status == 200
    assert (await ready.get("/_sim/faults")).json["active"] == []


async def test_one_fault_can_be_switched_off(client: Client) -> None:
    first = (await client.post("/_sim/faults", {"name": "vanished"})).json["id"]
    await client.post("/_sim/faults", {"name": "no_answer"})
    await client.request("DELETE", f"/_sim/faults?id={first}")
    active = (await client.get("/_sim/faults")).json["active"]
    assert [switch["name"] for switch in active] == ["no_answer"]


WRONG: list[tuple[str, Any]] = [
    ("/_sim/faults", {}),
    ("/_sim/faults", {"name": "nonsense"}),
    ("/_sim/faults", {"name": "vanished", "x": 1}),
    ("/_sim/faults", {"name": "vanished", "account": "nobody"}),
    ("/_sim/faults", []),
    ("/_sim/drop", {"how": "gently"}),
    ("/_sim/drop", {"account": 7}),
    ("/_sim/account", {"shoe_size": 44}),
    ("/_sim/account", {"concurrency": "many"}),
    ("/_sim/settings", {"speed": 0}),
    ("/_sim/hand", {"picture": "§"}),
    ("/_sim/emit", {}),
]


@pytest.mark.parametrize(("path", "body"), WRONG)
async def test_a_wrong_call_says_what_is_wrong(client: Client, path: str, body: object) -> None:
    answer = await client.post(path, body)
    assert answer.status == 400
    assert answer.json["error"]


async def test_the_log_can_be_read_in_parts_and_by_kind(ready: Client) -> None:
    everything = (await ready.get("/_sim/log")).json
    assert [entry["kind"] for entry in everything] == ["request", "frame", "session"]
    since = everything[0]["n"]
    later = (await ready.get(f"/_sim/log?since={since}&kind=frame")).json
    assert [entry["op"] for entry in later] == [2]


async def test_the_book_can_be_read(ready: Client) -> None:
    await ready.ask("info")
    await ready.events()
    (entry,) = (await ready.get("/_sim/book")).json
    assert entry == ready.sim.book[0]


async def test_the_owner_can_be_made_to_type_a_command(ready: Client) -> None:
    picture = base64.b64encode(webp()).decode()
    entry = (await ready.post("/_sim/hand", {"picture": picture, "filename": "my.webp"})).json
    names = [name for name, _ in await ready.events()]
    assert names[-1] == "MESSAGE_UPDATE"
    assert entry["by_hand"] is True
    assert ready.sim.book[0]["interaction_id"] == entry["interaction_id"]
    assert ready.sim.book[0]["status"] == "completed"


async def test_the_owner_can_type_into_the_direct_channel(ready: Client) -> None:
    entry = (await ready.post("/_sim/hand", {"verb": "info", "direct": True})).json
    assert entry["channel_id"] == ready.account.dm_channel_id
    await ready.events()
    assert ready.sim.book[0]["status"] == "completed"


async def test_an_upload_of_the_owner_may_be_no_picture(ready: Client) -> None:
    nonsense = base64.b64encode(not_a_picture()).decode()
    await ready.post("/_sim/hand", {"picture": nonsense})
    assert (await ready.events())[-1][1]["embeds"][0]["title"] == "Invalid link"


async def test_gateways_can_be_dropped_at_once(start: Start) -> None:
    client = await start(accounts=2)
    socket = await client.identify()
    assert (await client.post("/_sim/drop", {"account": 1})).json == {"sessions": 0}
    answer = await client.post("/_sim/drop", {"how": "close", "code": 4008})
    assert answer.json == {"sessions": 1}
    assert await socket.close_code() == 4008


async def test_a_token_can_be_revoked_and_restored(ready: Client) -> None:
    await ready.post("/_sim/revoke", {})
    assert ready.socket is not None
    assert await ready.socket.close_code() == 4004
    assert (await ready.get("/api/v9/users/@me")).status == 401
    await ready.post("/_sim/revoke", {"revoked": False})
    assert (await ready.get("/api/v9/users/@me")).status == 200


async def test_an_accounts_standing_can_be_set(ready: Client) -> None:
    body = {"account": 0, "plan": "Basic", "concurrency": 3, "foreign_running": 2}
    standing = (await ready.post("/_sim/account", body)).json
    assert (standing["plan"], standing["concurrency"], standing["running_jobs"]) == ("Basic", 3, 2)


async def test_speed_and_seed_can_be_changed_while_it_runs(ready: Client) -> None:
    answer = await ready.post("/_sim/settings", {"speed": 500, "seed": 9})
    assert answer.json == {"speed": 500.0}
    state = (await ready.get("/_sim/state")).json
    assert (state["speed"], state["seed"]) == (500.0, 9)


async def test_any_event_can_be_dispatched_many_times(ready: Client) -> None:
    body = {"t": "TYPING_START", "d": {"user_id": "1"}, "count": 3}
    assert (await ready.post("/_sim/emit", body)).json == {"dispatched": 3}
    events = await ready.events()
    assert events[-3:] == [("TYPING_START", {"user_id": "1"})] * 3


async def test_a_reset_forgets_everything_but_who_exists(ready: Client) -> None:
    ready.sim.fault("vanished")
    ready.account.standing.plan = "Trial"
    await ready.ask("info")
    await ready.events()
    await ready.post("/_sim/reset")
    assert ready.sim.book == ready.sim.log == []
    assert ready.account.standing.plan == "Pro"
    await ready.ask("info")
    assert (await ready.events())[-1][0] == "MESSAGE_UPDATE"


async def test_the_owner_can_type_a_prompt_by_hand(ready: Client) -> None:
    body = {"verb": "imagine", "options": {"prompt": "a red fox"}}
    page = (await ready.post("/_sim/hand", body)).json
    assert (page["verb"], page["by_hand"]) == ("imagine", True)
    await ready.events()
    assert ready.sim.book[0]["prompt"] == "a red fox"
    assert ready.sim.book[0]["status"] == "completed"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", {"name": 7}),
        ("faults", {"name": "slow_answer", "seconds": "long"}),
        ("faults", {"name": "slow_answer", "seconds": True}),
        ("faults", {"name": "queue_full", "count": "2"}),
        ("faults", {"name": "queue_full", "account": []}),
        ("faults", {"name": "queue_full", "command": 7}),
        ("hand", {"verb": 7}),
        ("hand", {"direct": "no"}),
        ("hand", {"verb": "imagine", "options": {"prompt": 7}}),
        ("hand", {"picture": 7}),
        ("drop", {"how": "softly"}),
        ("drop", {"code": "4000"}),
        ("drop", {"how": "close", "code": 7}),
        ("revoke", {"revoked": "false"}),
        ("account", {"remix": "false"}),
        ("account", {"fast_hours": "many"}),
        ("account", {"version": "9"}),
        ("settings", {"speed": "fast"}),
        ("settings", {"seed": 1.5}),
        ("emit", {"t": 7, "d": {}}),
        ("emit", {"t": "X"}),
        ("emit", {"t": "X", "d": {}, "count": "2"}),
    ],
)
async def test_a_field_of_the_wrong_type_is_named(client: Client, path: str, body: Json) -> None:
    before = (await client.get("/_sim/state")).json
    answer = await client.post(f"/_sim/{path}", body)
    assert (answer.status, set(answer.json)) == (400, {"error"})
    assert (await client.get("/_sim/state")).json == before


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/_sim", 404), ("GET", "/_sim/nothing", 404), ("PATCH", "/_sim/faults", 405)],
)
async def test_a_request_that_is_no_call_is_refused_in_json(
    client: Client, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path)
    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/json")
    assert "/_sim/" in answer.json["error"]


async def test_settled_waits_until_nothing_is_running(ready: Client) -> None:
    await ready.send("imagine", prompt="a red fox")
    assert (await ready.post("/_sim/settled")).json == {"ok": True}
    assert [page["status"] for page in ready.sim.book] == ["completed"]
