"""Possible owners of a message that does not name its job, and impossible ones."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.build import replace
from tests.fakes import START
from tests.harness.asks import A, B, a_job, a_press, a_reading, an_answer
from waystation.jobs import Job, JobStatus, MessageRole, Nonce, Shown
from waystation.midjourney.captions import Caption
from waystation.midjourney.matching.candidates import Candidates
from waystation.midjourney.matching.match import Matched, Undecided, match, match_by_sign
from waystation.midjourney.matching.strangers import Begun
from waystation.midjourney.reading import Reading
from waystation.midjourney.replies import ReplyKind
from waystation.wire.snowflake import snowflake_at


def _imagine_all(interaction_id: str = "1") -> tuple[Candidates, Reading]:
    """Return the candidates while four pictures are awaited, and one that replies to the target."""
    pressed = replace(
        a_job(
            "a",
            interaction_id=interaction_id,
            messages={"500": MessageRole.TARGET},
            submitted_at=START,
        ),
        verb="button",
        params={"parentJobId": "parent", "button": "Imagine all 🎉"},
    )
    picture = a_reading(snowflake_at(START), ReplyKind.PICTURE, reference_id="500", hash="one")
    return Candidates([pressed]), picture


def test_a_picture_that_replies_to_what_asked_for_several_is_one_of_them() -> None:
    candidates, picture = _imagine_all()
    assert candidates.one_of_several(picture) == A


def test_a_picture_of_a_job_that_is_done_is_not_collected() -> None:
    candidates, picture = _imagine_all()
    candidates.settle(
        a_job("b", hash="one", messages={picture.shown.message_id: MessageRole.RESULT})
    )
    assert candidates.one_of_several(picture) is None


def test_a_picture_of_somebody_who_was_heard_is_not_collected() -> None:
    candidates, picture = _imagine_all()
    hand = a_reading(snowflake_at(START), ReplyKind.PROGRESS, reference_id="500", hash="one")
    candidates.others.strangers.note(replace(hand, caption=Caption("a red fox", "zoom out")))
    assert candidates.one_of_several(picture) is None


def test_a_picture_of_another_job_of_ours_is_not_collected() -> None:
    candidates, picture = _imagine_all()
    candidates.index.put(a_job("b", hash="one"))
    assert candidates.one_of_several(picture) is None
    other = replace(picture, shown=replace(picture.shown, hash="two"))
    assert candidates.one_of_several(other) == A
    candidates.index.put(a_job("c", messages={picture.shown.message_id: MessageRole.PROGRESS}))
    assert candidates.one_of_several(other) is None


def test_a_picture_that_may_be_a_ghosts_is_not_collected() -> None:
    """R19: an earlier press on the same message may still bring what replies to it."""
    candidates, picture = _imagine_all()
    pressed = {
        "verb": "button",
        "params": {
            "parentJobId": "parent",
            "button": "1\N{VARIATION SELECTOR-16}\N{COMBINING ENCLOSING KEYCAP}",
        },
    }
    ghost = a_job("g", messages={"500": MessageRole.TARGET}, ghost=True, submitted_at=START)
    candidates.index.put(replace(ghost, **pressed))
    assert candidates.one_of_several(picture) is None


def test_a_picture_that_may_answer_a_press_by_hand_is_not_collected() -> None:
    """R23: of the press nothing but its interaction was told."""
    candidates, picture = _imagine_all()
    candidates.others.asked_by_hand(snowflake_at(START - timedelta(seconds=1)), "66")
    assert candidates.one_of_several(picture) is None


def test_a_picture_that_may_be_one_of_several_by_hand_is_not_collected() -> None:
    """R23: the first of them says who asked, the others say nothing."""
    candidates, picture = _imagine_all()
    asked = snowflake_at(START - timedelta(seconds=1))
    candidates.others.asked_by_hand(asked, "66")
    first = a_reading(snowflake_at(START, 1), ReplyKind.PROGRESS, reference_id="500", nonce="66")
    candidates.others.hear(first)
    assert candidates.others.by_hand.find(asked) is None
    assert candidates.one_of_several(picture) is None
    assert len(candidates.others.several(picture)) == 4
    assert not candidates.others.several(replace(picture, reference_id="501"))
    # no elimination gives it to the job either
    captioned = replace(picture, caption=Caption("a red fox", ""))
    found = match(captioned, candidates)
    assert isinstance(found, Undecided)
    assert found.asks > {A}
    next_day = replace(picture.shown, message_id=snowflake_at(START + timedelta(hours=25)))
    assert candidates.one_of_several(replace(picture, shown=next_day)) == A


def _captioned() -> tuple[Candidates, Reading]:
    """Return the same candidates, and a picture of theirs that a start may go before."""
    candidates, picture = _imagine_all()
    said_at = snowflake_at(START + timedelta(seconds=5))
    shown = replace(picture.shown, message_id=said_at, hash="u")
    return candidates, replace(picture, shown=shown, caption=Caption("a red fox", ""))


@pytest.mark.parametrize(("seconds", "uuid"), [((1, 2), None), ((9,), None), ((1,), "other")])
def test_a_picture_beside_which_somebody_has_begun_is_not_collected(
    seconds: tuple[int, ...], uuid: str | None
) -> None:
    candidates, picture = _captioned()
    assert candidates.one_of_several(picture) == A
    for second in seconds:
        begun = an_answer("", kind=ReplyKind.PROGRESS, after_s=second)
        begun = replace(begun, shown=replace(begun.shown, hash=uuid))
        candidates.others.strangers.note(begun, unclaimed=True)
    assert candidates.one_of_several(picture) is None


@pytest.mark.parametrize("uuid", ["u", None])
def test_a_picture_that_may_go_on_with_the_one_start_that_was_seen_is_collected(
    uuid: str | None,
) -> None:
    candidates, picture = _captioned()
    begun = an_answer("", kind=ReplyKind.PROGRESS)
    begun = replace(begun, shown=replace(begun.shown, hash=uuid))
    candidates.others.strangers.note(begun, unclaimed=True)
    assert candidates.one_of_several(picture) == A


def test_a_strangers_picture_answers_no_ask_by_hand_of_which_nothing_else_is_known() -> None:
    """R23: he has begun with something; the other is still to be answered."""
    candidates, picture = _imagine_all()
    asked = snowflake_at(START - timedelta(seconds=1))
    candidates.others.asked_by_hand(asked, "66")
    candidates.end_stranger("stranger 5", picture)
    assert candidates.others.by_hand.before(picture.shown.message_id) == [asked]
    candidates.end_stranger(asked, picture)
    assert candidates.others.by_hand.before(picture.shown.message_id) == []


def test_a_message_without_a_picture_is_not_collected() -> None:
    candidates, picture = _imagine_all()
    assert candidates.one_of_several(replace(picture, kind=ReplyKind.ERROR)) is None


def test_a_picture_that_is_older_than_the_press_is_not_collected() -> None:
    candidates, picture = _imagine_all(interaction_id=snowflake_at(START - timedelta(seconds=1)))
    earlier = snowflake_at(START - timedelta(minutes=1))
    old = replace(picture, shown=replace(picture.shown, message_id=earlier))
    assert candidates.one_of_several(old) is None


# ── evidence in place of words (R20) ──


@pytest.mark.parametrize(
    ("button", "deed"),
    [
        ("Upscale (Subtle)", "upscaled"),
        ("Redo Upscale (Creative)", "upscaled"),
        ("Upscale (Subtle)", "frobnicated (subtle)"),
        ("V1", "variations (subtle)"),
        ("V1", "remade"),
        ("U1", "picked #1"),
        ("Zoom Out 2x", "zoomed out 2x"),
        ("Zoom Out 2x", ""),
        ("Vary (Region)", "variations"),
    ],
)
def test_new_words_for_a_deed_lose_no_picture(button: str, deed: str) -> None:
    candidates = Candidates([a_press("a", button)])
    assert match(an_answer(deed), candidates) == Undecided(frozenset({A}))


@pytest.mark.parametrize(
    ("button", "deed"),
    [("U1", "image #2"), ("Upscale (Subtle)", "upscaled (creative)"), ("V1", "zoom out")],
)
def test_the_known_words_of_another_deed_are_somebody_elses(button: str, deed: str) -> None:
    assert match(an_answer(deed), Candidates([a_press("a", button)])) is None


def test_new_words_may_be_any_of_two_presses() -> None:
    candidates = Candidates([a_press("a", "V1"), a_press("b", "Zoom Out 2x")])
    assert match(an_answer("remade"), candidates) == Undecided(frozenset({A, B}))
    assert match(an_answer("variations"), candidates) == Undecided(frozenset({A}))


def test_new_words_may_be_those_of_somebody_else_who_was_heard() -> None:
    candidates = Candidates([a_press("a", "V1", messages={"500": MessageRole.TARGET})])
    hand = an_answer("zoom out", kind=ReplyKind.PROGRESS)
    candidates.note_stranger(hand)
    other = hand.shown.message_id
    assert match(an_answer("remade", after_s=2), candidates) == Undecided(frozenset({A, other}))
    assert match(an_answer("zoom out", after_s=2), candidates) == Undecided(frozenset({other}))


def test_a_prompt_that_was_cut_is_that_of_the_one_ask_that_begins_so() -> None:
    asked = "a " + "very " * 20 + "red fox"
    long = replace(a_job("a", submitted_at=START), verb="imagine", params={"prompt": asked})
    other = replace(long, jobid=B, nonce=Nonce("nonce-b"), params={"prompt": "a" + asked})
    candidates = Candidates([long, other])
    picture = a_reading(snowflake_at(START), ReplyKind.PICTURE)
    cut = replace(picture, caption=Caption(f"{asked[:100]}…"))
    assert match(cut, candidates) == Undecided(frozenset({A}))
    assert match(replace(cut, caption=Caption(asked[:99])), candidates) is None
    exact = replace(other, params={"prompt": asked[:100]})
    candidates.index.put(exact)
    # whether it was cut it does not say
    whole = replace(cut, caption=Caption(asked[:100]))
    assert match(whole, candidates) == Undecided(frozenset({A, B}))


def test_a_cut_prompt_of_somebody_who_was_heard_is_not_more_his_than_ours() -> None:
    asked = "a " + "very " * 20 + "red fox"
    job = replace(a_job("a", submitted_at=START), verb="imagine", params={"prompt": asked})
    candidates = Candidates([job])
    cut = Caption(asked[:100])
    said_at = snowflake_at(START + timedelta(seconds=1))
    hand = replace(a_reading(said_at, ReplyKind.PROGRESS, nonce="by-hand"), caption=cut)
    candidates.others.disown(said_at)
    candidates.note_stranger(hand)
    picture = a_reading(snowflake_at(START + timedelta(seconds=2)), ReplyKind.PICTURE)
    found = match(replace(picture, caption=cut), candidates)
    assert found == Undecided(frozenset({A, said_at}))


# ── other people's asks ──


def test_a_reply_outweighs_the_same_words_in_a_prompt() -> None:
    typed = replace(a_job("b", submitted_at=START), verb="imagine", params={"prompt": "a red fox"})
    candidates = Candidates([a_press("a", "🔄"), typed])
    assert match(an_answer(""), candidates) == Undecided(frozenset({A}))
    elsewhere = replace(an_answer(""), reference_id="501")
    assert match(elsewhere, candidates) == Undecided(frozenset({B}))


def _progress_of_stranger(message_id: str, **fields: Any) -> Reading:
    reading = a_reading(message_id, ReplyKind.PROGRESS, **fields)
    return replace(reading, caption=Caption("an owl", percent=0))


def test_a_strangers_picture_without_uuid_closes_no_other_stranger() -> None:
    candidates = Candidates()
    for one in ("901", "902"):
        candidates.note_stranger(_progress_of_stranger(one))
    picture = replace(a_reading("903", ReplyKind.PICTURE), caption=Caption("an owl"))
    assert match(picture, candidates) == Undecided(frozenset({"901", "902"}))
    candidates.others.strangers.finish("901", picture)
    assert match(picture, candidates) != Undecided(frozenset({"901", "902"}))
    other = replace(a_reading("904", ReplyKind.PICTURE), caption=Caption("an owl"))
    assert match(other, candidates) == Undecided(frozenset({"902"}))


def test_a_picture_without_uuid_ends_no_stranger_that_shows_none_either() -> None:
    candidates = Candidates()
    candidates.note_stranger(_progress_of_stranger("901"))
    # a picture of something else, that says nothing of a uuid
    picture = replace(a_reading("903", ReplyKind.PICTURE), caption=Caption("a cat"))
    candidates.note_stranger(picture)
    owl = replace(a_reading("904", ReplyKind.PICTURE), caption=Caption("an owl"))
    assert match(owl, candidates) == Undecided(frozenset({"901"}))


def _fox(name: str, **fields: Any) -> Job:
    fox = {"submitted_at": START, **fields}
    return replace(a_job(name, **fox), verb="imagine", params={"prompt": "a red fox"})


_LATER = snowflake_at(START + timedelta(seconds=2))
"""The message of a picture that came after the progress."""


def _unclaimed(candidates: Candidates, **shown: Any) -> None:
    """Let a progress be seen that either of two jobs could have begun."""
    said_at = snowflake_at(START + timedelta(seconds=1))
    progress = replace(
        a_reading(said_at, ReplyKind.PROGRESS, **shown), caption=Caption("a red fox", percent=0)
    )
    candidates.note_stranger(progress)


@pytest.mark.parametrize("begun_by", [None, "66"])
def test_a_picture_that_names_an_interaction_is_no_other_strangers(begun_by: str | None) -> None:
    """R23: neither is he who began with another done by it, nor he of whom none was told."""
    candidates = Candidates([a_press("a", "Zoom Out 2x", interaction_id="1")])
    begun = replace(an_answer("zoom out", kind=ReplyKind.PROGRESS), interaction_id=begun_by)
    candidates.others.strangers.note(begun)
    candidates.others.disown("77")
    stranger = begun.shown.message_id
    picture = an_answer("zoom out", after_s=5)
    assert candidates.asks(replace(picture, interaction_id="77")) == frozenset()
    assert candidates.asks(picture) == {A, stranger}
    own = {stranger} if begun_by is not None else set()
    assert candidates.asks(replace(picture, interaction_id="66")) == own


def test_a_picture_that_names_an_interaction_takes_no_progress_of_another() -> None:
    candidates = Candidates([a_press("a", "Zoom Out 2x")])
    begun = replace(an_answer("zoom out", kind=ReplyKind.PROGRESS), interaction_id="66")
    candidates.others.strangers.note(begun, unclaimed=True)
    candidates.others.disown("77")
    picture = an_answer("zoom out", after_s=5)
    candidates.note_stranger(replace(picture, interaction_id="77"))
    assert list(candidates.others.strangers.begun())
    candidates.take(replace(an_answer("zoom out", after_s=6), interaction_id="66"), ())
    assert not list(candidates.others.strangers.begun())


def _begun(candidates: Candidates) -> Begun:
    (one,) = candidates.others.strangers.begun()
    return one


def test_a_progress_was_begun_by_a_job_that_has_shown_none_or_by_hand() -> None:
    own = {"1": MessageRole.PROGRESS}
    late = _fox("b", asked_after=_LATER)
    candidates = Candidates([_fox("a"), _fox("c", messages=own), _fox("d", hash="d"), late])
    _unclaimed(candidates)
    assert candidates.began(_begun(candidates)) == {A}
    asked = snowflake_at(START)
    candidates.others.asked_by_hand(asked, "66")
    assert candidates.began(_begun(candidates)) == {A, asked}
    # one that names its interaction is not that ask's
    assert candidates.began(replace(_begun(candidates), interaction_id=_LATER)) == {A}
    candidates.index.put(_fox("a", interaction_id="1"))
    assert not candidates.began(replace(_begun(candidates), interaction_id=_LATER))


def test_a_picture_that_no_ask_has_begun_is_a_strangers() -> None:
    candidates = Candidates([_fox("a")])
    _unclaimed(candidates)
    picture = replace(a_reading(_LATER, ReplyKind.PICTURE), caption=Caption("a red fox"))
    assert candidates.asks(picture) == {A}
    candidates.index.put(_fox("a", messages={"1": MessageRole.PROGRESS}))
    begun = _begun(candidates)
    assert candidates.asks(picture) == {A, begun.stranger}
    candidates.end_stranger(begun.stranger, picture)
    assert candidates.asks(picture) == {A}


def test_a_message_that_goes_on_with_a_progress_is_of_those_who_may_have_begun_it() -> None:
    candidates = Candidates([_fox("a"), _fox("b", messages={"1": MessageRole.PROGRESS})])
    _unclaimed(candidates, hash="drawn")
    picture = replace(a_reading(_LATER, ReplyKind.PICTURE), caption=Caption("a red fox"))
    assert candidates.asks(picture) == {A, B}
    drawn = replace(picture, shown=replace(picture.shown, hash="drawn"))
    assert candidates.asks(drawn) == {A}
    # he who asked by hand since has not begun it
    candidates.others.asked_by_hand(snowflake_at(START + timedelta(seconds=1.5)), "66")
    assert candidates.asks(drawn) == {A}


def test_a_picture_of_a_job_takes_away_the_progress_that_may_have_been_its() -> None:
    candidates = Candidates([_fox("a"), _fox("b")])
    _unclaimed(candidates)
    assert candidates.may_have_begun(_fox("b"))
    # one that has a progress of its own did not begin with this one as well
    own = {"1": MessageRole.PROGRESS}
    candidates.claim(_fox("a", hash="a", message_id=_LATER, messages=own))
    assert candidates.may_have_begun(_fox("b"))
    candidates.claim(_fox("a", hash="a", message_id=_LATER))
    assert not candidates.may_have_begun(_fox("b"))


def test_a_picture_takes_away_the_progress_of_its_uuid_and_no_other() -> None:
    candidates = Candidates([_fox("a"), _fox("b")])
    _unclaimed(candidates, hash="b")
    candidates.claim(_fox("a", hash="other", messages={"1": MessageRole.PROGRESS}))
    assert candidates.may_have_begun(_fox("b"))
    candidates.claim(_fox("b", hash="b", messages={"1": MessageRole.PROGRESS}))
    assert not candidates.may_have_begun(_fox("b"))


@pytest.mark.parametrize(("told_after_s", "owners"), [(1, {A, B}), (59, {A, B}), (61, {B})])
def test_an_interaction_is_a_later_asks_if_it_is_younger_than_that_ask(
    told_after_s: int, owners: set[str]
) -> None:
    """R20: what was seen when the later one was asked may be older than both asks."""
    seen = snowflake_at(START - timedelta(seconds=1))
    later = {"submitted_at": START + timedelta(minutes=1), "asked_after": snowflake_at(START)}
    candidates = Candidates([_fox("a", asked_after=seen), _fox("b", **later)])
    told = snowflake_at(START + timedelta(seconds=told_after_s - 1), 1)
    picture = a_reading(snowflake_at(START + timedelta(minutes=2)), ReplyKind.PICTURE)
    named = replace(picture, caption=Caption("a red fox"), interaction_id=told)
    assert candidates.asks(named) == owners


@pytest.mark.parametrize(("apart_s", "owners"), [(4.9, {A, B}), (5, {B})])
def test_an_ask_is_over_for_the_next_once_discord_has_had_time_to_take_it(
    apart_s: float, owners: set[str]
) -> None:
    """R15, R20: within that time either of two asks may be the one that Discord took last."""
    seen = snowflake_at(START - timedelta(seconds=1))
    later = {
        "submitted_at": START + timedelta(seconds=apart_s),
        "asked_after": snowflake_at(START),
    }
    candidates = Candidates([_fox("a", asked_after=seen), _fox("b", **later)])
    picture = a_reading(snowflake_at(START + timedelta(minutes=2)), ReplyKind.PICTURE)
    told = snowflake_at(START + timedelta(minutes=1))
    named = replace(picture, caption=Caption("a red fox"), interaction_id=told)
    assert candidates.asks(named) == owners


def test_a_ghost_that_has_shown_a_uuid_gets_no_other() -> None:
    """R20: a reply by hand to what it has shown may be anybody's."""
    late = Shown("1", hash="own")
    ghost = _fox("a", messages={"1": MessageRole.PROGRESS}, status=JobStatus.FAILED, late=late)
    candidates = Candidates([ghost])
    reply = replace(a_reading(_LATER, ReplyKind.PICTURE, reference_id="1"), caption=Caption("x"))
    for uuid, found in (("own", A), ("other", None)):
        shown = replace(reply.shown, hash=uuid)
        matched = match_by_sign(replace(reply, shown=shown), candidates)
        assert getattr(matched, "jobid", None) == found


def test_a_message_with_a_strangers_uuid_is_no_jobs_by_a_sign_that_may_be_by_hand() -> None:
    candidates = Candidates([_fox("a", messages={"1": MessageRole.PROGRESS})])
    begun = a_reading("901", ReplyKind.PROGRESS, hash="drawn")
    candidates.others.strangers.note(replace(begun, caption=Caption("a red fox", percent=0)))
    reply = replace(a_reading(_LATER, ReplyKind.PICTURE, reference_id="1"), caption=Caption("x"))
    drawn = replace(reply, shown=replace(reply.shown, hash="drawn"))
    assert isinstance(match_by_sign(reply, candidates), Matched)
    assert match_by_sign(drawn, candidates) is None


# ── who waits for whom (R15) ──


def test_a_press_waits_for_one_on_the_same_message_until_that_is_bound() -> None:
    zoom, variations = a_press("a", "Zoom Out 2x"), a_press("b", "V1")
    assert Candidates([zoom]).rivals(variations) == {A}
    bound = replace(zoom, interaction_id="i")
    assert Candidates([bound]).rivals(variations) == frozenset()


def test_a_press_waits_for_one_that_brings_several_results_though_it_shows_a_uuid() -> None:
    several = a_press("a", "Imagine all 🎉", hash="one", interaction_id="i")
    again = a_press("b", "Imagine all 🎉")
    assert Candidates([several]).rivals(again) == {A}
    variations = a_press("a", "V1", hash="one", interaction_id="i")
    assert Candidates([variations]).rivals(a_press("b", "V1")) == frozenset()


def test_seeds_of_one_job_wait_for_each_other() -> None:
    parent = {"parentJobId": "parent"}
    asked = replace(a_job("a", submitted_at=START), verb="seed", params=parent)
    again = replace(a_job("b"), verb="seed", params=parent)
    assert Candidates([asked]).rivals(again) == {A}
    assert Candidates([asked]).rivals(replace(again, params={"parentJobId": "p"})) == frozenset()


def test_a_seed_and_a_press_on_one_message_do_not_wait_for_each_other() -> None:
    parent, target = {"parentJobId": "parent"}, {"500": MessageRole.TARGET}
    seed = replace(a_job("a", submitted_at=START), verb="seed", params=parent, messages=target)
    press = a_press("b", "V2", messages=target)
    assert seed.target == press.target == "500"
    assert Candidates([seed]).rivals(press) == frozenset()
    assert Candidates([seed]).rivals(replace(press, messages={}), target="500") == frozenset()
    assert Candidates([press]).rivals(seed) == frozenset()
    assert Candidates([press]).rivals(replace(seed, messages={}), target="500") == frozenset()


def test_presses_of_one_deed_wait_for_each_other_before_it_is_known_what_they_press() -> None:
    asked = a_press("a", "V1", interaction_id="i", messages={})
    again = a_press("b", "V1", messages={}, submitted_at=None)
    assert Candidates([asked]).rivals(again) == {A}
    assert Candidates([asked]).rivals(a_press("b", "U1", messages={})) == frozenset()


def test_a_job_that_is_known_by_now_takes_back_what_nobody_could_claim() -> None:
    candidates = Candidates([_fox("a"), _fox("b")])
    _unclaimed(candidates)
    said_at = _begun(candidates).message_id
    candidates.learn(_fox("b", messages={"1": MessageRole.PROGRESS}))
    assert _begun(candidates).message_id == said_at
    candidates.learn(_fox("a", messages={said_at: MessageRole.PROGRESS}))
    assert not list(candidates.others.strangers.begun())


def test_the_keys_of_a_first_ask_stay_a_ghosts_and_go_with_a_job_that_is_done() -> None:
    for ghost in (True, False):
        first = a_job("a")
        candidates = Candidates([first])
        second = replace(first, nonce=Nonce("2"), ghost=ghost)
        candidates.learn(second)
        candidates.settle(second)
        assert bool(candidates.index.earlier(A)) is ghost
        assert candidates.others.is_settled(a_reading("901", nonce="nonce-a"))


def test_a_picture_that_names_its_interaction_is_collected_beside_an_ask_by_hand() -> None:
    candidates, picture = _imagine_all()
    candidates.others.asked_by_hand(snowflake_at(START - timedelta(seconds=1)), "66")
    assert candidates.one_of_several(picture) is None
    assert candidates.one_of_several(replace(picture, interaction_id="1")) == A


def test_a_picture_agrees_with_the_job_that_asked_for_its_words() -> None:
    candidates = Candidates([_fox("a"), replace(_fox("b"), params={"prompt": "an owl"})])
    picture = replace(a_reading(_LATER, ReplyKind.PICTURE), caption=Caption("a red fox"))
    assert candidates.agrees(A, picture)
    assert not candidates.agrees(B, picture)


def test_an_ask_that_is_heard_of_after_a_picture_may_be_older_than_the_picture() -> None:
    """R20: history shows what somebody asked before; a job of ours was not asked by then."""
    candidates = Candidates([_fox("a")])
    picture = replace(a_reading(_LATER, ReplyKind.PICTURE), caption=Caption("a red fox"))
    assert candidates.still_asks(picture, frozenset({A})) == {A}
    candidates.index.put(_fox("b"))
    assert candidates.still_asks(picture, frozenset({A})) == {A}
    by_hand = snowflake_at(START + timedelta(seconds=1))
    candidates.others.asked_by_hand(by_hand, "66")
    assert candidates.still_asks(picture, frozenset({A})) == {A, by_hand}


@pytest.mark.parametrize(("seconds", "counts"), [(1, True), (3, False)])
def test_a_stranger_who_is_heard_of_after_a_picture_counts_if_he_has_begun_before(
    seconds: int, *, counts: bool
) -> None:
    candidates = Candidates([_fox("a")])
    picture = replace(a_reading(_LATER, ReplyKind.PICTURE), caption=Caption("a red fox"))
    begun = a_reading(snowflake_at(START + timedelta(seconds=seconds)), ReplyKind.PROGRESS)
    candidates.others.strangers.note(replace(begun, caption=Caption("a red fox", percent=0)))
    heard_of = {begun.shown.message_id} if counts else set()
    assert candidates.still_asks(picture, frozenset({A})) == {A, *heard_of}


def test_a_nameless_progress_that_is_heard_of_after_a_picture_counts() -> None:
    candidates = Candidates([_fox("a", messages={"1": MessageRole.PROGRESS})])
    picture = replace(a_reading(_LATER, ReplyKind.PICTURE), caption=Caption("a red fox"))
    _unclaimed(candidates)
    begun = a_reading(snowflake_at(START + timedelta(seconds=1)), ReplyKind.PROGRESS)
    candidates.others.strangers.note(
        replace(begun, caption=Caption("a red fox", percent=0)), unclaimed=True
    )
    stranger = _begun(candidates).stranger
    assert candidates.still_asks(picture, frozenset({A})) == {A, stranger}


def test_a_picture_whose_uuid_somebody_has_shown_since_is_nobodys_of_ours() -> None:
    candidates = Candidates([_fox("a")])
    picture = a_reading(_LATER, ReplyKind.PICTURE, hash="drawn")
    picture = replace(picture, caption=Caption("a red fox"))
    assert candidates.still_asks(picture, frozenset({A})) == {A}
    begun = a_reading("901", ReplyKind.PROGRESS, hash="drawn")
    candidates.others.strangers.note(replace(begun, caption=Caption("a red fox", percent=0)))
    assert candidates.still_asks(picture, frozenset({A})) == frozenset()


# ── what may be lost (R20) ──


def _running(**fields: Any) -> Job:
    return _fox("a", status=JobStatus.STARTED, **fields)


def test_a_job_may_be_lost_while_it_has_shown_no_uuid_and_a_picture_is_anybodys() -> None:
    candidates = Candidates([_running()])
    assert not candidates.may_be_lost(_running())
    orphan = a_reading(_LATER, ReplyKind.PICTURE)
    candidates.others.strangers.note(orphan, orphan=True)
    assert candidates.may_be_lost(_running())
    candidates.index.put(_running(hash="own"))
    assert not candidates.may_be_lost(_running(hash="own"))


@pytest.mark.parametrize(
    ("known", "lost"),
    [("nobody", True), ("ours", False), ("by hand", False), ("settled", False), ("told", False)],
)
def test_a_job_may_be_lost_to_an_interaction_of_which_nothing_is_known(
    known: str, *, lost: bool
) -> None:
    asked = snowflake_at(START + timedelta(seconds=1))
    job = _running(interaction_id="77" if known == "told" else None)
    candidates = Candidates([job])
    begun = replace(a_reading(_LATER, ReplyKind.PROGRESS), caption=Caption("crimson vixen"))
    candidates.others.strangers.note(replace(begun, interaction_id=asked))
    if known == "ours":
        candidates.index.put(a_job("b", interaction_id=asked))
    elif known == "by hand":
        candidates.others.disown(asked)
    elif known == "settled":
        candidates.settle(a_job("c", interaction_id=asked))
    assert candidates.may_be_lost(job) is lost


def test_a_job_that_has_shown_no_uuid_claims_nothing() -> None:
    candidates = Candidates([_fox("a"), _fox("b")])
    _unclaimed(candidates)
    candidates.claim(_fox("a", message_id=_LATER))
    assert candidates.may_have_begun(_fox("a"))


def test_a_ghosts_late_picture_takes_away_the_progress_that_may_have_been_its() -> None:
    candidates = Candidates([_fox("a"), _fox("b")])
    _unclaimed(candidates)
    # it is older than the progress
    early = Shown(snowflake_at(START), hash="a")
    candidates.claim(_fox("a", late=early, message_id=_LATER))
    assert candidates.may_have_begun(_fox("b"))
    candidates.claim(_fox("a", late=Shown(_LATER, hash="a")))
    assert not candidates.may_have_begun(_fox("b"))


# ── pictures that none of ours has got ──


def test_a_picture_in_shortened_words_may_be_anybodys_after_all() -> None:
    longer = {"prompt": "a very small red fox", "verb": "imagine"}
    job = replace(_running(), params={"prompt": longer["prompt"]})
    candidates = Candidates([job])
    picture = replace(a_reading(_LATER, ReplyKind.PICTURE), caption=Caption("small red fox"))
    candidates.take(picture, ())
    assert candidates.may_be_lost(job)
    other = Candidates([job])
    other.take(replace(picture, caption=Caption("a blue cat")), ())
    assert not other.may_be_lost(job)


@pytest.mark.parametrize(
    ("asks", "interaction_id", "answered"),
    [("by hand", None, True), ("nobody", None, False), ("by hand", "77", False)],
)
def test_a_picture_that_may_have_been_an_ask_by_hands_answers_it(
    asks: str, interaction_id: str | None, *, answered: bool
) -> None:
    """R23: one that names its interaction answers that one alone."""
    candidates = Candidates()
    by_hand = snowflake_at(START)
    candidates.others.asked_by_hand(by_hand, "66")
    picture = a_reading(_LATER, ReplyKind.PICTURE, interaction_id=interaction_id)
    candidates.take(picture, [by_hand] if asks == "by hand" else [])
    assert (candidates.others.by_hand.find(by_hand) is None) is answered


# ── who waits for whom (R15), before a press is known ──


def test_a_press_waits_for_another_on_the_message_that_it_will_press() -> None:
    asked = a_press("a", "Zoom Out 2x")
    later = a_press("b", "V1", messages={}, submitted_at=None)
    assert Candidates([asked]).rivals(later) == frozenset()
    assert Candidates([asked]).rivals(later, target="500") == {A}
    assert Candidates([asked]).rivals(later, target="501") == frozenset()


def test_a_job_that_was_not_asked_takes_no_picture_from_one_that_was() -> None:
    told = snowflake_at(START + timedelta(minutes=1))
    later = _fox("b", submitted_at=None, asked_after=snowflake_at(START))
    candidates = Candidates([_fox("a", asked_after=snowflake_at(START)), later])
    picture = a_reading(snowflake_at(START + timedelta(minutes=2)), ReplyKind.PICTURE)
    named = replace(picture, caption=Caption("a red fox"), interaction_id=told)
    assert candidates.asks(named) == {A}
