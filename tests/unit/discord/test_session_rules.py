"""The tables of the gateway session."""

from __future__ import annotations

from waystation.discord.session_rules import CLOSE_POLICY, TRANSITIONS, Happening, Phase
from waystation.wire.gateway import CloseCode


def test_every_close_code_of_discord_has_a_row() -> None:
    assert set(CLOSE_POLICY) == set(CloseCode)


def test_every_row_ends_the_socket_in_one_of_three_ways() -> None:
    ways = {Happening.LOST, Happening.FORGOTTEN, Happening.REJECTED}
    assert {ending.happening for ending in CLOSE_POLICY.values()} == ways


def test_nothing_leaves_a_stopped_session() -> None:
    assert not [before for before, _ in TRANSITIONS if before is Phase.STOPPED]


def test_every_phase_can_be_reached_and_lost() -> None:
    assert set(TRANSITIONS.values()) == set(Phase)
    assert {before for before, happening in TRANSITIONS if happening is Happening.LOST} == {
        phase for phase in Phase if phase is not Phase.STOPPED
    }
