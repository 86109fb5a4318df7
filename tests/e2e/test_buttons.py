"""Every label of BUTTONS, pressed over a real socket, and its relation measured on the pictures.

A parent is a job that is reached by a chain of presses; its rows are pressed one after the other,
and once more in remix mode, with a prompt and without, where they take one. What is compared are
the files behind the links that the API handed out.
"""

from __future__ import annotations

import pytest

from tests import measure
from tests.e2e.button_rows import FOX, MODELS, PARENTS, REMIXED, WORDS, png_mask, reach
from tests.e2e.conftest import Install
from tests.e2e.desk import at_desk
from tests.e2e.relations import (
    TILES,
    Seen,
    is_made_of,
    mask_of,
    repaints,
    shows_tile,
)
from waystation.midjourney.buttons import BUTTONS

OWL = "a blue owl at night --ar 3:2"


def test_every_label_has_a_row() -> None:
    assert {row.label for parent in PARENTS.values() for row in parent.rows} == set(BUTTONS)


@pytest.mark.parametrize("name", PARENTS)
async def test_every_label_gives_what_it_says(install: Install, name: str) -> None:
    parent = PARENTS[name]
    async with at_desk(install) as desk:
        seen = await reach(desk, parent)
        for row in parent.rows:
            # suggestions are pressed by their labels, which v2 does not call buttons
            assert row.label in seen.job["labels" if name in WORDS else "buttons"]
            child = await desk.press(seen, row.label, **row.body(seen))
            row.relation(seen, child)
            if child.pictures:
                is_made_of(child, await desk.singles(child))
        children = (await desk.ada.job(seen.job["jobid"]))["children"]
        assert [child["button"] for child in children] == [row.label for row in parent.rows]


@pytest.mark.parametrize("prompt", ["", OWL])
@pytest.mark.parametrize("name", REMIXED)
async def test_remix_mode_changes_the_prompt_and_no_relation(
    install: Install, name: str, prompt: str
) -> None:
    async with at_desk(install) as desk:
        seen = await reach(desk, PARENTS[name])
        old_prompt = seen.job["content"].split("**")[1]
        assert "turned on" in (await desk.run("remix")).job["content"]
        for row in REMIXED[name]:
            extra = {"prompt": prompt} if prompt else {}
            child = await desk.press(seen, row.label, **row.body(seen), **extra)
            row.relation(seen, child)
            assert (prompt or old_prompt) in child.job["content"]


@pytest.mark.parametrize("name", WORDS)
async def test_a_suggestion_may_be_edited_before_it_is_drawn(install: Install, name: str) -> None:
    async with at_desk(install) as desk:
        seen = await reach(desk, PARENTS[name])
        grid = await desk.press(seen, "3️⃣", prompt=OWL)
        assert grid.job["content"].startswith(f"**{OWL}** - <@")
        assert measure.has_shape(grid.picture, 3, 2)


async def test_a_single_picture_offers_what_its_model_has(install: Install) -> None:
    async with at_desk(install) as desk:
        for version, labels in MODELS.items():
            flag = f"--{version}" if version.startswith("niji") else f"--v {version}"
            grid = await desk.run("imagine", prompt=f"{FOX} {flag}")
            single = await desk.press(grid, "U4")
            assert set(single.job["buttons"]) == labels, version


async def test_pictures_have_the_bots_sizes_unless_told_otherwise(install: Install) -> None:
    async with at_desk(install, picture_size=2048) as desk:
        grid = await desk.run("imagine", prompt="a red fox --v 7")
        assert grid.size == (2048, 2048)
        single = await desk.press(grid, "U3")
        assert single.size == (1024, 1024)
        shows_tile(3)(grid, single)
        upscaled = await desk.press(single, "Upscale (Subtle)")
        assert upscaled.size == (2048, 2048)
        film = await desk.press(single, "Animate (Low motion)")
        assert film.size == (624, 624)
        assert (await desk.press(film, "U2")).size == (720, 720)


@pytest.mark.parametrize("path", ["newer", "older"])
async def test_a_region_is_painted_through_either_path_of_the_activity(
    install: Install, path: str
) -> None:
    async with at_desk(install) as desk:
        seen = await reach(desk, PARENTS["single"])
        if path == "older":
            desk.here.sim.fault("older_activity")
        repaints(seen, await desk.press(seen, "Vary (Region)", **png_mask(seen)))
        asked = [one for one in desk.here.sim.log if one.get("route") == f"activity.{path}"]
        assert [one["status"] for one in asked] == [200]


async def test_a_mask_may_mean_the_other_colour(install: Install) -> None:
    """The caller's white stays the caller's; here the simulator takes it for what is kept."""
    async with at_desk(install, mask_repaints="black") as desk:
        seen = await reach(desk, PARENTS["single"])
        child = await desk.press(seen, "Vary (Region)", **png_mask(seen))
        for n in TILES:
            done = measure.repaint(seen.picture, child.tile(n), mask_of(seen))
            assert done.inside < 0.06 < 0.7 < done.outside


async def test_a_mask_is_needed_and_must_have_the_size_of_the_picture(install: Install) -> None:
    async with at_desk(install) as desk:
        seen = await reach(desk, PARENTS["single"])
        press = {"jobid": seen.job["jobid"], "button": "Vary (Region)"}
        small = {**press, **png_mask(Seen({}, [measure.tile_of(seen.picture, 1)]))}
        for body, error in (
            (press, "mask is required for button Vary (Region)"),
            (small, "mask must have the size of the picture"),
        ):
            status, refused, _ = await desk.ada.call("POST", "/v2/jobs/button", body)
            assert (status, refused["error"]) == (400, error)


async def test_the_same_tile_twice_names_the_job_that_has_it(install: Install) -> None:
    async with at_desk(install) as desk:
        grid = await reach(desk, PARENTS["grid"])
        first = await desk.press(grid, "U1")
        again = {"jobid": grid.job["jobid"], "button": "U1"}
        status, refused, _ = await desk.ada.call("POST", "/v2/jobs/button", again)
        assert (status, refused["button"], refused["code"]) == (409, "U1", 409)
        assert refused["jobid"] == first.job["jobid"]
