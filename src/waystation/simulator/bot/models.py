"""RULES: which parameters a model refuses, one row each.

Which model takes what: Midjourney's notes of 2026 on V8 and on the Edit model. What the bot answers
was never captured, so the sentences are ours.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from waystation.simulator.bot.prompts import BadPrompt, Parameters

__all__ = ["MOST_EDITED", "RULES", "Rule", "check"]

_V8 = frozenset({"8.1", "8.2"})
_REFERRING = frozenset({"6", "6.1", "niji 6"})
_WEIGHTED = re.compile(r"\S::")
MOST_EDITED = 4
"""Pictures that `--edit` takes."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One parameter, or a way to write, that not every model takes."""

    name: str
    found: Callable[[Parameters], bool]
    takes: Callable[[str], bool]
    """True when a model, by its version, takes it."""


def _flag(*names: str) -> Callable[[Parameters], bool]:
    return lambda asks: not asks.names.isdisjoint(names)


RULES: tuple[Rule, ...] = (
    Rule("--q", _flag("q", "quality"), lambda version: version not in _V8),
    Rule("::", lambda asks: bool(_WEIGHTED.search(asks.words)), lambda version: version not in _V8),
    Rule("--turbo", _flag("turbo"), lambda version: version not in _V8),
    Rule("--oref", _flag("oref"), lambda version: version == "7"),
    Rule("--ow", _flag("ow"), lambda version: version == "7"),
    Rule("--cref", _flag("cref"), lambda version: version in _REFERRING),
    Rule("--cw", _flag("cw"), lambda version: version in _REFERRING),
    Rule("--edit", _flag("edit"), lambda version: version in _V8),
)


def check(asks: Parameters, version: str) -> None:
    """Refuse what a model does not take.

    Raises: BadPrompt
    """
    for rule in RULES:
        if rule.found(asks) and not rule.takes(version):
            named = version if version.startswith("niji") else f"version {version}"
            raise BadPrompt("invalid_parameter", f"{rule.name} is not compatible with {named}")
    if "edit" not in asks.names:
        return
    if not 1 <= len(asks.edits) <= MOST_EDITED:
        raise BadPrompt("invalid_parameter", f"--edit takes 1 to {MOST_EDITED} image links")
    if "tile" in asks.names:
        raise BadPrompt("invalid_parameter", "--tile is not compatible with --edit")
