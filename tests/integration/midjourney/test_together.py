"""Gateway events that are committed together do what they do one by one (R36).

Two conversations hear the same: one hears each event by itself, the other all that come between two
acts of ours at once. Before each commit the other one decides once in vain and takes it back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.golden.corpus import CONVERSATIONS, Golden, Json, event_of
from tests.harness.pair import OPS, Pair, Signs, perform, words
from tests.harness.play import Play, join_all, told
from tests.harness.scenes import stage
from waystation.gateway_events import GatewayEvent
from waystation.jobs import JobId


@dataclass
class Together(Pair):
    """A pair of which `anew` hears later, and together, what `lived` hears at once."""

    waiting: list[GatewayEvent] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lived.looks_back = self.anew.looks_back = True

    def hear(self, dispatch: Json) -> None:
        event = event_of({"see": dispatch})
        self.heard += words(self.lived.see(event))
        self.waiting.append(event)

    def wait(self, seconds: int) -> None:
        self.flush()
        super().wait(seconds)

    def both(self, do: Any) -> None:
        self.flush()
        outcomes = [words(do(play)) for play in (self.lived, self.anew)]
        assert outcomes[0] == outcomes[1]

    def flush(self) -> None:
        assert _sorted(words(self.anew.see_all(self.waiting))) == _sorted(self.heard)
        assert self.lived.jobs == self.anew.jobs
        assert self.lived.seen == self.anew.seen
        held = [sorted(job.jobid for job in play.talk.jobs) for play in (self.lived, self.anew)]
        assert held[0] == held[1]
        self.waiting, self.heard = [], []


@settings(max_examples=100, deadline=None, print_blob=True)
@given(ops=st.lists(OPS, min_size=4, max_size=40))
def test_events_heard_together_do_what_they_do_one_by_one(ops: list[tuple[Any, ...]]) -> None:
    pair = Together()
    for op in ops:
        if op[0] not in ("go_on", "again"):
            pair.flush()
        perform(pair, op)
    while any(ask.acts for ask in pair.asks):
        pair.go_on(0, True)
    pair.flush()
    pair.gap(to_the_end=True)
    for seconds in (61, 1800, 90_000):
        pair.wait(seconds)


@pytest.mark.parametrize("golden", CONVERSATIONS, ids=lambda golden: golden.name)
def test_a_golden_heard_together_is_the_golden(golden: Golden) -> None:
    singly, together = stage(golden), stage(golden)
    singly.looks_back = together.looks_back = True
    waiting: list[GatewayEvent] = []
    heard: list[str] = []
    for step in [*golden.content["steps"], {"wait": 0}]:
        if "see" in step:
            waiting.append(event_of(step))
            heard += told(singly.perform(step))
            continue
        assert _sorted(told(together.see_all(waiting))) == _sorted(heard)
        assert singly.jobs == together.jobs
        waiting, heard = [], []
        assert told(singly.perform(step)) == told(together.perform(step))


def _sorted(lines: list[str]) -> tuple[list[str], set[str]]:
    """Return what became of jobs, in its order, and what else was told, but looks at history."""
    told_once = [line for line in lines if "look back" not in line]
    of_jobs = [line for line in told_once if ": " in line and not line.startswith("halt")]
    return of_jobs, set(told_once) - set(of_jobs)


def test_others_see_what_was_committed_while_several_are() -> None:
    pair = Pair()
    for prompt in ("a red fox", "a cat"):
        pair.ask(prompt, Signs(), False, False)
    play: Play = pair.lived
    events = []
    for ask in pair.asks:
        for _ in range(4):
            events.append(event_of({"see": pair._dispatch(ask, ask.acts.pop(0))}))
    before = (play.talk.jobs, play.talk.holding, play.talk.in_flight)
    steps = play.talk.receive_all(events, play.now)
    assert len(steps) == len(events)
    assert {type(one).__name__ for step in steps for job in step.job_steps for one in job.events}
    assert (play.talk.jobs, play.talk.holding, play.talk.in_flight) == before
    for job in play.jobs.values():
        assert play.talk.get(job.jobid) == job
    assert not any(step.seen for step in steps[:-1])
    play.talk.undo()
    assert sorted(one.jobid for one in play.talk.jobs) == sorted(one.jobid for one in before[0])
    assert all(play.talk.get(one.jobid) == one for one in before[0])
    assert len(play.talk.holding) == len(before[1])
    assert play.talk.in_flight == before[2]
    again = play.talk.receive_all(events, play.now)
    assert told(join_all(again)) == told(join_all(steps))
    for step in again:
        play._keep(step)
    play.talk.adopt_all()
    assert {job.jobid for job in play.talk.jobs} == {
        job.jobid for job in play.jobs.values() if not job.final or job.ghost
    }
    assert play.talk.get(JobId("job-1")) != before[0][0]
