"""Presses that are answered by an edit of what was pressed: settings, describe 🔄, Show Details."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.e2e.conftest import Install, eventually
from tests.e2e.records import Records

SMALL = {"picture_size": 64}


async def test_an_option_of_the_settings_is_changed_by_its_label(install: Install) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await here.ready()
        before = await ada.run("settings")
        assert before["settings"]["remix"] is False
        after = await ada.run("settings", option="remix MODE")
        assert after["status"] == "completed", after
        assert after["settings"]["remix"] is True
        assert here.sim.accounts[0].standing.remix
        assert "Remix mode" in after["buttons"]


async def test_an_option_that_is_as_wanted_is_not_pressed(install: Install) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await here.ready()
        for state in ("on", "on", "off", "off"):
            job = await ada.run("settings", option="Remix mode", state=state)
            assert job["settings"]["remix"] is (state == "on")
        pressed = [page for page in here.sim.book if page["verb"] == "button"]
        assert len(pressed) == 2


async def test_the_model_is_chosen_from_the_menu(install: Install) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await here.ready()
        job = await ada.run("settings", option="Midjourney Model V6.1")
        assert job["settings"]["version"] == "Midjourney Model V6.1"
        assert here.sim.accounts[0].standing.version == "6.1"


async def test_an_option_that_does_not_exist_names_those_that_do(install: Install) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await here.ready()
        status, answer, _ = await ada.call("POST", "/v2/jobs/settings", {"option": "Remicks"})
        assert (status, answer["error"]) == (400, "No such option")
        assert "Remix mode" in answer["errorDetails"]


@pytest.mark.parametrize("hazard", ["answered_at_once", "duplicate_message", "partial_update"])
async def test_an_option_is_pressed_once_whatever_the_order(install: Install, hazard: str) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await here.ready()
        here.sim.fault(hazard)
        job = await ada.run("settings", option="Remix mode")
        assert (job["status"], job["settings"]["remix"]) == ("completed", True)
        assert here.sim.accounts[0].standing.remix


async def test_a_settings_job_is_pressed_like_any_other(install: Install) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await here.ready()
        settings = await ada.run("settings")
        pressed = await ada.run("button", jobid=settings["jobid"], button="Stealth")
        assert (pressed["status"], pressed["settings"]["stealth"]) == ("completed", True)
        assert pressed["messageId"] == settings["messageId"]


async def test_a_description_is_asked_for_again(install: Install) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await here.ready()
        first = await ada.run("describe", describeUrl=here.photo())
        again = await ada.run("button", jobid=first["jobid"], button="🔄")
        assert again["status"] == "completed", again
        assert again["embeds"][0]["description"] != first["embeds"][0]["description"]
        assert (await ada.job(first["jobid"]))["embeds"] == first["embeds"]


async def test_two_at_once_are_asked_one_after_the_other(install: Install) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await here.ready()
        first = await ada.run("describe", describeUrl=here.photo())
        press = {"jobid": first["jobid"], "button": "🔄"}
        both = await asyncio.gather(*(ada.run("button", **press) for _ in range(2)))
        said = {job["embeds"][0]["description"] for job in (first, *both)}
        assert [job["status"] for job in both] == ["completed", "completed"]
        assert len(said) == 3


async def test_a_pick_is_no_answer_to_the_message_that_it_recolours(install: Install) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await here.ready()
        first = await ada.run("describe", describeUrl=here.photo())
        picked, again = await asyncio.gather(
            ada.run("button", jobid=first["jobid"], button="2️⃣"),
            ada.run("button", jobid=first["jobid"], button="🔄"),
        )
        assert (picked["status"], again["status"]) == ("completed", "completed")
        assert picked["attachments"]
        assert "attachments" not in again


async def test_the_weights_of_a_shortened_prompt_are_shown(install: Install) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await here.ready()
        short = await ada.run("shorten", prompt="please draw a very small red fox in the snow")
        details = await ada.run("button", jobid=short["jobid"], button="Show Details")
        assert details["status"] == "completed", details
        assert len(details["embeds"][0]["description"]) > len(short["embeds"][0]["description"])


@pytest.mark.parametrize(
    ("verb", "body", "label"),
    [
        ("describe", {}, "🔄"),
        ("shorten", {"prompt": "please draw a very small red fox in the snow"}, "Show Details"),
    ],
)
async def test_an_echo_of_what_a_message_says_by_now_answers_no_press_once_it_is_forgotten(
    install: Install, verb: str, body: dict[str, str], label: str
) -> None:
    """R21: what was pressed says what a later job has made of it, not what its own job shows."""
    async with install(sim_options=SMALL) as here:
        ada = await here.ready()
        own = {"describeUrl": here.photo()} if verb == "describe" else body
        first = await ada.run(verb, **own)
        second = await ada.run("button", jobid=first["jobid"], button=label)
        assert second["messageId"] == first["messageId"]
        await here.stop()
        with here.records() as records:
            # as two days, or 100 newer messages, would
            records.rows("delete from seen_messages where kind = 'face'")
        await here.start()
        ada = replace(ada, url=here.url)
        await here.connected()
        here.sim.fault("no_result", command="button", count=1)
        press = {"jobid": first["jobid"], "button": label}
        asked = asyncio.create_task(ada.call("POST", "/v2/jobs/button", press))
        account = here.sim.accounts[0]
        said = here.sim.messages.get(account.channel_id, first["messageId"])
        assert said is not None
        with here.records() as records:
            await eventually(lambda: _asked(records))
            here.sim.sessions.publish((account.user_id,), "MESSAGE_UPDATE", said)
            await here.quiet()
            (job,) = (row for row in records.jobs() if row["finished_at"] is None)
        await ada.call("GET", f"/v2/jobs/cancel/?jobid={job['jobid']}")
        await asked
        assert (await ada.job(job["jobid"]))["status"] == "cancelled"


def _asked(records: Records) -> bool:
    return any(row["interaction_id"] and not row["finished_at"] for row in records.jobs())


async def test_an_edit_that_is_lost_with_the_gateway_session_ends_at_once(
    install: Install,
) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await here.ready()
        first = await ada.run("describe", describeUrl=here.photo())
        here.sim.fault("gateway_drop_lost", at="before_final", command="button")
        status, answer, _ = await ada.call(
            "POST", "/v2/jobs/button", {"jobid": first["jobid"], "button": "🔄"}
        )
        assert (status, answer["error"]) == (502, "reply lost")


async def test_a_choice_cannot_be_turned_off_and_a_state_needs_its_option(
    install: Install,
) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await here.ready()
        for option in ("Fast mode", "Midjourney Model V7"):
            body = {"option": option, "state": "off"}
            status, answer, _ = await ada.call("POST", "/v2/jobs/settings", body)
            assert (status, answer["error"]) == (400, "Option cannot be turned off")
        status, answer, _ = await ada.call("POST", "/v2/jobs/settings", {"state": "on"})
        assert (status, answer["error"]) == (400, "state requires option")


async def test_a_pick_draws_what_its_job_shows_although_it_was_asked_again(
    install: Install,
) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await here.ready()
        first = await ada.run("describe", describeUrl=here.photo())
        again = await ada.run("button", jobid=first["jobid"], button="🔄")
        for job in (first, again):
            listed = job["embeds"][0]["description"].split("\n\n")[1].removeprefix("2️⃣ ")
            picked = await ada.run("button", jobid=job["jobid"], button="2️⃣")
            assert listed in picked["content"], (listed, picked)


async def test_a_press_on_the_same_message_of_another_job_answers_no_edit(
    install: Install,
) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await here.ready()
        first = await ada.run("describe", describeUrl=here.photo())
        again = await ada.run("button", jobid=first["jobid"], button="🔄")
        asked = len(here.sim.book)
        # Discord is slow with the answer: the other press is recoloured before it
        here.sim.fault("late_message", command="button", count=1, params={"seconds": 1.0})
        third = asyncio.create_task(ada.run("button", jobid=first["jobid"], button="🔄"))

        async def is_pressed() -> bool:
            return len(here.sim.book) > asked

        await eventually(is_pressed)
        picked = await ada.run("button", jobid=again["jobid"], button="1️⃣")
        said = (await third)["embeds"][0]["description"]
        assert (picked["status"], (await third)["status"]) == ("completed", "completed")
        assert said not in [job["embeds"][0]["description"] for job in (first, again)]
        assert all(one in said for one in here.sim.book[asked]["prompts"])
