"""Whole conversations from the goldens."""

from __future__ import annotations

from typing import Any

import pytest

from tests.golden.corpus import CONVERSATIONS, Golden
from tests.harness.play import Play, join_all, told
from tests.harness.scenes import (
    stage,
)
from waystation.gateway_events import (
    GatewayEvent,
)
from waystation.jobs import (
    Job,
    JobId,
)
from waystation.midjourney.steps import Step


class _Stuttering(Play):
    """A play whose store raises before it works: whatever writes is decided twice."""

    def commit(self, step: Step) -> Step:
        held = {job.jobid: job for job in self.talk.jobs}
        assert held == {jobid: self.jobs[jobid] for jobid in held}, "changed before its commit"
        return super().commit(step)

    def see(self, event: GatewayEvent) -> Step:
        step = self.talk.receive(event, self.now)
        if step.commits:
            self.talk.undo()
            assert self.talk.receive(event, self.now) == step
        return join_all([self.commit(step), *self.weigh()])


def _of(job: Job, expected: dict[str, Any]) -> dict[str, Any]:
    late = job.late.message_id if job.late else None
    seen = {name: late if name == "late" else getattr(job, name) for name in expected}
    return {name: list(one) if isinstance(one, tuple) else one for name, one in seen.items()}


@pytest.mark.parametrize("golden", CONVERSATIONS, ids=str)
def test_a_conversation_goes_as_its_golden_says(golden: Golden) -> None:
    play = stage(golden)
    for number, step in enumerate(golden.content["steps"]):
        assert told(play.perform(step)) == step.get("gives", []), f"step {number}: {step}"
        if "see" in step and step.get("again", True):
            again = told(play.perform(step))
            assert not [line for line in again if line != "kept"], f"step {number} again: {step}"
    for name, expected in golden.content["then"].items():
        assert _of(play.jobs[JobId(name)], expected) == expected


@pytest.mark.parametrize("golden", CONVERSATIONS, ids=str)
def test_a_commit_that_raises_leaves_the_conversation_as_it_was(golden: Golden) -> None:
    """R36: the same is decided again, and all that follows goes as if nothing had happened."""
    play = stage(golden, _Stuttering())
    for number, step in enumerate(golden.content["steps"]):
        assert told(play.perform(step)) == step.get("gives", []), f"step {number}: {step}"
    for name, expected in golden.content["then"].items():
        assert _of(play.jobs[JobId(name)], expected) == expected


@pytest.mark.parametrize("golden", CONVERSATIONS, ids=str)
def test_a_final_job_reads_the_same_for_ever(golden: Golden) -> None:
    play = stage(golden)
    final: dict[JobId, tuple[object, ...]] = {}
    for step in golden.content["steps"]:
        play.perform(step)
        for jobid, job in play.jobs.items():
            if job.final:
                seen = (job.status, job.updated_at, job.content, job.embeds, job.message_id)
                assert final.setdefault(jobid, seen) == seen
