from __future__ import annotations

import asyncio

from tests.fakes import FakeClock
from waystation.engine.account.line import AT_ONCE, ON_THE_WAY_S, STEP_S, Line


class Place:
    """A line, and who had their turn."""

    def __init__(self, *, arrives: bool = True) -> None:
        self.arrives = arrives
        self.clock = FakeClock()
        self.line = Line(self.clock)
        self.took: list[str] = []

    def come(self, *names: str) -> list[asyncio.Task[None]]:
        return [asyncio.create_task(self._take(name)) for name in names]

    async def _take(self, name: str) -> None:
        await self.line.turn(name)
        self.took.append(name)
        if self.arrives:
            self.line.arrived(name)


def names(count: int) -> list[str]:
    return [f"account-{number}" for number in range(count)]


async def test_some_go_at_once_and_the_others_one_by_one_in_their_order() -> None:
    place = Place()
    place.come(*names(AT_ONCE + 3))
    await place.clock.elapse(0)
    assert place.took == names(AT_ONCE)
    assert names(AT_ONCE + 1)[-1] in place.line
    for count in range(1, 4):
        await place.clock.elapse(STEP_S)
        assert place.took == names(AT_ONCE + count)
    assert names(AT_ONCE + 1)[-1] not in place.line


async def test_an_account_that_is_asked_for_goes_first() -> None:
    place = Place()
    wanted, later = AT_ONCE + 2, AT_ONCE + 4
    place.line.hasten(f"account-{later}")
    place.come(*names(AT_ONCE + 6))
    await place.clock.elapse(0)
    place.line.hasten(f"account-{wanted}")
    for _ in range(3):
        await place.clock.elapse(STEP_S)
    assert place.took[AT_ONCE:] == [f"account-{number}" for number in (wanted, later, AT_ONCE)]


async def test_after_a_rest_as_many_go_at_once_as_before() -> None:
    place = Place()
    place.come(*names(AT_ONCE))
    await place.clock.elapse((AT_ONCE + 1) * STEP_S)
    place.come(*names(AT_ONCE))
    await place.clock.elapse(0)
    assert place.took == names(AT_ONCE) * 2


async def test_an_account_that_leaves_the_line_holds_up_nobody() -> None:
    place = Place()
    *_, leaving, last = place.come(*names(AT_ONCE + 2))
    await place.clock.elapse(0)
    leaving.cancel()
    await place.clock.elapse(STEP_S)
    assert last.done()
    alone = place.come("alone")[0]
    await place.clock.elapse(0)
    alone.cancel()
    await place.clock.elapse(0)
    assert "alone" not in place.line
    assert len(asyncio.all_tasks()) == 1
    place.come("another")
    await place.clock.elapse(STEP_S)
    assert place.took[-1] == "another"


async def test_so_many_are_on_their_way_and_who_does_not_arrive_counts_for_a_while() -> None:
    place = Place(arrives=False)
    place.come(*names(AT_ONCE + 3))
    await place.clock.elapse(1)
    assert place.took == names(AT_ONCE)
    place.line.arrived("account-0")
    place.line.arrived("unknown")
    await place.clock.elapse(0)
    assert len(place.took) == AT_ONCE + 1
    await place.clock.elapse(ON_THE_WAY_S - 1)
    assert len(place.took) == AT_ONCE + 3
