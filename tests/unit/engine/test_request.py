from __future__ import annotations

import pytest

from tests.build import replace
from tests.harness.play import new_job
from waystation.engine.request import check_prompt
from waystation.errors import InvalidRequest
from waystation.midjourney.commands import COMMANDS
from waystation.wire.message import Embed


@pytest.mark.parametrize("prompt", ["a {red, blue} fox", "a fox --repeat 3"])
def test_a_prompt_that_asks_for_several_results_is_refused(prompt: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_prompt(COMMANDS["imagine"], {"prompt": prompt})
    assert "Submit each by itself" in (refused.value.details or "")


def test_a_prompt_and_a_suffix_that_ask_for_several_results_together_are_refused() -> None:
    """Each text by itself asks for one result."""
    with pytest.raises(
        InvalidRequest,
        match="prompt asks for several results together with another text; a job has one",
    ):
        check_prompt(COMMANDS["imagine"], {"prompt": "a fox --repeat"})
    with pytest.raises(InvalidRequest, match="suffix asks for several results together"):
        check_prompt(COMMANDS["prefer_suffix"], {"suffix": "blue} --v 7"})
    check_prompt(COMMANDS["imagine"], {"prompt": "a {red, blue fox"})
    check_prompt(COMMANDS["prefer_suffix"], {"suffix": "35mm film {--v 7} {"})


def test_a_text_that_draws_nothing_may_have_braces() -> None:
    check_prompt(COMMANDS["imagine"], {"prompt": "a red fox"})
    check_prompt(COMMANDS["shorten"], {"prompt": "a {red, blue} fox"})


def test_a_press_of_a_number_is_judged_by_the_prompt_that_its_parent_lists() -> None:
    listed = "1️⃣ a {red, blue} fox\n\n2️⃣ a fox --repeat 3\n\n3️⃣ a red fox"
    parent = replace(new_job("parent", "shorten"), embeds=(Embed(description=listed),))
    button = COMMANDS["button"]
    for label in ("1️⃣", "2️⃣"):
        with pytest.raises(InvalidRequest, match=r"prompt asks for \d results"):
            check_prompt(button, {"button": label}, parent)
    check_prompt(button, {"button": "3️⃣"}, parent)
    check_prompt(button, {"button": "1️⃣", "prompt": "a red fox"}, parent)
    check_prompt(button, {"button": "V1"}, parent)
