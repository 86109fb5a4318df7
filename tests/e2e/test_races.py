"""Presses that race: many at once, and forms that come early, late, never or with a failure."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest

from tests.e2e.button_rows import FOX, PARENTS, REMIXED, Row, png_mask, reach
from tests.e2e.conftest import Install
from tests.e2e.desk import at_desk
from tests.e2e.mixture import NOT_OF_MATCHING
from tests.e2e.relations import varies_tile
from waystation import sentences
from waystation.simulator.faults.hazards import HAZARDS

AT_ONCE = 15

DRAWN = sorted(set(HAZARDS) - NOT_OF_MATCHING)


@pytest.mark.parametrize("name", ["grid", "single", "film", "clip"])
async def test_labels_that_are_pressed_at_once_are_not_mixed_up(
    install: Install, name: str
) -> None:
    async with at_desk(install, speed=50.0) as desk:
        seen = await reach(desk, PARENTS[name])
        rows = PARENTS[name].rows[:AT_ONCE]
        presses = (desk.press(seen, row.label, **row.body(seen), maxJobs=AT_ONCE) for row in rows)
        for row, child in zip(rows, await asyncio.gather(*presses), strict=True):
            row.relation(seen, child)


@pytest.mark.parametrize(("name", "seed"), [("grid", 1), ("single", 2), ("clip", 3)])
async def test_labels_are_not_mixed_up_under_random_hazards_either(
    install: Install, name: str, seed: int
) -> None:
    chance = Random(seed)
    async with at_desk(install, speed=50.0, vanish_grace_s=3.0, first_answer_s=8.0) as desk:
        seen = await reach(desk, PARENTS[name])
        for hazard in chance.sample(DRAWN, 6):
            desk.here.sim.fault(hazard, count=chance.randint(2, 8))

        async def press(row: Row) -> None:
            """Accept one other end than the right picture: that nothing told it apart."""
            body = {"jobid": seen.job["jobid"], "button": row.label, "maxJobs": AT_ONCE}
            _, job, _ = await desk.ada.call("POST", "/v2/jobs/button", {**body, **row.body(seen)})
            final = await desk.ada.final(job["jobid"])
            if final["status"] == "completed":
                row.relation(seen, await desk.finished(job["jobid"]))
            else:
                assert final["error"] == sentences.NOT_TOLD_APART.text, final

        await asyncio.gather(*map(press, PARENTS[name].rows[:AT_ONCE]))


@pytest.mark.parametrize("name", ["grid", "single"])
async def test_forms_that_open_at_once_get_their_own_prompts(install: Install, name: str) -> None:
    async with at_desk(install, speed=50.0) as desk:
        seen = await reach(desk, PARENTS[name])
        await desk.run("remix")
        rows = REMIXED[name]
        prompts = [f"owl number {n} --ar 3:2" for n in range(len(rows))]
        presses = (
            desk.press(seen, row.label, **row.body(seen), prompt=prompt, maxJobs=AT_ONCE)
            for row, prompt in zip(rows, prompts, strict=True)
        )
        children = await asyncio.gather(*presses)
        for row, prompt, child in zip(rows, prompts, children, strict=True):
            row.relation(seen, child)
            assert prompt in child.job["content"]


@pytest.mark.parametrize(
    ("fault", "params"),
    [
        ("interaction_failure", {"command": "button"}),
        ("interaction_failure", {"command": "modal"}),
        ("slow_answer", {"command": "button", "seconds": 1.0}),
        ("slow_answer", {"command": "modal", "seconds": 1.0}),
        ("no_interaction_events", {}),
        ("late_success", {}),
        ("missing_echo", {}),
        ("duplicate_message", {}),
    ],
)
async def test_a_form_is_answered_however_it_comes(
    install: Install, fault: str, params: dict[str, Any]
) -> None:
    async with at_desk(install) as desk:
        seen = await reach(desk, PARENTS["grid"])
        await desk.run("remix")
        desk.here.sim.fault(fault, **params)
        child = await desk.press(seen, "V2", prompt="a blue owl --ar 3:2")
        varies_tile(2)(seen, child)
        assert "a blue owl" in child.job["content"]


async def test_a_press_that_opens_no_form_draws_the_old_prompt(install: Install) -> None:
    async with at_desk(install) as desk:
        seen = await reach(desk, PARENTS["grid"])
        await desk.run("remix")
        desk.here.sim.fault("no_form")
        child = await desk.press(seen, "V2", prompt="a blue owl --ar 3:2")
        varies_tile(2)(seen, child)
        assert FOX in child.job["content"]


@pytest.mark.parametrize(
    ("fault", "params", "code"),
    [
        ("expired_form", {"command": "modal"}, 400),
        ("job_queued", {"command": "modal"}, 504),
        ("banned_prompt", {"command": "modal"}, 422),
        ("no_answer", {"command": "modal", "failure_event": True}, 502),
        ("no_answer", {"command": "button", "failure_event": True}, 502),
    ],
)
async def test_a_form_that_leads_nowhere_ends_its_job(
    install: Install, fault: str, params: dict[str, Any], code: int
) -> None:
    async with at_desk(install, first_answer_s=3.0) as desk:
        seen = await reach(desk, PARENTS["grid"])
        await desk.run("remix")
        desk.here.sim.fault(fault, **params)
        body = {"jobid": seen.job["jobid"], "button": "V2", "prompt": "a blue owl"}
        status, answer, _ = await desk.ada.call("POST", "/v2/jobs/button", body)
        assert answer["status"] in ("failed", "moderated"), answer
        assert (status, answer["code"]) == (code, code), answer


async def test_jobs_beyond_the_plan_are_queued_and_never_mixed_up(
    install: Install,
) -> None:
    async with at_desk(install, speed=50.0) as desk:
        desk.here.sim.accounts[0].standing.plan = "Basic"
        prompts = [f"owl number {n}" for n in range(5)]

        async def ask(prompt: str) -> tuple[str, int, Any]:
            body = {"prompt": prompt, "maxJobs": AT_ONCE}
            status, job, _ = await desk.ada.call("POST", "/v2/jobs/imagine", body)
            return prompt, status, job

        answers = await asyncio.gather(*map(ask, prompts))
        assert sorted(status for _, status, _ in answers) == [200, 200, 200, 504, 504]
        await desk.here.quiet()
        assert [page["status"] for page in desk.here.sim.book] == ["completed"] * 5
        for prompt, status, job in answers:
            if status == 504:
                assert job["error"] == "Job queued"
                continue
            grid = await desk.finished(job["jobid"])
            assert grid.job["content"].startswith(f"**{prompt}** - <@")


async def test_a_region_is_painted_with_the_prompt_of_its_picture(install: Install) -> None:
    async with at_desk(install) as desk:
        short = await desk.run(
            "shorten", prompt="please draw a very small red fox in the snow --v 7"
        )
        picked = await desk.press(short, "2️⃣")
        drawn = str(desk.here.sim.book[-1]["prompt"])
        ignored = await desk.press(picked, "V2", prompt="a blue owl --v 7")
        assert drawn in ignored.job["content"]
        single = await desk.press(ignored, "U2")
        await desk.run("remix")
        region = await desk.press(single, "Vary (Region)", **png_mask(single))
        assert f"**{drawn}**" in region.job["content"], region.job["content"]
