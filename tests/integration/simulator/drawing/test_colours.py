from __future__ import annotations

import pytest

from waystation.simulator.drawing.colours import COLOURS, nearest


@pytest.mark.parametrize("name", COLOURS)
def test_a_colour_is_nearest_to_itself(name: str) -> None:
    assert nearest(*COLOURS[name]) == name


def test_a_colour_between_two_has_the_name_of_the_one_that_looks_like_it() -> None:
    assert nearest(230, 40, 40) == "red"
    assert nearest(24, 24, 80) == "navy"


def test_names_are_in_the_words_of_a_prompt() -> None:
    assert all(name.isalpha() and name.islower() for name in COLOURS)
