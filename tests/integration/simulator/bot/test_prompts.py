from __future__ import annotations

import re

import pytest

from tests.build import replace
from waystation.simulator.bot.prompts import (
    BadPrompt,
    Parameters,
    collapsed,
    edit_links,
    file_words,
    is_part,
    read_parameters,
    resembles,
    rewritten,
    short_link,
    shortened,
    with_short_links,
)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a red fox", Parameters("a red fox")),
        ("a red fox --ar 6:4", Parameters("a red fox", ratio=(3, 2))),
        ("fox --aspect 9:16 --v 6.1", Parameters("fox", ratio=(9, 16), version="6.1")),
        ("fox —ar 2:1", Parameters("fox", ratio=(2, 1))),
        ("fox --seed 42 --niji 6", Parameters("fox", seed=42, version="niji 6")),
        ("fox --zoom 1.5", Parameters("fox", zoom=1.5)),
        ("fox --video 1 --motion high", Parameters("fox", is_video=True, motion="high")),
        ("fox --turbo", Parameters("fox", mode="Turbo")),
        ("fox --relax --ar=1:2", Parameters("fox", ratio=(1, 2), mode="Relaxed")),
        ("a well--known fox", Parameters("a well--known fox")),
        ("fox --no cats --sref random", Parameters("fox")),
    ],
)
def test_parameters_are_read(prompt: str, expected: Parameters) -> None:
    found = read_parameters(prompt)
    assert replace(found, names=frozenset()) == expected
    assert found.names == set(re.findall(r"(?<=--|\s—)[a-z]+(?= |=|$)", prompt)) - {"known"}


LINKS = [f"http://127.0.0.1:1/attachments/3/{n}/a.png?ex=1&is=2&hm=3&" for n in range(5)]


@pytest.mark.parametrize("count", [1, 2, 4, 5])
@pytest.mark.parametrize("form", ["{}", "<{}>"])
def test_the_links_of_an_edit_are_read_and_are_no_words(count: int, form: str) -> None:
    links = " ".join(map(form.format, LINKS[:count]))
    for prompt in (f"a hat --edit {links} --v 8.2", f"a --edit {links} hat --v 8.2"):
        found = read_parameters(prompt)
        assert found.edits == edit_links(prompt) == tuple(LINKS[:count])
        assert (found.words, found.version) == ("a hat", "8.2")


def test_an_edit_without_links_has_none_and_keeps_its_words() -> None:
    found = read_parameters("a --edit hat")
    assert (found.words, found.edits, "edit" in found.names) == ("a hat", (), True)


def test_no_prompt_is_slow_to_read() -> None:
    hostile = "a " + "--edit http://x " * 20_000
    assert len(edit_links(hostile)) == 20_000


@pytest.mark.parametrize(
    ("prompt", "title"),
    [
        ("", "empty_prompt"),
        (" --ar 1:1", "empty_prompt"),
        ("fox --ar wide", "invalid_parameter"),
        ("fox --ar 0:1", "invalid_parameter"),
        ("fox --ar 15:1", "invalid_parameter"),
        ("fox --ar", "invalid_parameter"),
        ("fox --seed 4294967296", "invalid_parameter"),
        ("fox --seed x", "invalid_parameter"),
        ("fox --zoom 3", "invalid_parameter"),
        ("fox --zoom far", "invalid_parameter"),
    ],
)
def test_a_meaningless_value_is_refused(prompt: str, title: str) -> None:
    with pytest.raises(BadPrompt) as refused:
        read_parameters(prompt)
    assert refused.value.title == title
    assert refused.value.details


def test_a_rewritten_prompt_has_single_spaces_and_its_parameters_last_and_in_order() -> None:
    assert rewritten("a  red —v 7 fox\n--ar 3:2 --no cats") == "a red fox --ar 3:2 --no cats --v 7"
    assert collapsed(" a \t b —v 7 ") == "a b --v 7"


def test_links_become_short_and_stay_the_same_for_the_same_url() -> None:
    url = "https://example.com/cat.png"
    said = with_short_links(f"{url} and <{url}> as a fox")
    assert said == f"{short_link(url)} and {short_link(url)} as a fox"
    assert short_link(url).startswith("<https://s.mj.run/")
    assert short_link(url) != short_link(url + "?")


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("a red fox --ar 3:2", "a_red_fox_ar_3_2"),
        ("  ** fox ** ", "fox"),
        ("лиса", ""),
        ("word " * 40, ("word_" * 12).strip("_")),
    ],
)
def test_file_names_hold_the_words_cut_short(prompt: str, words: str) -> None:
    assert file_words(prompt) == words


def test_a_shortened_prompt_lacks_words_and_keeps_its_parameters() -> None:
    assert shortened("a very red fox —ar 3:2 --v 7") == "a red --ar 3:2 --v 7"
    assert shortened("a very red") == "a red"


def test_a_prompt_is_a_part_when_words_are_left_out() -> None:
    assert is_part("a fox", "a red fox, running --v 7")
    assert not is_part("a fox", "a fox")
    assert not is_part("fox a", "a red fox")
    assert not is_part("", "a red fox")


def test_a_prompt_resembles_its_own_in_other_case_and_its_long_beginning() -> None:
    asked = "a " + "very " * 20 + "red fox"
    assert resembles("A  red fox --v 7", "a red fox <https://127.0.0.1/a.png>")
    assert resembles(asked[:100], asked)
    assert resembles(asked[:110] + "\u2026", asked)
    assert not resembles(asked[:99], asked)
    assert not resembles(asked, asked[:100])
    assert not resembles("a red", "a red fox")
