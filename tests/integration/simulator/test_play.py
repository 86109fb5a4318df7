from __future__ import annotations

import pytest

from waystation.simulator.faults.faults import FaultError
from waystation.simulator.play import Play


def test_faults_can_be_given_from_the_start() -> None:
    sim = Play(faults=("queue_full:count=1", "gateway_close:4004"))
    assert [switch.fault.name for switch in sim.board.active()] == ["queue_full", "gateway_close"]
    with pytest.raises(FaultError):
        Play(faults=("nonsense",))


def test_a_fault_for_nobody_is_an_error() -> None:
    with pytest.raises(LookupError, match="no account 5"):
        Play().fault("queue_full", account=5)


async def test_a_play_goes_on_without_a_network() -> None:
    play = Play(speed=1000.0)
    page = play.by_hand("imagine", options={"prompt": "a red fox"})
    await play.settled()
    assert page["status"] == "completed"
    await play.reset()
    assert play.book == []
