"""Captions are read after the prompt's last star, whatever the prompt says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waystation.midjourney.captions import (
    Caption,
    beginning_of,
    begins,
    caption_of,
    drawn_prompt,
    is_interim,
    is_under_way,
    prompt_key,
)

WHO = "<@1144000000000000001>"
USER = "1144000000000000001"


@pytest.mark.parametrize(
    ("content", "deed", "percent", "state"),
    [
        (f"**p** - {WHO} (Waiting to start)", "", None, "Waiting to start"),
        (f"**p** - {WHO} (31%) (fast)", "", 31, "fast"),
        (f"**p** - {WHO} (0%) (paused) (relaxed)", "", 0, "paused"),
        (f"**p** - {WHO} (paused)", "", None, "paused"),
        (f"**p** - {WHO} (turbo, stealth)", "", None, "turbo, stealth"),
        (f"**p** - <@!{USER}> (fast)\n-# Create and explore", "", None, "fast"),
        (f"**p** - {WHO} [(Open on website)](<https://a.test/jobs/1>) (fast)", "", None, "fast"),
        (
            f"**p** - {WHO} [(Open on website for full quality)](https://a.test) (fast)",
            "",
            None,
            "fast",
        ),
        (f"**p** - Image #3 {WHO}", "image #3", None, None),
        (f"**p** - Upscaled (Subtle) by {WHO} (fast)", "upscaled (subtle)", None, "fast"),
        (f"**p** - Upscaling (Subtle) by {WHO} (40%) (fast)", "upscaled (subtle)", 40, "fast"),
        (f"**p** - Variations by {WHO} (fast)", "variations", None, "fast"),
        (f"**p** - Remix (Strong) by {WHO} (fast)", "variations (strong)", None, "fast"),
        (f"**p** - Zoom Out by {WHO} (fast)", "zoom out", None, "fast"),
        (f"**p** - Pan Left by {WHO} (fast)", "pan left", None, "fast"),
        (
            f"Making variations for image #1 with prompt **p** - {WHO} (Waiting to start)",
            "variations",
            None,
            "Waiting to start",
        ),
        (f"Upscaling image #2 with **p** - {WHO} (0%)", "image #2", 0, None),
        (f"Creating video with prompt **p** - {WHO} (93%) (fast)", "", 93, "fast"),
        # no captures: wordings and forms that may come
        (f"**p** - {WHO} (Open on website for full quality) (fast)", "", None, "fast"),
        (f"**p** - {WHO} Open on website (fast)", "", None, "fast"),
        (f"**p** - {WHO} <https://a.test/jobs/1> (relax)", "", None, "relax"),
        (f"**p** - {WHO} [Open on website](https://a.test/jobs/1?a=(b)) (fast)", "", None, "fast"),
        (f"**p** - Upscaled by {WHO} (fast)", "upscaled", None, "fast"),
        (f"**p** - Frobnicated (Wild) by {WHO} (fast)", "frobnicated (wild)", None, "fast"),
        (f"**p** - Sharpened {WHO} (fast)", "sharpened", None, "fast"),
        (f"**p** - {WHO} (fast 25%)", "", 25, None),
        (f"**p** - {WHO} (31% done) (fast)", "", 31, "fast"),
        (f"**p** - {WHO} (rendering) (fast)", "", None, "fast"),
        (f"Dreaming up **p** - {WHO} (0%) (fast)", "", 0, "fast"),
        (f"**p** - {WHO} (fast)\n-# **Create**, explore", "", None, "fast"),
        (f"**p** – {WHO} (fast)", "", None, "fast"),
        (f"**p** — Upscaled by {WHO} (fast)", "upscaled", None, "fast"),
        (f"**p** {WHO} (fast)", "", None, "fast"),
        (f"**p** by {WHO} (fast)", "", None, "fast"),
        (f"**p**\n{WHO} (31%)", "", 31, None),
        (f"**p** - {WHO} (fast, 50% off)", "", None, None),
        (f"**p** - {WHO} (HD 50%) (fast)", "", None, "fast"),
        (f"**p** - {WHO} (31%) (stopped)", "", 31, "stopped"),
        (f"**p** - {WHO} (Paused)", "", None, "Paused"),
    ],
)
def test_every_form_of_the_wire_notes_is_read(
    content: str, deed: str, percent: int | None, state: str | None
) -> None:
    assert caption_of(content) == Caption("p", deed, USER, percent, state)


def test_a_caption_that_names_nobody_is_read_behind_any_dash() -> None:
    assert caption_of("**p** – (31%) (fast)") == Caption("p", "", None, 31, "fast")


@pytest.mark.parametrize("content", ["", "Done!", "**p**", "**p** and more", "p - <@1> (fast)"])
def test_other_sentences_are_no_captions(content: str) -> None:
    assert caption_of(content) is None


@pytest.mark.parametrize(
    "prompt", ["a poster\n-# 50% off", "x** - (9%)\n-# y", "a\n-# **b** - <@1>"]
)
@pytest.mark.parametrize("footer", ["", "\n-# Create, **explore**", "\n-# one\n-# two (9%)"])
def test_small_print_is_what_follows_the_prompt(prompt: str, footer: str) -> None:
    running = caption_of(f"**{prompt}** - {WHO} (31%) (fast){footer}")
    assert running == Caption(prompt, "", USER, 31, "fast")
    final = caption_of(f"**{prompt}** - {WHO} (fast){footer}")
    assert final == Caption(prompt, "", USER, None, "fast")


@given(st.text())
def test_a_prompt_cannot_change_what_follows_it(prompt: str) -> None:
    caption = caption_of(f"**{prompt}** - {WHO} (31%) (fast)")
    assert caption == Caption(prompt, "", USER, 31, "fast")


def test_a_prompt_may_imitate_a_caption() -> None:
    prompt = "x** - <@9> (Stopped)"
    caption = caption_of(f"**{prompt}** - {WHO} (fast)")
    assert caption is not None
    assert (caption.prompt, caption.stopped, caption.unfinished) == (prompt, False, False)


def test_only_waiting_paused_and_a_percentage_are_unfinished() -> None:
    states = {text: caption_of(f"**p** - {WHO} ({text})") for text in ("Stopped", "fast", "5%")}
    assert {text: caption and caption.unfinished for text, caption in states.items()} == {
        "Stopped": False,
        "fast": False,
        "5%": True,
    }
    assert states["Stopped"] is not None and states["Stopped"].stopped


def test_interim_words_are_known() -> None:
    assert is_interim("Displaying...") and is_interim("Animating... ")
    assert not is_interim("**p**")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a red  fox", "A red fox"),
        ("https://a.test/1.png a fox", "<https://s.mj.run/abc> a fox"),
        ("a fox --ar 3:2", "a fox --aspect 3:2 --v 7"),
        ("a fox —ar 3:2", "a fox"),
        ("--ar 3:2", ""),
    ],
)
def test_prompts_that_the_bot_rewrites_look_alike(one: str, other: str) -> None:
    assert prompt_key(one) == prompt_key(other)


def test_other_words_do_not_look_alike() -> None:
    assert prompt_key("a fox") != prompt_key("a well-fed fox")


LONG = "a " + "very " * 20 + "red fox in the snow"


@pytest.mark.parametrize(
    "ending", ["", "...", "\u2026", " --", " <ht", " https:/", " -", " \u2014"]
)
def test_a_long_beginning_is_a_prompt_that_was_cut(ending: str) -> None:
    cut = LONG[:100] + ending
    assert begins(prompt_key(cut), prompt_key(LONG))
    assert drawn_prompt(f"**{cut}** - {WHO} (fast)", [LONG]) == LONG


@pytest.mark.parametrize("other", [LONG[:99], LONG[:101] + "x", LONG + " at night", LONG[1:], ""])
def test_a_short_beginning_and_other_words_are_no_prompt_that_was_cut(other: str) -> None:
    assert not begins(prompt_key(other), prompt_key(LONG))


@pytest.mark.parametrize("text", ["(" * 2000, " - (a)" * 400, "** - [a](b" * 200, ". " * 1000])
def test_no_text_takes_long_to_read(text: str) -> None:
    # each of these once took a pattern exponential or cubic time
    assert caption_of(f"**{text}") is None
    assert not begins(prompt_key(text), "a")


@pytest.mark.parametrize(
    ("content", "asked", "drawn"),
    [
        ("**a fox --ar 3:2** - <@1> (fast)", ["a fox --ar 3:2"], "a fox --ar 3:2"),
        ("**a fox --v 7** - Variations by <@1> (fast)", ["a fox"], "a fox"),
        ("**a fox at night** - <@1> (fast)", ["a fox"], "a fox at night"),
        ("**a fox** - <@1> (fast)", ["a blue owl", "a fox"], "a fox"),
        ("**red fox** - <@1> (fast)", ["please draw a red fox"], "red fox"),
        ("**red fox** - <@1> (fast)", ["https://a.test/1.png"], "red fox"),
        (
            "**<https://s.mj.run/a>** - <@1> (fast)",
            ["https://a.test/1.png"],
            "https://a.test/1.png",
        ),
        ("**red fox** - <@1> (fast)", [], "red fox"),
        ("no caption", ["a fox"], "a fox"),
        (None, [], ""),
    ],
)
def test_a_drawn_motif_is_told_from_one_that_was_only_asked_for(
    content: str | None, asked: list[str], drawn: str
) -> None:
    assert drawn_prompt(content, asked) == drawn


def test_the_last_two_hundred_characters_say_how_far_the_bot_is() -> None:
    assert is_under_way("(31%)".ljust(200, "x"))
    assert not is_under_way("(31%)".ljust(201, "x"))


@pytest.mark.parametrize(
    ("content", "under_way"),
    [
        ("Rendering (31%) (fast)", True),
        ("Rendering (Waiting to start)", True),
        ("Rendering (Stopped)", True),
        ("Rendered (fast)", False),
        ("31%", False),
    ],
)
def test_the_last_brackets_of_any_content_say_whether_the_bot_is_at_work(
    content: str, *, under_way: bool
) -> None:
    assert is_under_way(content) is under_way


def test_a_cut_prompt_is_known_by_its_beginning_where_that_is_long_enough() -> None:
    assert beginning_of("x" * 99) is None
    assert beginning_of("x" * 100) == beginning_of("x" * 101) == "x" * 100
