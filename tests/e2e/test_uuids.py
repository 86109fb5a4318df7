"""A job that knows its uuid takes nothing else, whatever else a message says of whose it is."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.e2e.conftest import Install, eventually

FOREIGN = str(UUID(int=7))


def _finished(message_id: str, user_id: str, uuid: str) -> dict[str, Any]:
    """Return what makes a message a finished picture of that uuid."""
    buttons = [
        {
            "type": 2,
            "style": 2,
            "label": f"U{number}",
            "custom_id": f"MJ::JOB::upsample::{number}::{uuid}",
        }
        for number in range(1, 5)
    ]
    url = f"https://127.0.0.1/attachments/1/2/ada_a_red_fox_{uuid}.png"
    picture = {"id": "1", "filename": url.rpartition("/")[2], "url": url, "size": 9}
    return {
        "id": message_id,
        "content": f"**a red fox** - <@{user_id}> (fast)",
        "attachments": [picture],
        "components": [{"type": 1, "components": buttons}],
    }


@pytest.mark.parametrize("event", ["MESSAGE_UPDATE", "MESSAGE_CREATE"])
async def test_a_finished_picture_of_another_uuid_changes_nothing(
    install: Install, event: str
) -> None:
    """R20."""
    async with install(sim_options={"picture_size": 64}) as here:
        ada = await here.ready()
        account = here.sim.accounts[0]
        here.sim.fault("late_message", count=1, params={"seconds": 1.5})
        asked = await ada.ask("imagine", prompt="a red fox")
        with here.records() as records:
            await eventually(lambda: records.job(asked["jobid"])["hash"] is not None)
            before = records.job(asked["jobid"])
            said = _finished(before["message_id"], account.user_id, FOREIGN)
            message = here.said_by_the_bot(account, **said)
            # it also names the very interaction of our ask
            who = {"id": before["interaction_id"], "user": account.user.payload()}
            message["interaction"] = message["interaction_metadata"] = {"type": 2, **who}
            here.sim.sessions.publish((account.user_id,), event, message)
            final = await ada.final(asked["jobid"])
            after = records.job(asked["jobid"])
        (page,) = here.sim.book
        assert (final["status"], final["messageId"]) == ("completed", page["result_id"])
        assert (after["hash"], FOREIGN in str(final)) == (before["hash"], False)
