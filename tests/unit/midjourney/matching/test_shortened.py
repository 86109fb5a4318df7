"""Prompts that the bot may have shortened into the very prompt of another ask (ADR 18)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.build import replace
from tests.fakes import START, id_at
from tests.golden.corpus import event_of
from tests.harness.play import Play, join_all, new_job, told
from waystation.jobs import JobId
from waystation.midjourney.matching.shortened import Wordbook, may_shorten

A, B = JobId("a"), JobId("b")
FOX, LONGER = "a red fox --ar 3:2", "a big red fox, running"
MANY = " ".join(f"word{number}" for number in range(100))


@pytest.mark.parametrize(
    ("shown", "asked", "may"),
    [
        ("a fox", "a red fox", True),
        ("a fox", "a red fox, running", True),
        ("a fox", "a fox", False),
        ("a fox", "fox, a red one", False),
        ("a fox", "a foxglove and more", False),
        ("", "a red fox", False),
        ("...", "a red fox", False),
        ("a red fox", "a fox", False),
    ],
)
def test_a_prompt_is_shortened_when_words_are_left_out(shown: str, asked: str, may: bool) -> None:
    assert may_shorten(shown, asked) is may


def test_longer_prompts_are_found_by_their_words() -> None:
    book = Wordbook()
    book.put(A, ["a red fox"])
    book.put(B, ["a cat"])
    book.put(JobId("c"), [])
    book.put(JobId("d"), [MANY])
    assert book.longer("a fox") == {A}
    assert book.longer("word1 word99") == {"d"}
    assert book.longer("a dog") == book.longer("") == frozenset()
    for jobid in (A, B, JobId("c"), JobId("d")):
        book.drop(jobid)
    assert book.longer("a fox") == book.longer("word1") == frozenset()
    assert not book._filed


def test_few_jobs_are_looked_at_for_each_picture() -> None:
    book = Wordbook()
    book.put(A, ["a red fox"])
    book.put(B, [MANY])
    assert (set(book._filed), book._long) == ({"a", "red", "fox"}, {B})


# ── whose picture it is ──


def asking(*prompts: str) -> Play:
    """Return a conversation whose jobs a, b, … are bound and have shown no uuid."""
    play = Play()
    play.talk.seen(id_at(-1))
    for number, prompt in enumerate(prompts):
        name, seconds = "abc"[number], 10 * number
        play.now = START + timedelta(seconds=seconds)
        play.admit(replace(new_job(name, "imagine"), params={"prompt": prompt}))
        play.submit(name, id_at(seconds, 7))
        see(play, "imagine/started", seconds + 1, prompt, nonce=id_at(seconds, 7))
    return play


def see(
    play: Play, name: str, seconds: float, prompt: str, uuid: int = 0, **more: object
) -> list[str]:
    play.now = START + timedelta(seconds=seconds)
    content = f"**{prompt}** - <@1144000000000000001> "
    content += "(fast)" if name == "imagine/final" else "(Waiting to start)"
    nameless = {"interaction": None, "interaction_metadata": None, "nonce": None}
    shown = {**nameless, "id": id_at(seconds, 3), "content": content, **more}
    if name == "imagine/final":
        stem = f"ada_{uuid:08x}-4b5a-6978-8796-a5b4c3d2e1f0.png"
        url = f"https://cdn.discordapp.com/attachments/1/2/{stem}"
        shown["attachments"] = [
            {"id": "1", "filename": stem, "url": url, "size": 1, "width": 4, "height": 4}
        ]
        shown["components"] = []
    return told(play.see(event_of({"see": name, "with": shown})))


def test_a_picture_with_one_prompt_waits_while_a_longer_one_is_drawn() -> None:
    play = asking(FOX, LONGER)
    assert see(play, "imagine/final", 30, "a red fox", uuid=1) == ["look back: a, b"]
    # the longer one shows its own, so the first is the other's
    ended = see(play, "imagine/final", 40, LONGER, uuid=2)
    assert sorted(ended) == ["a: Completed by weak", "b: Completed by weak"]
    assert (play.jobs[A].hash or "")[:8] == "00000001"


def test_neither_gets_a_picture_that_either_may_own() -> None:
    play = asking(FOX, LONGER)
    see(play, "imagine/final", 30, "a red fox", uuid=2)
    ended = see(play, "imagine/final", 40, "a red fox", uuid=1)
    assert ended == ["a: Failed", "b: Failed", "untold", "untold"]
    assert {play.jobs[one].error for one in (A, B)} == {"Result could not be told apart"}


def test_a_picture_of_nobodys_prompt_speaks_for_none() -> None:
    play = asking(LONGER)
    assert see(play, "imagine/final", 30, "a red fox", uuid=1) == ["kept"]
    assert play.jobs[A].hash is None


def test_a_longer_prompt_gets_nothing_by_being_the_last_one_left() -> None:
    play = asking(FOX, LONGER)
    see(play, "imagine/final", 30, "a red fox", uuid=2)
    # whose it is not is known by now
    named = {"id": id_at(0, 9)}
    payload = {**named, "nonce": id_at(0, 7)}
    play.see(event_of({"see": {"event": "INTERACTION_CREATE", "payload": payload}}))
    assert see(play, "imagine/final", 40, "a red fox", uuid=1, interaction_metadata=named) == [
        "a: Completed by interaction"
    ]
    assert told(join_all(list(play.weigh()))) == []
    assert play.jobs[B].hash is None and not play.jobs[B].final
    play.now += timedelta(minutes=31)
    for _ in range(2):
        step = play.perform({"expire": True})
        play.talk.looked_back(step.look_back, play.now)
    assert play.jobs[B].error == "Result could not be told apart"


def test_a_picture_of_somebody_else_may_be_shortened_too() -> None:
    play = asking(FOX)
    see(play, "imagine/started", 10, LONGER, nonce="998", interaction_metadata={"id": id_at(10, 8)})
    assert see(play, "imagine/final", 30, "a red fox", uuid=9) == ["look back: a"]
    assert play.jobs[A].hash is None
