"""The owner of a message: by what is known, never by what merely looks alike."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.build import replace
from tests.fakes import START
from tests.harness.asks import A, B, a_job, a_press, a_reading, an_answer
from waystation.ignored import Ignored
from waystation.jobs import Job, MessageRole
from waystation.midjourney.captions import Caption
from waystation.midjourney.matching.candidates import Candidates
from waystation.midjourney.matching.evidence import EVIDENCE, upload_stem
from waystation.midjourney.matching.match import (
    Ambiguous,
    Matched,
    Undecided,
    match,
    why_nobodys,
)
from waystation.midjourney.reading import Reading
from waystation.midjourney.replies import ReplyKind
from waystation.wire.snowflake import snowflake_at


def test_each_kind_of_evidence_knows_its_job() -> None:
    job = a_job("a", interaction_id="i", hash="h", messages={"900": MessageRole.PROGRESS})
    seed = replace(job, verb="seed", source_hash="s")
    candidates = Candidates([seed, a_job("b")])
    seen = {
        "nonce": a_reading("1", nonce="nonce-a"),
        "message": a_reading("900"),
        "interaction": a_reading("1", interaction_id="i"),
        "hash": a_reading("1", hash="h"),
        "seed": a_reading("1", seed_hash="s"),
        "upload": a_reading("1", upload_name=f"{upload_stem('nonce-a')}.png"),
        "reference": a_reading("1", ReplyKind.ERROR, reference_id="900"),
    }
    assert list(seen) == [row.name for row in EVIDENCE]
    for name, reading in seen.items():
        assert match(reading, candidates) == Matched(A, name)


def test_the_strongest_evidence_names_itself() -> None:
    candidates = Candidates([a_job("a", interaction_id="i")])
    assert match(a_reading(nonce="nonce-a", interaction_id="i"), candidates) == Matched(A, "nonce")


def test_nobody_is_matched_by_nothing() -> None:
    candidates = Candidates([a_job("a")])
    assert match(a_reading(), candidates) is None
    assert match(a_reading(nonce="other", upload_name="picture.png"), candidates) is None
    assert match(a_reading(upload_name=""), candidates) is None


def test_two_jobs_are_ambiguous() -> None:
    candidates = Candidates([a_job("a", interaction_id="i"), a_job("b")])
    reading = a_reading(nonce="nonce-b", interaction_id="i")
    assert match(reading, candidates) == Ambiguous(frozenset({A, B}))


def test_only_errors_match_by_what_they_reply_to() -> None:
    candidates = Candidates([a_job("a", messages={"900": MessageRole.PROGRESS})])
    assert match(a_reading("1", ReplyKind.DESCRIBED, reference_id="900"), candidates) is None


def test_a_copied_file_name_is_nothing_beside_another_nonce_or_interaction() -> None:
    candidates = Candidates([a_job("a", interaction_id="i")])
    name = f"{upload_stem('nonce-a')}.png"
    assert match(a_reading(upload_name=name, nonce="by-hand"), candidates) is None
    assert match(a_reading(upload_name=name, interaction_id="by-hand"), candidates) is None
    assert match(a_reading(upload_name=name, interaction_id="i"), candidates) is not None


def test_an_ask_seen_to_be_by_hand_stays_by_hand() -> None:
    candidates = Candidates([a_job("a")])
    name = f"{upload_stem('nonce-a')}.png"
    candidates.others.disown("900", "hand", None)
    assert match(a_reading("900", upload_name=name), candidates) is None
    assert match(a_reading("901", upload_name=name, interaction_id="hand"), candidates) is None
    assert match(a_reading("901", upload_name=name), candidates) == Matched(A, "upload")


@pytest.mark.parametrize("by", [{"nonce": "nonce-a"}, {"interaction_id": "i"}, {}], ids=str)
@pytest.mark.parametrize("hash_", ["another", "source"])
def test_a_message_with_another_uuid_than_the_jobs_is_not_its(
    by: dict[str, str], hash_: str
) -> None:
    known = {"900": MessageRole.PROGRESS, "500": MessageRole.TARGET}
    job = a_job("a", interaction_id="i", hash="own", source_hash="source", messages=known)
    candidates = Candidates([job])
    for kind in (ReplyKind.PICTURE, ReplyKind.PROGRESS):
        assert match(a_reading("900", kind, hash=hash_, **by), candidates) is None
        assert match(a_reading("900", kind, hash="own", **by), candidates) is not None


def test_a_uuid_is_learnt_from_the_first_message_but_never_that_of_the_source() -> None:
    job = a_job("a", source_hash="source", messages={"900": MessageRole.PROGRESS})
    candidates = Candidates([job])
    assert match(a_reading("900", hash="source"), candidates) is None
    assert match(a_reading("900", hash="new"), candidates) == Matched(A, "message")


@pytest.mark.parametrize("kind", [ReplyKind.PICTURE, ReplyKind.PROGRESS, ReplyKind.ERROR])
def test_a_reply_to_a_jobs_own_message_is_the_jobs(kind: ReplyKind) -> None:
    """Wire notes 4.4, 6.1; what replies to a message that it has pressed may be another's."""
    own = {"900": MessageRole.PROGRESS, "500": MessageRole.TARGET}
    candidates = Candidates([a_job("a", messages=own)])
    assert match(a_reading("901", kind, reference_id="900"), candidates) == Matched(A, "reference")
    assert match(a_reading("901", kind, reference_id="500"), candidates) is None


# ── the examples on the page of the folder ──


def _fox(name: str, **fields: Any) -> Job:
    fox = {"submitted_at": START, **fields}
    return replace(a_job(name, **fox), verb="imagine", params={"prompt": "a red fox"})


def _said(kind: ReplyKind, after_s: int = 1, **fields: Any) -> Reading:
    said_at = snowflake_at(START + timedelta(seconds=after_s))
    return replace(a_reading(said_at, kind, **fields), caption=Caption("a red fox"))


def test_two_identical_prompts_are_told_apart_by_the_uuid_of_the_first() -> None:
    first, second = _fox("a"), _fox("b", submitted_at=None)
    candidates = Candidates([first, second])
    assert candidates.rivals(second) == {A}
    progress = _said(ReplyKind.PROGRESS, nonce="nonce-a")
    assert match(progress, candidates) == Matched(A, "nonce")
    begun = {progress.shown.message_id: MessageRole.PROGRESS}
    candidates.index.put(replace(first, messages=begun))
    edited = _said(ReplyKind.PROGRESS, hash="7")
    assert match(edited, candidates) == Matched(A, "message")
    candidates.index.put(replace(first, messages=begun, hash="7"))
    assert candidates.rivals(second) == frozenset()
    candidates.index.put(_fox("b"))
    assert match(_said(ReplyKind.PICTURE, 2, hash="8"), candidates) == Undecided(frozenset({B}))
    assert match(_said(ReplyKind.PICTURE, 2, hash="7"), candidates) == Matched(A, "hash")


def test_two_identical_prompts_of_which_none_shows_anything_stay_undecided() -> None:
    picture = _said(ReplyKind.PICTURE)
    assert match(picture, Candidates([_fox("a"), _fox("b")])) == Undecided(frozenset({A, B}))


def test_the_owner_who_types_the_same_prompt_is_an_owner_of_the_picture_too() -> None:
    job = _fox("a")
    candidates = Candidates([job])
    hand = _said(ReplyKind.PROGRESS, nonce="99")
    candidates.others.asked_by_hand("5", "99")
    assert match(hand, candidates) is None
    candidates.others.hear(hand)
    candidates.note_stranger(hand)
    picture = _said(ReplyKind.PICTURE, 2, hash="8")
    stranger = hand.shown.message_id
    assert match(picture, candidates) == Undecided(frozenset({A, stranger}))
    candidates.index.put(replace(job, hash="7"))
    assert match(picture, candidates) == Undecided(frozenset({stranger}))


def test_a_reply_to_a_pressed_message_is_told_by_its_deed_unless_a_hand_may_have_pressed() -> None:
    press, same = a_press("a", "V1"), a_press("b", "V1", submitted_at=None)
    candidates = Candidates([press, same])
    assert candidates.rivals(same) == {A}
    assert match(an_answer("zoom out"), candidates) is None
    candidates = Candidates([press])
    assert match(an_answer("variations"), candidates) == Undecided(frozenset({A}))
    asked = snowflake_at(START)
    candidates.others.asked_by_hand(asked, "99")
    assert match(an_answer("variations"), candidates) == Undecided(frozenset({A, asked}))


# ── why a message is nobody's ──


def _imagining(**fields: Any) -> Job:
    job = replace(a_job("a", **fields), verb="imagine", submitted_at=START, asked_after="100")
    return replace(job, params={"prompt": "a red fox"})


def _drawn(message_id: str, kind: ReplyKind = ReplyKind.PICTURE, **fields: Any) -> Reading:
    return replace(a_reading(message_id, kind, **fields), caption=Caption("a red fox", ""))


@pytest.mark.parametrize(
    ("job", "reading", "reason"),
    [
        (_imagining(), a_reading("200", nonce="99"), Ignored.BY_HAND),
        (_imagining(hash="h"), a_reading("200", hash="h"), Ignored.CONTRADICTED),
        (
            _imagining(interaction_id="150"),
            _drawn("200", interaction_id="160"),
            Ignored.CONTRADICTED,
        ),
        (_imagining(), _drawn("200", ReplyKind.PROGRESS), Ignored.UNCLAIMED),
        (_imagining(), _drawn("50"), Ignored.BEFORE_ASK),
        (_imagining(), a_reading("200", ReplyKind.UNRECOGNISED), Ignored.UNKNOWN_WORDS),
        (_imagining(), a_reading("200", ReplyKind.INFO), Ignored.NO_ASK),
    ],
)
def test_a_message_of_nobody_has_a_reason(job: Job, reading: Reading, reason: Ignored) -> None:
    assert why_nobodys(reading, Candidates([job])) is reason


def test_a_message_of_others_stays_theirs() -> None:
    candidates = Candidates()
    candidates.settle(a_job("b", messages={"300": MessageRole.RESULT}))
    assert why_nobodys(a_reading("300"), candidates) is Ignored.SETTLED
    candidates.others.disown("400")
    assert why_nobodys(a_reading("400"), candidates) is Ignored.BY_HAND
    candidates.others.strangers.note(_drawn("500", ReplyKind.PROGRESS, hash="h"))
    assert match(_drawn("501", hash="h"), candidates) is None
    assert why_nobodys(_drawn("501", hash="h"), candidates) is Ignored.STRANGERS
