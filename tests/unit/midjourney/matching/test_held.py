"""Pictures that wait to be told apart; whose they are is in test_elimination.py."""

from __future__ import annotations

from unittest.mock import Mock

import msgspec
import pytest

from tests.build import replace
from tests.fakes import START
from tests.golden.corpus import PAYLOADS, message_of
from tests.harness.play import new_job
from waystation.gateway_events import Seen, SeenAs
from waystation.jobs import Job, JobId, JobStatus, MessageRole
from waystation.midjourney.matching.candidates import Candidates
from waystation.midjourney.matching.held import HeldPicture, HeldPictures
from waystation.midjourney.matching.match import match
from waystation.midjourney.memory import HELD, Memory
from waystation.midjourney.reading import read

PICTURE = message_of(PAYLOADS["imagine/final"])


def _asking(name: str) -> Job:
    return replace(
        new_job(name, "imagine"),
        status=JobStatus.SUBMITTED,
        submitted_at=START,
        params={"prompt": "a red fox --ar 3:2"},
    )


def _held(*names: str) -> HeldPictures:
    held = HeldPictures(Candidates([_asking(name) for name in names]))
    held.hold(HeldPicture(SeenAs.CREATED, PICTURE, read(PICTURE), frozenset(names)))
    return held


def test_a_picture_that_only_one_could_own_is_decided() -> None:
    ((picture, ask),) = _held("a").count().decided()
    assert (picture.message, ask) == (PICTURE, "a")


def test_a_picture_that_two_could_own_waits_and_is_told_for_both() -> None:
    held = _held("a", "b")
    assert list(held.count().decided()) == []
    assert held.count().of(frozenset({"a"})) == held.count().of(frozenset({"b"})) == (PICTURE,)
    assert held.count().of(frozenset({"c"})) == ()


def test_a_failed_jobs_pictures_go_to_nobody() -> None:
    held = _held("a", "b")
    held.give_up(_asking("a").jobid)
    assert len(held) == 0


def test_a_picture_that_is_not_held_can_be_discarded() -> None:
    held = _held("a")
    held.discard("another")
    assert len(held) == 1
    held.discard(PICTURE.id)
    assert len(held) == 0


# ── what is still held afterwards ──


def _picture(name: str, message_id: str, prompt: str = "a red fox --ar 3:2") -> HeldPicture:
    content = f"**{prompt}** - <@1144000000000000001> (fast)"
    message = message_of(PAYLOADS["imagine/final"])
    message = msgspec.structs.replace(message, id=message_id, content=content, components=())
    reading = read(message)
    reading = replace(reading, shown=replace(reading.shown, hash=f"hash of {message_id}"))
    return HeldPicture(SeenAs.CREATED, message, reading, frozenset(name.split()))


ONE, OTHER = "1456483325706240001", "1456483325706240002"


def _two() -> tuple[Candidates, HeldPictures]:
    """Return two pictures that either of two jobs could own, and one of a third job."""
    owl = replace(_asking("c"), params={"prompt": "an owl"})
    candidates = Candidates([_asking("a"), _asking("b"), owl])
    held = HeldPictures(candidates)
    held.hold(_picture("a b", ONE))
    held.hold(_picture("a b", OTHER))
    held.hold(_picture("c", PICTURE.id, "an owl"))
    return candidates, held


def _still(held: HeldPictures) -> set[str]:
    return {message.id for message in held.count().of(frozenset("abc"))}


def test_a_picture_that_waits_already_stays_as_it_came() -> None:
    _, held = _two()
    held.hold(_picture("a", ONE))
    assert len(held) == 3
    assert ONE in {message.id for message in held.count().of(frozenset("b"))}


def test_a_picture_that_a_stranger_has_got_is_held_no_more_and_the_rest_is() -> None:
    _, held = _two()
    held.finish(_picture("a b", ONE), "a stranger")
    assert _still(held) == {OTHER, PICTURE.id}


def test_a_hopeless_group_is_let_go_and_other_groups_are_not() -> None:
    _, held = _two()
    asks = next(group for group in held.count().hopeless() if "a" in group)
    assert asks == frozenset("ab")
    held.close(asks)
    assert _still(held) == {PICTURE.id}


def test_a_failed_jobs_pictures_are_let_go_and_those_of_others_are_not() -> None:
    _, held = _two()
    held.give_up(_asking("a").jobid)
    assert _still(held) == {PICTURE.id}


def test_a_picture_whose_owner_is_known_by_now_is_held_no_more() -> None:
    candidates, held = _two()
    got = replace(_asking("a"), messages={ONE: MessageRole.RESULT}, hash=f"hash of {ONE}")
    candidates.index.put(got)
    held.settle(got.messages)
    assert _still(held) == {OTHER, PICTURE.id}


def test_a_picture_whose_uuid_a_job_has_shown_meanwhile_is_that_jobs() -> None:
    candidates, held = _two()
    shown = replace(_asking("b"), hash=f"hash of {ONE}", messages={"9": MessageRole.PROGRESS})
    candidates.index.put(shown)
    found = {picture.message.id: ask for picture, ask in held.count().decided()}
    assert found == {ONE: "b", OTHER: "a", PICTURE.id: "c"}


def test_a_discarded_picture_that_is_seen_again_goes_to_nobody() -> None:
    candidates, held = _two()
    held.discard(ONE)
    assert candidates.others.is_settled(_picture("a b", ONE).reading)
    assert match(_picture("a b", ONE).reading, candidates) is None
    # nor by its uuid, in another message
    again = _picture("a b", "1456483325706240009").reading
    again = replace(again, shown=replace(again.shown, hash=f"hash of {ONE}"))
    assert match(again, candidates) is None


def test_a_picture_whose_owner_is_done_by_now_is_held_no_more() -> None:
    """It is known by its uuid then, whatever message showed it."""
    candidates, held = _two()
    candidates.settle(replace(_asking("a"), hash=f"hash of {ONE}"))
    held.settle(())
    assert _still(held) == {OTHER, PICTURE.id}


def test_a_picture_is_of_nobody_who_asked_after_it_came() -> None:
    held = HeldPictures(Candidates([_asking("a"), _asking("b")]))
    held.hold(_picture("a", ONE))
    assert [ask for _, ask in held.count().decided()] == ["a"]


STRANGER = "1456483325706239999"


def _with_stranger() -> tuple[Candidates, HeldPictures]:
    """Return two pictures that may be a job's or those of somebody who was heard to begin."""
    candidates = Candidates([_asking("a")])
    progress = read(message_of(PAYLOADS["imagine/progress_31"]))
    shown = replace(progress.shown, message_id=STRANGER, hash=None)
    candidates.others.strangers.note(replace(progress, shown=shown))
    held = HeldPictures(candidates)
    for one in (ONE, OTHER):
        held.hold(_picture(f"a {STRANGER}", one))
    return candidates, held


def _may_be_the_strangers(candidates: Candidates) -> bool:
    return STRANGER in candidates.asks(_picture("", "1456483325706240009").reading)


def test_a_stranger_that_has_got_a_picture_gets_no_other() -> None:
    candidates, held = _with_stranger()
    assert _may_be_the_strangers(candidates)
    held.finish(_picture("", ONE), STRANGER)
    assert not _may_be_the_strangers(candidates)
    assert [ask for _, ask in held.count().decided()] == ["a"]


def test_the_strangers_of_a_hopeless_group_are_done() -> None:
    candidates, held = _with_stranger()
    held.close(frozenset({"a", STRANGER}))
    assert not _may_be_the_strangers(candidates)


def test_the_strangers_of_a_failed_jobs_hopeless_group_are_done() -> None:
    candidates, held = _with_stranger()
    held.give_up(_asking("a").jobid)
    assert not _may_be_the_strangers(candidates)


def test_a_picture_that_may_be_a_strangers_goes_with_the_failed_job_beside_it() -> None:
    """R20: only the other picture tells that it need not be the job's that is left."""
    candidates = Candidates([_asking("a"), _asking("b")])
    progress = read(message_of(PAYLOADS["imagine/progress_31"]))
    shown = replace(progress.shown, message_id=STRANGER, hash=f"hash of {OTHER}")
    named = replace(progress, interaction_id=STRANGER, shown=shown)
    candidates.others.strangers.note(named, unclaimed=True)
    held = HeldPictures(candidates)
    held.hold(_picture("a b", ONE))
    held.hold(_picture("a", OTHER))
    assert list(held.count().decided()) == []
    held.give_up(_asking("b").jobid)
    assert len(held) == 0


def test_the_progress_of_a_picture_is_told_by_the_uuid_that_both_show() -> None:
    candidates = Candidates([_asking("a")])
    held = HeldPictures(candidates)
    picture = _picture("a", OTHER)
    assert held.begun(picture) == []
    message = message_of(PAYLOADS["imagine/progress_0"])
    begun = read(msgspec.structs.replace(message, id=ONE, nonce=None))
    begun = replace(begun, shown=replace(begun.shown, hash=picture.reading.shown.hash))
    candidates.others.strangers.note(begun, unclaimed=True)
    assert held.begun(picture) == [ONE]


def _ghost(name: str) -> Job:
    return replace(_asking(name), status=JobStatus.FAILED, ghost=True)


@pytest.mark.parametrize("ends", ["close", "give_up"])
def test_a_ghost_beside_pictures_that_nobody_got_is_spent(ends: str) -> None:
    """R20: which of what looks like it is its own, nothing tells any more."""
    memory = Memory()
    held = HeldPictures(Candidates([_ghost("a"), _asking("b"), _ghost("c")], memory), memory)
    held.hold(_picture("a b stranger", ONE))
    if ends == "close":
        held.close(frozenset("b"))
    else:
        held.give_up(JobId("b"))
    # the unfinished one ends with it: only as a ghost it can be asked about again
    spent = {"a": True, "b": ends == "give_up", "c": False}
    assert {name: held.is_spent(JobId(name)) for name in spent} == spent
    # the next process knows it, too
    again = HeldPictures(Candidates(), Memory(memory.changes()))
    assert {name: again.is_spent(JobId(name)) for name in spent} == spent


def test_a_held_picture_comes_back_from_what_is_stored() -> None:
    memory = Memory()
    held = HeldPictures(Candidates([_asking("a"), _asking("b")], memory), memory)
    both = frozenset({"a", "b"})
    held.hold(HeldPicture(SeenAs.CREATED, PICTURE, read(PICTURE), both))
    kept = Memory(memory.changes())
    again = HeldPictures(Candidates([_asking("a"), _asking("b")], kept), kept)
    assert (len(again), again.count().asks) == (1, both)
    assert [message.id for message in again.count().of(both)] == [PICTURE.id]
    assert again.count().of(frozenset({"c"})) == ()


def test_a_picture_that_an_earlier_version_kept_comes_back() -> None:
    """Rows of before the field got its name hold it as `step`."""
    message = msgspec.json.encode(PICTURE).decode()
    body = f'{{"step": "history", "message": {message}, "asks": ["a"]}}'.encode()
    kept = Memory([Seen(HELD, PICTURE.id, body)])
    held = HeldPictures(Candidates([_asking("a")], kept), kept)
    assert [picture.seen_as for picture, _ in held.count().decided()] == [SeenAs.HISTORY]


def test_nothing_is_counted_while_no_picture_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each event asks: a look at all that was begun would grow with the strangers."""
    candidates, held = _with_stranger()
    held.close(frozenset({"a"}))
    while len(held):
        held.discard(next(iter(held._held)))
    monkeypatch.setattr(candidates.others.strangers, "begun", Mock(side_effect=AssertionError))
    assert (list(held.count().decided()), list(held.count().hopeless())) == ([], [])
    assert (held.count().asks, held.count().of(frozenset({"a"}))) == (frozenset(), ())


def test_a_picture_that_a_jobs_own_words_show_is_evident_and_a_shortened_one_is_not() -> None:
    """ADR 18: the bot may have shortened the longer prompt, which is no evidence."""
    longer = replace(_asking("b"), params={"prompt": "a very small red fox --ar 3:2"})
    candidates = Candidates([_asking("a"), longer])
    held = HeldPictures(candidates)
    picture = _picture("a b", ONE)
    held.hold(picture)
    assert held.is_evident(picture, JobId("a"))
    assert not held.is_evident(picture, JobId("b"))
    candidates.index.put(replace(longer, hash=f"hash of {ONE}"))
    assert held.is_told(picture)
    assert held.is_evident(picture, JobId("b"))


def test_a_picture_that_nobody_can_own_any_more_is_held_no_more() -> None:
    candidates, held = _two()
    for name in "ab":
        candidates.index.put(replace(_asking(name), hash=f"of {name}"))
    assert held.count().asks == frozenset("c")
    assert len(held) == 1
    assert candidates.others.owns(_picture("a b", ONE).reading)


def test_the_asks_beside_a_job_are_those_that_may_own_its_pictures() -> None:
    _, held = _two()
    assert held.count().beside(JobId("a")) == {"a", "b"}
    assert held.count().beside(JobId("c")) == {"c"}
    assert held.count().beside(JobId("d")) == frozenset()
