"""Two conversations that hear the same, one built anew from the store each time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

from hypothesis import strategies as st

from tests.build import replace
from tests.golden.corpus import HISTORY, PAYLOADS, Json, event_of, merged
from tests.harness.play import USER, Play, new_job, told
from waystation.gateway_events import GatewayEvent
from waystation.midjourney.conversation import Step
from waystation.wire.snowflake import NO_SNOWFLAKE, snowflake_at

SILENT_S = 5
"""After this long without a sign, the submitter lets others pass (R15)."""


_UUID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"


_PROMPT = "a red fox --ar 3:2"


_ACTS = ("created", "queued", "started", "progress", "deleted", "picture")


@dataclass(frozen=True)
class Signs:
    """The signs of an ask's owner in its messages."""

    told: bool = True
    nonce: bool = True
    metadata: bool = True
    uuid: bool = True
    replies: bool = False


PROMPTS = ("a red fox", "a cat")

_INDEX = st.integers(0, 5)
_MOSTLY = st.sampled_from([True, True, True, False])
_SIGNS = st.builds(
    Signs,
    told=_MOSTLY,
    nonce=st.booleans(),
    metadata=st.booleans(),
    uuid=st.booleans(),
    replies=st.sampled_from([False, False, True]),
)
OPS = st.one_of(
    st.tuples(
        st.just("ask"),
        st.sampled_from([PROMPTS[0], PROMPTS[0], PROMPTS[1]]),
        _SIGNS,
        st.sampled_from([False, False, True]),
        st.booleans(),
    ),
    st.tuples(st.just("go_on"), _INDEX, _MOSTLY),
    st.tuples(st.just("go_on"), _INDEX, _MOSTLY),
    st.tuples(st.just("go_on"), _INDEX, _MOSTLY),
    st.tuples(st.just("again"), _INDEX),
    st.tuples(st.just("ask_again"), _INDEX, st.booleans()),
    st.tuples(st.just("wait"), st.sampled_from([1, 5, 61, 1800, 90_000])),
    st.tuples(st.just("gap"), st.booleans()),
    st.tuples(st.just("cancel"), _INDEX),
)


@dataclass
class Ask:
    """One ask of ours or by hand, and what is still to come of it."""

    number: int
    prompt: str
    nonce: str
    interaction_id: str
    signs: Signs
    acts: list[str]
    queued: bool = False
    """True when the bot has said so; what it says later has no nonce."""
    progress_id: str = ""

    @property
    def jobid(self) -> str:
        return f"job-{self.number}"

    def uuid(self) -> str:
        return _UUID.replace("0f1e2d3c", f"{self.number:08x}")


@dataclass
class Pair:
    """The one that lives, the one that is built anew, and the channel that both hear."""

    lived: Play = field(default_factory=Play)
    anew: Play = field(default_factory=Play)
    asks: list[Ask] = field(default_factory=list)
    past: list[Json] = field(default_factory=list)
    history: dict[str, Json] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    # ── what happens to both ──

    def both(self, do: Any) -> None:
        """Do the same to both, and compare what comes of it."""
        self.anew.restart()
        outcomes = [words(do(play)) for play in (self.lived, self.anew)]
        assert outcomes[0] == outcomes[1]
        assert self.lived.jobs == self.anew.jobs
        assert list(self.lived.seen.items()) == list(self.anew.seen.items())

    def hear(self, dispatch: Json) -> None:
        self.both(lambda play: play.see(event_of({"see": dispatch})))

    def wait(self, seconds: int) -> None:
        for play in (self.lived, self.anew):
            play.now += timedelta(seconds=seconds)
        asked = self.lived.talk.in_flight
        if asked is not None and seconds >= SILENT_S:
            self.both(lambda play: play.commit(play.talk.silent(asked, play.now)))
        self.both(self._expire)
        self.both(lambda play: _all(play.weigh()))

    @staticmethod
    def _expire(play: Play) -> Step:
        steps: list[Step] = []
        while not steps or steps[-1].writes or steps[-1].look_back:
            steps.append(play.perform({"expire": True}))
            # as the owner does: what is there was heard already
            play.talk.looked_back(steps[-1].look_back, play.now)
        return _all(iter(steps))

    def gap(self, *, to_the_end: bool) -> None:
        """Lose the session: history alone says what happened."""
        self.both(lambda play: play.commit(play.talk.missed(play.now)))
        for payload in sorted(self.history.values(), key=lambda one: int(one["id"])):
            event: GatewayEvent = event_of({"see": {"event": HISTORY, "payload": payload}})
            self.both(lambda play, seen=event: play.commit(play.talk.receive(seen, play.now)))
        if to_the_end:
            self.both(lambda play: play.commit(play.talk.read_to_the_end(NO_SNOWFLAKE)))
        self.both(lambda play: _all(play.weigh()))

    # ── who asks ──

    def ask(self, prompt: str, signs: Signs, queued: bool, by_hand: bool) -> None:
        number = next(self.numbers)
        nonce, interaction_id = self._id(), self._id()
        acts = [act for act in _ACTS if act != "queued" or queued]
        if not signs.told:
            acts.remove("created")
        if not by_hand:
            if self.lived.talk.in_flight is not None:
                return
            job = replace(
                new_job(f"job-{number}", "imagine", self.lived.now), params={"prompt": prompt}
            )
            waits = []
            for play in (self.lived, self.anew):
                play.admit(job)
                waits.append(play.talk.must_wait(job.jobid))
            assert waits[0] == waits[1]
            if waits[0]:
                self.both(lambda play: play.perform({"cancel": job.jobid}))
                return
            self.both(lambda play: play.submit(job.jobid, nonce))
        self.asks.append(Ask(number, prompt, nonce, interaction_id, signs, acts, queued))

    def ask_again(self, which: int, heard: bool) -> None:
        """Ask once more for what Discord has called outdated; the first try may be heard yet."""
        asked = [ask for ask in self.asks if ask.jobid == self.lived.talk.in_flight]
        if not asked:
            return
        ask = asked[which % len(asked)]
        first = {"id": ask.interaction_id, "nonce": ask.nonce}
        ask.nonce, ask.interaction_id = self._id(), self._id()
        self.both(lambda play: play.submit(ask.jobid, ask.nonce))
        if heard:
            self.hear({"event": "INTERACTION_CREATE", "payload": first})

    def go_on(self, which: int, heard: bool) -> None:
        busy = [ask for ask in self.asks if ask.acts]
        if not busy:
            return
        ask = busy[which % len(busy)]
        dispatch = self._dispatch(ask, ask.acts.pop(0))
        self.past.append(dispatch)
        if heard:
            self.hear(dispatch)

    def _id(self) -> str:
        return snowflake_at(self.lived.now, next(self.numbers))

    def _dispatch(self, ask: Ask, act: str) -> Json:
        match act:
            case "created":
                payload = {"id": ask.interaction_id, "nonce": ask.nonce}
                return {"event": "INTERACTION_CREATE", "payload": payload}
            case "queued":
                return self._create(ask, "describe/job_queued", {"nonce": ask.nonce}, True)
            case "started":
                nonce = ask.signs.nonce and not ask.queued
                said = self._create(
                    ask,
                    "imagine/started",
                    {"nonce": ask.nonce} if nonce else {},
                    ask.signs.metadata,
                )
                ask.progress_id = said["payload"]["id"]
                return said
            case "progress":
                return self._progress(ask)
            case "deleted":
                self.history.pop(ask.progress_id, None)
                payload = {"id": ask.progress_id, "channel_id": "1145000000000000003"}
                return {"event": "MESSAGE_DELETE", "payload": payload}
            case _:
                reply = {"message_reference": {"message_id": ask.progress_id}}
                return self._create(ask, "imagine/final", reply if ask.signs.replies else {}, False)

    def _create(self, ask: Ask, name: str, changes: Json, marked: bool) -> Json:
        said = self._written(ask, name, {"id": self._id(), **changes})
        for key in ("interaction", "interaction_metadata"):
            said.pop(key, None)
            if marked:
                said[key] = {"id": ask.interaction_id, "name": "imagine", "user": {"id": USER}}
        said["mentions"] = [{"id": USER}]
        kept = {key: value for key, value in said.items() if key != "nonce"}
        self.history[said["id"]] = kept
        return {"event": "MESSAGE_CREATE", "payload": said}

    def _progress(self, ask: Ask) -> Json:
        started = self.history[ask.progress_id]
        shown = self._written(ask, "imagine/progress_31", {})
        said = {**started, "content": shown["content"]}
        if ask.signs.uuid:
            said |= {key: shown[key] for key in ("attachments", "components")}
        self.history[ask.progress_id] = said
        return {"event": "MESSAGE_UPDATE", "payload": said}

    @staticmethod
    def _written(ask: Ask, name: str, changes: Json) -> Json:
        text = json.dumps(PAYLOADS[name].content["payload"])
        text = text.replace(_UUID, ask.uuid()).replace(_PROMPT, ask.prompt)
        payload: Json = json.loads(text)
        payload.pop("nonce", None)
        return merged(payload, changes)


def _all(steps: Iterator[Step]) -> Step:
    return Step(job_steps=tuple(one for step in steps for one in step.job_steps))


def words(step: Step) -> list[str]:
    """Return what follows, but that history is looked at: it may be once more."""
    return [line for line in told(step) if not line.startswith("look back")]


def perform(pair: Pair, op: tuple[Any, ...]) -> None:
    match op:
        case ("ask", prompt, signs, queued, by_hand):
            pair.ask(prompt, signs, queued, by_hand)
        case ("go_on", which, heard):
            pair.go_on(which, heard)
        case ("ask_again", which, heard):
            pair.ask_again(which, heard)
        case ("again", which) if pair.past:
            pair.hear(pair.past[which % len(pair.past)])
        case ("wait", seconds):
            pair.wait(seconds)
        case ("gap", to_the_end):
            pair.gap(to_the_end=to_the_end)
        case ("cancel", which) if pair.lived.jobs:
            jobids = list(pair.lived.jobs)
            pair.both(lambda play: play.perform({"cancel": jobids[which % len(jobids)]}))
        case _:
            pass
