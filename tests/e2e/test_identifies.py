"""IDENTIFYs of a Discord user keep their pause, whatever makes them necessary (wire notes 2.4)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from tests.e2e.conftest import Install, eventually
from tests.e2e.process import ground
from waystation.simulator.discord.sessions import Disturbance
from waystation.simulator.doors.gateway import Gateway

GAP_S = 5.0
ON_THE_WAY_S = 0.5
"""An IDENTIFY may take so much longer to arrive than the next one."""


class Identified:
    """The moments at which IDENTIFYs arrived, in seconds of a clock that never jumps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.moments: list[float] = []
        self.refuse = False
        """Answer each with INVALID_SESSION."""
        monkeypatch.setattr(Gateway, "identifies_too_soon", self._arrived)

    def _arrived(self, token: str) -> bool:
        self.moments.append(time.monotonic())
        return self.refuse

    @property
    def gaps(self) -> Sequence[float]:
        return [later - earlier for earlier, later in pairwise(self.moments)]


@pytest.fixture
def identified(monkeypatch: pytest.MonkeyPatch) -> Identified:
    return Identified(monkeypatch)


async def test_a_service_that_dies_again_and_again_identifies_no_faster(
    tmp_path: Path, identified: Identified
) -> None:
    """Each process dies as soon as it has identified, and its session is gone."""
    async with ground(tmp_path) as here:
        await here.settle_in(1)
        for times in range(1, 7):
            await eventually(lambda: len(identified.moments) == times)  # noqa: B023
            here.kill()
            here.sim.drop(0, Disturbance.LOSE)
            await here.restart()
        await here.connected(1)
        assert len(identified.moments) == 7
        assert min(identified.gaps) > GAP_S - ON_THE_WAY_S


async def test_a_service_whose_sessions_are_called_invalid_identifies_no_faster(
    install: Install, identified: Identified
) -> None:
    async with install() as here:
        await here.ready()
        identified.refuse = True
        here.sim.drop(0, Disturbance.INVALID)
        await eventually(lambda: len(identified.moments) == 4)
        identified.refuse = False
        await here.connected()
        assert min(identified.gaps) > GAP_S - ON_THE_WAY_S
