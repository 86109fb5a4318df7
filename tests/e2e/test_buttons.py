"""Every label of BUTTONS, pressed over a real socket, and its relation measured on the pictures.

A parent is a job that is reached by a chain of presses; its rows are pressed one after the other,
and once more in remix mode, with a prompt and without, where they take one. What is compared are
the files behind the links that the API handed out.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests import measure
from tests.e2e.conftest import Install
from tests.e2e.desk import Desk, at_desk
from tests.e2e.relations import (
    TILES,
    Relation,
    Seen,
    animates,
    describes_again,
    extends,
    goes_on,
    holds,
    imagines,
    imagines_all,
    is_made_of,
    mask_of,
    rates,
    repaints,
    rerolls,
    shows_clip,
    shows_tile,
    squares,
    upscales,
    varies,
    varies_tile,
    weighs,
)
from waystation.midjourney.buttons import BUTTONS, Needs

FOX = "a red fox in the snow --ar 3:2"
OWL = "a blue owl at night --ar 3:2"
LONG = "please draw me a very small red fox that plays in the deep snow"

SUBTLE, STRONG = (3, 48), (48, 200)
"""Cells of 256 that each variation changes on average, fewest and most."""


@dataclass(frozen=True)
class Row:
    """One label, and what its result must have to do with its parent."""

    label: str
    relation: Relation
    body: Callable[[Seen], Mapping[str, str]] = lambda parent: {}
    """Further fields of the press."""


@dataclass(frozen=True)
class Parent:
    """A job whose buttons are pressed, and the way there."""

    verb: str
    body: Mapping[str, Any]
    chain: Sequence[str]
    rows: Sequence[Row]


def imagined(flags: str, *chain: str) -> tuple[str, Mapping[str, Any], Sequence[str]]:
    return "imagine", {"prompt": f"{FOX} {flags}"}, chain


def png_mask(parent: Seen) -> Mapping[str, str]:
    return {"mask": "data:image/png;base64," + base64.b64encode(mask_of(parent)).decode()}


def webp_mask(parent: Seen) -> Mapping[str, str]:
    return {"mask": base64.b64encode(mask_of(parent, "WEBP")).decode()}


PARENTS: Mapping[str, Parent] = {
    "grid": Parent(
        *imagined("--v 7"),
        rows=(
            *(Row(f"U{n}", shows_tile(n)) for n in (1, 2, 3, 4)),
            *(Row(f"V{n}", varies_tile(n)) for n in (1, 2, 3, 4)),
            Row("🔄", rerolls),
        ),
    ),
    "single": Parent(
        *imagined("--v 7", "U2"),
        rows=(
            Row("Upscale (Subtle)", upscales(2)),
            Row("Upscale (Creative)", upscales(2, invents=True)),
            Row("Vary (Subtle)", varies(*SUBTLE)),
            Row("Vary (Strong)", varies(*STRONG)),
            Row("Vary (Region)", repaints, png_mask),
            Row("Vary (Region)", repaints, webp_mask),
            Row("Zoom Out 2x", holds(2.0)),
            Row("Zoom Out 1.5x", holds(1.5)),
            Row("Custom Zoom", holds(1.7), lambda _: {"prompt": f"{FOX} --zoom 1.7"}),
            Row("Custom Zoom", holds(1.2, (1, 1)), lambda _: {"prompt": "owl --ar 1:1 --zoom 1.2"}),
            Row("Make Square", squares),
            Row("⬅️", extends("left")),
            Row("➡️", extends("right")),
            Row("⬆️", extends("up")),
            Row("⬇️", extends("down")),
            Row("❤️", rates),
            Row("Animate (High motion)", animates(far=True)),
            Row("Animate (Low motion)", animates(far=False)),
        ),
    ),
    "upscaled": Parent(
        *imagined("--v 6.1", "U3", "Upscale (Subtle)"),
        rows=(
            Row("Redo Upscale (Subtle)", upscales(1)),
            Row("Redo Upscale (Creative)", upscales(1, invents=True)),
            Row("Vary (Subtle)", varies(*SUBTLE)),
            Row("Vary (Strong)", varies(*STRONG)),
        ),
    ),
    "single of V5.2": Parent(
        *imagined("--v 5.2", "U4"),
        rows=(Row("Upscale (2x)", upscales(2)), Row("Upscale (4x)", upscales(4))),
    ),
    "upscaled of V5.2": Parent(
        *imagined("--v 5.2", "U1", "Upscale (2x)"),
        rows=(Row("Redo Upscale (2x)", upscales(1)), Row("Redo Upscale (4x)", upscales(2))),
    ),
    "single of V3": Parent(
        *imagined("--v 3", "U2"),
        rows=(Row("Make Variations", varies(*STRONG)), Row("Remaster", varies(*SUBTLE))),
    ),
    "film": Parent(
        *imagined("--v 7", "U1", "Animate (High motion)"),
        rows=(*(Row(f"U{n}", shows_clip(n)) for n in (1, 2, 3, 4)), Row("🔄", rerolls)),
    ),
    "clip": Parent(
        *imagined("--v 7", "U1", "Animate (Low motion)", "U3"),
        rows=(
            Row("Extend (High motion)", goes_on(far=True)),
            Row("Extend (Low motion)", goes_on(far=False)),
        ),
    ),
    "described": Parent(
        "describe",
        {},
        (),
        rows=(
            *(Row(f"{n}️⃣", imagines(n)) for n in (1, 2, 3, 4)),
            Row("Imagine all 🎉", imagines_all),
            Row("🔄", describes_again),
        ),
    ),
    "shortened": Parent(
        "shorten",
        {"prompt": LONG},
        (),
        rows=(
            *(Row(f"{n}️⃣", imagines(n)) for n in (1, 2, 3, 4, 5)),
            Row("Show Details", weighs),
        ),
    ),
}

WORDS = ("described", "shortened")
"""Parents without a picture; their forms open whether remix mode is on or not."""

REMIXED: Mapping[str, Sequence[Row]] = {
    name: rows
    for name, parent in PARENTS.items()
    if name not in WORDS
    and (rows := [row for row in parent.rows if BUTTONS[row.label].prompt is Needs.MAY])
}
"""The rows that take a prompt in remix mode, by parent."""


async def reach(desk: Desk, parent: Parent) -> Seen:
    """Go the way to a parent."""
    urls = {"describeUrl": desk.here.photo("tall.png")} if parent.verb == "describe" else {}
    seen = await desk.run(parent.verb, **parent.body, **urls)
    for label in parent.chain:
        seen = await desk.press(seen, label)
    return seen


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


COMMON = {
    *("Vary (Subtle)", "Vary (Strong)", "Zoom Out 2x", "Zoom Out 1.5x", "Custom Zoom"),
    *("Make Square", "⬅️", "➡️", "⬆️", "⬇️", "❤️"),
}
DETAILED = COMMON | {"Vary (Region)", "Upscale (Subtle)", "Upscale (Creative)"}
ANIMATES = {"Animate (High motion)", "Animate (Low motion)"}

MODELS: Mapping[str, set[str]] = {
    "3": {"Make Variations", "Remaster", "❤️"},
    "4": {"Make Variations", "❤️"},
    "5.2": COMMON | {"Vary (Region)", "Upscale (2x)", "Upscale (4x)"},
    "6": DETAILED,
    "6.1": DETAILED,
    "7": DETAILED | ANIMATES,
    "8.1": COMMON | ANIMATES,
    "8.2": COMMON | ANIMATES | {"Upscale (Subtle)", "Upscale (Creative)"},
    "niji 6": DETAILED,
    "niji 7": DETAILED | ANIMATES,
}
"""What stands under a single picture of each model. Source: wire notes 3.4; v2 notes 12."""


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
        small = press | png_mask(Seen({}, [measure.tile_of(seen.picture, 1)]))
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
