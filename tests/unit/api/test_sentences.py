"""SENTENCES: the rows of sentences.py and the bot's titles, by what a path does."""

from __future__ import annotations

from waystation.api.operations import OPERATIONS
from waystation.api.sentences import SENTENCES, WHEN
from waystation.midjourney.refusals import CODES, ERRORS, Ending
from waystation.sentences import GROUPS, ROWS


def test_every_row_is_in_the_table_at_each_of_its_acts() -> None:
    assert all(row in SENTENCES[does] for row in ROWS for does in row.does)
    assert list(SENTENCES) == list(GROUPS)


def test_every_title_of_the_bot_that_fails_a_job_is_in_the_table() -> None:
    told = {(row.text, row.status) for row in SENTENCES["asks the bot"]}
    assert told >= {
        (title, CODES[row.ending])
        for row in ERRORS
        if row.ending is not Ending.STOPPED
        for title in row.titles
    }


def test_every_row_is_used_by_a_path() -> None:
    used = {one for row in OPERATIONS.values() for one in row.does}
    assert used == set(SENTENCES)


def test_every_status_has_its_meaning() -> None:
    answered = {status for row in OPERATIONS.values() for status in (*row.answers, *row.refusals)}
    assert answered == set(WHEN)
