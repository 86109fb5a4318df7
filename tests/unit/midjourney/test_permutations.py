"""How many results a prompt asks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waystation.midjourney.permutations import MOST_COUNTED, is_half, results_asked


@pytest.mark.parametrize(
    ("prompt", "count"),
    [
        ("a red fox", 1),
        ("a red fox --repeat 3", 3),
        ("a red fox --r 3 --ar 3:2", 3),
        ("a red fox —repeat 3", 3),
        ("a red fox --REPEAT 3", 3),
        ("a red fox --repeat=3", 3),
        ("a red fox --repeat", 1),
        ("a red fox --repeat 1", 1),
        ("a red fox --repeat 0", 1),
        ("a red fox --repeats 3", 1),
        ("a red fox --raw 3", 1),
        ("a red--repeat 3", 1),
        ("a {red, blue} fox", 2),
        ("a {red,blue,green} fox", 3),
        ("a {red, blue} {fox, owl}", 4),
        ("a {red, blue {fox, owl}} bird", 3),
        ("a {{red, blue}, {fox, owl}}", 4),
        ("a fox --ar {3:2, 1:1}", 2),
        ("a {red, blue} fox --repeat 3", 6),
        ("a {red, blue, } fox", 3),
        ("a {red} fox", 1),
        ("a {} fox", 1),
        (r"a \{red, blue\} fox", 1),
        (r"a {red\, blue} fox", 1),
        (r"a {red\, pale, blue} fox", 2),
        (r"a \\{red, blue} fox", 2),
        ("a {red, blue fox", 1),
        ("a red, blue} fox", 1),
        ("a { {red, blue} fox", 2),
        ("a fox {--repeat 2, --ar 3:2}", 4),
        ("a cat, a dog", 1),
        ("", 1),
    ],
)
def test_braces_and_repeats_are_counted(prompt: str, count: int) -> None:
    assert results_asked(prompt) == count


@pytest.mark.parametrize(
    ("prompt", "suffix", "which"),
    [
        ("a fox --repeat", "3 --v 7", "prompt"),
        ("a fox --r", "35mm film", "prompt"),
        ("a fox —repeat=", "3", "prompt"),
        ("a {red, blue", "fox} --v 7", "suffix"),
        ("a {red", ", blue} fox", "suffix"),
        ("a {red, blue", "{owl} fox}", "suffix"),
        ("a {red, blue", r"fox\}", ""),
        ("a fox", "35mm film", ""),
        ("a fox --repeat 1", "35mm film", ""),
        ("a {red, blue fox", "{owl}", ""),
        ("a red} fox", "{owl", ""),
        ("", "", ""),
    ],
)
def test_a_half_is_told_on_one_side_of_a_prompt_and_its_suffix(
    prompt: str, suffix: str, which: str
) -> None:
    assert results_asked(prompt) == results_asked(suffix) == 1
    assert (results_asked(f"{prompt} {suffix}") > 1) == bool(which)
    halves = {"prompt": is_half(prompt, is_suffix=False), "suffix": is_half(suffix, is_suffix=True)}
    assert [name for name, half in halves.items() if half] == [which] * bool(which)


@given(st.text(alphabet="ab{},\\ -r3"), st.text(alphabet="ab{},\\ -r3"))
def test_two_texts_of_which_neither_is_half_ask_for_one_result(prompt: str, suffix: str) -> None:
    several = results_asked(prompt) > 1 or results_asked(suffix) > 1
    if not (several or is_half(prompt, is_suffix=False) or is_half(suffix, is_suffix=True)):
        assert results_asked(f"{prompt} {suffix}") == 1


@pytest.mark.parametrize("prompt", ["{a,b}" * 1000, "{" * 5000, "{a," * 2000 + "}" * 2000])
def test_counting_stops(prompt: str) -> None:
    assert 1 <= results_asked(prompt) <= MOST_COUNTED
    assert results_asked("a --repeat 999999999") == MOST_COUNTED


@given(st.text(alphabet="ab{},\\ -r3"))
def test_any_text_asks_for_one_result_at_least(prompt: str) -> None:
    assert 1 <= results_asked(prompt) <= MOST_COUNTED


@given(st.text())
def test_escaped_braces_are_text(text: str) -> None:
    escaped = text.replace("\\", "").replace("{", r"\{").replace("}", r"\}")
    assert results_asked(escaped.replace("-", "").replace("—", "")) == 1
