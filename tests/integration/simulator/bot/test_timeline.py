from __future__ import annotations

import pytest

from waystation.simulator.bot.job import Ending
from waystation.simulator.bot.timeline import (
    PERCENTS,
    At,
    Kind,
    Step,
    acknowledge,
    before_acknowledgement,
    deleted_first,
    drawn,
    duplicated,
    finish,
    insert,
    late_result,
    opening,
    queued,
    replying,
    thinned,
    through_acknowledgement,
    without_result,
)
from waystation.simulator.discord.messages import Draft
from waystation.wire.message import MessageFlag

LINE = (
    *opening(),
    acknowledge(MessageFlag.LOADING),
    finish(lambda job, scene: Draft(), after_s=6.0),
)
CREATE, SUCCESS = Kind.INTERACTION_CREATE, Kind.INTERACTION_SUCCESS


def _kinds(line: tuple[Step, ...]) -> list[Kind]:
    return [step.kind for step in line]


def test_a_plain_line_has_four_steps_and_ends_completed() -> None:
    assert _kinds(LINE) == [CREATE, SUCCESS, Kind.CREATE, Kind.UPDATE]
    assert [step.ends for step in LINE] == [None, None, None, Ending.COMPLETED]
    assert [step.first for step in LINE] == [False, False, True, False]


def test_lines_can_be_cut_around_the_acknowledgement() -> None:
    assert before_acknowledgement(LINE) == LINE[:2]
    assert through_acknowledgement(LINE) == LINE[:3]
    assert without_result(LINE) == LINE[:3]
    assert before_acknowledgement(LINE[:2]) == through_acknowledgement(LINE[:2]) == LINE[:2]


def test_only_the_result_comes_late() -> None:
    assert [step.wait_s for step in late_result(LINE, 3.0)] == [0, 0, 0, 3.0]


def test_only_messages_are_duplicated() -> None:
    assert [step.times for step in duplicated(LINE, 2)] == [1, 1, 2, 2]


@pytest.mark.parametrize(
    ("at", "index"),
    [(At.RECEIVED, 0), (At.ACKNOWLEDGED, 3), (At.BEFORE_FINAL, 3), (At.FINAL, 4)],
)
def test_steps_are_put_at_named_moments(at: At, index: int) -> None:
    line = insert(LINE, at, Step(Kind.PAUSE))
    assert line[index].kind is Kind.PAUSE
    assert len(line) == 5


def test_a_moment_that_never_comes_is_the_end() -> None:
    assert insert(LINE[:2], At.ACKNOWLEDGED, Step(Kind.PAUSE))[-1].kind is Kind.PAUSE


def test_a_queued_job_says_its_nonce_once_and_before_the_wait() -> None:
    line = queued(LINE, lambda job, scene: Draft())
    assert _kinds(line) == [CREATE, SUCCESS, Kind.CREATE, Kind.SLOT, Kind.CREATE, Kind.UPDATE]
    assert [step.nonce for step in line] == [False, False, True, False, False, False]
    waiting = queued(LINE, lambda job, scene: Draft(), start_after_s=2.0)
    assert (waiting[3].kind, waiting[3].wait_s) == (Kind.PAUSE, 2.0)


DRAWN = drawn(
    lambda job, scene: Draft("waiting"),
    lambda percent: lambda job, scene: Draft(f"{percent}%"),
    lambda job, scene: Draft("done"),
)


def test_a_drawn_line_waits_reports_results_and_cleans_up() -> None:
    reports = [Kind.UPDATE] * len(PERCENTS)
    assert _kinds(DRAWN) == [CREATE, SUCCESS, Kind.CREATE, *reports, Kind.RESULT, Kind.DELETE]
    assert [step.paint is not None for step in DRAWN if step.progress] == [
        percent > 0 for percent in PERCENTS
    ]
    assert 20 <= sum(step.after_s for step in DRAWN) <= 60


def test_reports_are_left_out_by_their_number() -> None:
    line = thinned(DRAWN, {0, 2})
    assert len(line) == len(DRAWN) - 2
    assert [step for step in line if step.progress] == [DRAWN[4], *DRAWN[6:10]]


def test_the_progress_can_be_deleted_first() -> None:
    assert _kinds(deleted_first(DRAWN))[-2:] == [Kind.DELETE, Kind.RESULT]
    assert deleted_first(LINE) == LINE


def test_a_job_without_a_result_keeps_its_progress() -> None:
    assert Kind.DELETE not in _kinds(without_result(DRAWN))
    assert without_result(DRAWN)[-1].progress


def test_only_a_results_own_message_replies() -> None:
    assert [step.kind for step in replying(DRAWN) if step.replies] == [Kind.RESULT]
    assert replying(LINE) == LINE
