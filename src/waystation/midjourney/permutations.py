"""Permutations: how many results a prompt asks for, by `{a, b}` and by `--repeat 3`.

Braces stand for each of their options in turn, and may stand within one another; `\\{`, `\\}` and
`\\,` are plain text, and so is a brace without its other half. Source: Midjourney's own pages
"Permutation Prompts" and "Repeat", as of 2025; what the bot says to them was not captured.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["MOST_COUNTED", "is_half", "results_asked"]

MOST_COUNTED = 1000
"""Where counting stops; more than the bot takes at once (40)."""

_REPEAT = re.compile(r"(?:^|\s|[{,])(?:--|—)(?:repeat|r)[\s=]+(\d{1,9})(?![\d.])", re.IGNORECASE)


@dataclass(slots=True)
class _Braces:
    """A pair of braces that is being read."""

    options: int = 0
    """Results of the options that are complete."""
    option: int = 1
    """Results of the one that is being read."""


def results_asked(prompt: str) -> int:
    """Return for how many results a prompt asks, at most MOST_COUNTED; 1 for an ordinary one."""
    repeats = (int(found[1]) for found in _REPEAT.finditer(prompt))
    return min(_permutations(prompt) * max(1, 1, *repeats), MOST_COUNTED)


def is_half(text: str, *, is_suffix: bool) -> bool:
    """Tell whether a text for one result can ask for several together with another text.

    A suffix stands behind each prompt: a number in it completes a `--repeat` at the end of the
    prompt, and its `}` closes a brace of the prompt.
    """
    whole = "{a, " + text if is_suffix else f"{text} 2"
    return results_asked(whole) > results_asked(text)


def _permutations(prompt: str) -> int:
    whole, is_open = 1, [_Braces()]
    skipped = False
    for sign in prompt:
        innermost = is_open[-1]
        if skipped or sign == "\\":
            skipped = not skipped
        elif sign == "{":
            is_open.append(_Braces())
        elif sign == "," and len(is_open) > 1:
            innermost.options = min(innermost.options + innermost.option, MOST_COUNTED)
            innermost.option = 1
        elif sign == "}" and len(is_open) > 1:
            is_open.pop()
            outer = is_open[-1]
            outer.option = min(outer.option * (innermost.options + innermost.option), MOST_COUNTED)
    # what was never closed is text; what was closed within it counts
    for braces in is_open:
        whole = min(whole * max(1, braces.option), MOST_COUNTED)
    return whole
