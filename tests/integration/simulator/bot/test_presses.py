"""Every kind of button over a real socket: what it brings, in which order, and what it opens."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests import measure
from tests.integration.simulator.conftest import Start
from tests.integration.simulator.discord_client import Client, component, labels, result_of
from tests.pictures import webp

Json = dict[str, Any]
Events = list[tuple[str, Json]]
BEGUN = ["INTERACTION_CREATE", "INTERACTION_SUCCESS"]


def _names(events: Events) -> list[str]:
    return [name for name, _ in events]


def _messages(events: Events) -> Events:
    return [event for event in events if event[0].startswith("MESSAGE_")]


async def _bytes(client: Client, message: Json) -> bytes:
    answer = await client.get(message["attachments"][0]["url"])
    assert answer.status == 200
    return answer.body


# Buttons.


async def test_u_brings_one_message_with_a_uuid_of_its_own_and_no_progress(ready: Client) -> None:
    grid = await ready.imagine("fox --ar 3:2")
    events = await ready.pressed(grid, "U3")
    assert _names(events) == [*BEGUN, "MESSAGE_UPDATE", "MESSAGE_CREATE"]
    single = events[-1][1]
    assert single["content"] == f"**fox --ar 3:2** - Image #3 <@{ready.account.user_id}>"
    assert (single["type"], single["nonce"]) == (19, ready.last_nonce)
    assert single["message_reference"]["message_id"] == grid["id"]
    assert single["referenced_message"]["id"] == grid["id"]
    assert "interaction" not in single
    first, second = ready.sim.book
    assert second["uuid"] != first["uuid"] == second["parent"]
    assert (second["button"], second["tile"]) == ("U3", 3)
    tile, margin = measure.which_tile(await _bytes(ready, grid), await _bytes(ready, single))
    assert tile == 3 and margin > 0.5


async def test_a_press_recolours_its_button_in_an_echo_that_looks_like_a_result(
    ready: Client,
) -> None:
    grid = await ready.imagine()
    echo = (await ready.pressed(grid, "V2"))[2][1]
    assert echo["id"] == grid["id"]
    assert (echo["content"], echo["attachments"]) == (grid["content"], grid["attachments"])
    styles = {label: component(echo, label)["style"] for label in ("V1", "V2")}
    assert styles == {"V1": 2, "V2": 1}
    assert component(grid, "V2")["style"] == 2


async def test_the_same_u_twice_is_slowed_down_and_another_is_not(ready: Client) -> None:
    grid = await ready.imagine()
    await ready.made(grid, "U1")
    refused = (await ready.pressed(grid, "U1"))[-1][1]
    assert refused["embeds"][0]["title"] == "Slow Down!"
    assert re.search(r"<t:\d+:R>", refused["embeds"][0]["description"])
    assert (await ready.made(grid, "U2"))["attachments"]


GRIDS: dict[str, tuple[str, str]] = {
    "🔄": ("", "grid"),
    "V1": ("Variations (Strong) by ", "grid"),
    "V4": ("Variations (Strong) by ", "grid"),
    "Vary (Subtle)": ("Variations (Subtle) by ", "single"),
    "Vary (Strong)": ("Variations (Strong) by ", "single"),
    "Zoom Out 2x": ("Zoom Out by ", "single"),
    "Zoom Out 1.5x": ("Zoom Out by ", "single"),
    "Make Square": ("Zoom Out by ", "single"),
    "⬅️": ("Pan Left by ", "single"),
    "➡️": ("Pan Right by ", "single"),
    "⬆️": ("Pan Up by ", "single"),
    "⬇️": ("Pan Down by ", "single"),
}


@pytest.mark.parametrize("label", GRIDS)
async def test_a_button_that_draws_four_pictures_goes_the_way_of_imagine(
    ready: Client, label: str
) -> None:
    words, under = GRIDS[label]
    source = await (ready.imagine if under == "grid" else ready.single)("fox --ar 3:2")
    events = await ready.pressed(source, label)
    (_, echo), (_, start), *_ = _messages(events)
    assert echo["id"] == source["id"]
    assert (start["type"], start["nonce"]) == (19, ready.last_nonce)
    assert start["content"].endswith(" (Waiting to start)")
    final = result_of(events)
    who = f"<@{ready.account.user_id}>"
    assert final["content"] == f"**fox --ar 3:2** - {words}{who} (fast)"
    for message in (start, final):
        assert message["message_reference"]["message_id"] == source["id"]
    assert start["interaction_metadata"]["interacted_message_id"] == source["id"]
    assert labels(final)[:5] == ["U1", "U2", "U3", "U4", "🔄"]
    page = ready.sim.book[-1]
    assert (page["verb"], page["button"], page["status"]) == ("button", label, "completed")
    assert page["source_id"] == source["id"]


async def test_variations_start_in_words_of_their_own(ready: Client) -> None:
    start = _messages(await ready.pressed(await ready.imagine("fox"), "V2"))[1][1]
    assert start["content"] == (
        f"Making variations for image #2 with prompt **fox** - <@{ready.account.user_id}>"
        " (Waiting to start)"
    )


@pytest.mark.parametrize("label", ["Upscale (Subtle)", "Upscale (Creative)"])
async def test_an_upscale_is_one_larger_picture_that_can_be_redone(
    ready: Client, label: str
) -> None:
    single = await ready.single()
    events = await ready.pressed(single, label)
    final = result_of(events)
    detail = label.removeprefix("Upscale ")
    assert f" - Upscaling {detail} by " in events[4][1]["content"]
    assert f" - Upscaled {detail} by " in final["content"]
    assert final["attachments"][0]["width"] == 2 * single["attachments"][0]["width"]
    again = await ready.made(final, f"Redo {label}")
    assert again["attachments"][0]["width"] == final["attachments"][0]["width"]
    assert ready.sim.book[-1]["button"] == f"Redo {label}"


@pytest.mark.parametrize(("label", "factor"), [("Upscale (2x)", 2), ("Upscale (4x)", 4)])
async def test_old_models_upscale_by_a_factor(ready: Client, label: str, factor: int) -> None:
    single = await ready.single("fox --v 5.2")
    final = await ready.made(single, label)
    assert final["attachments"][0]["width"] == factor * single["attachments"][0]["width"]


async def test_zoom_and_pan_hold_the_old_picture(start: Start) -> None:
    client = await start(picture_size=256)
    await client.identify()
    single = await client.single("fox --ar 3:2")
    old = await _bytes(client, single)
    zoomed = measure.tile_of(await _bytes(client, await client.made(single, "Zoom Out 2x")), 1)
    factor, margin = measure.held_in_middle(old, zoomed)
    assert round(factor, 1) == 2.0 and margin > 0.5
    panned = measure.tile_of(await _bytes(client, await client.made(single, "➡️")), 1)
    assert measure.extended_side(old, panned)[0] == "right"


@pytest.mark.parametrize("motion", ["High", "Low"])
async def test_a_picture_becomes_a_film_a_clip_and_a_longer_film(
    ready: Client, motion: str
) -> None:
    film = await ready.made(await ready.single(), f"Animate ({motion} motion)")
    uuid = ready.sim.book[-1]["uuid"]
    assert f"[(Open on website)](<https://midjourney.com/jobs/{uuid}>) (fast)" in film["content"]
    assert f"--motion {motion.lower()} --video 1 --aspect 1:1** - <@" in film["content"]
    assert measure.frames(await _bytes(ready, film)) > 1
    clip = await ready.made(film, "U2")
    assert "<@" not in clip["content"]
    assert clip["attachments"][0]["filename"] == f"{ready.sim.book[-1]['uuid']}_2_720_N.mp4"
    assert measure.frames(await _bytes(ready, clip)) > 1
    longer = await ready.made(clip, f"Extend ({motion} motion)")
    again = await ready.made(longer, "🔄")
    assert labels(again) == labels(longer) == labels(film)


async def test_a_heart_is_acknowledged_ephemerally(ready: Client) -> None:
    single = await ready.single()
    said = (await ready.pressed(single, "❤️"))[-1][1]
    assert said["content"].startswith("You have successfully rated [this job](http://127.0.0.1")
    assert said["content"].endswith(f"/{single['id']}) with the heart-eyes emoji")
    assert (said["flags"], said["attachments"]) == (64, [])


async def test_auto_dm_sends_results_to_the_direct_channel_too(ready: Client) -> None:
    await ready.command("prefer auto_dm")
    events = await ready.imagined("fox")
    direct = [d for _, d in _messages(events) if d["channel_id"] == ready.account.dm_channel_id]
    assert len(direct[0]["attachments"]) == 4
    assert ready.sim.book[-1]["direct_id"] == direct[0]["id"]


# Forms.


async def test_a_form_opens_with_the_press_and_its_submission_is_a_job(ready: Client) -> None:
    single = await ready.single("a red fox")
    uuid = ready.sim.book[-1]["uuid"]
    events = await ready.pressed(single, "Custom Zoom")
    assert _names(events) == [
        "INTERACTION_CREATE",
        "INTERACTION_MODAL_CREATE",
        "INTERACTION_SUCCESS",
    ]
    modal = events[1][1]
    assert {data["id"] for _, data in events} == {modal["id"]}
    assert modal["nonce"] == ready.last_nonce
    assert modal["custom_id"] == f"MJ::OutpaintCustomZoomModal::{uuid}"
    (field,) = modal["components"][0]["components"]
    assert (field["type"], field["value"]) == (4, "a red fox --zoom 2")
    assert ready.sim.book[-1]["status"] == "opened"
    assert (await ready.submit(modal, "a red fox --zoom 1.5")).status == 204
    events = await ready.events()
    start, final = events[3][1], result_of(events)
    assert start["nonce"] == ready.last_nonce != modal["nonce"]
    assert start["interaction_metadata"]["triggering_interaction_metadata"]["id"] == modal["id"]
    assert final["message_reference"]["message_id"] == single["id"]
    page = ready.sim.book[-1]
    assert (page["verb"], page["button"], page["opened_by"]) == (
        "modal",
        "Custom Zoom",
        modal["id"],
    )


FORMS = {
    "V2": ("MJ::RemixModal::{uuid}::2::1", "Remix (Strong) by "),
    "🔄": ("MJ::ImagineModal::{message}", ""),
    "Vary (Subtle)": ("MJ::RemixModal::{uuid}::1::0", "Remix (Subtle) by "),
    "Vary (Strong)": ("MJ::RemixModal::{uuid}::1::1", "Remix (Strong) by "),
    "⬆️": ("MJ::PanModal::up::{uuid}::1", "Pan Up by "),
    "Animate (High motion)": ("MJ::AnimateModal::{uuid}::1::high::0", ""),
}


@pytest.mark.parametrize("label", FORMS)
async def test_remix_mode_asks_for_another_prompt(ready: Client, label: str) -> None:
    custom_id, words = FORMS[label]
    await ready.command("prefer remix")
    source = await (ready.imagine if label in ("V2", "🔄") else ready.single)()
    uuid = ready.sim.book[-1]["uuid"]
    modal = await ready.opened(source, label)
    assert modal["custom_id"] == custom_id.format(uuid=uuid, message=source["id"])
    assert modal["components"][0]["components"][0]["value"] == "a red fox"
    await ready.submit(modal, "a blue fox")
    content = result_of(await ready.events())["content"]
    assert "a blue fox" in content and f" - {words}<@" in content


async def test_extending_in_remix_mode_opens_a_form_too(ready: Client) -> None:
    film = await ready.made(await ready.single(), "Animate (Low motion)")
    clip = await ready.made(film, "U3")
    uuid = ready.sim.book[-1]["uuid"]
    await ready.command("prefer remix")
    modal = await ready.opened(clip, "Extend (Low motion)")
    assert modal["custom_id"] == f"MJ::AnimateModal::{uuid}::3::low::1"


@pytest.mark.parametrize("label", ["Upscale (Subtle)", "Zoom Out 2x", "Make Square"])
async def test_other_buttons_start_at_once_in_remix_mode(ready: Client, label: str) -> None:
    await ready.command("prefer remix")
    assert (await ready.made(await ready.single("fox --ar 2:1"), label))["attachments"]


async def _described(client: Client) -> Json:
    await client.ask("describe", await client.upload(webp()))
    return (await client.events())[-1][1]


async def test_a_described_prompt_can_be_edited_and_imagined(ready: Client) -> None:
    message = await _described(ready)
    prompts = ready.sim.book[0]["prompts"]
    modal = await ready.opened(message, "3️⃣")
    assert modal["custom_id"] == "MJ::Picreader::Modal::3"
    (field,) = modal["components"][0]["components"]
    assert field["custom_id"] == "MJ::Picreader::Modal::PromptField"
    assert field["value"] == prompts[2]
    await ready.submit(modal, field["value"])
    final = result_of(await ready.events())
    assert final["content"].startswith(f"**{prompts[2]}** - <@")
    assert labels(final)[0] == "U1"


async def test_a_picture_can_be_described_again_in_the_same_message(ready: Client) -> None:
    message = await _described(ready)
    events = await ready.pressed(message, "🔄")
    again = events[-1][1]
    assert again["id"] == message["id"]
    assert again["embeds"][0]["image"] == message["embeds"][0]["image"]
    first, second = ready.sim.book
    assert first["prompts"] != second["prompts"]
    assert [p[4:] for p in again["embeds"][0]["description"].split("\n\n")] == second["prompts"]


async def test_all_described_prompts_can_be_imagined_at_once(ready: Client) -> None:
    message = await _described(ready)
    events = await ready.pressed(message, "Imagine all 🎉")
    finals = [d for n, d in events if n == "MESSAGE_CREATE" and d["components"]]
    prompts = ready.sim.book[0]["prompts"]
    assert {final["content"].split("**")[1] for final in finals} == set(prompts)
    pages = ready.sim.book[1:]
    assert {page["prompt"] for page in pages} == set(prompts)
    assert len({page["interaction_id"] for page in pages}) == 1
    starts = [d for n, d in events if n == "MESSAGE_CREATE" and "Waiting" in d["content"]]
    assert sum("nonce" in start for start in starts) == 1


async def test_a_shortened_prompt_can_be_edited_and_imagined(ready: Client) -> None:
    message = await ready.command("shorten", prompt="a red fox in the snow")
    modal = await ready.opened(message, "2️⃣")
    assert modal["custom_id"] == f"MJ::ImagineModal::{message['id']}"
    value = modal["components"][0]["components"][0]["value"]
    assert value == ready.sim.book[0]["prompts"][1]
    await ready.submit(modal, value)
    assert result_of(await ready.events())["content"].startswith(f"**{value}** - <@")
