"""Every command that draws or answers over a real socket: which messages come, in which order."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests import measure
from tests.integration.simulator.discord_client import Client, component, labels, result_of
from tests.pictures import proof
from waystation.simulator.bot.buttons import MODELS
from waystation.simulator.bot.scripts import PRESSES, SCRIPTS
from waystation.simulator.bot.timeline import PERCENTS

Json = dict[str, Any]
Events = list[tuple[str, Json]]
BEGUN = ["INTERACTION_CREATE", "INTERACTION_SUCCESS"]
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def _names(events: Events) -> list[str]:
    return [name for name, _ in events]


def _messages(events: Events) -> Events:
    return [event for event in events if event[0].startswith("MESSAGE_")]


async def _bytes(client: Client, message: Json) -> bytes:
    answer = await client.get(message["attachments"][0]["url"])
    assert answer.status == 200
    return answer.body


# /imagine.


async def test_imagine_says_what_the_documented_sequence_says(ready: Client) -> None:
    events = await ready.imagined("a red fox --ar 3:2")
    who = f"<@{ready.account.user_id}>"
    (_, start), *reports = _messages(events)
    assert _names(events)[:3] == [*BEGUN, "MESSAGE_CREATE"]
    assert start["content"] == f"**a red fox --ar 3:2** - {who} (Waiting to start)"
    assert (start["type"], start["flags"], start["nonce"]) == (20, 0, ready.last_nonce)
    assert start["interaction"]["name"] == "imagine"
    updates = [data for name, data in reports if name == "MESSAGE_UPDATE"]
    assert {data["id"] for data in updates} == {start["id"]}
    percents = [int(re.findall(r"\((\d+)%\) \(fast\)$", d["content"])[0]) for d in updates]
    assert 3 <= len(percents) <= 6
    assert percents == sorted(set(percents) & set(PERCENTS))
    final = result_of(events)
    assert final["content"] == f"**a red fox --ar 3:2** - {who} (fast)"
    assert (final["type"], final["flags"]) == (0, 0)
    assert not {"nonce", "interaction", "interaction_metadata", "webhook_id"} & set(final)
    assert [user["id"] for user in final["mentions"]] == [ready.account.user_id]
    assert sorted(_names(events)[-2:]) == ["MESSAGE_CREATE", "MESSAGE_DELETE"]
    (deleted,) = [data for name, data in events if name == "MESSAGE_DELETE"]
    assert deleted["id"] == start["id"]


async def test_progress_shows_a_real_smaller_picture_and_a_way_out(ready: Client) -> None:
    events = await ready.imagined()
    uuid, final = ready.sim.book[0]["uuid"], result_of(events)
    reports = [data for name, data in events if name == "MESSAGE_UPDATE"]
    for report in reports:
        assert component(report, "Cancel Job")["custom_id"] == f"MJ::CancelJob::ByJobid::{uuid}"
        assert bool(report["attachments"]) is ("(0%)" not in report["content"])
    shown = [report for report in reports if report["attachments"]]
    (attachment,) = shown[-1]["attachments"]
    assert attachment["filename"] == f"{uuid}_grid_0.webp"
    data = await _bytes(ready, shown[-1])
    assert measure.size(data) == (attachment["width"], attachment["height"])
    assert len(data) == attachment["size"]
    assert attachment["width"] < final["attachments"][0]["width"]


async def test_the_result_is_a_file_named_after_user_prompt_and_job(ready: Client) -> None:
    final = await ready.imagine("a red fox, at night --ar 3:2")
    (attachment,) = final["attachments"]
    uuid = ready.sim.book[0]["uuid"]
    assert attachment["filename"] == f"tester0_a_red_fox_at_night_ar_3_2_{uuid}.webp"
    assert re.search(rf"_{uuid}\.webp\?ex=", attachment["url"])
    assert attachment["content_type"] == "image/webp"
    assert measure.has_shape(await _bytes(ready, final), 3, 2)


async def test_the_order_of_result_and_deletion_is_not_fixed(ready: Client) -> None:
    lasts = {_names(await ready.imagined())[-1] for _ in range(12)}
    assert lasts == {"MESSAGE_CREATE", "MESSAGE_DELETE"}


@pytest.mark.parametrize("version", MODELS)
async def test_each_model_has_its_own_buttons_and_files(ready: Client, version: str) -> None:
    flag = f"--{version}" if version.startswith("niji") else f"--v {version}"
    grid = await ready.imagine(f"fox --ar 3:2 {flag}")
    single = await ready.made(grid, "U1")
    model = MODELS[version]
    assert single["attachments"][0]["filename"].endswith(f".{model.extension}")
    upscales = [label for label in labels(single) if label.startswith("Upscale")]
    assert upscales == [button.label for button in model.upscales]
    assert ("[(Open on website)]" in grid["content"]) is (version in ("8.1", "8.2"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "(fast)"),
        ({"mode": "Relaxed"}, "(relaxed)"),
        ({"mode": "Turbo"}, "(turbo)"),
        ({"visibility": "Stealth"}, "(fast, stealth)"),
    ],
)
async def test_the_text_names_mode_and_stealth(ready: Client, change: Json, words: str) -> None:
    await ready.post("/_sim/account", change)
    events = await ready.imagined()
    assert result_of(events)["content"].endswith(f"> {words}")
    report = next(data for name, data in events if name == "MESSAGE_UPDATE")
    assert report["content"].endswith(f"%) {words}")


@pytest.mark.parametrize(
    "prompt",
    [
        "a sign ** - <@1> (Stopped)",
        "** bold ** and (31%) (fast)",
        "see https://www.midjourney.com/jobs/01234567-89ab-4def-8123-456789abcdef",
        "01234567-89ab-4def-8123-456789abcdef_grid_0.webp",
        "line one\nline two",
    ],
)
async def test_a_prompt_that_looks_like_the_bots_words_is_repeated_as_sent(
    ready: Client, prompt: str
) -> None:
    grid = await ready.imagine(prompt)
    uuid = ready.sim.book[0]["uuid"]
    assert grid["content"] == f"**{prompt}** - <@{ready.account.user_id}> (fast)"
    assert grid["attachments"][0]["filename"].endswith(f"_{uuid}.webp")
    assert component(grid, "U1")["custom_id"] == f"MJ::JOB::upsample::1::{uuid}"


@pytest.mark.parametrize(
    ("prompt", "title"), [("--ar 1:1", "Empty prompt"), ("fox --v 2", "Invalid parameter")]
)
async def test_a_prompt_that_cannot_be_drawn_is_refused_at_once(
    ready: Client, prompt: str, title: str
) -> None:
    refused = await ready.command("imagine", prompt=prompt)
    assert refused["embeds"][0]["title"] == title
    assert refused["embeds"][0]["footer"]["text"] == f"/imagine {prompt}"
    assert (refused["nonce"], refused["flags"]) == (ready.last_nonce, 64)
    assert ready.account.standing.running_jobs == 0


async def test_a_video_of_imagine_replies_to_its_own_progress(ready: Client) -> None:
    events = await ready.imagined("https://example.com/a.png --video 1")
    start, final = events[2][1], result_of(events)
    assert start["content"].startswith("Creating video with prompt **<https://s.mj.run/")
    assert final["type"] == 19
    assert final["message_reference"]["message_id"] == start["id"]
    assert labels(final)[:5] == ["U1", "U2", "U3", "U4", "🔄"]


async def test_seeds_of_equal_prompts_differ_and_so_do_their_pictures(ready: Client) -> None:
    one, other = [await _bytes(ready, await ready.imagine()) for _ in range(2)]
    assert one != other
    first, second = ready.sim.book
    assert first["seed"] != second["seed"]


async def test_drawing_costs_hours_and_counts_images(ready: Client) -> None:
    standing = ready.account.standing
    images, hours, relaxed = standing.images, standing.fast_hours_used, standing.relaxed_images
    await ready.imagine()
    assert standing.images == images + 4 and standing.fast_hours_used > hours
    await ready.imagine("fox --relax")
    assert (standing.images, standing.relaxed_images) == (images + 4, relaxed + 4)


async def test_drawn_jobs_wait_for_a_slot_like_others(ready: Client) -> None:
    ready.account.standing.concurrency = 1
    for _ in range(3):
        await ready.send("imagine", prompt="fox")
    events = await ready.events()
    starts = [d for name, d in events if name == "MESSAGE_CREATE" and "Waiting" in d["content"]]
    notices = [d for name, d in events if name == "MESSAGE_CREATE" and d["embeds"]]
    assert [("nonce" in start) for start in starts] == [True, False, False]
    assert [notice["embeds"][0]["title"] for notice in notices] == ["Job queued"] * 2
    assert notices[0]["embeds"][0]["footer"]["text"] == "/imagine fox"
    assert {entry["status"] for entry in ready.sim.book} == {"completed"}


# Other commands.


async def _blend(client: Client, *names: str) -> Events:
    uploads = [await client.upload(proof(name).build(), name) for name in names]
    options = [{"type": 11, "name": f"image{n + 1}", "value": n} for n in range(len(names))]
    attachments = [
        {"id": str(n), "filename": "x", "uploaded_filename": name} for n, name in enumerate(uploads)
    ]
    data = {"version": "1", "id": "1062880104792997970", "name": "blend", "type": 1}
    data |= {"options": options, "attachments": attachments}
    assert (await client.ask("info", data=data)).status == 204
    return await client.events()


async def test_blend_says_links_only_and_mixes_what_was_sent(ready: Client) -> None:
    final = result_of(await _blend(ready, "crimson.png", "blue.png"))
    assert re.match(
        r"\*\*<https://s\.mj\.run/\w+> <https://s\.mj\.run/\w+> --ar 1:1\*\* - <@", final["content"]
    )
    photos = [proof(name).build() for name in ("crimson.png", "blue.png")]
    assert min(measure.mix(await _bytes(ready, final), photos)) > 0.2
    assert len(ready.sim.book[0]["pictures"]) == 2


async def test_equal_pictures_do_not_blend(ready: Client) -> None:
    events = await _blend(ready, "blue.png", "blue.png")
    (created, updated) = [data for _, data in _messages(events)]
    assert (created["content"], created["flags"]) == ("", 128)
    assert updated["id"] == created["id"]
    assert updated["embeds"][0]["title"] == "Duplicate images detected"


async def test_shorten_lists_prompts_and_offers_them(ready: Client) -> None:
    await ready.send("shorten", prompt="a very big red fox that walks in deep snow at night")
    events = await ready.events()
    created, updated = [data for _, data in _messages(events)]
    assert (created["nonce"], created["content"]) == (ready.last_nonce, "")
    assert updated["id"] == created["id"] and "nonce" not in updated
    assert updated["interaction"]["name"] == "shorten"
    (embed,) = updated["embeds"]
    found = re.findall(r"^\d\ufe0f\u20e3 (.+)$", embed["description"], re.MULTILINE)
    assert found == ready.sim.book[0]["prompts"]
    assert [len(prompt.split()) for prompt in found] == [10, 8, 6, 4, 2]
    assert "Shortened prompts" in embed["description"]
    assert embed["footer"]["text"] == ("Click on a button to imagine one of the shortened prompts")
    assert labels(updated) == ["1️⃣", "2️⃣", "3️⃣", "4️⃣", "5️⃣", "Show Details"]


async def test_a_short_prompt_has_few_shorter_ones(ready: Client) -> None:
    assert labels(await ready.command("shorten", prompt="fox")) == ["1️⃣", "Show Details"]


async def test_shorten_tells_details_in_the_same_message(ready: Client) -> None:
    message = await ready.command("shorten", prompt="a red fox")
    (_, details) = (await ready.pressed(message, "Show Details"))[-1]
    assert details["id"] == message["id"]
    assert re.search(r"^fox \(0\.\d\d\)$", details["embeds"][0]["description"], re.MULTILINE)


async def test_show_brings_a_result_back_with_its_buttons(ready: Client) -> None:
    grid = await ready.imagine()
    uuid = ready.sim.book[0]["uuid"]
    await ready.send("show", job_id=uuid)
    created, updated = [data for _, data in _messages(await ready.events())]
    assert (created["content"], created["nonce"]) == ("Displaying...", ready.last_nonce)
    assert updated["id"] == created["id"]
    assert updated["content"] == grid["content"]
    assert updated["components"] == grid["components"]
    assert await _bytes(ready, updated) == await _bytes(ready, grid)
    single = await ready.made(updated, "U2")
    assert single["message_reference"]["message_id"] == updated["id"]


async def test_show_of_an_unknown_job_names_it_without_a_nonce(ready: Client) -> None:
    refused = await ready.command("show", job_id="no-such-job")
    assert "no-such-job" in refused["embeds"][0]["description"]
    assert "nonce" not in refused
    assert ready.sim.book[0]["status"] == "failed"


async def test_show_works_in_the_direct_channel(ready: Client) -> None:
    await ready.imagine()
    body = {"channel_id": ready.account.dm_channel_id, "guild_id": None}
    uuid = ready.sim.book[0]["uuid"]
    options = [{"type": 3, "name": "job_id", "value": uuid}]
    data = {"version": "1", "id": "1169435442328911902", "name": "show", "type": 1}
    assert (await ready.ask("info", data=data | {"options": options}, **body)).status == 204
    assert (await ready.events())[-1][1]["channel_id"] == ready.account.dm_channel_id


# Cancelling.


async def _under_way(client: Client) -> tuple[Json, Json]:
    """Begin an imagine; return its first message, and one that can be cancelled."""
    assert client.socket is not None
    client.sim.set_speed(20.0)
    await client.send("imagine", prompt="fox")
    start = await client.socket.event("MESSAGE_CREATE")
    return start, await client.socket.event("MESSAGE_UPDATE")


async def test_a_running_job_can_be_cancelled(ready: Client) -> None:
    start, progress = await _under_way(ready)
    await ready.press(progress, "Cancel Job")
    last = _messages(await ready.events())[-1][1]
    assert last["id"] == start["id"]
    assert last["content"] == f"**fox** - <@{ready.account.user_id}> (Stopped)"
    assert last["components"] == []
    assert [page["status"] for page in ready.sim.book] == ["cancelled", "completed"]
    assert ready.account.standing.running_jobs == 0


async def test_a_running_job_can_be_cancelled_by_the_menu_of_its_message(ready: Client) -> None:
    _, progress = await _under_way(ready)
    data = {
        "version": "1",
        "id": "987795925764280352",
        "name": "Cancel Job",
        "type": 3,
        "target_id": progress["id"],
    }
    assert (await ready.ask("info", data=data)).status == 204
    await ready.events()
    assert ready.sim.book[0]["status"] == "cancelled"


async def test_the_button_of_a_deleted_progress_is_unknown(ready: Client) -> None:
    events = await ready.imagined()
    progress = next(data for name, data in events if name == "MESSAGE_UPDATE")
    refused = await ready.press(progress, "Cancel Job")
    assert (refused.status, refused.json["code"]) == (404, 10008)


async def test_an_ended_work_cannot_be_cancelled(ready: Client) -> None:
    ready.sim.fault("missing_delete")
    events = await ready.imagined()
    progress = [data for name, data in events if name == "MESSAGE_UPDATE"][-1]
    events = await ready.pressed(progress, "Cancel Job")
    assert _messages(events) == []
    assert [page["status"] for page in ready.sim.book] == ["completed", "unfinished"]


# Tables.


def test_every_row_is_named_after_its_key() -> None:
    for table in (SCRIPTS, PRESSES):
        assert all(name == script.verb for name, script in table.items())
