"""A conversation that is built from the store behaves as the one that lived (R20, R36).

Two of them hear the same: one lives on, the other is built anew from what is stored before each
step. Jobs with few prompts, asks by hand and queued jobs share a channel; their messages come with
or without the signs that tell whose they are, twice, as history after a gap, or never.
"""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.build import replace
from tests.golden.corpus import CONVERSATIONS, event_of
from tests.harness.pair import OPS, PROMPTS, Ask, Pair, Signs, perform
from tests.harness.play import Play, new_job, told
from waystation.jobs import JobId, Nonce, Source

BARE = Signs(nonce=False, metadata=False, uuid=False)


@settings(max_examples=150, deadline=None, print_blob=True)
@given(ops=st.lists(OPS, min_size=4, max_size=40))
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


def test_messages_of_nobody_are_not_stored() -> None:
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


def test_the_words_of_a_message_before_a_press_are_known_after_a_restart() -> None:
    """R21: an edit that says the same again answers nothing, whichever process saw it first."""
    golden = next(one for one in CONVERSATIONS if one.name == "describe/whole_again")
    job = golden.content["jobs"]["a"]
    play = Play([replace(new_job("a", "button"), params=job["params"])])
    play.nonces[JobId("a")] = Nonce(job["nonce"])
    play.sources[JobId("a")] = Source(**job["source"])
    for step in golden.content["steps"]:
        assert told(play.perform(step)) == step.get("gives", [])
        play.restart()
