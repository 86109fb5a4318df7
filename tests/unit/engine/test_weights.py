from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from waystation.engine.weights import MOST_FAILINGS, drawn, weight


@pytest.mark.parametrize(
    ("free", "failings", "expected"),
    [
        (0, 0, 0),
        (-1, 0, 0),
        (1, 0, 10),
        (3, 0, 30),
        (3, 1, 15),
        (3, 2, 10),
        (1, MOST_FAILINGS, 1),
        (1, 10_000, 1),
        (15, 10_000, 15),
    ],
)
def test_a_weight_is_of_free_slots_and_lowered_by_failings(
    free: int, failings: int, expected: int
) -> None:
    assert weight(free, failings) == expected


def test_no_failings_take_all_of_a_weight() -> None:
    assert all(weight(free, failings) > 0 for free in range(1, 16) for failings in range(200))


async def counted(weights: list[int], most: int, draws: int = 6_000) -> Counter[int]:
    chance, found = Random(9), Counter[int]()

    async def weight_of(index: int) -> int:
        return weights[index]

    for _ in range(draws):
        one = await drawn(range(len(weights)), weight_of, most, chance.randrange)
        assert one is not None
        found[one] += 1
    return found


@pytest.mark.parametrize(
    ("weights", "most"), [([30, 10, 20], 30), ([30, 10, 20], 150), ([1, 0, 3, 0], 10), ([7], 7)]
)
async def test_each_is_drawn_as_often_as_it_weighs(weights: list[int], most: int) -> None:
    draws = 6_000
    found = await counted(weights, most, draws)
    for index, one in enumerate(weights):
        share = one / sum(weights)
        # six deviations of a binomial; the seed is fixed
        deviation = 6 * (draws * share * (1 - share)) ** 0.5
        assert abs(found[index] - draws * share) <= deviation, (found, index)


async def test_each_is_weighed_once_and_few_of_many() -> None:
    weighed: list[int] = []
    chance = Random(1)

    async def weight_of(index: int) -> int:
        weighed.append(index)
        return 3

    await drawn(range(1_000), weight_of, 3, chance.randrange)
    assert len(weighed) == 1
    weighed.clear()

    async def mostly_full(index: int) -> int:
        weighed.append(index)
        return 1 if index == 17 else 0

    assert await drawn(range(50), mostly_full, 1_000, chance.randrange) == 17
    assert len(weighed) == len(set(weighed))


async def test_the_last_one_that_is_left_is_taken_without_a_draw() -> None:
    draws = 0

    def below(limit: int) -> int:
        nonlocal draws
        draws += 1
        return limit - 1

    async def light(index: int) -> int:
        return 1 if index == 0 else 0

    assert await drawn([0, 1], light, 150, below) == 0
    assert draws == 1, "one of two was drawn, and the other was left"
    assert await drawn([0], light, 150, below) == 0
    assert draws == 1


async def test_none_is_drawn_where_none_weighs() -> None:
    async def nothing(index: int) -> int:
        return 0

    assert await drawn(range(5), nothing, 10, Random(1).randrange) is None
    assert await drawn([], nothing, 10, Random(1).randrange) is None


async def test_chance_that_refuses_for_ever_does_not_hold_up_a_draw() -> None:
    async def light(item: str) -> int:
        return 1

    assert await drawn(["a", "b"], light, 10, lambda limit: limit - 1) == "b"
