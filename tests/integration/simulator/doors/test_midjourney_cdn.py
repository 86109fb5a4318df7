"""Midjourney's own content network over a real socket: numbers from 0, no signature, or a 404."""

from __future__ import annotations

from typing import Any

import pytest

from tests import measure
from tests.integration.simulator.conftest import Start
from tests.integration.simulator.discord_client import Client

ANYBODY = {"Authorization": ""}


@pytest.fixture
async def ready(start: Start) -> Client:
    """Return a client of a simulator whose pictures are just large enough to be measured."""
    client = await start(picture_size=128)
    await client.identify()
    return client


async def _shown(client: Client, message: dict[str, Any]) -> bytes:
    (attachment,) = message["attachments"]
    return (await client.get(attachment["url"])).body


async def test_the_pictures_of_a_grid_are_there_one_by_one(ready: Client) -> None:
    grid = await _shown(ready, await ready.imagine("fox --ar 3:2"))
    uuid = ready.sim.book[-1]["uuid"]
    for n in range(4):
        answer = await ready.get(f"/{uuid}/0_{n}.png", headers=ANYBODY)
        assert (answer.status, answer.headers["Content-Type"]) == (200, "image/png")
        tile, sure = measure.which_tile(grid, answer.body)
        assert (tile, sure > measure.SURE) == (n + 1, True)
        width, height = measure.size(grid)
        assert measure.size(answer.body) == (width // 2, height // 2)
    assert (await ready.get(f"/{uuid}/0_4.png")).status == 404


async def test_a_single_picture_is_the_first_and_only_one(ready: Client) -> None:
    single = await _shown(ready, await ready.single())
    uuid = ready.sim.book[-1]["uuid"]
    assert measure.distance((await ready.get(f"/{uuid}/0_0.png")).body, single) < measure.SAME
    assert (await ready.get(f"/{uuid}/0_1.png")).status == 404


async def test_the_clips_of_a_film_are_there_one_by_one(ready: Client) -> None:
    film = await ready.made(await ready.single(), "Animate (High motion)")
    uuid, whole = ready.sim.book[-1]["uuid"], await _shown(ready, film)
    for n in range(4):
        answer = await ready.get(f"/video/{uuid}/{n}.mp4", headers=ANYBODY)
        assert (answer.status, answer.headers["Content-Type"]) == (200, "video/mp4")
        assert measure.frames(answer.body) == measure.frames(whole)
        assert measure.which_tile(whole, answer.body)[0] == n + 1
    await ready.made(film, "U3")
    clip = ready.sim.book[-1]["uuid"]
    answer = await ready.get(f"/video/{clip}/0.mp4")
    assert measure.which_tile(whole, answer.body)[0] == 3
    missing = (f"/video/{clip}/1.mp4", f"/{uuid}/0_0.png", f"/video/{uuid}/4.mp4")
    assert [(await ready.get(path)).status for path in missing] == [404] * 3


async def test_unmade_works_are_not_there(ready: Client) -> None:
    uuid = "00000000-0000-4000-8000-000000000000"
    for path in (f"/{uuid}/0_0.png", f"/video/{uuid}/0.mp4", "/not-a-uuid/0_0.png"):
        assert (await ready.get(path)).status == 404


async def test_faults_answer_in_its_place(ready: Client) -> None:
    await ready.imagine()
    uuid = ready.sim.book[-1]["uuid"]
    ready.sim.fault("server_error_before", count=1, route="midjourney_cdn")
    assert (await ready.get(f"/{uuid}/0_0.png")).status == 502
    assert (await ready.get(f"/{uuid}/0_0.png")).status == 200
    entry = ready.sim.read_log(kind="request")[-1]
    assert (entry["route"], entry["account"]) == ("midjourney_cdn", ready.account.user_id)


@pytest.mark.parametrize("path", ["/0_0.png", "/video/0.mp4"])
async def test_other_paths_are_nowhere(ready: Client, path: str) -> None:
    assert (await ready.get(path)).status == 404
