from __future__ import annotations

from tests.build import replace
from waystation.engine.account.wanted import Wanted
from waystation.gateway_events import SessionState
from waystation.jobs import JobId

SESSION = SessionState("session", "wss://gateway.example", 5)


def test_a_page_that_several_want_is_read_at_once_and_due_if_one_is() -> None:
    wanted = Wanted()
    wanted.want([JobId("a")], is_due=True)
    wanted.want([JobId("b")], is_due=False)
    assert wanted.jobids == {"a", "b"}
    assert wanted.is_due and wanted.bell.is_set()


def test_a_reading_that_begins_is_due_no_more() -> None:
    wanted = Wanted()
    wanted.want([JobId("a")], is_due=True)
    assert wanted.taken() == {"a"}
    wanted.want([JobId("b")], is_due=False)
    assert wanted.jobids == {"b"} and not wanted.is_due


def test_a_gap_lasts_until_it_is_bridged_and_keeps_the_latest_sequence() -> None:
    wanted = Wanted()
    wanted.applied(9)
    assert not wanted.gap
    wanted.torn()
    wanted.missed(SESSION)
    assert wanted.gap and wanted.gaps == 1
    wanted.applied(8)
    wanted.applied(7)
    wanted.applied(None)
    assert wanted.session == replace(SESSION, sequence=8)


def test_a_new_hold_begins_anew() -> None:
    wanted = Wanted()
    wanted.want([JobId("a")], is_due=True)
    wanted.want_late()
    wanted.missed(SESSION)
    wanted.begin()
    assert not (wanted.jobids or wanted.is_due or wanted.gap)
    assert not (wanted.bell.is_set() or wanted.late.is_set())
