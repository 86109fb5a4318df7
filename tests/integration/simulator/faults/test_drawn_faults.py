"""Faults that were made for describe also bend jobs that draw, presses and forms."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.simulator.conftest import Start
from tests.integration.simulator.discord_client import Client, result_of
from waystation.simulator.bot.titles import BY_NAME, Form
from waystation.simulator.faults.fault import Place
from waystation.simulator.faults.faults import FAULTS

Json = dict[str, Any]
SCRIPTED = [name for name, fault in FAULTS.items() if fault.place is Place.SCRIPT]
QUICK = {"seconds": 0.01, "start_after_s": 0.01}


def _switch(client: Client, name: str, **params: Any) -> None:
    own = {key: value for key, value in QUICK.items() if key in FAULTS[name].params}
    client.sim.fault(name, count=1, **own | params)


ACTS = ("imagine", "U1", "V1", "Custom Zoom", "show", "settings")


@pytest.mark.parametrize("act", ACTS)
async def test_every_fault_of_the_bot_can_happen_to_it(start: Start, act: str) -> None:
    client = await start(rate_limits=False)
    grid = client.sim.by_hand("imagine", options={"prompt": "fox"})
    await client.sim.settled()
    message = client.sim.messages.get(client.account.channel_id, grid["result_id"])
    assert message is not None
    if act == "Custom Zoom":
        await client.press(message, "U4")
        await client.sim.settled()
        single = client.sim.book[-1]["result_id"]
        message = client.sim.messages.get(client.account.channel_id, single)
        assert message is not None
    for name in SCRIPTED:
        _switch(client, name)
        client.sim.bot._works._taken.clear()
        texts = {"imagine": {"prompt": "fox"}, "show": {"job_id": grid["uuid"]}, "settings": {}}
        sent = client.send(act, **texts[act]) if act in texts else client.press(message, act)
        assert (await sent).status == 204
        await client.sim.settled()
        page = next(p for p in reversed(client.sim.book) if name in p["faults"])
        if name in BY_NAME:
            assert page["status"] == BY_NAME[name].ends.value, name
        else:
            assert page["status"] != "running", name


@pytest.mark.parametrize("form", Form)
async def test_a_refused_u_says_so_under_the_pressed_message(ready: Client, form: Form) -> None:
    grid = await ready.imagine()
    ready.sim.fault("image_denied", form=form.value)
    said = (await ready.pressed(grid, "U1"))[-1][1]
    assert said["attachments"] == []
    assert said["message_reference"]["message_id"] == grid["id"]
    assert ("nonce" in said) is (form in (Form.NONCE, Form.CONTENT))


async def test_a_stopped_job_repeats_its_prompt(ready: Client) -> None:
    ready.sim.fault("stopped")
    said = (await ready.imagined("a stop sign (Stopped)"))[-1][1]
    who = f"<@{ready.account.user_id}>"
    assert said["content"] == f"**a stop sign (Stopped)** - {who} (Stopped)"


async def test_others_with_the_same_prompt_get_results_of_their_own(ready: Client) -> None:
    ready.sim.fault("foreign_user", count=1)
    ready.sim.fault("owner_by_hand", count=1)
    events = await ready.imagined("fox")
    finals = [d for n, d in events if n == "MESSAGE_CREATE" and d["components"]]
    pages = ready.sim.book
    assert len(finals) == len(pages) == 7
    by_user = [page["user_id"] for page in pages]
    assert by_user.count(ready.sim.world.foreigner.id) == 3
    assert {page["result_id"] for page in pages} == {final["id"] for final in finals}
    assert len({page["uuid"] for page in pages}) == 7
    assert all(page["indistinguishable_from"] == [] for page in pages)
    for page in pages:
        final = next(f for f in finals if f["id"] == page["result_id"])
        assert page["uuid"] in str(final["components"])
        assert final["content"] == f"**fox** - <@{page['user_id']}> (fast)"


async def test_others_may_press_the_same_button(ready: Client) -> None:
    grid = await ready.imagine()
    ready.sim.fault("foreign_user", count=1, when="after")
    events = await ready.pressed(grid, "U1")
    singles = [d for n, d in events if n == "MESSAGE_CREATE"]
    assert [d["attachments"] != [] for d in singles] == [True, True]


async def test_an_impostor_shows_another_picture_under_another_uuid(ready: Client) -> None:
    ready.sim.fault("impostor_bot", count=1, nonce=False)
    events = await ready.imagined("fox")
    finals = [d for n, d in events if n == "MESSAGE_CREATE" and d["components"]]
    (false,) = [d for d in finals if d["author"]["id"] != ready.sim.world.midjourney.id]
    (true,) = [d for d in finals if d["author"]["id"] == ready.sim.world.midjourney.id]
    assert false["content"] == true["content"].replace(true["id"], false["id"])
    uuid = ready.sim.book[0]["uuid"]
    assert uuid in str(true["components"]) and uuid not in str(false)
    pictures = [(await ready.get(d["attachments"][0]["url"])).body for d in (false, true)]
    assert pictures[0] != pictures[1]


async def test_an_update_may_come_before_its_create_for_drawn_jobs_too(ready: Client) -> None:
    ready.sim.fault("reordered")
    events = [(n, d) for n, d in await ready.imagined() if n.startswith("MESSAGE_")]
    assert [name for name, _ in events][:2] == ["MESSAGE_UPDATE", "MESSAGE_CREATE"]
    assert events[0][1]["id"] == events[1][1]["id"]
    assert events[1][1]["content"].endswith("(Waiting to start)")


async def test_partial_updates_carry_text_picture_and_button_only(ready: Client) -> None:
    ready.sim.fault("partial_update")
    reports = [d for n, d in await ready.imagined() if n == "MESSAGE_UPDATE"]
    known = {"id", "channel_id", "guild_id", "content", "attachments", "components"}
    assert reports
    for report in reports:
        assert set(report) <= known | {"edited_timestamp"}
    assert "uuid on progress" in ready.sim.book[0]["evidence"]


async def test_a_result_can_be_deleted_again(ready: Client) -> None:
    ready.sim.fault("deleted_message")
    events = await ready.imagined()
    final = result_of(events)
    deleted = {d["id"] for n, d in events if n == "MESSAGE_DELETE"}
    assert deleted == {final["id"], ready.sim.book[0]["message_id"]}


async def test_a_queued_job_starts_without_its_nonce(ready: Client) -> None:
    ready.sim.fault("job_queued", start_after_s=0.01)
    events = await ready.imagined("fox")
    notice, start = [d for n, d in events if n == "MESSAGE_CREATE"][:2]
    assert (notice["embeds"][0]["title"], notice["nonce"]) == ("Job queued", ready.last_nonce)
    assert "nonce" not in start and "(Waiting to start)" in start["content"]
    assert "nonce on start" not in ready.sim.book[0]["evidence"]


async def test_a_job_without_a_result_keeps_its_progress_message(ready: Client) -> None:
    ready.sim.fault("no_result")
    events = await ready.imagined()
    assert "MESSAGE_DELETE" not in [name for name, _ in events]
    assert ready.sim.book[0]["status"] == "unfinished"


async def test_a_start_that_is_announced_late_still_tells_its_nonce(ready: Client) -> None:
    ready.sim.fault("reordered", count=1)
    await ready.imagined()
    assert "nonce on start" in ready.sim.book[0]["evidence"]
    ready.sim.fault("missing_create")
    await ready.imagined()
    assert "nonce on start" not in ready.sim.book[1]["evidence"]
