"""A conversation that is built from the store behaves as the one that lived (R20, R36).

Two of them hear the same: one lives on, the other is built anew from what is stored before each
step. Jobs with few prompts, asks by hand and queued jobs share a channel; their messages come with
or without the signs that tell whose they are, twice, as history after a gap, or never.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.build import replace
from tests.golden.corpus import CONVERSATIONS, HISTORY, PAYLOADS, Json, event_of, merged
from tests.harness.play import USER, Play, new_job, told
from waystation.gateway_events import GatewayEvent
from waystation.jobs import JobId, Nonce, Source
from waystation.midjourney.conversation import Step
from waystation.wire.snowflake import NO_SNOWFLAKE, snowflake_at

PROMPTS = ("a red fox", "a cat")
SILENT_S = 5
"""After this long without a sign, the submitter lets others pass (R15)."""
_UUID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
_PROMPT = "a red fox --ar 3:2"
_ACTS = ("created", "queued", "started", "progress", "deleted", "picture")


@dataclass(frozen=True)
class Signs:
    """What an ask's messages say of whose they are."""

    told: bool = True
    nonce: bool = True
    metadata: bool = True
    uuid: bool = True
    replies: bool = False


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
    """Whether the bot has said so; what it says later has no nonce."""
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
        outcomes = [_words(do(play)) for play in (self.lived, self.anew)]
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
        steps = []
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
    changes = [change for step in steps for change in step.changes]
    return Step(changes=tuple(changes))


def _words(step: Step) -> list[str]:
    """Return what follows, but that history is looked at: it may be once more."""
    return [line for line in told(step) if not line.startswith("look back")]


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
_OPS = st.one_of(
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


BARE = Signs(nonce=False, metadata=False, uuid=False)


@settings(max_examples=150, deadline=None, print_blob=True)
@given(ops=st.lists(_OPS, min_size=4, max_size=40))
@example(
    # two that look alike, and a picture that waits between them
    ops=[
        ("ask", PROMPTS[0], BARE, True, False),
        *[("go_on", 0, True)] * 2,
        ("ask", PROMPTS[0], BARE, False, False),
        *[("go_on", 1, True)] * 3,
        *[("go_on", 0, True)] * 5,
        *[("go_on", 0, True)] * 2,
    ]
)
@example(
    # his interaction was told, his first message names it and has no nonce; ours is not known yet
    ops=[
        ("ask", PROMPTS[0], replace(BARE, told=False), False, False),
        ("ask", PROMPTS[0], replace(BARE, metadata=True), False, True),
        *[("go_on", 1, True)] * 4,
    ]
)
@example(
    # it was asked twice, and Discord has made something of both
    ops=[
        ("ask", PROMPTS[0], Signs(), False, False),
        ("ask_again", 0, True),
        *[("go_on", 0, True)] * 2,
    ]
)
def test_a_conversation_built_from_the_store_behaves_as_the_one_that_lived(
    ops: list[tuple[Any, ...]],
) -> None:
    pair = Pair()
    for op in ops:
        perform(pair, op)
    while any(ask.acts for ask in pair.asks):
        pair.go_on(0, True)
    pair.gap(to_the_end=True)
    for seconds in (61, 1800, 90_000):
        pair.wait(seconds)


def test_what_is_nobodys_is_not_stored() -> None:
    """A foreign user's asks, and parts of messages that say nothing, cost no commit."""
    play = Play()
    pair = Pair(lived=play)
    ask = Ask(1, PROMPTS[0], "1", "2", Signs(), [])
    foreign = {"id": "1144000000000000099"}
    for name in ("imagine/started", "imagine/progress_31", "imagine/final"):
        said = pair._create(ask, name, {"nonce": "1"}, True)["payload"]
        for key in ("interaction", "interaction_metadata"):
            said[key]["user"] = foreign
        said["mentions"] = [foreign]
        for event in ("MESSAGE_CREATE", "MESSAGE_UPDATE"):
            step = play.see(event_of({"see": {"event": event, "payload": said}}))
            assert not step.commits
    partial = {"id": "5", "channel_id": "1145000000000000003", "attachments": []}
    assert not play.see(event_of({"see": {"event": "MESSAGE_UPDATE", "payload": partial}})).commits
    assert play.seen == {}


def test_an_ask_by_hand_is_stored_once_and_not_with_each_of_its_messages() -> None:
    pair = Pair()
    pair.ask(PROMPTS[0], Signs(), False, True)
    written = []
    ask = pair.asks[0]
    while ask.acts[0] != "picture":
        seen = dict(pair.lived.seen)
        pair.go_on(0, True)
        written.append(len(pair.lived.seen) - len(seen))
        before = list(pair.lived.seen.items())
        pair.hear(pair.past[-1])
        assert list(pair.lived.seen.items()) == before
    assert [kind for kind, _ in pair.lived.seen] == ["by_hand", "by_hand", "stranger"]


def test_a_commit_that_failed_leaves_the_conversation_as_it_was() -> None:
    pair = Pair()
    pair.ask(PROMPTS[0], BARE, False, False)
    pair.ask(PROMPTS[0], BARE, False, True)
    for _ in range(9):
        pair.go_on(1, True)
    (picture,) = [one for one in pair.past if one["payload"].get("attachments")][-1:]
    play = pair.lived
    lost = play.talk.receive(event_of({"see": picture}), play.now)
    play.talk.undo()
    again = play.talk.receive(event_of({"see": picture}), play.now)
    assert lost == again


def test_what_a_message_said_before_a_press_is_known_after_a_restart() -> None:
    """R21: an edit that says the same again answers nothing, whichever process saw it first."""
    golden = next(one for one in CONVERSATIONS if one.name == "describe/whole_again")
    job = golden.content["jobs"]["a"]
    play = Play([replace(new_job("a", "button"), params=job["params"])])
    play.nonces[JobId("a")] = Nonce(job["nonce"])
    play.sources[JobId("a")] = Source(**job["source"])
    for step in golden.content["steps"]:
        assert told(play.perform(step)) == step.get("gives", [])
        play.restart()
