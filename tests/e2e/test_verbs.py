"""Every verb and every button, over a real socket, to its end."""

from __future__ import annotations

import asyncio
import base64
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from tests.e2e.conftest import Install, Installation, Person
from waystation.midjourney.buttons import BUTTONS
from waystation.midjourney.commands import COMMANDS, AnswersAt

SMALL = {"picture_size": 64}
"""Pictures are drawn for every message; small ones keep the processor free."""

SAYING: dict[str, dict[str, str]] = {
    "info": {},
    "settings": {},
    "fast": {},
    "relax": {},
    "turbo": {},
    "stealth": {},
    "public": {},
    "remix": {},
    "variability": {},
    "prefer_auto_dm": {},
    "prefer_suffix": {"suffix": "--v 7"},
    "shorten": {"prompt": "please draw a very small red fox in the snow"},
}

MULTI = {"prompt": "a red fox in the snow --ar 3:2"}

LABELS: dict[str, tuple[str, ...]] = {
    "grid": ("U1", "U2", "U3", "U4", "V1", "V2", "V3", "V4", "🔄"),
    "single v7": (
        *("Upscale (Subtle)", "Upscale (Creative)", "Vary (Subtle)", "Vary (Strong)"),
        *("Zoom Out 2x", "Zoom Out 1.5x", "Custom Zoom", "Make Square"),
        *("⬅️", "➡️", "⬆️", "⬇️", "Animate (High motion)", "Animate (Low motion)"),
    ),
    "single v5.2": ("Upscale (2x)", "Upscale (4x)"),
}
"""What is pressed here on what; the rest of BUTTONS is named in UNPRESSED."""

UNPRESSED: dict[str, str] = {
    "Vary (Region)": "opens an iframe; below",
    "Redo Upscale (Subtle)": "on a second upscale; the same row as the first",
    "Redo Upscale (Creative)": "as above",
    "Redo Upscale (2x)": "as above",
    "Redo Upscale (4x)": "as above",
    "Make Variations": "old models",
    "Remaster": "old models",
    "Extend (High motion)": "on a film",
    "Extend (Low motion)": "on a film",
    "1️⃣": "describe and shorten picks, below",
    "2️⃣": "as above",
    "3️⃣": "as above",
    "4️⃣": "as above",
    "5️⃣": "as above",
    "Imagine all 🎉": "starts several jobs at once",
}


async def _run(person: Person, verb: str, **body: Any) -> dict[str, Any]:
    """Ask for a verb and return the job's final form."""
    status, job, _ = await person.call("POST", f"/v2/jobs/{verb}", body)
    assert status == 200, (verb, body, job)
    final = await person.final(job["jobid"])
    assert final["status"] == "completed", (verb, body, final)
    return final


async def _ready(here: Installation) -> Person:
    ada = await here.person()
    await here.equip(ada)
    await here.connected()
    return ada


def test_every_verb_and_label_is_run_here_or_named_with_a_reason() -> None:
    said = {verb for verb, row in COMMANDS.items() if row.answers_at is AnswersAt.FINAL}
    assert said == set(SAYING) | {"show", "seed"}
    assert set(BUTTONS) == {one for labels in LABELS.values() for one in labels} | set(UNPRESSED)


async def test_every_saying_verb_answers_when_final(install: Install) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await _ready(here)
        finals = {verb: await _run(ada, verb, **body) for verb, body in SAYING.items()}
        assert finals["info"]["info"]["plan"]
        assert "settings" in finals["settings"]
        assert finals["shorten"]["prompts"]
        assert "turned on" in finals["remix"]["content"]


async def test_an_imagine_shows_again_by_its_uuid(install: Install) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await _ready(here)
        grid = await _run(ada, "imagine", **MULTI)
        assert grid["buttons"][:4] == ["U1", "U2", "U3", "U4"]
        assert grid["attachments"][0]["width"]
        name = grid["attachments"][0]["filename"]
        uuid = name.rpartition("_")[2].partition(".")[0]
        shown = await _run(ada, "show", uuid=uuid)
        assert shown["buttons"] == grid["buttons"]
        upscaled = await _run(ada, "button", jobid=shown["jobid"], button="U1")
        assert upscaled["parentJobId"] == shown["jobid"]


@pytest.mark.parametrize("verb", ["seed", "seed_async"])
async def test_a_seed_comes_into_the_direct_messages(install: Install, verb: str) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await _ready(here)
        grid = await _run(ada, "imagine", prompt="a red fox --seed 4711")
        told = await _run(ada, verb, jobid=grid["jobid"])
        assert told["parentJobId"] == grid["jobid"]
        assert told["seed"]["value"] == 4711
        assert "**seed**" in told["seed"]["content"]


async def test_a_blend_of_two_urls_ends_with_a_grid(install: Install) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await _ready(here)
        urls = [here.photo("tall.png"), here.photo("wide.png")]
        grid = await _run(ada, "blend", blendUrls=urls, blendDimensions="Portrait")
        assert grid["buttons"][:4] == ["U1", "U2", "U3", "U4"]


async def test_every_label_of_a_grid(install: Install) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await _ready(here)
        grid = await _run(ada, "imagine", **MULTI)
        assert set(LABELS["grid"]) <= set(grid["buttons"])
        for label in LABELS["grid"]:
            child = await _run(ada, "button", jobid=grid["jobid"], button=label)
            assert child["button"] == label
        again = {"jobid": grid["jobid"], "button": "U1"}
        status, refused, _ = await ada.call("POST", "/v2/jobs/button", again)
        assert (status, refused["button"], refused["code"]) == (409, "U1", 409)
        parent = await ada.job(grid["jobid"])
        assert [child["button"] for child in parent["children"]] == list(LABELS["grid"])


@pytest.mark.parametrize("version", ["7", "5.2"])
async def test_every_label_of_a_single_picture(install: Install, version: str) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await _ready(here)
        grid = await _run(ada, "imagine", prompt=f"a red fox --ar 3:2 --v {version}")
        single = await _run(ada, "button", jobid=grid["jobid"], button="U3")
        labels = LABELS[f"single v{version}"]
        assert set(labels) <= set(single["buttons"])
        for label in labels:
            body = {"prompt": "a red fox --ar 3:2 --zoom 1.7"} if label == "Custom Zoom" else {}
            await _run(ada, "button", jobid=single["jobid"], button=label, **body)


@pytest.mark.parametrize("body", [{}, {"prompt": "a blue fox"}])
async def test_a_variation_in_remix_mode_answers_its_modal(
    install: Install, body: dict[str, str]
) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await _ready(here)
        grid = await _run(ada, "imagine", **MULTI)
        await _run(ada, "remix")
        child = await _run(ada, "button", jobid=grid["jobid"], button="V1", **body)
        assert (body or MULTI)["prompt"].partition(" --")[0] in child["content"]


def _mask(width: int, height: int) -> str:
    """A PNG that is white on its left half."""
    image = Image.new("L", (width, height), 0)
    image.paste(255, (0, 0, width // 2, height))
    file = BytesIO()
    image.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


async def test_a_region_is_painted_anew_by_its_mask(install: Install) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await _ready(here)
        grid = await _run(ada, "imagine", prompt="a red fox --ar 3:2 --v 7")
        single = await _run(ada, "button", jobid=grid["jobid"], button="U1")
        picture = single["attachments"][0]
        press = {"jobid": single["jobid"], "button": "Vary (Region)"}
        status, refused, _ = await ada.call("POST", "/v2/jobs/button", press)
        assert (status, refused["error"]) == (400, "mask is required for button Vary (Region)")
        small = press | {"mask": _mask(8, 8)}
        status, refused, _ = await ada.call("POST", "/v2/jobs/button", small)
        assert (status, refused["error"]) == (400, "mask must have the size of the picture")
        mask = "data:image/png;base64," + _mask(picture["width"], picture["height"])
        varied = await _run(ada, "button", **press, mask=mask)
        assert "mask" not in varied
        assert varied["buttons"][:4] == ["U1", "U2", "U3", "U4"]


@pytest.mark.parametrize("verb", ["describe", "shorten"])
async def test_a_pick_becomes_a_picture(install: Install, verb: str) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await _ready(here)
        bodies = {"describe": {"describeUrl": here.photo()}, "shorten": SAYING["shorten"]}
        words = await _run(ada, verb, **bodies[verb])
        grid = await _run(ada, "button", jobid=words["jobid"], button="2️⃣")
        assert grid["buttons"][:4] == ["U1", "U2", "U3", "U4"]


async def test_a_cancel_is_the_bots_own(install: Install) -> None:
    async with install(speed=5.0, sim_options=SMALL) as here:
        ada = await _ready(here)
        status, job, _ = await ada.call("POST", "/v2/jobs/imagine", MULTI)
        assert status == 200, job
        async with asyncio.timeout(20):
            while (await ada.job(job["jobid"]))["status"] != "progress":
                await asyncio.sleep(0.02)
        path = f"/v2/jobs/cancel/?jobid={job['jobid']}"
        status, answer, _ = await ada.call("GET", path)
        assert (status, answer["status"]) == (200, "cancelled")
