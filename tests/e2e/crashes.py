"""Services that are killed in the middle of an ask, and what happens while they are away."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from tests.e2e.process import Ground, ground
from tests.pictures import proof
from waystation.simulator.discord.sessions import Disturbance


@dataclass(frozen=True)
class Crash:
    """One place in the life of a describe.

    `moment`: the service dies just before it (see `Doors`). With `after`, it dies once this job
    event is on disk, and `moment` and everything later on the gateway is kept from it until then.
    """

    moment: str
    after: str | None = None

    def __str__(self) -> str:
        return f"{self.after}-committed" if self.after else f"before-{self.moment}"


class Absence(StrEnum):
    """Discord's doings while the service is dead."""

    RESUMABLE = "session kept"
    FORGOTTEN = "session lost"
    BY_HAND = "session lost, owner works by hand"


ASKED = (
    Crash("interactions"),
    Crash("answered"),
    Crash("INTERACTION_CREATE"),
    Crash("INTERACTION_SUCCESS", after="InteractionSeen"),
    Crash("MESSAGE_CREATE"),
    Crash("MESSAGE_UPDATE", after="Acknowledged"),
    Crash("MESSAGE_UPDATE"),
)
"""From the moment that the interaction reaches Discord."""


@contextlib.asynccontextmanager
async def crashed(
    directory: Path, crash: Crash, verb: str = "describe", **values: Any
) -> AsyncIterator[Ground]:
    """Ask for a job and kill the service where the row says."""
    async with ground(directory, **values) as here:
        await here.settle_in()
        if crash.after is None:
            here.doors.at(crash.moment, here.kill)
        else:
            here.doors.hold(crash.moment)
        asked = here.ask(verb)
        if crash.after is not None:
            await here.recorded(crash.after)
            here.kill()
        await here.service.ended()
        here.doors.release()
        # whoever was waiting saw the connection break, or its answer a moment before
        await asyncio.wait({asked})
        asked.exception()
        yield here


async def while_away(here: Ground, absence: Absence) -> None:
    if absence is Absence.RESUMABLE:
        return
    here.sim.drop(0, Disturbance.LOSE)
    if absence is Absence.BY_HAND:
        picture = proof("tall.png")
        here.sim.by_hand("describe", 0, picture=picture.build(), filename=picture.filename)
        await here.sim.settled()


def the_page(here: Ground) -> dict[str, Any]:
    (page,) = (page for page in here.sim.book if not page["by_hand"])
    return page
