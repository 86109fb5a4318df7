"""Jobs are found by what a message may show of them."""

from __future__ import annotations

from tests.build import replace
from tests.harness.asks import A, B, a_job, a_press
from tests.harness.play import new_job
from waystation.jobs import Job, JobStatus, MessageRole, Nonce
from waystation.midjourney.matching.evidence import (
    upload_stem,
)
from waystation.midjourney.matching.index import Index
from waystation.midjourney.memory import Memory


def _index(*jobs: Job) -> Index:
    index = Index(Memory())
    for job in jobs:
        index.put(job)
    return index


def test_a_key_stays_with_the_job_that_had_it_first() -> None:
    first, second = a_job("a", interaction_id="i"), a_job("b", interaction_id="i")
    index = _index(first, second)
    assert index.find("interaction", "i") == A
    index.drop(B)
    assert index.find("interaction", "i") == A
    index.drop(A)
    assert index.find("interaction", "i") is None


def test_a_press_that_could_not_leave_is_on_no_message_any_more() -> None:
    press = a_press("a", "V1", messages={"500": MessageRole.TARGET})
    index = _index(press)
    assert [job.jobid for job in index.pressing("500")] == [A]
    index.put(replace(press, messages={}))
    assert index.pressing("500") == ()
    index.put(press)
    index.put(replace(press, messages={"501": MessageRole.TARGET}))
    assert (index.pressing("500"), len(index.pressing("501"))) == ((), 1)
    index.drop(A)
    assert index.pressing("501") == ()


def test_a_seed_that_waits_takes_the_answer_of_one_that_has_ended() -> None:
    first, second, third = (
        replace(new_job(name, "seed"), source_hash="uuid", status=JobStatus.SUBMITTED)
        for name in ("a", "b", "c")
    )
    index = _index(first, second)
    assert index.find("seed", "uuid") == A
    index.put(replace(first, status=JobStatus.FAILED, ghost=True))
    assert index.find("seed", "uuid") == A
    index.put(second)
    assert index.find("seed", "uuid") == B
    # nobody takes it back
    index.put(replace(first, status=JobStatus.FAILED, ghost=True))
    index.put(third)
    assert index.find("seed", "uuid") == B
    index.drop(A)
    assert index.find("seed", "uuid") == B
    index.drop(B)
    index.put(third)
    assert index.find("seed", "uuid") == third.jobid


def test_a_job_is_found_by_what_it_has_learnt_and_forgotten_whole() -> None:
    job = new_job("a")
    index = _index(job)
    assert index.find("nonce", None) is None
    index.put(replace(job, nonce=Nonce("1")))
    index.put(replace(job, nonce=Nonce("2"), messages={"900": MessageRole.PROGRESS}))
    assert {index.find("nonce", "1"), index.find("message", "900")} == {A}
    index.drop(A)
    index.drop(A)
    for kind, value in (("nonce", "1"), ("nonce", "2"), ("upload", upload_stem("2"))):
        assert index.find(kind, value) is None
    assert index.find("message", "900") is None


def test_an_earlier_key_still_names_its_job_until_it_is_forgotten() -> None:
    job = a_job("a")
    index = _index(job)
    again = replace(job, nonce=Nonce("2"))
    index.learn(again)
    index.put(again)
    assert index.earlier(A) == (("nonce", "nonce-a"), ("upload", "picture-nonce-a"))
    index.drop(A)
    index.put(again)
    assert index.find("nonce", "nonce-a") == A
    index.forget_earlier(A)
    assert index.earlier(A) == ()


def test_the_presser_of_a_message_is_told_until_he_is_dropped() -> None:
    index = _index(a_press("a", "V1"), a_job("b"))
    assert [job.jobid for job in index.pressing("500")] == [A]
    index.drop(A)
    assert index.pressing("500") == ()
    assert A not in index
    assert B in index


def test_a_job_is_unanswered_until_it_shows_a_message_and_unnamed_until_it_shows_a_uuid() -> None:
    asked = replace(a_press("a", "V1"), status=JobStatus.SUBMITTED)
    index = _index(asked)
    assert [job.jobid for job in index.unanswered] == [A]
    assert index.unnamed == {A}
    index.put(replace(asked, status=JobStatus.PROGRESS))
    assert index.unanswered == ()
    index.put(replace(asked, status=JobStatus.PROGRESS, hash="one"))
    assert index.unnamed == set()


def test_a_job_that_shows_a_uuid_looks_like_nothing_any_more() -> None:
    asked = replace(a_job("a"), verb="imagine", params={"prompt": "a red fox"})
    index = _index(asked)
    assert set(index.alike([("prompt", "a red fox", "")])) == {A}
    assert index.near([("prompt", "a red fox", "")]) == {A}
    index.put(replace(asked, hash="one"))
    assert not index.alike([("prompt", "a red fox", "")])


def test_an_index_tells_which_jobs_it_knows_and_whether_a_seed_is_awaited() -> None:
    index = _index(a_job("a"))
    assert A in index and B not in index
    assert not index.awaits_seed
    index.put(new_job("b", "seed"))
    assert index.awaits_seed
    index.drop(B)
    assert not index.awaits_seed


def test_a_longer_prompt_is_found_by_a_shorter_one() -> None:
    index = _index(replace(new_job("a", "imagine"), params={"prompt": "a very small red fox"}))
    assert list(index.longer("small red fox")) == [A]
    assert list(index.longer("a blue cat")) == []


def test_a_job_is_looked_up_by_its_id() -> None:
    job = a_job("a")
    assert _index(job)[A] is job


def test_a_message_that_two_have_pressed_is_pressed_until_both_are_dropped() -> None:
    index = _index(a_press("a", "V1"), a_press("b", "V1"))
    index.drop(A)
    assert [job.jobid for job in index.pressing("500")] == [B]
    index.drop(B)
    assert index.pressing("500") == ()


def test_two_that_look_alike_are_found_until_both_are_dropped() -> None:
    fox = {"verb": "imagine", "params": {"prompt": "a red fox"}}
    index = _index(replace(a_job("a"), **fox), replace(a_job("b"), **fox))
    alike = [("prompt", "a red fox", "")]
    assert set(index.alike(alike)) == {A, B}
    index.drop(A)
    assert set(index.alike(alike)) == {B}
    index.drop(B)
    assert not index.alike(alike)


def test_a_ghost_is_not_among_the_unnamed() -> None:
    ghost = replace(a_press("a", "V1"), status=JobStatus.FAILED, ghost=True)
    assert _index(ghost).unnamed == set()


def test_a_job_that_has_only_learnt_keeps_no_earlier_key() -> None:
    job = a_job("a")
    index = _index(job)
    index.learn(replace(job, interaction_id="i"))
    assert index.earlier(A) == ()
