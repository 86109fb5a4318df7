"""The newest model, as a new account has it: what it refuses, and the Edit model."""

from __future__ import annotations

from typing import Any

import pytest

from tests import measure
from tests.e2e.button_rows import MODELS
from tests.e2e.conftest import Install
from tests.e2e.desk import Desk, at_desk
from tests.e2e.relations import TILES, Seen
from waystation.simulator.options import Options

NEWEST = Options().model


async def _single(desk: Desk, words: str) -> Seen:
    return await desk.press(await desk.run("imagine", prompt=words), "U1")


def _link(seen: Seen) -> str:
    url: str = seen.job["attachments"][0]["url"]
    return url


async def _refused(desk: Desk, prompt: str) -> dict[str, Any]:
    status, job, _ = await desk.ada.call("POST", "/v2/jobs/imagine", {"prompt": prompt})
    if status == 200:
        job = await desk.ada.final(job["jobid"])
    assert job["status"] == "failed", prompt
    found: dict[str, Any] = job
    return found


async def test_a_new_account_has_the_newest_model(install: Install) -> None:
    assert NEWEST == "8.2"
    async with at_desk(install, model=NEWEST) as desk:
        single = await _single(desk, "a red fox --ar 3:2")
        assert set(single.job["buttons"]) == MODELS["8.2"]
        assert "Open on website" in (await desk.run("imagine", prompt="an owl")).job["content"]


@pytest.mark.parametrize("count", [1, 2, 4])
async def test_an_edit_shows_the_pictures_it_names_in_the_shape_of_the_first(
    install: Install, count: int
) -> None:
    words = ("a lighthouse --ar 3:2", "a forest", "a dragon --ar 2:3", "a harbour", "a wall")
    async with at_desk(install, model=NEWEST) as desk:
        photos = [await _single(desk, one) for one in words[: count + 1]]
        links = " ".join(_link(photo) for photo in photos[:count])
        grid = await desk.run("imagine", prompt=f"with a hat --edit {links} --ar 1:1")
        assert measure.has_shape(grid.picture, 3, 2)
        for n in TILES:
            *named, absent = measure.mix(grid.tile(n), [photo.picture for photo in photos])
            assert min(named) > 0.5 / count > abs(absent)


async def test_an_edit_has_no_remix(install: Install) -> None:
    async with at_desk(install, model=NEWEST) as desk:
        photo = await _single(desk, "a lighthouse")
        desk.here.sim.accounts[0].standing.remix = True
        grid = await desk.run("imagine", prompt=f"with a hat --edit {_link(photo)}")
        await desk.press(grid, "V1")
        assert [page["verb"] for page in desk.here.sim.book][-1] == "button"
        assert desk.here.sim.book[-1]["status"] == "completed"


@pytest.mark.parametrize(
    "prompt",
    [
        "a cat --q 2",
        "a::2 b",
        "a cat --turbo",
        "a cat --oref {link}",
        "a cat --ow 100",
        "a cat --cref {link}",
        "a hat --edit {link} --tile",
        "a hat --edit",
        "a hat --edit {link} {link} {link} {link} {link}",
    ],
)
async def test_a_parameter_that_the_newest_model_refuses_fails_with_its_reason(
    install: Install, prompt: str
) -> None:
    async with at_desk(install, model=NEWEST) as desk:
        link = _link(await desk.run("imagine", prompt="a lighthouse")) if "{" in prompt else ""
        job = await _refused(desk, prompt.format(link=link))
        assert job["error"] == "Invalid parameter"


async def test_an_edit_of_what_cannot_be_fetched_is_an_invalid_link(install: Install) -> None:
    async with at_desk(install, model=NEWEST) as desk:
        job = await _refused(desk, "a hat --edit http://127.0.0.1:1/a.png")
        assert job["error"] == "Invalid link"


async def test_niji_draws_with_a_model_of_its_own(install: Install) -> None:
    async with at_desk(install, model=NEWEST) as desk:
        single = await _single(desk, "a red fox --niji 7")
        assert "Animate (Low motion)" in single.job["buttons"]
        assert "Vary (Region)" in single.job["buttons"]
