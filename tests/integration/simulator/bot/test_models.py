from __future__ import annotations

import pytest

from waystation.simulator.bot.buttons import MODELS
from waystation.simulator.bot.models import RULES, check
from waystation.simulator.bot.prompts import BadPrompt, read_parameters

LINK = "http://127.0.0.1:1/attachments/3/7/a.png"
TAKEN_BY = {
    "fox --q 2": {"3", "4", "5.2", "6", "6.1", "7", "niji 6", "niji 7"},
    "fox --quality 1": {"3", "4", "5.2", "6", "6.1", "7", "niji 6", "niji 7"},
    "a fox::2 b": {"3", "4", "5.2", "6", "6.1", "7", "niji 6", "niji 7"},
    "fox --turbo": {"3", "4", "5.2", "6", "6.1", "7", "niji 6", "niji 7"},
    f"fox --oref {LINK}": {"7"},
    "fox --ow 100": {"7"},
    f"fox --cref {LINK}": {"6", "6.1", "niji 6"},
    "fox --cw 10": {"6", "6.1", "niji 6"},
    f"a hat --edit {LINK}": {"8.1", "8.2"},
    "fox --raw --sv 7 --exp 10 --p --hd": set(MODELS),
    f"{LINK} fox": set(MODELS),
}


@pytest.mark.parametrize("prompt", TAKEN_BY)
@pytest.mark.parametrize("version", MODELS)
def test_a_model_refuses_what_it_does_not_take(prompt: str, version: str) -> None:
    asks = read_parameters(prompt)
    if version in TAKEN_BY[prompt]:
        check(asks, version)
        return
    with pytest.raises(BadPrompt) as refused:
        check(asks, version)
    assert refused.value.title == "invalid_parameter"
    assert version in str(refused.value)


@pytest.mark.parametrize("links", [0, 5])
def test_an_edit_takes_one_to_four_pictures(links: int) -> None:
    with pytest.raises(BadPrompt, match="1 to 4"):
        check(read_parameters(f"a hat --edit {' '.join([LINK] * links)}"), "8.2")


def test_an_edit_takes_no_tile() -> None:
    with pytest.raises(BadPrompt, match="--tile"):
        check(read_parameters(f"a hat --edit {LINK} --tile"), "8.2")


def test_no_rule_is_there_twice() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
