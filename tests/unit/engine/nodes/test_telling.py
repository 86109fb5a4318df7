from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from tests.fakes import START, FakeClock
from waystation.engine.nodes.node import Node, Run
from waystation.engine.nodes.telling import LOOK_S, Telling, differ
from waystation.errors import StoreError
from waystation.ports import AccountTold, Nodes, ToldWait

CONNECTED = AccountTold("connected")
LOST = AccountTold("connecting", "refused")


def waits(seconds: float, text: str = "slow down", *, breaker: bool = False) -> ToldWait:
    return ToldWait(START + timedelta(seconds=seconds), text, breaker)


class Rows:
    def __init__(self) -> None:
        self.told: list[tuple[str, Sequence[tuple[str, int, AccountTold]]]] = []
        self.fails = False

    async def tell(self, node_id: str, told: Sequence[tuple[str, int, AccountTold]]) -> None:
        if self.fails:
            raise StoreError("away")
        self.told.append((node_id, list(told)))


class Here:
    """A node whose accounts a test sets."""

    def __init__(self) -> None:
        self.rows, self.clock = Rows(), FakeClock()
        self.accounts: list[tuple[str, int, AccountTold]] = []
        self.node: Any = type("", (), {"current": Run("me", 1e9)})()
        self.telling = Telling(
            cast(Nodes, self.rows), cast(Node, self.node), self.clock, lambda: self.accounts
        )


async def test_an_account_is_told_once_and_again_when_it_changes() -> None:
    here = Here()
    here.accounts = [("a", 1, CONNECTED), ("b", 4, LOST)]
    for _ in range(3):
        await here.telling.round()
    assert here.rows.told == [("me", here.accounts)]
    here.accounts = [("a", 1, CONNECTED), ("b", 4, CONNECTED)]
    for _ in range(3):
        await here.telling.round()
    assert here.rows.told[1:] == [("me", [("b", 4, CONNECTED)])]


async def test_an_account_is_told_again_under_a_new_epoch() -> None:
    here = Here()
    here.accounts = [("a", 1, CONNECTED)]
    await here.telling.round()
    here.accounts = []
    await here.telling.round()
    here.accounts = [("a", 2, CONNECTED)]
    await here.telling.round()
    assert [told for _, told in here.rows.told] == [[("a", 1, CONNECTED)], [("a", 2, CONNECTED)]]


async def test_a_round_that_fails_is_made_good_by_the_next() -> None:
    here = Here()
    here.accounts = [("a", 1, CONNECTED)]
    here.rows.fails = True
    with pytest.raises(StoreError):
        await here.telling.round()
    here.rows.fails = False
    await here.telling.round()
    assert here.rows.told == [("me", here.accounts)]


async def test_nothing_is_told_between_two_runs_of_a_node() -> None:
    here = Here()
    here.accounts = [("a", 1, CONNECTED)]
    here.node.current = None
    await here.telling.round()
    assert here.rows.told == []


async def test_rounds_come_by_time_and_soon_after_a_move_and_outlive_errors() -> None:
    here = Here()
    here.accounts = [("a", 1, CONNECTED)]
    here.rows.fails = True
    with capture_logs() as logs:
        running = asyncio.create_task(here.telling.run())
        try:
            async with asyncio.timeout(30):
                while not logs:
                    await asyncio.sleep(0.001)
                    here.clock.advance(LOOK_S)
                here.rows.fails = False
                here.telling.moved()
                while not here.rows.told:
                    await asyncio.sleep(0.001)
                    here.clock.advance(0.1)
        finally:
            running.cancel()
    assert {one["event"] for one in logs} == {"telling.round_failed"}


@pytest.mark.parametrize(
    ("said", "told", "is_told"),
    [
        (CONNECTED, CONNECTED, False),
        (CONNECTED, LOST, True),
        (LOST, replace(LOST, reason="reset"), True),
        (CONNECTED, replace(CONNECTED, wait=waits(30)), True),
        (CONNECTED, replace(CONNECTED, upload_wait=waits(30)), True),
        # too short for the way to another node
        (CONNECTED, replace(CONNECTED, wait=waits(1.5)), False),
        # the same end, computed a moment later
        (replace(CONNECTED, wait=waits(30)), replace(CONNECTED, wait=waits(31)), False),
        (replace(CONNECTED, wait=waits(30)), replace(CONNECTED, wait=waits(90)), True),
        (replace(CONNECTED, wait=waits(30)), replace(CONNECTED, wait=waits(30, "no")), True),
        (
            replace(CONNECTED, wait=waits(30)),
            replace(CONNECTED, wait=waits(30, breaker=True)),
            True,
        ),
        # it ended by itself, or before its time
        (replace(CONNECTED, wait=waits(-5)), CONNECTED, False),
        (replace(CONNECTED, wait=waits(30)), CONNECTED, True),
    ],
)
def test_an_account_is_told_again_when_what_was_said_is_no_longer_true(
    said: AccountTold, told: AccountTold, is_told: bool
) -> None:
    assert differ(said, told, START) is is_told
