"""`mode`: in the prompt, in a form that takes one, or as what the account must be in already."""

from __future__ import annotations

from tests.e2e.conftest import Install

SMALL = {"picture_size": 64}


async def test_an_imagine_has_its_own_mode(install: Install) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await here.ready()
        grid = await ada.run("imagine", prompt="a red fox --v 7", mode="turbo")
        assert "(turbo)" in grid["content"]
        assert grid["mode"] == "turbo"


async def test_a_form_takes_the_mode_behind_its_prompt(install: Install) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await here.ready()
        grid = await ada.run("imagine", prompt="a red fox --ar 3:2")
        await ada.run("remix")
        child = await ada.run("button", jobid=grid["jobid"], button="V1", mode="relax")
        assert "(relaxed)" in child["content"]
        assert "a red fox" in child["content"]


async def test_a_press_that_may_open_no_form_needs_an_account_in_the_mode(
    install: Install,
) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await here.ready()
        grid = await ada.run("imagine", prompt="a red fox --ar 3:2")
        press = {"jobid": grid["jobid"], "button": "V1", "mode": "turbo"}
        status, answer, _ = await ada.call("POST", "/v2/jobs/button", press)
        assert (status, answer["code"]) == (400, 400), answer
        await ada.run("turbo")
        assert "(turbo)" in (await ada.run("button", **press))["content"]
        await ada.run("fast")
        await ada.run("settings", option="Remix mode", state="on")
        assert "(turbo)" in (await ada.run("button", **press))["content"]


async def test_other_verbs_need_an_account_that_is_in_the_mode(install: Install) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await here.ready()
        grid = await ada.run("imagine", prompt="a red fox --ar 3:2")
        press = {"jobid": grid["jobid"], "button": "U1", "mode": "fast"}
        describe = {"describeUrl": here.photo(), "mode": "fast"}
        for verb, body in (("describe", describe), ("button", press)):
            status, answer, _ = await ada.call("POST", f"/v2/jobs/{verb}", body)
            assert status == 400, answer
            error = "mode fast cannot be set here, and the account is in another mode"
            assert answer["error"] == error
            assert "unknown" in answer["errorDetails"]
        await ada.run("info")
        for verb, body in (("describe", describe), ("button", press)):
            assert (await ada.run(verb, **body))["status"] == "completed"
        await ada.run("relax")
        status, answer, _ = await ada.call("POST", "/v2/jobs/describe", describe)
        assert (status, "Its mode is relax." in answer["errorDetails"]) == (400, True)


async def test_an_unknown_mode_is_named_as_such_on_every_verb(install: Install) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await here.ready()
        for verb, body in (("imagine", {"prompt": "a fox"}), ("info", {})):
            status, answer, _ = await ada.call("POST", f"/v2/jobs/{verb}", {**body, "mode": "slow"})
            assert (status, answer["error"]) == (400, "mode must be one of fast, relax, turbo")
