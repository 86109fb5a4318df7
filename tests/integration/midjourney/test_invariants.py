"""I1, I2, I4, I8, I9 and I10 under every order of events that hypothesis can think of.

Several jobs, a person typing by hand, foreign users and an impostor share one channel. Events come
in any order, twice, or never; the service restarts, loses its session, reads history back, cancels
and expires. After each step nothing may be lost, doubled or swapped by the model's own book.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from tests.golden.corpus import event_of
from tests.harness.play import USER, Play, new_job
from tests.harness.world import ENDINGS, FOREIGNER, Ask, World
from waystation.contract import job_json
from waystation.gateway_events import GatewayEvent
from waystation.jobs import Job, JobId, JobStatus, Refused
from waystation.midjourney.commands import COMMANDS
from waystation.midjourney.conversation import Step
from waystation.midjourney.matching.evidence import upload_stem

T = TypeVar("T")

_INDEX = st.integers(0, 30)
_MOSTLY = st.sampled_from([True, True, True, False])
_VERBS = st.sampled_from(["describe", "describe", "describe", "info"])
_OUTCOMES = st.sampled_from(["accepted"] * 5 + ["unknown", "unsent", "refused"])


class Life(RuleBasedStateMachine):
    """One account's channel."""

    @initialize()
    def begin(self) -> None:
        self.play = Play()
        self.world = World()
        self.sent: set[str] = set()
        self.slots_ended: set[JobId] = set()
        self.final: dict[JobId, bytes] = {}

    # ── the service ──

    @precondition(lambda self: len(self._waiting()) < 2)
    @rule(verb=_VERBS)
    def accept(self, verb: str) -> None:
        name = f"job-{len(self.play.jobs)}"
        self.play.admit(new_job(name, verb, self.play.now))

    @precondition(lambda self: self.play.talk.in_flight is None)
    @rule(verb=_VERBS, which=_INDEX, ending=st.sampled_from(ENDINGS), outcome=_OUTCOMES)
    def submit(self, verb: str, which: int, ending: str, outcome: str) -> None:
        self.accept(verb)
        job = self._one(self._waiting(), which)
        nonce = self.world.new_id()
        assert self.play.submit(job.jobid, nonce).writes
        self._send(job, nonce)
        if outcome not in ("unsent", "refused"):
            ending = ending if job.verb == "describe" else "result"
            self.world.execute(
                job.verb, ending, nonce=nonce, upload=upload_stem(nonce), owner=job.jobid
            )
        if outcome in ("unknown", "unsent"):
            self.play.perform({"unclear": job.jobid})
        elif outcome == "refused":
            self.play.perform({"refuse": job.jobid})

    def _send(self, job: Job, nonce: str) -> None:
        """I4: each nonce is committed before it is sent, and sent once."""
        stored = self.play.jobs[job.jobid]
        assert stored.nonce == nonce
        assert stored.status is JobStatus.SUBMITTED
        assert nonce not in self.sent
        self.sent.add(nonce)

    @rule(
        which=_INDEX,
        what=st.sampled_from(["contradict", "cancel", "blind", "lose", "pose", "restart"]),
    )
    def disturb(self, which: int, what: str) -> None:
        """One rule for what cuts lives short, so that most lives are long."""
        match what:
            case "contradict":
                self._contradict(which)
            case "cancel" if self._jobs():
                jobid = self._one(self._jobs(), which).jobid
                self.play.perform({"cancel": jobid})
                assert self.play.jobs[jobid].final
            case "blind":
                self.play.now += timedelta(seconds=60)
                self.play.perform({"expire": False})
            case "lose" if self.world.pending:
                self.world.pending.pop(which % len(self.world.pending))
            case "pose" if self.world.asks:
                self.world.impersonate(self._one(self.world.asks, which))
            case _:
                self.play.restart()

    def _contradict(self, which: int) -> None:
        """HTTP refuses what the gateway has shown to be executed (R25)."""
        for job in [job for job in self._jobs() if job.bound and not job.final][which:]:
            event = Refused(429, "Discord /interactions failed with HTTP status 429")
            self.play.commit(self.play.talk.ended(job.jobid, event, self.play.now))
            assert self.play.jobs[job.jobid].status is job.status

    @rule(seconds=st.sampled_from([1, 1, 1, 1, 1, 29, 30, 60, 600, 1800, 90_000]))
    def wait(self, seconds: int) -> None:
        self.play.now += timedelta(seconds=seconds)
        self._expire()

    def _expire(self) -> None:
        step = self.play.perform({"expire": True})
        if step.look_back:
            self.play.talk.looked_back(step.look_back, self.play.now)
            self._read_back()
            assert not self.play.perform({"expire": True}).look_back

    @precondition(lambda self: len(self.world.pending) > 2)
    @rule()
    def lose_the_session(self) -> None:
        """Everything on its way is gone; history is read back before anything else (R28)."""
        self.world.pending.clear()
        self._read_back()
        self.play.perform({"settle": True})
        for job in self._jobs():
            waits = job.submitted_at is not None and not job.final
            assert not (waits and not COMMANDS[job.verb].reply_in_history)

    # ── Discord ──

    @precondition(lambda self: self.world.busy)
    @rule(which=_INDEX, ours=_MOSTLY, times=st.integers(1, 5), deliver=_MOSTLY)
    def go_on(self, which: int, ours: bool, times: int, deliver: bool) -> None:
        busy = self.world.busy
        ask = self._one([ask for ask in busy if ask.owner or not ours] or busy, which)
        for _ in range(min(times, len(ask.acts))):
            before = len(self.world.pending)
            self.world.act(ask)
            if deliver and len(self.world.pending) > before:
                self._see(event_of(self.world.pending.pop()))

    @precondition(lambda self: self.world.pending)
    @rule(which=_INDEX, keep=st.booleans())
    def deliver(self, which: int, keep: bool) -> None:
        index = which % len(self.world.pending)
        dispatch = self.world.pending[index] if keep else self.world.pending.pop(index)
        self._see(event_of(dispatch))

    @precondition(lambda self: sum(ask.owner is None for ask in self.world.busy) < 2)
    @rule(
        which=_INDEX,
        ending=st.sampled_from(ENDINGS),
        user=st.sampled_from([USER, USER, FOREIGNER]),
    )
    def ask_by_hand(self, which: int, ending: str, user: str) -> None:
        """A person asks for the same picture; under our file name once it could be copied."""
        known = [ask for ask in self.world.asks if ask.owner and self._knows(ask)]
        upload = self._one(known, which).upload if known else "holiday"
        nonce = self.world.new_id()
        self.world.execute("describe", ending, nonce=nonce, upload=upload, user=user)

    def _knows(self, ask: Ask) -> bool:
        assert ask.owner is not None
        return self.play.jobs[JobId(ask.owner)].interaction_id is not None

    # ── helpers ──

    def _jobs(self) -> list[Job]:
        return list(self.play.jobs.values())

    def _waiting(self) -> list[Job]:
        return [job for job in self._jobs() if job.status is JobStatus.CREATED]

    @staticmethod
    def _one(items: list[T], which: int) -> T:
        return items[which % len(items)]

    def _see(self, event: GatewayEvent) -> None:
        step = self.play.see(event)
        again = self.play.see(event)
        assert not again.job_steps, "an event that was applied is applied again"
        assert not again.look_back
        self._check(step)

    def _check(self, step: Step) -> None:
        for job_step in step.job_steps:
            assert job_step.job.error != "Result could not be told apart"
        if step.look_back:
            self.play.talk.looked_back(step.look_back, self.play.now)
            self._read_back()

    def _read_back(self) -> None:
        for event in self.world.read_back():
            self._see(event)

    # ── what must hold ──

    @invariant()
    def everything_belongs_to_its_own_job(self) -> None:
        """I1: by the model's own book."""
        for job in self._jobs():
            seen = {*job.messages, *filter(None, [job.message_id, job.interaction_id])}
            for one in seen:
                assert self.world.owners[one] == job.jobid
            shown = [*job.embeds, *(job.late.embeds if job.late else ())]
            for embed in shown:
                _, drawn, number = (embed.description or "").partition("drawn for ")
                if drawn:
                    assert self.world.asks[int(number)].owner == job.jobid

    @precondition(lambda self: self.play.talk.in_flight is not None)
    @rule()
    def let_others_pass(self) -> None:
        jobid = self.play.talk.in_flight
        assert jobid is not None
        self.play.perform({"silent": jobid})

    @invariant()
    def at_most_one_ask_is_in_flight(self) -> None:
        """I2."""
        in_flight = [job.jobid for job in self._jobs() if job.in_flight]
        assert in_flight in ([], [self.play.talk.in_flight])

    @invariant()
    def a_slot_ends_once(self) -> None:
        """I8."""
        for job in self._jobs():
            assert not (job.slot and job.jobid in self.slots_ended)
            if not job.slot:
                self.slots_ended.add(job.jobid)
            elif job.final:
                assert job.ghost
                assert job.slot_until is not None
            else:
                assert COMMANDS[job.verb].takes_slot

    @invariant()
    def final_is_final(self) -> None:
        """I9 and I10: what was delivered stays true, byte by byte."""
        for job in self._jobs():
            if job.final:
                assert self.final.setdefault(job.jobid, job_json(job)) == job_json(job)
            else:
                assert job.jobid not in self.final

    @invariant()
    def the_conversation_holds_what_is_stored(self) -> None:
        for job in self.play.talk.jobs:
            assert job == self.play.jobs[job.jobid]
        held = {job.jobid for job in self.play.talk.jobs}
        assert held >= {job.jobid for job in self._jobs() if not job.final}

    def teardown(self) -> None:
        """R30: what history has is found; R28: everything ends, and every slot comes back."""
        if not hasattr(self, "play"):
            return
        waiting = [job.jobid for job in self._jobs() if job.submitted_at and not job.final]
        self.lose_the_session()
        for jobid in waiting:
            if self.world.results.get(jobid) in self.world.history:
                assert self.play.jobs[jobid].status is JobStatus.COMPLETED
        for seconds in (1800, 600, 90_000):
            self.wait(seconds)
        assert not [job for job in self._jobs() if not job.final or job.slot]
        assert not self.play.talk.jobs


Life.TestCase.settings = settings(
    max_examples=60, stateful_step_count=50, deadline=None, print_blob=True
)
TestLife = Life.TestCase
