from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from tests import measure
from tests.integration.simulator.conftest import Start
from tests.integration.simulator.discord_client import Client, result_of
from tests.pictures import not_a_picture

Json = dict[str, Any]
OLDER = "/inpaint/api/submit-job"
NEWER = "/.proxy/inpaint/api/submit-job/"


def _mask(format_: str = "PNG", size: tuple[int, int] = (32, 32)) -> bytes:
    """White in the left half."""
    image = Image.new("L", size, 0)
    image.paste(255, (0, 0, size[0] // 2, size[1]))
    data = BytesIO()
    image.convert("RGB").save(data, format_, **({"lossless": True} if format_ == "WEBP" else {}))
    return data.getvalue()


async def _submit(client: Client, frame: Json, version: str, **fields: object) -> int:
    token = frame["custom_id"].removeprefix("MJ::iframe::")
    body: Json = {"mask": base64.b64encode(_mask()).decode(), "prompt": "a hat"} | fields
    if version == "older":
        body |= {"customId": token, "full_prompt": None, "userId": "0", "username": "0"}
        return (await client.post(OLDER, body)).status
    return (await client.post(NEWER + token, body)).status


@pytest.mark.parametrize("version", ["older", "newer"])
@pytest.mark.parametrize("format_", ["PNG", "WEBP"])
async def test_a_mask_starts_the_job_of_the_press_that_opened_the_iframe(
    ready: Client, version: str, format_: str
) -> None:
    single = await ready.single("fox")
    events = await ready.pressed(single, "Vary (Region)")
    frame = next(d for name, d in events if name == "INTERACTION_IFRAME_MODAL_CREATE")
    assert (frame["title"], frame["nonce"]) == ("Inpaint", ready.last_nonce)
    mask = base64.b64encode(_mask(format_)).decode()
    assert await _submit(ready, frame, version, mask=mask) == 200
    events = await ready.events()
    start, final = events[0][1], result_of(events)
    assert start["interaction_metadata"]["id"] == frame["id"]
    assert start["message_reference"]["message_id"] == single["id"]
    assert "nonce" not in start
    assert final["content"] == (
        f"**fox** - Variations (Region) by <@{ready.account.user_id}> (fast)"
    )
    press, job = ready.sim.book[-2:]
    assert (press["verb"], press["status"]) == ("button", "opened")
    assert (job["verb"], job["status"], job["nonce"]) == ("iframe", "completed", None)
    assert job["interaction_id"] == job["opened_by"] == press["interaction_id"]


async def test_only_what_is_white_is_painted_anew(start: Start) -> None:
    client = await start(picture_size=256)
    await client.identify()
    single = await client.single("fox")
    frame = await client.opened(single, "Vary (Region)")
    assert await _submit(client, frame, "newer") == 200
    grid = result_of(await client.events())
    before = (await client.get(single["attachments"][0]["url"])).body
    after = (await client.get(grid["attachments"][0]["url"])).body
    seen = measure.repaint(before, measure.tile_of(after, 1), _mask())
    assert seen.inside > 0.4
    assert seen.outside < 0.05


async def test_in_remix_mode_the_prompt_counts(ready: Client) -> None:
    await ready.command("prefer remix")
    frame = await ready.opened(await ready.single("fox"), "Vary (Region)")
    assert await _submit(ready, frame, "newer") == 200
    content = result_of(await ready.events())["content"]
    assert content.startswith("**a hat** - Remix (Region) by ")


async def test_a_token_is_taken_once_and_not_for_ever(start: Start) -> None:
    client = await start(form_life_s=0.0)
    await client.identify()
    late = await client.opened(await client.single(), "Vary (Region)")
    assert await _submit(client, late, "newer") == 404


@pytest.mark.parametrize("version", ["older", "newer"])
async def test_a_token_is_taken_once(ready: Client, version: str) -> None:
    frame = await ready.opened(await ready.single(), "Vary (Region)")
    assert await _submit(ready, frame, version) == 200
    assert await _submit(ready, frame, version) == 404
    assert await _submit(ready, {"custom_id": "MJ::iframe::other"}, version) == 404


@pytest.mark.parametrize(
    "mask",
    [
        None,
        5,
        "not base64!",
        base64.b64encode(not_a_picture()).decode(),
        "data:image/png;base64," + base64.b64encode(_mask()).decode(),
        base64.b64encode(_mask("BMP")).decode(),
    ],
)
async def test_a_file_that_is_no_mask_is_refused_and_can_be_sent_again(
    ready: Client, mask: object
) -> None:
    frame = await ready.opened(await ready.single(), "Vary (Region)")
    assert await _submit(ready, frame, "newer", mask=mask) == 400
    assert await _submit(ready, frame, "newer") == 200


async def test_a_body_that_is_no_object_is_refused(ready: Client) -> None:
    frame = await ready.opened(await ready.single(), "Vary (Region)")
    token = frame["custom_id"].removeprefix("MJ::iframe::")
    for raw in (b"[]", b"nonsense"):
        assert (await ready.request("POST", NEWER + token, data=raw)).status == 400


async def test_faults_answer_in_the_activitys_place(ready: Client) -> None:
    frame = await ready.opened(await ready.single(), "Vary (Region)")
    ready.sim.fault("server_error_before", count=1, route="activity.newer")
    assert await _submit(ready, frame, "newer") == 502
    ready.sim.fault("server_error_after", count=1, route="activity.newer")
    assert await _submit(ready, frame, "newer") == 502
    assert result_of(await ready.events())["attachments"]


async def test_the_log_has_the_call_with_its_account(ready: Client) -> None:
    frame = await ready.opened(await ready.single(), "Vary (Region)")
    await _submit(ready, frame, "newer")
    entry = next(e for e in ready.sim.log if e.get("route") == "activity.newer")
    assert (entry["account"], entry["status"]) == (ready.account.user_id, 200)
    assert entry["body"]["prompt"] == "a hat"


@pytest.mark.parametrize(("gone", "left"), [("older", "newer"), ("newer", "older")])
async def test_either_path_may_be_gone(ready: Client, gone: str, left: str) -> None:
    ready.sim.fault("older_activity", route=f"activity.{gone}")
    frame = await ready.opened(await ready.single(), "Vary (Region)")
    assert await _submit(ready, frame, gone) == 404
    assert await _submit(ready, frame, left) == 200
