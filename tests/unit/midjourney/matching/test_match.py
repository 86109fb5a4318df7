"""Whose message it is: by what is known, never by what merely looks alike."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.build import replace
from tests.fakes import START
from tests.unit.midjourney.play import new_job
from waystation.jobs import Job, JobId, MessageRole, Nonce, Shown
from waystation.midjourney.captions import Caption
from waystation.midjourney.matching.match import (
    MATCHERS,
    Ambiguous,
    Candidates,
    Matched,
    Undecided,
    match,
    upload_stem,
)
from waystation.midjourney.reading import Reading
from waystation.midjourney.replies import ReplyKind
from waystation.wire.snowflake import snowflake_at

A, B = JobId("a"), JobId("b")


def _job(name: str, **fields: Any) -> Job:
    return replace(new_job(name), nonce=Nonce(f"nonce-{name}"), **fields)


def _reading(
    message_id: str = "900", kind: ReplyKind = ReplyKind.DESCRIBED, **fields: Any
) -> Reading:
    hash_ = fields.pop("hash", None)
    names = ("addressee", "nonce", "interaction_id", "command", "reference_id", "upload_name")
    seed_hash = fields.pop("seed_hash", None)
    return Reading(
        kind=kind,
        shown=Shown(message_id, hash=hash_),
        from_bot=True,
        ephemeral=False,
        says_something=True,
        meaning=None,
        seed_hash=seed_hash,
        **{name: fields.get(name) for name in names},
    )


def test_each_matcher_knows_its_job() -> None:
    job = _job("a", interaction_id="i", hash="h", messages={"900": MessageRole.PROGRESS})
    seed = replace(job, verb="seed", source_hash="s")
    candidates = Candidates([seed, _job("b")])
    seen = {
        "nonce": _reading("1", nonce="nonce-a"),
        "message": _reading("900"),
        "interaction": _reading("1", interaction_id="i"),
        "hash": _reading("1", hash="h"),
        "seed": _reading("1", seed_hash="s"),
        "upload": _reading("1", upload_name=f"{upload_stem('nonce-a')}.png"),
        "reference": _reading("1", ReplyKind.ERROR, reference_id="900"),
    }
    assert list(seen) == list(MATCHERS)
    for name, reading in seen.items():
        assert match(reading, candidates) == Matched(A, name)


def test_the_strongest_matcher_names_itself() -> None:
    candidates = Candidates([_job("a", interaction_id="i")])
    assert match(_reading(nonce="nonce-a", interaction_id="i"), candidates) == Matched(A, "nonce")


def test_nobody_is_matched_by_nothing() -> None:
    candidates = Candidates([_job("a")])
    assert match(_reading(), candidates) is None
    assert match(_reading(nonce="other", upload_name="picture.png"), candidates) is None
    assert match(_reading(upload_name=""), candidates) is None


def test_two_jobs_are_ambiguous() -> None:
    candidates = Candidates([_job("a", interaction_id="i"), _job("b")])
    reading = _reading(nonce="nonce-b", interaction_id="i")
    assert match(reading, candidates) == Ambiguous(frozenset({A, B}))


def test_only_errors_match_by_what_they_reply_to() -> None:
    candidates = Candidates([_job("a", messages={"900": MessageRole.PROGRESS})])
    assert match(_reading("1", ReplyKind.DESCRIBED, reference_id="900"), candidates) is None


def test_a_copied_file_name_is_nothing_beside_another_nonce_or_interaction() -> None:
    candidates = Candidates([_job("a", interaction_id="i")])
    name = f"{upload_stem('nonce-a')}.png"
    assert match(_reading(upload_name=name, nonce="by-hand"), candidates) is None
    assert match(_reading(upload_name=name, interaction_id="by-hand"), candidates) is None
    assert match(_reading(upload_name=name, interaction_id="i"), candidates) is not None


def test_what_was_seen_to_be_by_hand_stays_by_hand() -> None:
    candidates = Candidates([_job("a")])
    name = f"{upload_stem('nonce-a')}.png"
    candidates.disown("900", "hand", None)
    assert match(_reading("900", upload_name=name), candidates) is None
    assert match(_reading("901", upload_name=name, interaction_id="hand"), candidates) is None
    assert match(_reading("901", upload_name=name), candidates) == Matched(A, "upload")


def test_a_key_stays_with_the_job_that_had_it_first() -> None:
    first, second = _job("a", interaction_id="i"), _job("b", interaction_id="i")
    candidates = Candidates([first, second])
    assert candidates.find("interaction", "i") == A
    candidates.drop(B)
    assert candidates.find("interaction", "i") == A
    candidates.drop(A)
    assert candidates.find("interaction", "i") is None


def test_a_job_is_found_by_what_it_has_learnt_and_forgotten_whole() -> None:
    job = new_job("a")
    candidates = Candidates([job])
    assert candidates.find("nonce", None) is None
    candidates.put(replace(job, nonce=Nonce("1")))
    candidates.put(replace(job, nonce=Nonce("2"), messages={"900": MessageRole.PROGRESS}))
    assert {candidates.find("nonce", "1"), candidates.find("message", "900")} == {A}
    candidates.drop(A)
    candidates.drop(A)
    for kind, value in (("nonce", "1"), ("nonce", "2"), ("upload", upload_stem("2"))):
        assert candidates.find(kind, value) is None
    assert candidates.find("message", "900") is None


def _imagine_all(interaction_id: str = "1") -> tuple[Candidates, Reading]:
    """Return the candidates while four pictures are awaited, and one that replies to the target."""
    pressed = replace(
        _job(
            "a",
            interaction_id=interaction_id,
            messages={"500": MessageRole.TARGET},
            submitted_at=START,
        ),
        verb="button",
        params={"parentJobId": "parent", "button": "Imagine all 🎉"},
    )
    picture = _reading(snowflake_at(START), ReplyKind.PICTURE, reference_id="500", hash="one")
    return Candidates([pressed]), picture


def test_a_picture_that_replies_to_what_asked_for_several_is_one_of_them() -> None:
    candidates, picture = _imagine_all()
    assert candidates.one_of_several(picture) == A


def test_a_picture_of_a_job_that_is_done_is_not_collected() -> None:
    candidates, picture = _imagine_all()
    candidates.settle(
        _job("b", hash="one", messages={picture.shown.message_id: MessageRole.RESULT})
    )
    assert candidates.one_of_several(picture) is None


def test_a_picture_of_somebody_who_was_heard_is_not_collected() -> None:
    candidates, picture = _imagine_all()
    hand = _reading(snowflake_at(START), ReplyKind.PROGRESS, reference_id="500", hash="one")
    candidates.strangers.note(replace(hand, caption=Caption("a red fox", "zoom out")))
    assert candidates.one_of_several(picture) is None


def test_a_picture_of_another_job_of_ours_is_not_collected() -> None:
    candidates, picture = _imagine_all()
    candidates.put(_job("b", hash="one"))
    assert candidates.one_of_several(picture) is None
    other = replace(picture, shown=replace(picture.shown, hash="two"))
    assert candidates.one_of_several(other) == A
    candidates.put(_job("c", messages={picture.shown.message_id: MessageRole.PROGRESS}))
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
    ghost = _job("g", messages={"500": MessageRole.TARGET}, ghost=True, submitted_at=START)
    candidates.put(replace(ghost, **pressed))
    assert candidates.one_of_several(picture) is None


def test_a_picture_that_may_answer_a_press_by_hand_is_not_collected() -> None:
    """R23: of the press nothing but its interaction was told."""
    candidates, picture = _imagine_all()
    candidates.asked_by_hand(snowflake_at(START - timedelta(seconds=1)), "66")
    assert candidates.one_of_several(picture) is None


def test_a_strangers_picture_of_a_known_interaction_answers_no_other_ask_by_hand() -> None:
    """R23: he who asked by hand without being told has it; another is still to be answered."""
    candidates, picture = _imagine_all()
    asked = snowflake_at(START - timedelta(seconds=1))
    candidates.asked_by_hand(asked, "66")
    candidates.end_stranger("stranger 5", replace(picture, interaction_id="77"))
    assert candidates.by_hand.before(picture.shown.message_id) == [asked]
    candidates.end_stranger("stranger 5", picture)
    assert candidates.by_hand.before(picture.shown.message_id) == []


def test_what_is_no_picture_is_not_collected() -> None:
    candidates, picture = _imagine_all()
    assert candidates.one_of_several(replace(picture, kind=ReplyKind.ERROR)) is None


def test_a_picture_that_is_older_than_the_press_is_not_collected() -> None:
    candidates, picture = _imagine_all(interaction_id=snowflake_at(START - timedelta(seconds=1)))
    earlier = snowflake_at(START - timedelta(minutes=1))
    old = replace(picture, shown=replace(picture.shown, message_id=earlier))
    assert candidates.one_of_several(old) is None


# ── evidence in place of words (R20) ──


def _press(name: str, button: str, **fields: Any) -> Job:
    pressed = {"messages": {"500": MessageRole.TARGET}, "submitted_at": START, **fields}
    job = replace(_job(name, **pressed), verb="button")
    return replace(job, params={"parentJobId": "parent", "button": button})


def _answer(deed: str, *, kind: ReplyKind = ReplyKind.PICTURE, after_s: int = 1) -> Reading:
    said_at = snowflake_at(START + timedelta(seconds=after_s))
    reading = _reading(said_at, kind, reference_id="500")
    return replace(reading, caption=Caption("a red fox", deed))


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
    candidates = Candidates([_press("a", button)])
    assert match(_answer(deed), candidates) == Undecided(frozenset({A}))


@pytest.mark.parametrize(
    ("button", "deed"),
    [("U1", "image #2"), ("Upscale (Subtle)", "upscaled (creative)"), ("V1", "zoom out")],
)
def test_the_known_words_of_another_deed_are_somebody_elses(button: str, deed: str) -> None:
    assert match(_answer(deed), Candidates([_press("a", button)])) is None


def test_new_words_may_be_any_of_two_presses() -> None:
    candidates = Candidates([_press("a", "V1"), _press("b", "Zoom Out 2x")])
    assert match(_answer("remade"), candidates) == Undecided(frozenset({A, B}))
    assert match(_answer("variations"), candidates) == Undecided(frozenset({A}))


def test_new_words_may_be_those_of_somebody_else_who_was_heard() -> None:
    candidates = Candidates([_press("a", "V1", messages={"500": MessageRole.TARGET})])
    hand = _answer("zoom out", kind=ReplyKind.PROGRESS)
    candidates.note_stranger(hand)
    other = hand.shown.message_id
    assert match(_answer("remade", after_s=2), candidates) == Undecided(frozenset({A, other}))
    assert match(_answer("zoom out", after_s=2), candidates) == Undecided(frozenset({other}))


def test_a_prompt_that_was_cut_is_that_of_the_one_ask_that_begins_so() -> None:
    asked = "a " + "very " * 20 + "red fox"
    long = replace(_job("a", submitted_at=START), verb="imagine", params={"prompt": asked})
    other = replace(long, jobid=B, nonce=Nonce("nonce-b"), params={"prompt": "a" + asked})
    candidates = Candidates([long, other])
    picture = _reading(snowflake_at(START), ReplyKind.PICTURE)
    cut = replace(picture, caption=Caption(f"{asked[:100]}…"))
    assert match(cut, candidates) == Undecided(frozenset({A}))
    assert match(replace(cut, caption=Caption(asked[:99])), candidates) is None
    exact = replace(other, params={"prompt": asked[:100]})
    candidates.put(exact)
    # whether it was cut it does not say
    whole = replace(cut, caption=Caption(asked[:100]))
    assert match(whole, candidates) == Undecided(frozenset({A, B}))


def test_a_cut_prompt_of_somebody_who_was_heard_is_not_more_his_than_ours() -> None:
    asked = "a " + "very " * 20 + "red fox"
    job = replace(_job("a", submitted_at=START), verb="imagine", params={"prompt": asked})
    candidates = Candidates([job])
    cut = Caption(asked[:100])
    said_at = snowflake_at(START + timedelta(seconds=1))
    hand = replace(_reading(said_at, ReplyKind.PROGRESS, nonce="by-hand"), caption=cut)
    candidates.disown(said_at)
    candidates.note_stranger(hand)
    picture = _reading(snowflake_at(START + timedelta(seconds=2)), ReplyKind.PICTURE)
    found = match(replace(picture, caption=cut), candidates)
    assert found == Undecided(frozenset({A, said_at}))


# ── what must never be taken for another's (case I) ──


def test_what_is_settled_is_neither_nothing_nor_a_message_that_was_pressed() -> None:
    candidates = Candidates()
    pressed = {"500": MessageRole.TARGET, "900": MessageRole.RESULT}
    candidates.settle(_job("a", messages=pressed))
    assert candidates.is_settled(_reading("900"))
    assert not candidates.is_settled(_reading("500"))
    # no uuid, no nonce and no interaction: known by nothing
    assert not candidates.is_settled(_reading("901"))


@pytest.mark.parametrize("by", [{"nonce": "nonce-a"}, {"interaction_id": "i"}, {}], ids=str)
@pytest.mark.parametrize("hash_", ["another", "source"])
def test_a_message_with_another_uuid_than_the_jobs_is_not_its(
    by: dict[str, str], hash_: str
) -> None:
    known = {"900": MessageRole.PROGRESS, "500": MessageRole.TARGET}
    job = _job("a", interaction_id="i", hash="own", source_hash="source", messages=known)
    candidates = Candidates([job])
    for kind in (ReplyKind.PICTURE, ReplyKind.PROGRESS):
        assert match(_reading("900", kind, hash=hash_, **by), candidates) is None
        assert match(_reading("900", kind, hash="own", **by), candidates) is not None


def test_a_uuid_is_learnt_from_the_first_message_but_never_that_of_the_source() -> None:
    job = _job("a", source_hash="source", messages={"900": MessageRole.PROGRESS})
    candidates = Candidates([job])
    assert match(_reading("900", hash="source"), candidates) is None
    assert match(_reading("900", hash="new"), candidates) == Matched(A, "message")


def test_a_reply_outweighs_the_same_words_in_a_prompt() -> None:
    typed = replace(_job("b", submitted_at=START), verb="imagine", params={"prompt": "a red fox"})
    candidates = Candidates([_press("a", "🔄"), typed])
    assert match(_answer(""), candidates) == Undecided(frozenset({A}))
    elsewhere = replace(_answer(""), reference_id="501")
    assert match(elsewhere, candidates) == Undecided(frozenset({B}))


def _progress_of_stranger(message_id: str, **fields: Any) -> Reading:
    reading = _reading(message_id, ReplyKind.PROGRESS, **fields)
    return replace(reading, caption=Caption("an owl", percent=0))


def test_a_strangers_picture_without_uuid_closes_no_other_stranger() -> None:
    candidates = Candidates()
    for one in ("901", "902"):
        candidates.note_stranger(_progress_of_stranger(one))
    picture = replace(_reading("903", ReplyKind.PICTURE), caption=Caption("an owl"))
    assert match(picture, candidates) == Undecided(frozenset({"901", "902"}))
    candidates.strangers.finish("901", picture)
    assert match(picture, candidates) != Undecided(frozenset({"901", "902"}))
    other = replace(_reading("904", ReplyKind.PICTURE), caption=Caption("an owl"))
    assert match(other, candidates) == Undecided(frozenset({"902"}))


def test_a_picture_without_uuid_ends_no_stranger_that_shows_none_either() -> None:
    candidates = Candidates()
    candidates.note_stranger(_progress_of_stranger("901"))
    # a picture of something else, that says nothing of a uuid
    picture = replace(_reading("903", ReplyKind.PICTURE), caption=Caption("a cat"))
    candidates.note_stranger(picture)
    owl = replace(_reading("904", ReplyKind.PICTURE), caption=Caption("an owl"))
    assert match(owl, candidates) == Undecided(frozenset({"901"}))


def _fox(name: str, **fields: Any) -> Job:
    fox = {"submitted_at": START, **fields}
    return replace(_job(name, **fox), verb="imagine", params={"prompt": "a red fox"})


_LATER = snowflake_at(START + timedelta(seconds=2))
"""The message of a picture that came after the progress."""


def _unclaimed(candidates: Candidates, **shown: Any) -> None:
    """Let a progress be seen that either of two jobs could have begun."""
    said_at = snowflake_at(START + timedelta(seconds=1))
    progress = replace(
        _reading(said_at, ReplyKind.PROGRESS, **shown), caption=Caption("a red fox", percent=0)
    )
    candidates.note_stranger(progress)


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


# ── who waits for whom (R15) ──


def test_a_press_waits_for_one_on_the_same_message_until_that_is_bound() -> None:
    zoom, variations = _press("a", "Zoom Out 2x"), _press("b", "V1")
    assert Candidates([zoom]).rivals(variations) == {A}
    bound = replace(zoom, interaction_id="i")
    assert Candidates([bound]).rivals(variations) == frozenset()


def test_a_press_waits_for_one_that_brings_several_results_though_it_shows_a_uuid() -> None:
    several = _press("a", "Imagine all 🎉", hash="one", interaction_id="i")
    again = _press("b", "Imagine all 🎉")
    assert Candidates([several]).rivals(again) == {A}
    variations = _press("a", "V1", hash="one", interaction_id="i")
    assert Candidates([variations]).rivals(_press("b", "V1")) == frozenset()


def test_seeds_of_one_job_wait_for_each_other() -> None:
    parent = {"parentJobId": "parent"}
    asked = replace(_job("a", submitted_at=START), verb="seed", params=parent)
    again = replace(_job("b"), verb="seed", params=parent)
    assert Candidates([asked]).rivals(again) == {A}
    assert Candidates([asked]).rivals(replace(again, params={"parentJobId": "p"})) == frozenset()


def test_presses_of_one_deed_wait_for_each_other_before_it_is_known_what_they_press() -> None:
    asked = _press("a", "V1", interaction_id="i", messages={})
    again = _press("b", "V1", messages={}, submitted_at=None)
    assert Candidates([asked]).rivals(again) == {A}
    assert Candidates([asked]).rivals(_press("b", "U1", messages={})) == frozenset()


@pytest.mark.parametrize("kind", [ReplyKind.PICTURE, ReplyKind.PROGRESS, ReplyKind.ERROR])
def test_what_replies_to_a_jobs_own_message_is_its(kind: ReplyKind) -> None:
    """Wire notes 4.4, 6.1; what replies to a message that it has pressed may be another's."""
    own = {"900": MessageRole.PROGRESS, "500": MessageRole.TARGET}
    candidates = Candidates([_job("a", messages=own)])
    assert match(_reading("901", kind, reference_id="900"), candidates) == Matched(A, "reference")
    assert match(_reading("901", kind, reference_id="500"), candidates) is None
