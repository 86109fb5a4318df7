"""Every verb over a real socket, to its end: what changed at the bot, or what the pictures show.

The verb `button` has a row per label in `test_buttons`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from tests import measure
from tests.e2e.conftest import Install
from tests.e2e.desk import Desk, at_desk
from tests.e2e.relations import TILES, Seen, has_four, shows_tile
from tests.measure import SAME
from tests.pictures import proof
from waystation.midjourney.commands import COMMANDS
from waystation.simulator.bot.buttons import MODELS
from waystation.simulator.bot.preferences import SETTINGS

FOX = "a red fox in the snow --ar 3:2"
LONG = "please draw a very small red fox in the deep snow"

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Saying:
    """A verb that the bot answers in words, and how it changes the account's standing."""

    verb: str
    before: Fields = field(default_factory=dict)
    after: Fields = field(default_factory=dict)
    says: str = ""
    body: Fields = field(default_factory=dict)


USUAL: Fields = {
    **{"version": "8.2", "stylize": 100, "raw": False, "remix": False, "suffix": ""},
    **{"high_variation": True, "personalization": False},
}
"""Values that a reset of the settings leaves."""

SAYINGS = (
    Saying("fast", {"mode": "Relaxed"}, {"mode": "Fast"}, "Done!"),
    Saying("relax", {"mode": "Fast"}, {"mode": "Relaxed"}, "Done!"),
    Saying("turbo", {"mode": "Fast"}, {"mode": "Turbo"}, "Done!"),
    Saying("stealth", {"visibility": "Public"}, {"visibility": "Stealth"}, "Done!"),
    Saying("public", {"visibility": "Stealth"}, {"visibility": "Public"}, "Done!"),
    Saying("remix", {"remix": False}, {"remix": True}, "turned on"),
    Saying("remix", {"remix": True}, {"remix": False}, "turned off"),
    Saying("variability", {"high_variation": True}, {"high_variation": False}, "turned off"),
    Saying("variability", {"high_variation": False}, {"high_variation": True}, "turned on"),
    Saying("prefer_auto_dm", {"auto_dm": False}, {"auto_dm": True}, "turned on"),
    Saying("prefer_suffix", {}, {"suffix": "--v 6"}, "--v 6", {"suffix": "--v 6"}),
    Saying("prefer_suffix", {"suffix": "--v 6"}, {"suffix": ""}, "removed"),
    *(
        Saying("settings", {name: before}, {name: after}, body={"option": option})
        for option, name, before, after in (
            *(
                (model.title, "version", "7" if one != "7" else "6", one)
                for one, model in MODELS.items()
            ),
            ("RAW Mode", "raw", False, True),
            ("Stylize low", "stylize", 100, 50),
            ("Stylize med", "stylize", 50, 100),
            ("Stylize high", "stylize", 100, 250),
            ("Stylize very high", "stylize", 100, 750),
            ("Personalization", "personalization", True, False),
            ("Stealth", "visibility", "Public", "Stealth"),
            ("Public mode", "visibility", "Stealth", "Public"),
            ("Remix mode", "remix", False, True),
            ("High Variation Mode", "high_variation", False, True),
            ("Low Variation Mode", "high_variation", True, False),
            ("Turbo mode", "mode", "Fast", "Turbo"),
            ("Fast mode", "mode", "Turbo", "Fast"),
            ("Relax mode", "mode", "Turbo", "Relaxed"),
        )
    ),
    Saying(
        "settings",
        {"raw": True, "remix": True, "version": "6.1", "stylize": 50, "suffix": "--v 6"},
        USUAL,
        body={"option": "Reset Settings"},
    ),
)

Check = Callable[[Desk], Awaitable[None]]
CHECKS: dict[str, Check] = {}


def check(*verbs: str) -> Callable[[Check], Check]:
    """Register what asks for a verb and looks at what comes of it."""

    def register(look: Check) -> Check:
        CHECKS.update(dict.fromkeys(verbs, look))
        return look

    return register


def test_every_verb_has_a_row() -> None:
    assert {row.verb for row in SAYINGS} | set(CHECKS) | {"button"} == set(COMMANDS)


def test_every_option_of_the_settings_has_a_row() -> None:
    options = {row.body["option"] for row in SAYINGS if "option" in row.body}
    buttons = {setting.label for line in SETTINGS for setting in line}
    assert options == buttons | {model.title for model in MODELS.values()}


async def test_every_saying_verb_changes_what_it_names_and_nothing_else(install: Install) -> None:
    async with at_desk(install) as desk:
        standing = desk.here.sim.accounts[0].standing
        fields = {name for row in SAYINGS for name in row.after}
        for row in SAYINGS:
            for name, value in row.before.items():
                setattr(standing, name, value)
            before = {name: getattr(standing, name) for name in fields}
            answer = await desk.run(row.verb, **row.body)
            assert row.says in answer.job.get("content", ""), row
            assert {name: getattr(standing, name) for name in fields} == before | dict(row.after), (
                row
            )


@pytest.mark.parametrize("verb", CHECKS)
async def test_every_other_verb_gives_what_it_says(install: Install, verb: str) -> None:
    async with at_desk(install) as desk:
        await CHECKS[verb](desk)


@pytest.mark.parametrize("locale", ["de", "zh-CN"])
async def test_every_verb_finds_its_command_in_an_index_of_another_language(
    install: Install, locale: str
) -> None:
    """One check of each verb that asks a command of its own: presses and reactions name none."""
    async with at_desk(install, locale=locale) as desk:
        for verb in ("info", "settings", "shorten", "describe", "show", "blend"):
            await CHECKS[verb](desk)
        for row in {row.verb: row for row in SAYINGS if row.verb != "settings"}.values():
            answer = await desk.run(row.verb, **row.body)
            assert answer.job["status"] == "completed"
        wanted = {name for name, command in COMMANDS.items() if command.slash}
        asked = {page["verb"] for page in desk.here.sim.book}
        assert {COMMANDS[name].slash for name in wanted} <= asked


@check("info")
async def _(desk: Desk) -> None:
    standing = desk.here.sim.accounts[0].standing
    standing.plan, standing.fast_hours, standing.fast_hours_used = "Mega", 60.0, 12.5
    standing.mode, standing.foreign_running = "Turbo", 2
    info = (await desk.run("info")).job["info"]
    assert (info["plan"], info["mode"], info["visibility"]) == ("Mega", "turbo", "public")
    assert (info["fastHoursLeft"], info["fastHoursTotal"], info["running"]) == (47.5, 60.0, 2)


@check("settings")
async def _(desk: Desk) -> None:
    standing = desk.here.sim.accounts[0].standing
    standing.remix, standing.version, standing.mode = True, "6.1", "Relaxed"
    settings = (await desk.run("settings")).job["settings"]
    assert "6.1" in settings["version"]
    assert (settings["remix"], settings["mode"], settings["raw"]) == (True, "relax", False)


@check("shorten")
async def _(desk: Desk) -> None:
    told = await desk.run("shorten", prompt=LONG)
    assert told.job["prompts"] == told.prompts == desk.here.sim.book[-1]["prompts"]
    for prompt in told.prompts:
        assert set(prompt.split()) < set(LONG.split())


@check("describe")
async def _(desk: Desk) -> None:
    for picture in (proof("tall.png"), proof("crimson.png")):
        url = desk.here.photo(picture.filename)
        prompts = (await desk.run("describe", describeUrl=url)).prompts
        assert len(prompts) == 4
        for prompt in prompts:
            assert prompt.endswith(f" --ar {picture.ratio}")
            assert all(colour in prompt for colour in picture.colours)


_UUID = "01234567-89ab-4def-8123-456789abcdef"

IMAGINED: tuple[tuple[Fields, tuple[int, int], str], ...] = (
    ({"prompt": "a red fox"}, (1, 1), "(fast)"),
    ({"prompt": "a red fox --ar 16:9"}, (16, 9), "(fast)"),
    ({"prompt": "a red fox --aspect 2:3 --v 6"}, (2, 3), "(fast)"),
    ({"prompt": "a red fox --ar 5:2", "mode": "turbo"}, (5, 2), "(turbo)"),
    ({"prompt": "a red fox --ar 4:5", "mode": "relax"}, (4, 5), "(relaxed)"),
    ({"prompt": "a red fox ** - <@1> (Stopped) --ar 3:1"}, (3, 1), "(fast)"),
    ({"prompt": f"a fox named {_UUID} --ar 2:1"}, (2, 1), "(fast)"),
    ({"prompt": f"https://www.midjourney.com/jobs/{_UUID} as a fox --ar 3:4"}, (3, 4), "(fast)"),
    ({"prompt": "fox " * 1248 + "--ar 1:2"}, (1, 2), "(fast)"),
)
"""Bodies, each with the shape and mode that it asks for; the last has 5,000 characters."""


@check("imagine")
async def _(desk: Desk) -> None:
    for body, shape, mode in IMAGINED:
        grid = await desk.run("imagine", **body)
        assert grid.job["prompt"] == body["prompt"]
        assert grid.job["content"].endswith(mode)
        assert measure.has_shape(grid.picture, *shape)
        has_four(grid)
    url = desk.here.photo()
    film = await desk.run("imagine", prompt=f"{url} the owl flies --video 1 --ar 3:2")
    assert measure.has_shape(film.picture, 3, 2)
    assert measure.frames(film.picture) > 1
    assert film.job["buttons"] == ["U1", "U2", "U3", "U4", "🔄"]


@check("blend")
async def _(desk: Desk) -> None:
    photos = [await _single(desk, words) for words in ("a lighthouse", "a forest", "a dragon")]
    urls = [photo.job["attachments"][0]["url"] for photo in photos]
    pictures = [photo.picture for photo in photos]
    for name, shape in (("Portrait", (2, 3)), ("Square", (1, 1)), ("Landscape", (3, 2))):
        grid = await desk.run("blend", blendUrls=urls[:2], blendDimensions=name)
        assert measure.has_shape(grid.picture, *shape)
        has_four(grid)
        for n in TILES:
            first, second, absent = measure.mix(grid.tile(n), pictures)
            assert min(first, second) > 0.2 > abs(absent)
    form = aiohttp.FormData({"blendDimensions": "Square"})
    for number, photo in enumerate(photos[1:], start=1):
        form.add_field(f"blendFile_{number}", photo.picture, filename="photo.webp")
    _, job, _ = await desk.ada.call("POST", "/v2/jobs/blend", data=form)
    grid = await desk.finished(job["jobid"])
    absent, first, second = measure.mix(grid.tile(1), pictures)
    assert min(first, second) > 0.2 > abs(absent)


async def _single(desk: Desk, words: str) -> Seen:
    return await desk.press(await desk.run("imagine", prompt=words), "U1")


def uuid_of(grid: Seen) -> str:
    """Return Midjourney's uuid of a job, which its file's name ends with."""
    name: str = grid.job["attachments"][0]["filename"]
    return name.rpartition("_")[2].partition(".")[0]


@check("show")
async def _(desk: Desk) -> None:
    grid = await desk.run("imagine", prompt=FOX)
    await desk.run("imagine", prompt=FOX)
    shown = await desk.run("show", uuid=uuid_of(grid))
    assert measure.distance(grid.picture, shown.picture) < SAME
    assert shown.job["buttons"] == grid.job["buttons"]
    shows_tile(2)(shown, await desk.press(shown, "U2"))


@check("seed", "seed_async")
async def _(desk: Desk) -> None:
    for seed in (4711, 4712):
        grid = await desk.run("imagine", prompt=f"{FOX} --seed {seed}")
        for verb in ("seed", "seed_async"):
            told = await desk.run(verb, jobid=grid.job["jobid"])
            assert told.job["parentJobId"] == grid.job["jobid"]
            assert told.job["seed"]["value"] == seed
            assert told.job["seed"]["content"].endswith(f"**seed** {seed}")
            assert len(told.job["attachments"]) == 4
            for n, attachment in enumerate(told.job["attachments"], start=1):
                single = await desk.fetch(attachment["url"])
                assert measure.which_tile(grid.picture, single)[0] == n


async def test_a_seed_is_told_although_earlier_answers_were_lost(install: Install) -> None:
    async with install(sim_options={"picture_size": 64}, first_answer_s=2.0) as here:
        ada = await here.ready()
        grid = await ada.run("imagine", prompt=f"{FOX} --seed 4711")
        here.sim.fault("no_answer", count=2)
        asked = {"jobid": grid["jobid"]}
        for _ in range(2):
            status, told, _ = await ada.call("POST", "/v2/jobs/seed", asked)
            assert status == 502, told
        status, told, _ = await ada.call("POST", "/v2/jobs/seed", asked)
        assert (status, told["status"]) == (200, "completed"), told
        assert told["seed"]["value"] == 4711


async def test_progress_shows_smaller_pictures_of_what_is_coming(install: Install) -> None:
    async with at_desk(install, speed=15.0) as desk:
        stranger = await desk.run("imagine", prompt="a grey lighthouse --ar 3:2")
        status, job, _ = await desk.ada.call("POST", "/v2/jobs/imagine", {"prompt": FOX})
        assert status == 200, job
        early = await _when(desk, job["jobid"], lambda seen: "attachments" in seen)
        assert early["status"] == "progress" and "%) (fast)" in early["content"]
        preview = await desk.fetch(early["attachments"][0]["url"])
        grid = await desk.finished(job["jobid"])
        assert measure.size(preview) < grid.size
        assert measure.has_shape(preview, 3, 2)
        own, strange = (measure.distance(preview, one.picture) for one in (grid, stranger))
        assert 1.5 * own < strange


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("imagine", {"prompt": "a red fox --repeat 3"}),
        ("imagine", {"prompt": "a {red, blue, grey} fox"}),
        ("prefer_suffix", {"suffix": "--repeat 3"}),
        ("button", {"button": "🔄", "prompt": "a {red, blue, grey} fox"}),
    ],
    ids=str,
)
async def test_a_prompt_for_several_results_is_refused_before_anything_is_asked(
    install: Install, verb: str, body: dict[str, str]
) -> None:
    async with at_desk(install) as desk:
        if verb == "button":
            grid = await desk.run("imagine", prompt=FOX)
            body = body | {"jobid": grid.job["jobid"]}
        asked = len(desk.here.sim.book)
        status, answer, _ = await desk.ada.call("POST", f"/v2/jobs/{verb}", body)
        field = "suffix" if verb == "prefer_suffix" else "prompt"
        assert (status, answer["error"]) == (400, f"{field} asks for 3 results; a job has one")
        assert "jobid" not in answer
        assert len(desk.here.sim.book) == asked
        escaped = FOX + r" with \{one, two\}"
        assert (await desk.run("imagine", prompt=escaped)).job["status"] == "completed"


@pytest.mark.parametrize("hazard", ["", "missing_progress", "anonymous_progress"])
async def test_a_prompt_that_imitates_small_print_or_progress_is_drawn(
    install: Install, hazard: str
) -> None:
    async with at_desk(install) as desk:
        for prompt in ("a poster\n-# 50% off", "x** - (9%)\n-# y", "a ** - <@1> (Stopped)"):
            if hazard:
                desk.here.sim.fault(hazard, count=1)
            assert (await desk.run("imagine", prompt=prompt)).job["status"] == "completed"


async def test_a_cancel_is_the_bots_own(install: Install) -> None:
    async with at_desk(install, speed=5.0) as desk:
        status, job, _ = await desk.ada.call("POST", "/v2/jobs/imagine", {"prompt": FOX})
        assert status == 200, job
        await _when(desk, job["jobid"], lambda seen: seen["status"] == "progress")
        path = f"/v2/jobs/cancel/?jobid={job['jobid']}"
        status, answer, _ = await desk.ada.call("GET", path)
        assert (status, answer["status"]) == (200, "cancelled")
        assert [page["status"] for page in desk.here.sim.book] == ["cancelled", "completed"]


async def _when(desk: Desk, jobid: str, holds: Callable[[Fields], bool]) -> dict[str, Any]:
    """Return a job's form as soon as something holds of it."""
    async with asyncio.timeout(20):
        while not holds(form := await desk.ada.job(jobid)):
            await asyncio.sleep(0.02)
    return form
