"""Steps are values."""

from __future__ import annotations

import pytest

from tests.fakes import START
from tests.harness.play import new_job
from waystation.jobs import JobId, Unclear
from waystation.midjourney.steps import NOTHING, Changed, HaltSign, Step, join
from waystation.wire.message import Message

CHANGE = Changed(new_job("a"), (Unclear("time-out"),))


@pytest.mark.parametrize(
    "step",
    [
        Step(changes=(CHANGE,)),
        Step(halt=HaltSign("Blocked", START)),
        Step(unrecognised=Message("1", "2")),
    ],
)
def test_a_step_with_anything_to_keep_writes(step: Step) -> None:
    assert step.writes


def test_a_step_that_only_asks_for_history_writes_nothing() -> None:
    assert not Step(look_back=frozenset({JobId("a")})).writes
    assert not NOTHING.writes


def test_joined_steps_keep_their_changes_in_order() -> None:
    other = Changed(new_job("b"), (Unclear("reset"),))
    joined = join([Step(changes=(CHANGE,)), NOTHING, Step(changes=(other,))])
    assert joined == Step(changes=(CHANGE, other))
