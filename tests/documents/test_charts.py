"""docs/state/*.md shows each row of the machines' tables, as an arrow or in a list."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.documents.charts import CHANGES, KEEPS, arrows_of, job_page, session_page
from waystation.discord import session_rules
from waystation.jobs import JobStatus
from waystation.midjourney import machine

_ARROW = re.compile(r"^    (\w+) --> (\w+): (.+)$", re.M)
_BOX = re.compile(r"^    (box\d+): (.+)$", re.M)
_NAMES = re.compile(r", | or ")


def _arrows(page: str) -> Iterator[tuple[str, str, str]]:
    """Yield (state, event, following state) of each picture of a page."""
    for picture in re.findall(r"```mermaid\n(.*?)```", page, re.S):
        boxes = {name: _NAMES.split(names) for name, names in _BOX.findall(picture)}
        for before, after, events in _ARROW.findall(picture):
            for event in re.split(r", (?!no session|session known)", events):
                yield from ((one, event, after) for one in boxes.get(before, [before]))


def test_each_row_of_the_job_machine_that_changes_the_status_is_an_arrow() -> None:
    steps = [
        (before, event.__name__, after)
        for before, row in machine.TRANSITIONS.items()
        for event, after in row.items()
        if before != after
    ]
    assert sorted(_arrows(job_page())) == sorted(steps)


def test_each_row_of_the_job_machine_that_keeps_the_status_is_in_the_list() -> None:
    listed = dict(re.findall(r"^\| (\w+) \| ([^|]+) \| [A-Z][^|]+ \|$", job_page(), re.M))
    steps = {
        (event.__name__, before)
        for before, row in machine.TRANSITIONS.items()
        for event, after in row.items()
        if before == after
    }
    assert {(event, one) for event, names in listed.items() for one in _NAMES.split(names)} == steps


def test_each_event_is_told_where_it_changes_something_and_where_it_does_not() -> None:
    rows = [
        (event, before == after)
        for before, row in machine.TRANSITIONS.items()
        for event, after in row.items()
    ]
    assert set(CHANGES) == {event for event, kept in rows if not kept}
    assert set(KEEPS) == {event for event, kept in rows if kept}


def test_each_row_of_the_gateway_session_is_an_arrow_or_in_the_list() -> None:
    page = session_page()
    arrows = set(_arrows(page))
    for (before, happening), after in session_rules.TRANSITIONS.items():
        if before == after:
            assert f"- `{happening}` in `{before}`\n" in page
        else:
            assert (before, happening, after) in arrows


def test_no_arrow_leads_back_to_its_beginning() -> None:
    for page in (job_page(), session_page()):
        assert not [step for step in _arrows(page) if step[0] == step[2]]


def test_events_with_the_same_way_share_an_arrow() -> None:
    steps = [("b", "x", "c"), ("a", "x", "c"), ("a", "y", "c"), ("b", "y", "c"), ("a", "z", "a")]
    assert arrows_of(steps, "abc") == [(("a", "b"), "c", ["x", "y"])]
    assert len(JobStatus) == 8
