"""Captions: the line under a picture, `**prompt** - Variations by <@user> (31%) (fast)`, in parts.

Prompts are written by callers and may imitate any part, so the parts are read only after the last
`**` that they can follow, and nothing that identifies a job is ever taken from here (R20). Words
that the bot has not used before are read by their place: the deed stands before the user, how far
the bot is stands in brackets behind.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "Caption",
    "beginning_of",
    "begins",
    "caption_of",
    "drawn_prompt",
    "is_interim",
    "is_under_way",
    "prompt_key",
]


@dataclass(frozen=True, slots=True)
class Caption:
    """The parts of a caption.

    `deed` is what the bot did, in lower case: `variations (strong)`, `image #2`, `pan left`; empty
    for a plain picture. `percent` is 0 to 100. `state` is the one that says most: that the job was
    given up, that it waits, or else its mode.
    """

    prompt: str
    deed: str = ""
    user_id: str | None = None
    percent: int | None = None
    state: str | None = None

    @property
    def stopped(self) -> bool:
        """True when the job was given up."""
        return _folded(self.state) == _STOPPED

    @property
    def unfinished(self) -> bool:
        """True when the bot is still at work. Source: wire notes 4.2, decisive final test."""
        return self.percent is not None or _folded(self.state) in _WAITING


_STOPPED = "stopped"
_WAITING = ("waiting to start", "paused")
_MODE = re.compile(r"(?:fast|relaxed|relax|turbo)(?:, ?stealth)?")
"""Source: wire notes 4.1, rows queued, running, final grid and stopped."""

_OPENINGS = (
    r"Making variations for image #\d+ with prompt |Upscaling image #\d+ with "
    r"|Creating video with prompt "
)
_HEAD = re.compile(rf"(?P<opening>{_OPENINGS})?(?P<unknown>[^*\n]{{0,100}})\*\*")
"""Source: wire notes 4.1, upscale, variations and video."""

_DASH = "[-\N{EN DASH}\N{EM DASH}]"

_TAIL = re.compile(rf"\s*{_DASH}?(?P<deed>[^*\n]*?)<@!?(?P<user_id>\d+)>(?P<rest>.*)", re.DOTALL)
_NAMELESS_TAIL = re.compile(
    rf" {_DASH}(?P<deed> Image #\d+| [^<*\n]*? by)?"
    r"(?P<rest>(?:\s*(?:\([^()\n]*\)|\[[^\]\n]*\]\([^)\s]*\)))*)\s*"
)
"""Source: wire notes 4.1; 4.4, "video U" names no user."""

_LINKED = re.compile(r"\[[^\]]*\]\(<?https?://\S*\)|<?https?://\S+")
"""A link in the tail, with or without words."""

_BRACKETED = re.compile(r"\(([^()]*)\)")
_PERCENT = re.compile(rf"(?:{_MODE.pattern},? (?=\d+ ?%\Z))?(\d{{1,3}}) ?%")
"""How brackets begin that say how far the bot is; between other words it is something else."""

_LAST_WORDS = 200
"""Where a content says how far the bot is, in characters from its end."""

_FOOTER = re.compile(r"\n-# [^\n]*")
"""Small print that the bot appends. Source: wire notes 4.1, others."""

_INTERIM = ("Displaying...", "Animating...")
"""Source: wire notes 4.1, others."""

_DEEDS = {"upscaling": "upscaled", "remix": "variations"}
"""First words that mean the same. Source: wire notes 4.1, upscale and variations."""


def caption_of(content: str) -> Caption | None:
    """Read a message's content, None when it is no caption."""
    head = _HEAD.match(content)
    if head is None:
        return None
    begin, end = head.end(), content.rfind("**")
    while end >= begin:
        tail = content[end + 2 :]
        found = _TAIL.fullmatch(tail) or (
            None if head["unknown"] else _NAMELESS_TAIL.fullmatch(_FOOTER.sub("", tail))
        )
        if found is not None:
            return _read(content[begin:end], head["opening"] or "", found)
        end = content.rfind("**", begin, end + 1)
    return None


def _read(prompt: str, opening: str, tail: re.Match[str]) -> Caption:
    rest = _LINKED.sub("", _FOOTER.sub("", tail["rest"]))
    said = _BRACKETED.findall(rest)
    percents = [int(found[1]) for one in said if (found := _PERCENT.match(one))]
    deed = (tail["deed"] or "").strip().removesuffix("by").strip()
    return Caption(
        prompt=prompt,
        deed=_deed(deed or opening),
        user_id=tail.groupdict().get("user_id"),
        percent=min(percents[-1], 100) if percents else None,
        state=_state(said),
    )


def _state(said: Sequence[str]) -> str | None:
    telling = [one for one in said if _folded(one) in (_STOPPED, *_WAITING)]
    modes = [one for one in said if _MODE.fullmatch(one)]
    return next(reversed(telling or modes), None)


def _folded(state: str | None) -> str:
    return (state or "").strip().casefold()


def _deed(text: str) -> str:
    words = text.casefold().split()
    if words[:1] == ["making"]:
        return "variations"
    if words[:2] == ["upscaling", "image"]:
        return f"image {words[2]}"
    if words[:1] == ["creating"]:
        return ""
    return " ".join([_DEEDS.get(word, word) for word in words[:1]] + words[1:])


def is_under_way(content: str) -> bool:
    """Tell a content of any form whose last brackets say that the bot is still at work."""
    said = _BRACKETED.findall(content[-_LAST_WORDS:])
    return any(_PERCENT.match(one) or _folded(one) in (_STOPPED, *_WAITING) for one in said)


def is_interim(content: str) -> bool:
    """Tell a content that only says that the bot is at work."""
    return content.startswith(_INTERIM)


_LINK = re.compile(r"<?https?://\S+")
_PARAMETERS = re.compile(r"\s(?:--|—)\w.*\Z", re.DOTALL)


def drawn_prompt(content: str | None, asked: Sequence[str]) -> str:
    """Return what a finished message was drawn from, as it was asked where that is known.

    The bot repeats a prompt with short links and other parameters. Of those who asked before, one
    may have asked for something that was not drawn.

    Args: asked: prompts along presses of presses, the nearest first
    """
    caption = caption_of(content or "")
    if caption is None:
        return next(iter(asked), "")
    drawn = prompt_key(caption.prompt)
    own = (one for one in asked if (key := prompt_key(one)) == drawn or begins(drawn, key))
    return next(own, caption.prompt)


_CUT_LINK = re.compile(r" <?ht{0,2}(?:p|ps|ps?:/{0,2})?\Z")
"""The first letters of a link; a longer beginning is a link to `prompt_key` already."""

_CUT_OFF = " .\u2026\u2014-<"
"""Signs that may stand where a prompt was cut: dots, or the first sign of a parameter or link."""

_BEGINNING = 100
"""Fewest characters of a cut prompt that are compared with a longer one (R20)."""


def beginning_of(key: str) -> str | None:
    """Return by what a prompt's key may be known when it is cut, None for one too short for it."""
    return key[:_BEGINNING] if len(key) >= _BEGINNING else None


def begins(shown: str, asked: str) -> bool:
    """Tell whether a prompt's key is the cut beginning of another's, long enough to tell (R20)."""
    shown = _CUT_LINK.sub("", shown.rstrip(_CUT_OFF)).rstrip(_CUT_OFF)
    return len(shown) >= _BEGINNING and asked.startswith(shown)


def prompt_key(prompt: str) -> str:
    """Return what two prompts have in common when the bot cannot be told apart by them.

    The bot replaces links, collapses spaces and rewrites parameters (wire notes 4.1), so these do
    not count.
    """
    text = _PARAMETERS.sub("", f" {prompt}")
    return " ".join(_LINK.sub("", text).split()).casefold()
