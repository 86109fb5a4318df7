"""A process knows what the last one has learnt of whose a picture is (R20).

The service is killed or stopped between two pictures that look alike; what was known of the asks
before that decides about what comes after.
"""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from tests.e2e.conftest import eventually
from tests.e2e.process import Ground, ground
from tests.e2e.records import Row
from waystation import sentences
from waystation.simulator.discord.sessions import Disturbance

FOX = "a red fox"


async def killed_at(here: Ground, moment: str) -> None:
    """Ask for the fox once more and die just before a moment; the session is lost, too."""
    here.doors.at(moment, here.kill)
    asked = here.ask("imagine", prompt=FOX)
    await here.service.ended()
    await asyncio.wait({asked})
    asked.exception()
    here.sim.drop(0, Disturbance.LOSE)


def is_own(here: Ground, job: Row) -> bool:
    return bool(here.page(job["nonce"])["result_id"] == job["message_id"])


async def test_the_owners_picture_is_not_ours_although_he_asked_before_the_crash(
    tmp_path: Path,
) -> None:
    """R20: the ask by hand was heard, our progress shows no uuid, its picture comes unheard."""
    async with ground(tmp_path) as here:
        await here.settle_in()
        here.sim.fault("anonymous_progress", count=1)
        here.sim.fault("owner_by_hand", count=1, when="before", alike=True)
        # ours comes long after his
        here.sim.fault("late_message", count=1, seconds=10.0)
        asked = here.ask("imagine", prompt=FOX)
        await here.recorded("Acknowledged")
        here.kill()
        await asyncio.wait({asked})
        asked.exception()
        here.sim.drop(0, Disturbance.LOSE)
        await eventually(lambda: any(page["result_id"] for page in here.sim.book))
        await here.restart()
        (job,) = await here.final()
        assert is_own(here, job) or job["error"] == sentences.NOT_TOLD_APART.text, job


async def test_the_picture_of_an_earlier_job_is_known_after_a_crash(tmp_path: Path) -> None:
    """R20: the same prompt twice; the second is read from history, where the first stands, too."""
    async with ground(tmp_path) as here:
        await here.settle_in()
        await here.ask("imagine", prompt=FOX)
        await here.final()
        await killed_at(here, "INTERACTION_CREATE")
        await here.sim.settled()
        await here.restart()
        first, second = await here.final()
        for job in (first, second):
            assert job["status"] == "completed", (job, here.service.log)
            assert is_own(here, job)


async def two_foxes(here: Ground) -> None:
    """Ask twice for what nothing can tell apart; the second picture comes late."""
    here.sim.fault("job_queued", count=1, start_after_s=1.0)
    here.sim.fault("anonymous_progress", count=2)
    # a message that disappears would be a reason of its own to look back
    here.sim.fault("missing_delete", count=2)
    _, answer, _ = await here.ask("imagine", prompt=FOX)
    assert answer["code"] == 504, answer
    here.sim.fault("late_message", count=1, seconds=10.0)
    status, answer, _ = await here.ask("imagine", prompt=FOX)
    assert status == 200, answer


async def test_a_picture_held_before_a_stop_is_still_held_after_it(tmp_path: Path) -> None:
    """R20: nothing can tell the two apart, and that is said as soon as both are there."""
    async with ground(tmp_path) as here:
        await here.settle_in()
        await two_foxes(here)
        await eventually(lambda: here.sim.book[0]["status"] == "completed")
        # what is answered now was said after the picture
        status, answer, _ = await here.ask("info")
        assert status == 200, answer
        await here.stop(signal.SIGTERM)
        await here.sim.settled()
        await here.start()
        _, job, _ = await here.final()
        assert (job["status"], job["error"]) == ("failed", sentences.NOT_TOLD_APART.text), job


async def test_a_verdict_on_held_pictures_is_the_same_after_a_stop(
    tmp_path: Path,
) -> None:
    """R20: both are there when the service is stopped, and nothing more comes to remind of them."""
    async with ground(tmp_path) as here:
        await here.settle_in()
        # history is read once before it is said that they cannot be told apart
        here.sim.fault("hang_before", count=1, seconds=60.0, route="messages.read")
        await two_foxes(here)
        await here.sim.settled()
        # what is answered now was said after the pictures
        status, answer, _ = await here.ask("info")
        assert status == 200, answer
        with here.records() as records:
            assert records.jobs()[1]["status"] == "progress"
        await here.stop(signal.SIGTERM)
        await here.start()
        _, job, _ = await here.final()
        assert (job["status"], job["error"]) == ("failed", sentences.NOT_TOLD_APART.text), job
