from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.integration.simulator.conftest import Start
from tests.integration.simulator.discord_client import Client
from tests.pictures import PROOFS, Proof, not_a_picture, webp
from waystation.simulator.bot.scripts import SCRIPTS
from waystation.simulator.discord.commands import COMMANDS
from waystation.simulator.drawing import pictures
from waystation.wire.interaction import MIDJOURNEY_APPLICATION_ID


async def _described(client: Client, data: bytes, name: str = "cat.png") -> dict[str, Any]:
    await client.ask("describe", await client.upload(data, name))
    events = await client.events()
    assert events[-1][0] == "MESSAGE_UPDATE"
    return events[-1][1]


def test_every_command_of_the_bot_has_a_script_and_the_other_way_round() -> None:
    ours = [c for c in COMMANDS if c.application_id == MIDJOURNEY_APPLICATION_ID]
    assert {verb for command in ours for verb in command.verbs} == set(SCRIPTS)


async def test_describe_says_what_the_documented_sequence_says(ready: Client) -> None:
    await ready.ask("describe", await ready.upload(webp()))
    events = await ready.events()
    names = [name for name, _ in events]
    assert names[-4:] == [
        "INTERACTION_CREATE",
        "INTERACTION_SUCCESS",
        "MESSAGE_CREATE",
        "MESSAGE_UPDATE",
    ]
    created, updated = events[-2][1], events[-1][1]
    assert created["nonce"] == ready.last_nonce
    assert (created["type"], created["flags"], created["content"]) == (20, 128, "")
    assert created["embeds"] == created["components"] == []
    assert "nonce" not in updated
    assert (updated["id"], updated["flags"]) == (created["id"], 0)
    assert updated["guild_id"] == ready.account.guild_id


async def test_command_responses_name_their_interaction_twice(ready: Client) -> None:
    update = await _described(ready, webp())
    entry = ready.sim.book[0]
    assert update["interaction"]["id"] == entry["interaction_id"]
    assert update["interaction"]["name"] == "describe"
    assert update["interaction"]["user"]["id"] == ready.account.user_id
    assert update["interaction_metadata"]["id"] == entry["interaction_id"]
    assert update["interaction_metadata"]["name"] == "describe"
    assert update["interaction_metadata"]["user"]["id"] == ready.account.user_id
    assert update["application_id"] == update["webhook_id"] == update["author"]["id"]
    assert update["author"]["bot"] is True


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.filename)
async def test_describe_tells_the_real_size_ratio_and_prompts(ready: Client, proof: Proof) -> None:
    update = await _described(ready, proof.build(), proof.filename)
    look = pictures.look(proof.build())
    (embed,) = update["embeds"]
    assert (embed["image"]["width"], embed["image"]["height"]) == (look.width, look.height)
    prompts = embed["description"].split("\n\n")
    assert [prompt[:3] for prompt in prompts] == ["1️⃣", "2️⃣", "3️⃣", "4️⃣"]
    assert [prompt[4:] for prompt in prompts] == ready.sim.book[0]["prompts"]
    assert all(prompt.endswith(f"--ar {look.ratio}") for prompt in prompts)


async def test_the_embed_shows_the_picture_under_its_own_name(ready: Client) -> None:
    update = await _described(ready, webp(), "my holiday.webp")
    url = update["embeds"][0]["image"]["url"]
    assert url.startswith(f"{ready.sim.url}/ephemeral-attachments/1092492867185950852/")
    assert "/my_holiday.webp?ex=" in url
    assert (await ready.get(url)).body == webp()


async def test_describe_offers_its_buttons(ready: Client) -> None:
    rows = (await _described(ready, webp()))["components"]
    custom_ids = [button["custom_id"] for row in rows for button in row["components"]]
    numbers = [f"MJ::Job::PicReader::{number}" for number in (1, 2, 3, 4)]
    assert custom_ids == [*numbers, "MJ::Picread::Retry", "MJ::Job::PicReader::all"]


async def test_describe_takes_a_link_to_its_own_content_network(ready: Client) -> None:
    first = await _described(ready, webp())
    body = ready.interaction("describe")
    link = first["embeds"][0]["image"]["url"]
    body["data"]["options"] = [{"type": 3, "name": "link", "value": link}]
    assert (await ready.post("/api/v9/interactions", body)).status == 204
    update = (await ready.events())[-1][1]
    assert update["embeds"][0]["image"]["width"] == first["embeds"][0]["image"]["width"]
    assert ready.sim.book[1]["status"] == "completed"


@pytest.mark.parametrize("link", ["http://127.0.0.1:9/cat.png", "nonsense", ""])
async def test_a_link_to_anywhere_else_is_an_invalid_link(ready: Client, link: str) -> None:
    body = ready.interaction("describe")
    body["data"]["options"] = [{"type": 3, "name": "link", "value": link}]
    assert (await ready.post("/api/v9/interactions", body)).status == 204
    assert (await ready.events())[-1][1]["embeds"][0]["title"] == "Invalid link"


async def test_a_link_to_no_picture_is_an_invalid_link(ready: Client) -> None:
    await ready.ask("describe", await ready.upload(not_a_picture()))
    refused = (await ready.events())[-1][1]
    assert refused["embeds"][0]["title"] == "Invalid link"
    assert ready.sim.book[0]["status"] == "failed"


async def test_info_is_ephemeral_from_first_to_last(ready: Client) -> None:
    await ready.ask("info")
    events = await ready.events()
    created, updated = events[-2][1], events[-1][1]
    assert (created["flags"], updated["flags"]) == (192, 64)
    assert created["nonce"] == ready.last_nonce
    assert "guild_id" not in created and "guild_id" not in updated
    assert updated["interaction"]["name"] == "info"
    history = await ready.get(f"/api/v9/channels/{ready.account.channel_id}/messages")
    assert history.json == []


async def test_info_reports_the_accounts_real_standing(ready: Client) -> None:
    standing = ready.account.standing
    standing.plan, standing.cycle, standing.fast_hours = "Mega", "monthly", 60.0
    standing.fast_hours_used, standing.foreign_running, standing.foreign_queued = 15.0, 2, 1
    await ready.ask("info")
    embed = (await ready.events())[-1][1]["embeds"][0]
    assert embed["title"] == "Your info - tester0"
    lines = embed["description"].split("\n")
    assert lines == [
        f"**User ID**: {ready.account.user_id}",
        "**Subscription**: Mega (Active monthly, renews next on <t:1900000000>)",
        "**Job Mode**: Fast",
        "**Visibility Mode**: Public",
        "**Fast Time Remaining**: 45.00/60.0 hours (75.00%)",
        "**Lifetime Usage**: 102 images (1.77 hours)",
        "**Relaxed Usage**: 19 images (0.29 hours)",
        "",
        "**Queued Jobs (fast)**: 1",
        "**Queued Jobs (relax)**: 0",
        "**Running Jobs**: 2",
    ]


async def test_a_direct_channel_has_no_guild(ready: Client) -> None:
    upload = await ready.upload(webp())
    dm = ready.account.dm_channel_id
    answer = await ready.ask("describe", upload, channel_id=dm, guild_id=None)
    assert answer.status == 204
    events = await ready.events()
    assert all("guild_id" not in data for _, data in events)
    assert events[-1][1]["channel_id"] == dm


async def test_history_keeps_the_final_message_without_a_nonce(ready: Client) -> None:
    update = await _described(ready, webp())
    path = f"/api/v9/channels/{ready.account.channel_id}/messages"
    (message,) = (await ready.get(path)).json
    assert message == {key: value for key, value in update.items() if key != "guild_id"}


async def test_a_job_over_the_plans_concurrency_is_queued_and_starts_later(ready: Client) -> None:
    ready.account.standing.foreign_running = 15
    await ready.ask("describe", await ready.upload(webp()))
    assert ready.socket is not None
    notice = await ready.socket.event("MESSAGE_CREATE")
    assert notice["embeds"][0]["title"] == "Job queued"
    assert notice["nonce"] == ready.last_nonce
    assert ready.account.standing.queued_jobs == 1
    await ready.post("/_sim/account", {"foreign_running": 0})
    started, finished = (await ready.events())[-2:]
    assert started[0] == "MESSAGE_CREATE"
    assert "nonce" not in started[1]
    assert finished[1]["id"] == started[1]["id"]
    assert ready.sim.book[0]["status"] == "completed"
    assert (ready.account.standing.queued_jobs, ready.account.standing.running_jobs) == (0, 0)


async def test_a_freed_slot_starts_the_job_that_waits_longest(start: Start) -> None:
    client = await start()
    await client.identify()
    client.account.standing.concurrency = 1
    upload = await client.upload(webp())
    for _ in range(3):
        await client.ask("describe", upload)
    await client.events()
    finals = [entry["final_at_s"] for entry in client.sim.book]
    assert finals == sorted(finals)
    assert {entry["status"] for entry in client.sim.book} == {"completed"}


async def test_a_full_queue_refuses(ready: Client) -> None:
    ready.account.standing.foreign_running = 15
    ready.account.standing.foreign_queued = 10
    await ready.ask("describe", await ready.upload(webp()))
    assert (await ready.events())[-1][1]["embeds"][0]["title"] == "Queue full"


@pytest.mark.parametrize(
    ("change", "title"),
    [
        ({"active": "Paused"}, "Subscription paused"),
        ({"active": "Cancelled"}, "Subscription required"),
        ({"fast_hours_used": 30.0}, "Credits exhausted"),
    ],
)
async def test_a_plan_that_does_not_allow_jobs_refuses_them(
    ready: Client, change: dict[str, object], title: str
) -> None:
    await ready.post("/_sim/account", change)
    await ready.ask("describe", await ready.upload(webp()))
    assert (await ready.events())[-1][1]["embeds"][0]["title"] == title


async def test_relaxed_jobs_need_no_fast_hours(ready: Client) -> None:
    await ready.post("/_sim/account", {"fast_hours_used": 30.0, "mode": "Relaxed"})
    await _described(ready, webp())
    assert ready.sim.book[0]["status"] == "completed"


async def test_equal_seeds_tell_equal_stories_and_others_do_not(start: Start) -> None:
    stories = []
    for seed in (7, 7, 8):
        client = await start(seed=seed)
        await client.identify()
        await _described(client, webp())
        entry = client.sim.book[0]
        stories.append((client.account.token, entry["prompts"], entry["uuid"]))
    assert stories[0] == stories[1]
    assert all(one != other for one, other in zip(stories[0], stories[2], strict=True))


async def test_two_jobs_for_one_picture_get_prompts_of_their_own(ready: Client) -> None:
    await _described(ready, webp())
    await _described(ready, webp())
    assert ready.sim.book[0]["prompts"] != ready.sim.book[1]["prompts"]


async def test_the_bot_stops_in_the_middle_of_its_work(start: Start) -> None:
    client = await start(speed=1.0)
    await client.identify()
    await client.ask("info")
    await client.sim.bot.stop()
    assert client.sim.book[0]["status"] == "unfinished"


async def test_speed_divides_the_bots_delays(start: Start) -> None:
    client = await start(speed=1.0)
    await client.identify()
    loop = asyncio.get_running_loop()
    began = loop.time()
    await client.ask("info")
    await client.events()
    slow_s = loop.time() - began
    client.sim.set_speed(100.0)
    began = loop.time()
    await client.ask("info")
    await client.events()
    assert slow_s > 0.6
    assert loop.time() - began < slow_s / 3
