from __future__ import annotations

from tests.build import replace
from waystation.simulator import drawing
from waystation.simulator.bot.works import Medium, Work, Works

GRID = Work("g", "ada", Medium.GRID, drawing.imagine("fox", 1), "fox", "7", 1)
PICKED = replace(GRID, uuid="p", medium=Medium.SINGLE, tile=2, parent="g")


def test_a_work_is_found_until_it_is_the_oldest_of_too_many() -> None:
    works = Works(2)
    for uuid in ("1", "2", "3"):
        works.add(replace(GRID, uuid=uuid))
    assert works.find("1") is None
    assert works.find("3") == replace(GRID, uuid="3")
    works.clear()
    assert works.find("3") is None


def test_a_tile_is_taken_by_the_user_who_picked_it_only() -> None:
    works = Works(10)
    works.add(GRID)
    assert not works.is_taken("g", 2, "ada")
    works.add(PICKED)
    assert works.is_taken("g", 2, "ada")
    assert not works.is_taken("g", 1, "ada")
    assert not works.is_taken("g", 2, "bob")


def test_a_variation_takes_no_tile() -> None:
    works = Works(10)
    works.add(replace(PICKED, medium=Medium.GRID))
    assert not works.is_taken("g", 2, "ada")
