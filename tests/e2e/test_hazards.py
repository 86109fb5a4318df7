"""HAZARDS one by one, and pairs of them on presses: each fires, and ends as the rules say."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping
from io import BytesIO
from typing import Any, cast

import pytest
from PIL import Image

from tests.e2e.conftest import Install, Installation, Person, eventually
from tests.e2e.records import Row
from waystation.simulator.bot.prompts import short_link
from waystation.simulator.faults.hazards import HAZARDS
from waystation.simulator.faults.switches import Switch

SMALL = {"picture_size": 64}

LINK = "https://127.0.0.1/fox.png"

PROMPT = f"a red fox   in the snow, {LINK} --ar 3:2"

Case = Callable[["Scene"], Awaitable[None]]

CASES: dict[str, Case] = {}


class Scene:
    """One account, one hazard, and what is asked under it."""

    def __init__(self, here: Installation, ada: Person, hazard: str) -> None:
        self.here, self.ada, self.hazard = here, ada, hazard
        self.switches: list[Switch] = []

    def on(self, name: str = "", **extra: Any) -> None:
        """Switch the hazard on, or another one, for one time."""
        self.switches.append(self.here.sim.fault(name or self.hazard, count=1, **extra))

    async def ask(self, verb: str = "imagine", **body: Any) -> Row:
        """Ask and return what the POST answers."""
        if verb == "imagine":
            body.setdefault("prompt", PROMPT)
        status, job, _ = await self.ada.call("POST", f"/v2/jobs/{verb}", body)
        assert status == 200, job
        return cast(dict[str, Any], job)

    async def done(self, verb: str = "imagine", **body: Any) -> Row:
        """Ask, and return the final form of a job that completed with its own picture."""
        return self.own(await self.ada.final((await self.ask(verb, **body))["jobid"]))

    def own(self, final: Row) -> Row:
        """Assert that a job completed with its own result, by the simulator's book."""
        assert final["status"] == "completed", final
        with self.here.records() as records:
            nonce = records.job(final["jobid"])["nonce"]
        page = next(page for page in self.here.sim.book if page["nonce"] == nonce)
        assert final["messageId"] == page["result_id"], (final, page)
        return final

    def fired(self) -> None:
        for switch in self.switches:
            assert switch.fired == 1, switch.payload()


def case(*hazards: str) -> Callable[[Case], Case]:
    """Make a function the expectation of these hazards."""

    def take(function: Case) -> Case:
        for name in hazards:
            assert name not in CASES, name
            CASES[name] = function
        return function

    return take


def test_every_hazard_has_a_case() -> None:
    assert set(CASES) == set(HAZARDS)


@pytest.mark.parametrize("hazard", sorted(HAZARDS))
async def test_each_hazard_fires_and_ends_as_the_rules_say(install: Install, hazard: str) -> None:
    settings = {"vanish_grace_s": 3.0, "first_answer_s": 8.0}
    async with install(sim_options=SMALL, **settings) as here:
        scene = await _scene(here, hazard)
        await CASES[hazard](scene)
        scene.fired()


async def _scene(here: Installation, hazard: str = "") -> Scene:
    ada = await here.person()
    await here.equip(ada)
    await here.connected()
    return Scene(here, ada, hazard)


@case(
    *("nonce_on_result", "missing_nonce", "missing_metadata", "missing_progress"),
    *("anonymous_progress", "deferred_start", "early_delete", "late_delete", "missing_delete"),
    *("edited_result", "result_replies", "late_success"),
)
async def _(scene: Scene) -> None:
    scene.on()
    await scene.done()


@case("late_echo", "missing_echo")
async def _(scene: Scene) -> None:
    grid = await scene.done()
    scene.on(command="button")
    await scene.done("button", jobid=grid["jobid"], button="V1")
    # R21: an edit of the pressed message changes nothing of the job that it shows
    parent = await scene.ada.job(grid["jobid"])
    assert parent["attachments"] == grid["attachments"]
    assert parent["messageId"] == grid["messageId"]


@case("older_activity")
async def _(scene: Scene) -> None:
    grid = await scene.done(prompt="a red fox --ar 3:2 --v 7")
    single = await scene.done("button", jobid=grid["jobid"], button="U1")
    picture = single["attachments"][0]
    file = BytesIO()
    Image.new("L", (picture["width"], picture["height"]), 255).save(file, "PNG")
    mask = base64.b64encode(file.getvalue()).decode()
    scene.on()
    press = {"jobid": single["jobid"], "button": "Vary (Region)", "mask": mask}
    final = await scene.ada.final((await scene.ask("button", **press))["jobid"])
    assert final["status"] == "completed", final


@case("rewritten_prompt")
async def _(scene: Scene) -> None:
    scene.on(params={"flags": "--v 7"})
    assert "a red fox in the snow" in (await scene.done())["content"]


@case("short_links")
async def _(scene: Scene) -> None:
    scene.on()
    assert short_link(LINK) in (await scene.done())["content"]


# Other words, and fewer parts.

LONG = "a red fox that looks over its shoulder " + "in the deep snow of a bright morning " * 4

OF_WORDS: dict[str, tuple[Mapping[str, Any], ...]] = {
    "unknown_wording_of_caption": ({}, {"deed": "Sharpened by"}),
    "low_variability": ({},),
    "cut_prompt": ({}, {"length": 120, "ending": "\u2026"}),
    "shortened_prompt": ({}, {"sentence": "a vixen in winter"}),
    "plain_links": ({}, {"text": ""}, {"text": "Open on website"}),
    "no_buttons": ({}, {"web": True}),
}


@case(*OF_WORDS)
async def _(scene: Scene) -> None:
    params: Mapping[str, Any]
    for params in OF_WORDS[scene.hazard]:
        scene.on(params=params)
        await scene.done(prompt=f"{LONG} --v 7")


@pytest.mark.parametrize("fewer", ["missing_progress", "anonymous_progress"])
@pytest.mark.parametrize(
    ("hazard", "params"),
    [
        (hazard, params)
        for hazard, each in OF_WORDS.items()
        for params in each
        if hazard != "shortened_prompt"
    ],
    ids=str,
)
async def test_other_words_lose_no_picture_that_nothing_else_tells(
    install: Install, hazard: str, params: Mapping[str, Any], fewer: str
) -> None:
    async with install(sim_options=SMALL, first_answer_s=8.0) as here:
        scene = await _scene(here)
        scene.on(hazard, params=params)
        scene.on(fewer)
        grid = await scene.done(prompt=f"{LONG} --v 7")
        assert (hazard == "no_buttons") == ("buttons" not in grid or not grid["buttons"]), grid
        if hazard == "no_buttons":
            grid = await scene.done(prompt=f"{LONG} --v 7")
        single = await scene.done("button", jobid=grid["jobid"], button="U1")
        for label, parent in (("V1", grid), ("Upscale (Subtle)", single), ("🔄", grid)):
            scene.on(hazard, command="button", params=params)
            scene.on(fewer, command="button")
            await scene.done("button", jobid=parent["jobid"], button=label)
        scene.fired()


@pytest.mark.parametrize("fewer", ["missing_progress", "anonymous_progress"])
@pytest.mark.parametrize("params", OF_WORDS["shortened_prompt"], ids=str)
async def test_a_result_that_resembles_no_ask_and_has_no_id_is_told_honestly(
    install: Install, params: Mapping[str, Any], fewer: str
) -> None:
    async with install(sim_options=SMALL, first_answer_s=8.0, vanish_grace_s=1.0) as here:
        scene = await _scene(here)
        scene.on("shortened_prompt", params=params)
        scene.on(fewer)
        final = await scene.ada.final((await scene.ask(prompt=LONG))["jobid"])
        assert (final["status"], final["code"]) == ("failed", 502), final
        assert final["error"] == "Result could not be told apart"
        assert here.sim.book[0]["indistinguishable_from"] == ["anybody"]
        # an id is enough, and the words are not needed where a press is replied to
        scene.on("shortened_prompt", params=params)
        grid = await scene.done(prompt=LONG)
        scene.on("shortened_prompt", command="button", params=params)
        scene.on(fewer, command="button")
        await scene.done("button", jobid=grid["jobid"], button="V1")
        scene.fired()


@pytest.mark.parametrize("fewer", ["missing_progress", "anonymous_progress"])
async def test_a_missing_strength_loses_no_picture(install: Install, fewer: str) -> None:
    async with install(sim_options=SMALL, first_answer_s=8.0) as here:
        scene = await _scene(here)
        grid = await scene.done(prompt="a red fox --v 7")
        single = await scene.done("button", jobid=grid["jobid"], button="U1")
        scene.on("unknown_wording_of_caption", command="button", params={"deed": "Upscaled by"})
        scene.on(fewer, command="button")
        await scene.done("button", jobid=single["jobid"], button="Upscale (Subtle)")
        scene.fired()


@pytest.mark.parametrize("fewer", ["missing_progress", "anonymous_progress"])
async def test_variations_of_low_variability_are_not_lost(install: Install, fewer: str) -> None:
    async with install(sim_options=SMALL, first_answer_s=8.0) as here:
        scene = await _scene(here)
        await scene.ask("variability")
        grid = await scene.done(prompt="a red fox --v 6.1")
        scene.on(fewer, command="button")
        done = await scene.done("button", jobid=grid["jobid"], button="V1")
        assert "Variations (Subtle) by" in done["content"]


@case("no_form")
async def _(scene: Scene) -> None:
    single = await _single(scene)
    scene.on(command="button")
    zoom = {"button": "Custom Zoom", "prompt": "a red fox --zoom 2"}
    await scene.done("button", jobid=single["jobid"], **zoom)


@case("expired_form")
async def _(scene: Scene) -> None:
    single = await _single(scene)
    scene.on(command="modal")
    zoom = {"button": "Custom Zoom", "prompt": "a red fox --zoom 2"}
    body = {"jobid": single["jobid"], **zoom}
    status, job, _ = await scene.ada.call("POST", "/v2/jobs/button", body)
    assert (status, job["status"]) == (400, "failed"), job
    assert "10062" in job["errorDetails"]
    # a definite refusal: nothing was made, and the button can be pressed again
    await scene.done("button", **body)


@case("cancel_deletes")
async def _(scene: Scene) -> None:
    scene.here.sim.set_speed(8.0)
    job = await scene.ask()

    async def can_be_cancelled() -> bool:
        return bool((await scene.ada.job(job["jobid"]))["status"] == "progress")

    await eventually(can_be_cancelled)
    scene.on()
    status, answer, _ = await scene.ada.call("GET", f"/v2/jobs/cancel?jobid={job['jobid']}")
    assert status == 200, answer
    final = await scene.ada.final(job["jobid"])
    assert final["status"] in ("cancelled", "moderated"), final
    assert scene.here.sim.book[0]["status"] == "cancelled"


@case("answered_at_once")
async def _(scene: Scene) -> None:
    scene.on()
    job = await scene.ask("relax")
    assert job["status"] == "completed"


@case("vanished_late")
async def _(scene: Scene) -> None:
    scene.on()
    final = await scene.ada.final((await scene.ask())["jobid"])
    assert (final["status"], final["code"]) == ("moderated", 422), final
    assert final["error"] == "Job was removed by the bot"


async def _single(scene: Scene) -> Row:
    grid = await scene.done()
    return await scene.done("button", jobid=grid["jobid"], button="U1")


# Pairs, on presses.


@pytest.mark.parametrize(
    "hazards",
    [(), ("missing_nonce",), ("missing_progress", "late_echo"), ("anonymous_progress",)],
    ids=str,
)
async def test_two_equal_presses_at_once_get_their_own_pictures(
    install: Install, hazards: tuple[str, ...]
) -> None:
    async with install(sim_options=SMALL, first_answer_s=8.0) as here:
        scene = await _scene(here)
        grid = await scene.done()
        for hazard in hazards:
            scene.on(hazard, command="button")
        press = {"jobid": grid["jobid"], "button": "V1"}
        one, other = await asyncio.gather(
            scene.done("button", **press), scene.done("button", **press)
        )
        assert one["messageId"] != other["messageId"]
        assert one["attachments"][0]["filename"] != other["attachments"][0]["filename"]
        scene.fired()


@pytest.mark.parametrize("hazard", ["", "missing_nonce", "missing_echo", "duplicate_message"])
async def test_the_same_tile_pressed_twice_at_once_is_taken_once(
    install: Install, hazard: str
) -> None:
    async with install(sim_options=SMALL, first_answer_s=8.0) as here:
        scene = await _scene(here)
        grid = await scene.done()
        if hazard:
            scene.on(hazard, command="button")
        press = {"jobid": grid["jobid"], "button": "U1"}
        answers = await asyncio.gather(
            *(scene.ada.call("POST", "/v2/jobs/button", press) for _ in range(2))
        )
        (_, taken, _), (status, refused, _) = sorted(answers, key=lambda answer: answer[0])
        assert status == 409
        assert taken["jobid"] in str(refused)
        scene.own(await scene.ada.final(taken["jobid"]))
        scene.fired()
        assert [page["button"] for page in here.sim.book].count("U1") == 1


@pytest.mark.parametrize("hazards", [(), ("no_form",), ("no_form", "missing_nonce")], ids=str)
async def test_remix_takes_a_form_or_a_message_whichever_comes(
    install: Install, hazards: tuple[str, ...]
) -> None:
    async with install(sim_options=SMALL, first_answer_s=8.0) as here:
        scene = await _scene(here)
        await scene.ask("remix")
        grid = await scene.done()
        for hazard in hazards:
            scene.on(hazard, command="button")
        press = {"jobid": grid["jobid"], "button": "V1", "prompt": "a blue fox"}
        done = await scene.done("button", **press)
        assert ("a blue fox" in done["content"]) is not bool(hazards)
        scene.fired()
