"""No job gets the picture of another, whatever the messages leave out (R20, R23).

Jobs of several prompts and asks by hand share a channel. The bot cuts prompts, invents deeds and
leaves out nonces, interactions and uuids; a press by hand brings what has a job's prompt. Each ask
by hand says once at least that it is not ours: by its interaction, its nonce or what it answers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.build import replace
from tests.golden.corpus import Json
from tests.harness.pair import Ask, Pair, Signs, perform
from waystation.jobs import JobId

FOX, CAT = "a red fox", "a cat"
LONG = (
    f"{FOX} that looks over its shoulder in the deep snow of a bright winter morning, long shadows"
)
PROMPTS = (FOX, CAT, f"{LONG}, seen from afar", f"{LONG}, seen from afar, with a hat")
_CUT_AT = 105
_OLD = "1400000000000000999"
"""A picture from before everything else."""


@dataclass(frozen=True)
class Words:
    """How the bot words the messages of an ask."""

    cut: str = ""
    """Where a long prompt is cut: in its "picture", in "both", or nowhere."""
    deed: str = ""
    pressed: int | None = None
    """The earlier picture that was pressed by hand, if it is an answer to a press."""


@dataclass
class Channel(Pair):
    """One conversation, and the words of its asks."""

    words: dict[int, Words] = field(default_factory=dict)
    pressed: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.anew = self.lived
        self.lived.talk.seen(self._id())

    def both(self, do: Any) -> None:
        do(self.lived)

    def asks_so(self, prompt: str, signs: Signs, by_hand: bool, queued: bool, how: Words) -> None:
        """Ask, if nothing is in the way; Discord tells of the interaction at once, or never."""
        if by_hand and not (signs.told or signs.nonce):
            signs = replace(signs, metadata=True)
        before = len(self.asks)
        self.ask(prompt, signs, queued, by_hand)
        for ask in self.asks[before:]:
            self.words[ask.number] = how
            if by_hand and how.pressed is not None:
                shown = [one["payload"] for one in self.past if one["payload"].get("attachments")]
                ids = [one["id"] for one in shown] or [_OLD]
                self.pressed[ask.number] = ids[how.pressed % len(ids)]
            if signs.told:
                self._next(ask)

    def goes_on(self, which: int) -> None:
        """Let one ask go on; its picture comes when its progress is deleted (R27)."""
        busy = [ask for ask in self.asks if ask.acts]
        if busy:
            ask = busy[which % len(busy)]
            self._next(ask)
            if ask.acts == ["picture"]:
                self._next(ask)

    def _next(self, ask: Ask) -> None:
        self.go_on([one for one in self.asks if one.acts].index(ask), True)

    def _written(self, ask: Ask, name: str, changes: Json) -> Json:  # type: ignore[override]
        said = super()._written(ask, name, changes)
        how = self.words[ask.number]
        content = str(said.get("content", "")).replace("** - <@", f"** - {how.deed}<@")
        cut = how.cut if len(ask.prompt) > _CUT_AT else ""
        if cut == "both" or (cut == "picture" and name == "imagine/final"):
            content = content.replace(ask.prompt, f"{ask.prompt[:_CUT_AT]}...")
        return {**said, "content": content}

    def _create(self, ask: Ask, name: str, changes: Json, marked: bool) -> Json:
        if ask.number in self.pressed:
            changes = {"message_reference": {"message_id": self.pressed[ask.number]}, **changes}
        return super()._create(ask, name, changes, marked)

    def nobody_has_anothers(self) -> None:
        """Assert that each job shows its own uuid, or none."""
        for ask in self.asks:
            job = self.lived.jobs.get(JobId(ask.jobid))
            if job is not None:
                late = None if job.late is None else job.late.hash
                assert {job.hash, late} <= {None, ask.uuid()}, ask


_INDEX = st.integers(0, 5)
_MOSTLY = st.sampled_from([True, True, True, True, False])
_ASK = st.tuples(
    st.just("ask"),
    st.sampled_from([FOX, FOX, *PROMPTS]),
    st.builds(
        Signs,
        told=_MOSTLY,
        nonce=st.booleans(),
        metadata=st.booleans(),
        uuid=st.booleans(),
        replies=st.sampled_from([False, False, True]),
    ),
    st.sampled_from([False, False, True]),
    st.sampled_from([False] * 5 + [True]),
    st.builds(
        Words,
        cut=st.sampled_from(["", "", "picture", "both"]),
        deed=st.sampled_from(["", "", "", "Sharpened by ", "Reimagined by "]),
        pressed=st.one_of(st.none(), st.none(), _INDEX),
    ),
)
_GO_ON = st.tuples(st.just("go on"), _INDEX)
_OPS = st.one_of(
    _ASK,
    _GO_ON,
    _GO_ON,
    _GO_ON,
    st.tuples(st.just("again"), _INDEX),
    st.tuples(st.just("wait"), st.sampled_from([1, 1, 5, 6, 61, 1800])),
    st.tuples(st.just("gap"), st.booleans()),
    st.tuples(st.just("history"), st.booleans()),
    st.tuples(st.just("cancel"), _INDEX),
    st.tuples(st.just("restart")),
)


def _perform(channel: Channel, op: tuple[Any, ...]) -> None:
    play = channel.lived
    match op:
        case ("ask", *how):
            channel.asks_so(*how)
        case ("go on", which):
            channel.goes_on(which)
        case ("history", True):
            play.talk.looking_back(list(play.jobs), is_due=False)
            play.talk.reading()
        case ("history", False):
            play.talk.looked_back(list(play.jobs), play.now)
        case ("restart",):
            play.restart()
        case _:
            perform(channel, op)


_BARE = Signs(nonce=False, metadata=False, uuid=False)
_UNTOLD = replace(_BARE, told=False)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(ops=st.lists(_OPS, min_size=6, max_size=50))
@example(
    # nothing was heard of ours in time; then the bot says that it has queued it, and starts it
    ops=[
        ("ask", CAT, Signs(told=False, metadata=False), False, True, Words()),
        ("wait", 61),
        ("go on", 0),
        ("ask", CAT, Signs(), False, False, Words()),
        *[("go on", 0)] * 3,
    ]
)
@example(
    # two asks by hand of which no message told, before ours of which no message tells either
    ops=[
        ("ask", CAT, Signs(uuid=False), True, False, Words()),
        ("ask", CAT, Signs(told=False, nonce=False), False, False, Words()),
        ("ask", CAT, Signs(nonce=False, metadata=False), True, False, Words()),
        ("cancel", 1),
        *[("go on", 0)] * 12,
    ]
)
@example(
    # a press by hand without words, and an ask by hand; ours comes last
    ops=[
        ("ask", CAT, Signs(uuid=False), True, False, Words(pressed=0)),
        ("ask", CAT, Signs(uuid=False), True, False, Words()),
        ("ask", CAT, Signs(), False, False, Words()),
        *[("go on", 0)] * 2,
        *[("go on", 1)] * 3,
        ("go on", 0),
    ]
)
@example(
    # nothing is heard of ours in time, nor told of the next; both are drawn; then one by hand is,
    # of which its start alone says that it is another ask
    ops=[
        ("ask", CAT, _UNTOLD, False, False, Words()),
        ("wait", 61),
        ("ask", CAT, _BARE, False, False, Words()),
        ("ask", CAT, _UNTOLD, True, False, Words()),
    ]
)
@example(
    # the picture of an ask that ended unanswered comes in a gap that is not read to its end
    ops=[
        ("ask", CAT, _UNTOLD, False, False, Words()),
        *[("go on", 0)] * 2,
        ("wait", 1800),
        ("gap", False),
        ("go on", 0),
        ("ask", CAT, _UNTOLD, True, False, Words()),
        ("gap", True),
    ]
)
def test_no_job_gets_the_picture_of_another(ops: list[tuple[Any, ...]]) -> None:
    channel = Channel()
    for op in ops:
        _perform(channel, op)
        channel.nobody_has_anothers()
    while any(ask.acts for ask in channel.asks):
        channel.goes_on(0)
    channel.gap(to_the_end=True)
    for seconds in (61, 1800):
        channel.wait(seconds)
    channel.nobody_has_anothers()


# ── asks by hand of a job's prompt, with signals lost on the job's ask ──


def _ask(channel: Channel, prompt: str, signs: Signs, *, by_hand: bool = False) -> Ask:
    channel.asks_so(prompt, signs, by_hand, False, Words())
    return channel.asks[-1]


def _go_on(channel: Channel, ask: Ask, act: str, *, heard: bool = True) -> None:
    """Let one ask go on up to an act; what comes before that is not heard."""
    while act in ask.acts:
        is_last = ask.acts[0] == act
        which = [one for one in channel.asks if one.acts].index(ask)
        channel.go_on(which, heard and is_last)


def _end(channel: Channel, job: Ask) -> str | None:
    """Let all time pass. Returns: the uuid that the job shows"""
    for seconds in (6, 61, 1800):
        channel.wait(seconds)
    channel.nobody_has_anothers()
    return channel.lived.jobs[JobId(job.jobid)].hash


_UNHEARD = replace(_BARE, told=False)
_NAMED = Signs(told=False, nonce=False)
"""Of such an ask by hand its first message alone says that it is not ours."""


@pytest.mark.parametrize("is_late", [False, True], ids=["at once", "late"])
@pytest.mark.parametrize("replies", [False, True], ids=["alone", "replies"])
@pytest.mark.parametrize("uuid", [False, True], ids=["no uuid", "uuid"])
def test_a_picture_that_waits_is_not_thrown_to_who_began_after_it(
    uuid: bool, replies: bool, is_late: bool
) -> None:
    """R20: what he has begun is a work beside it, so that the picture stays the job's."""
    channel = Channel()
    ours = _ask(channel, CAT, _UNHEARD)
    _go_on(channel, ours, "picture")
    by_hand = _ask(channel, CAT, replace(_NAMED, uuid=uuid, replies=replies), by_hand=True)
    for act in ("started", "progress"):
        _go_on(channel, by_hand, act)
    channel.wait(10 if is_late else 1)
    _go_on(channel, by_hand, "picture")
    assert _end(channel, ours) == ours.uuid()


def test_a_picture_that_may_be_either_of_two_by_hand_is_not_thrown_to_the_one() -> None:
    """R20: who was heard to ask need not be he who has begun; until he is, the job waits."""
    channel = Channel()
    other = _ask(channel, FOX, Signs(), by_hand=True)
    ours = _ask(channel, CAT, _UNHEARD)
    channel.wait(40)
    _go_on(channel, ours, "picture")
    by_hand = _ask(channel, CAT, _NAMED, by_hand=True)
    for act in ("started", "progress"):
        _go_on(channel, by_hand, act)
    channel.wait(15)
    for ask in (by_hand, other):
        _go_on(channel, ask, "picture")
    assert _end(channel, ours) in (None, ours.uuid())


@pytest.mark.parametrize("is_named", [False, True], ids=["by nonce", "by interaction"])
def test_a_picture_that_names_an_ask_is_of_nobody_who_began_with_another(is_named: bool) -> None:
    """R23: it ends nobody else's ask, so that the picture of his is not left to the job alone."""
    channel = Channel()
    first = _ask(channel, CAT, Signs(metadata=is_named), by_hand=True)
    _go_on(channel, first, "started")
    ours = _ask(channel, CAT, Signs())
    _go_on(channel, ours, "started")
    _go_on(channel, first, "picture")
    second = _ask(channel, CAT, Signs(), by_hand=True)
    channel.hear(channel._create(second, "imagine/final", {}, True))
    channel.nobody_has_anothers()
    _go_on(channel, ours, "picture")
    assert _end(channel, ours) in (None, ours.uuid())


def test_of_two_that_name_unknown_interactions_the_job_gets_neither_at_once() -> None:
    """R20: nothing more can be learnt, so that what looks like the job waits no longer for it."""
    channel = Channel()
    ours = _ask(channel, CAT, _NAMED)
    by_hand = _ask(channel, CAT, _NAMED, by_hand=True)
    for act in ("started", "progress"):
        for ask in (ours, by_hand):
            _go_on(channel, ask, act)
    for ask in (ours, by_hand):
        _go_on(channel, ask, "picture")
    channel.wait(6)
    job = channel.lived.jobs[JobId(ours.jobid)]
    assert (job.error, job.hash) == ("Result could not be told apart", None)


def test_a_picture_stays_that_of_an_ask_by_hand_whose_start_comes_after_it() -> None:
    """R20: by its number the start is older, so that the picture is not left to the job alone."""
    channel = Channel()
    ours = _ask(channel, CAT, Signs(uuid=False))
    _go_on(channel, ours, "started")
    by_hand = _ask(channel, CAT, Signs(), by_hand=True)
    _go_on(channel, by_hand, "started", heard=False)
    start = channel.past[-1]
    _go_on(channel, by_hand, "picture")
    channel.hear(start)
    channel.nobody_has_anothers()
    _go_on(channel, ours, "picture")
    assert _end(channel, ours) in (None, ours.uuid())
