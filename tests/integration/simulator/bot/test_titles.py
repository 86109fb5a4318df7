from __future__ import annotations

from waystation.simulator.bot.job import Ending
from waystation.simulator.bot.scripts import SCRIPTS
from waystation.simulator.bot.timeline import Kind
from waystation.simulator.bot.titles import TITLES, Form, refuse

DOCUMENTED = """
Invalid parameter|Invalid prompt|Empty prompt|Invalid link|Invalid link!|Invalid request|
Banned prompt|Banned prompt detected|Banned image prompt|Action needed to continue|Image denied|
Request cancelled due to image filters|Request cancelled due to output filters|
Sorry, something went wrong|Sorry! Could not complete the job!|Internal error|
Internal server error|Failed to process your command :c|
There was an error processing your request.|Bad response|Queue full|Slow Down!|
Duplicate images detected|Job action restricted|Job Cancelled|(Stopped)|Pending mod message|Blocked|
Plan Cancelled|Subscription required|Subscription paused|Credits exhausted|Tos not accepted|
Action required to continue|Please complete the task
"""


def test_every_documented_wording_has_a_row() -> None:
    wanted = {title.strip() for title in DOCUMENTED.replace("\n", "").split("|")}
    assert wanted <= {row.title for row in TITLES}


def test_names_are_unique() -> None:
    assert len({row.name for row in TITLES}) == len(TITLES)


def test_the_seed_pages_moderated_link_is_there_word_for_word() -> None:
    (row,) = [row for row in TITLES if row.name == "invalid_link_moderated"]
    assert (row.title, row.description, row.ends) == (
        "Invalid link",
        "Request cancelled due to image filters.",
        Ending.MODERATED,
    )


def test_a_refusal_replaces_the_result_in_the_rows_own_form() -> None:
    line = SCRIPTS["describe"].timeline
    for row in TITLES:
        refused = refuse(line, row)
        last = refused[-1]
        assert last.ends is row.ends
        assert last.nonce is (row.form in (Form.NONCE, Form.CONTENT))
        assert last.refers is (row.form is Form.REFERENCE)
        updates = row.form in (Form.UPDATE, Form.STOPPED)
        assert last.kind is (Kind.UPDATE if updates else Kind.CREATE)
        assert sum(step.first for step in refused) == (0 if last.nonce else 1)
