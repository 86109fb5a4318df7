"""Each row of HAZARDS makes its effect; a row without an expectation fails the suite."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.integration.simulator.discord_client import Client, labels, result_of
from waystation.simulator.book.evidence import ANYBODY
from waystation.simulator.bot.prompts import short_link
from waystation.simulator.faults.faults import FAULTS
from waystation.simulator.faults.hazards import HAZARDS

Json = dict[str, Any]
Events = list[tuple[str, Json]]
Expectation = Callable[[Client], Awaitable[None]]
EXPECTATIONS: dict[str, Expectation] = {}


def expects(name: str) -> Callable[[Expectation], Expectation]:
    """Register what one hazard does."""

    def register(expectation: Expectation) -> Expectation:
        EXPECTATIONS[name] = expectation
        return expectation

    return register


@pytest.mark.parametrize("name", HAZARDS)
async def test_the_hazard_makes_its_effect(ready: Client, name: str) -> None:
    await EXPECTATIONS[name](ready)


def test_every_hazard_has_an_expectation_and_none_is_left_over() -> None:
    assert set(EXPECTATIONS) == set(HAZARDS)
    assert not set(HAZARDS) & set(FAULTS)


async def _imagined(client: Client, *hazards: str, prompt: str = "fox", **params: Any) -> Events:
    for hazard in hazards:
        client.sim.fault(hazard, **params)
    events = await client.imagined(prompt)
    assert client.sim.book[-1]["status"] == "completed"
    return [(name, data) for name, data in events if name.startswith("MESSAGE_")]


def _names(events: Events) -> list[str]:
    return [name.removeprefix("MESSAGE_") for name, _ in events]


def _evidence(client: Client) -> set[str]:
    return set(client.sim.book[-1]["evidence"])


@expects("nonce_on_result")
async def _(client: Client) -> None:
    events = await _imagined(client, "nonce_on_result")
    assert result_of(events)["nonce"] == events[0][1]["nonce"] == client.last_nonce
    assert "nonce on result" in _evidence(client)


@expects("missing_nonce")
async def _(client: Client) -> None:
    events = await _imagined(client, "missing_nonce")
    assert all("nonce" not in data for _, data in events)
    assert "nonce on start" not in _evidence(client)


@expects("missing_metadata")
async def _(client: Client) -> None:
    events = await _imagined(client, "missing_metadata")
    assert all("interaction_metadata" not in data for _, data in events)
    assert all("interaction" not in data for _, data in events)


@expects("missing_progress")
async def _(client: Client) -> None:
    names = _names(await _imagined(client, "missing_progress"))
    assert sorted(names) == ["CREATE", "CREATE", "DELETE"]


@expects("anonymous_progress")
async def _(client: Client) -> None:
    events = await _imagined(client, "anonymous_progress")
    uuid = client.sim.book[0]["uuid"]
    reports = [data for name, data in events if name == "MESSAGE_UPDATE"]
    assert reports and all(uuid not in str(report) for report in reports)
    files = {one["filename"] for report in reports for one in report["attachments"]}
    assert files == {"grid_0.webp"}
    assert "uuid on progress" not in _evidence(client)


@expects("deferred_start")
async def _(client: Client) -> None:
    (_, empty), (name, start), *_ = await _imagined(client, "deferred_start")
    assert (empty["content"], empty["flags"], empty["nonce"]) == ("", 128, client.last_nonce)
    assert (name, start["id"], start["flags"]) == ("MESSAGE_UPDATE", empty["id"], 0)
    assert start["content"].endswith("(Waiting to start)")


@expects("early_delete")
async def _(client: Client) -> None:
    client.sim.fault("early_delete")
    for _ in range(4):
        assert _names(await _imagined(client))[-2:] == ["DELETE", "CREATE"]


@expects("late_delete")
async def _(client: Client) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert _names(await _imagined(client, "late_delete", seconds=0.2))[-2:] == ["CREATE", "DELETE"]
    assert loop.time() - began >= 0.2


@expects("missing_delete")
async def _(client: Client) -> None:
    events = await _imagined(client, "missing_delete")
    assert "DELETE" not in _names(events)
    path = f"/api/v9/channels/{client.account.channel_id}/messages"
    assert len((await client.get(path)).json) == 2


@expects("edited_result")
async def _(client: Client) -> None:
    events = await _imagined(client, "edited_result")
    names = _names(events)
    assert names == ["CREATE", *["UPDATE"] * (len(names) - 1)]
    assert len({data["id"] for _, data in events}) == 1
    assert labels(events[-1][1])[0] == "U1"
    assert client.sim.book[0]["result_id"] == client.sim.book[0]["message_id"]


@expects("result_replies")
async def _(client: Client) -> None:
    events = await _imagined(client, "result_replies")
    final = result_of(events)
    assert final["type"] == 19
    assert final["message_reference"]["message_id"] == events[0][1]["id"]
    assert "result replies to start" in _evidence(client)


@expects("late_success")
async def _(client: Client) -> None:
    client.sim.fault("late_success")
    events = await client.imagined()
    assert [name for name, _ in events][:3] == [
        "INTERACTION_CREATE",
        "MESSAGE_CREATE",
        "INTERACTION_SUCCESS",
    ]


@expects("late_echo")
async def _(client: Client) -> None:
    grid = await client.imagine()
    client.sim.fault("late_echo", command="button")
    events = await client.pressed(grid, "U1")
    assert [data["id"] for _, data in events[-2:]] == [client.sim.book[1]["result_id"], grid["id"]]


@expects("missing_echo")
async def _(client: Client) -> None:
    grid = await client.imagine()
    client.sim.fault("missing_echo")
    events = await client.pressed(grid, "V1")
    assert grid["id"] not in {data["id"] for _, data in events}


@expects("answered_at_once")
async def _(client: Client) -> None:
    client.sim.fault("answered_at_once")
    said = await client.command("relax")
    assert said["content"].startswith("Done!")
    assert (said["nonce"], said["flags"]) == (client.last_nonce, 64)
    assert (await client.command("info"))["embeds"][0]["title"].startswith("Your info")
    assert _names(await _imagined(client))[0] == "CREATE"


@expects("cancel_deletes")
async def _(client: Client) -> None:
    assert client.socket is not None
    client.sim.fault("cancel_deletes")
    client.sim.set_speed(20.0)
    await client.send("imagine", prompt="fox")
    progress = await client.socket.event("MESSAGE_UPDATE")
    await client.press(progress, "Cancel Job")
    name, gone = (await client.events())[-1]
    assert (name, gone["id"]) == ("MESSAGE_DELETE", progress["id"])
    assert client.sim.book[0]["status"] == "cancelled"


@expects("vanished_late")
async def _(client: Client) -> None:
    client.sim.fault("vanished_late")
    names = [name for name, _ in await client.imagined()]
    assert names.count("MESSAGE_UPDATE") >= 3
    assert names[-1] == "MESSAGE_DELETE" and names.count("MESSAGE_CREATE") == 1
    assert client.sim.book[0]["status"] == "vanished"


@expects("rewritten_prompt")
async def _(client: Client) -> None:
    prompt = "a   red —ar 3:2 fox"
    client.sim.fault("rewritten_prompt", flags="--v 7")
    for _, data in await _imagined(client, prompt=prompt):
        assert "content" not in data or "**a red fox --ar 3:2 --v 7** - <@" in data["content"]
    page = client.sim.book[0]
    assert (page["asked"], page["prompt"]) == (prompt, "a red fox --ar 3:2 --v 7")


@expects("short_links")
async def _(client: Client) -> None:
    url = "https://example.com/cat.png"
    events = await _imagined(client, "short_links", prompt=f"{url} as a fox")
    assert f"**{short_link(url)} as a fox**" in result_of(events)["content"]


@expects("unknown_wording_of_caption")
async def _(client: Client) -> None:
    client.sim.fault("unknown_wording_of_caption", deed="Sharpened by")
    assert " - Sharpened by <@" in result_of(await _imagined(client))["content"]
    grid = result_of(await _imagined(client))
    made = await client.made(grid, "V1")
    assert " - Sharpened by <@" in made["content"]


@expects("low_variability")
async def _(client: Client) -> None:
    client.sim.fault("low_variability")
    grid = result_of(await _imagined(client, prompt="fox --v 6.1"))
    assert " - Variations (Subtle) by <@" in (await client.made(grid, "V1"))["content"]


@expects("cut_prompt")
async def _(client: Client) -> None:
    prompt = "a " + "very " * 30 + "red fox --ar 3:2"
    client.sim.fault("cut_prompt", length=110, ending="...")
    assert (
        f"**{prompt[:110]}...** - <@"
        in result_of(await _imagined(client, prompt=prompt))["content"]
    )
    assert client.sim.book[0]["indistinguishable_from"] == []


@expects("shortened_prompt")
async def _(client: Client) -> None:
    client.sim.fault("shortened_prompt", count=1)
    events = await _imagined(client, prompt="a very red fox --ar 3:2")
    assert "**a red --ar 3:2** - <@" in result_of(events)["content"]
    client.sim.fault("shortened_prompt", sentence="a vixen")
    assert "**a vixen** - <@" in result_of(await _imagined(client))["content"]
    # what is tied needs no words
    assert client.sim.book[1]["indistinguishable_from"] == []


@expects("plain_links")
async def _(client: Client) -> None:
    client.sim.fault("plain_links", count=1)
    content = result_of(await _imagined(client, prompt="fox --v 7"))["content"]
    assert content.endswith("> (Open on website for full quality) (fast)")
    client.sim.fault("plain_links", text="")
    assert "website" not in result_of(await _imagined(client, prompt="fox --v 7"))["content"]
    linked = "fox [(a den)](<https://127.0.0.1/den>)"
    content = result_of(await _imagined(client, prompt=linked))["content"]
    assert content.startswith(f"**{linked}** - <@")


@expects("no_buttons")
async def _(client: Client) -> None:
    client.sim.fault("no_buttons", count=1)
    result = next(data for _, data in reversed(await _imagined(client)) if "content" in data)
    assert result["components"] == [] and result["attachments"]
    client.sim.fault("no_buttons", web=True)
    ((button,),) = (row["components"] for row in result_of(await _imagined(client))["components"])
    assert "custom_id" not in button and client.sim.book[1]["uuid"] in button["url"]


@expects("no_form")
async def _(client: Client) -> None:
    single = await client.single()
    client.sim.fault("no_form")
    assert (await client.made(single, "Custom Zoom"))["attachments"]
    message = await client.command("shorten", prompt="a red fox")
    made = await client.made(message, "1️⃣")
    assert client.sim.book[-1]["prompt"] in made["content"]


@expects("expired_form")
async def _(client: Client) -> None:
    modal = await client.opened(await client.single(), "Custom Zoom")
    client.sim.fault("expired_form", command="modal")
    answer = await client.submit(modal, "fox --zoom 2")
    assert (answer.status, answer.json["code"]) == (404, 10062)


@expects("older_activity")
async def _(client: Client) -> None:
    frame = await client.opened(await client.single(), "Vary (Region)")
    token = frame["custom_id"].removeprefix("MJ::iframe::")
    client.sim.fault("older_activity")
    newer = await client.post(f"/.proxy/inpaint/api/submit-job/{token}", {"mask": ""})
    older = await client.post("/inpaint/api/submit-job", {"customId": token, "mask": ""})
    assert (newer.status, older.status) == (404, 400)


# Several at once.


async def test_the_owner_who_types_the_same_may_meet_the_same_hazards(ready: Client) -> None:
    ready.sim.fault("missing_progress")
    ready.sim.fault("owner_by_hand", when="during", alike=True)
    await ready.send("imagine", prompt="fox")
    await ready.events()
    own, by_hand = ready.sim.book
    assert by_hand["by_hand"]
    assert by_hand["faults"] == ["missing_progress"]
    assert own["evidence"] == by_hand["evidence"]


BLIND = ("missing_nonce", "missing_metadata", "missing_progress")


async def test_two_equal_jobs_without_any_sign_are_marked(ready: Client) -> None:
    for hazard in BLIND:
        ready.sim.fault(hazard)
    for prompt in ("fox", "fox", "cat"):
        await ready.send("imagine", prompt=prompt)
    await ready.events()
    one, other, cat = ready.sim.book
    assert one["indistinguishable_from"] == [other["interaction_id"]]
    assert other["indistinguishable_from"] == [one["interaction_id"]]
    assert cat["indistinguishable_from"] == []


async def test_one_sign_on_one_of_two_is_enough(ready: Client) -> None:
    for hazard in BLIND:
        ready.sim.fault(hazard, count=1)
    for _ in range(2):
        await ready.send("imagine", prompt="fox")
    await ready.events()
    assert [page["indistinguishable_from"] for page in ready.sim.book] == [[], []]


async def test_equal_jobs_one_after_the_other_are_told_apart_by_time(ready: Client) -> None:
    for hazard in BLIND:
        ready.sim.fault(hazard)
    for _ in range(2):
        await ready.imagine("fox")
    assert [page["indistinguishable_from"] for page in ready.sim.book] == [[], []]


async def test_all_hazards_together_still_bring_every_result(ready: Client) -> None:
    for name in HAZARDS:
        if name not in ("edited_result", "expired_form", "vanished_late", "no_buttons"):
            ready.sim.fault(name)
    grid = result_of(await _imagined(ready))
    assert (await ready.made(grid, "V1"))["attachments"]
    assert {page["status"] for page in ready.sim.book} == {"completed"}


async def test_words_that_resemble_no_ask_could_be_anybodys(ready: Client) -> None:
    for hazard in (*BLIND, "shortened_prompt"):
        ready.sim.fault(hazard)
    await ready.imagine("a very red fox")
    assert ready.sim.book[0]["indistinguishable_from"] == [ANYBODY]


async def test_two_presses_under_new_words_are_marked_whatever_was_pressed(ready: Client) -> None:
    grid = result_of(await _imagined(ready))
    for hazard in (*BLIND, "unknown_wording_of_caption"):
        ready.sim.fault(hazard)
    await ready.press(grid, "V1")
    await ready.press(grid, "🔄")
    await ready.events()
    one, other = ready.sim.book[1:]
    assert one["indistinguishable_from"] == [other["interaction_id"]]
    assert other["indistinguishable_from"] == [one["interaction_id"]]
