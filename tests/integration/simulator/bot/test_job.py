from __future__ import annotations

from waystation.simulator.bot.job import Ending
from waystation.simulator.discord.messages import Draft


def test_endings_are_the_words_of_the_book() -> None:
    assert [ending.value for ending in Ending] == [
        "completed",
        "failed",
        "moderated",
        "halted",
        "vanished",
        "cancelled",
        "opened",
    ]


def test_a_draft_says_nothing_unless_told() -> None:
    assert Draft() == Draft("", (), (), 0, ())
