from __future__ import annotations

import pytest

from waystation.engine.request import check_prompt
from waystation.errors import InvalidRequest
from waystation.midjourney.commands import COMMANDS


@pytest.mark.parametrize("prompt", ["a {red, blue} fox", "a fox --repeat 3"])
def test_a_prompt_that_asks_for_several_results_is_refused(prompt: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_prompt(COMMANDS["imagine"], {"prompt": prompt})
    assert "Submit each by itself" in (refused.value.details or "")


def test_a_text_that_draws_nothing_may_have_braces() -> None:
    check_prompt(COMMANDS["imagine"], {"prompt": "a red fox"})
    check_prompt(COMMANDS["shorten"], {"prompt": "a {red, blue} fox"})
