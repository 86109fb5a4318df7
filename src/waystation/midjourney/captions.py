"""Captions: the line under a picture, `**prompt** - Variations by <@user> (31%) (fast)`, in parts.

Prompts are written by callers and may imitate any part, so the parts are read only after the last
`**`, and nothing that identifies a job is ever taken from here (R20).

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Caption", "caption_of", "drawn_prompt", "is_interim", "prompt_key"]


@dataclass(frozen=True, slots=True)
class Caption:
    """What a caption says.

    `deed` is what the bot did, in lower case: `variations (strong)`, `image #2`, `pan left`; empty
    for a plain picture. `percent` is 0 to 100. `state` is the last one named.
    """

    prompt: str
    deed: str = ""
    user_id: str | None = None
    percent: int | None = None
    state: str | None = None

    @property
    def stopped(self) -> bool:
        """Whether the job was given up."""
        return self.state == "Stopped"

    @property
    def unfinished(self) -> bool:
        """Whether the bot is still at work. Source: wire notes 4.2, decisive final test."""
        return self.percent is not None or self.state in ("Waiting to start", "paused")


_OPENINGS = "|".join(
    (
        r"Making variations for image #\d+ with prompt ",
        r"Upscaling image #\d+ with ",
        r"Creating video with prompt ",
    )
)

_CAPTION = re.compile(
    rf"(?P<opening>{_OPENINGS})?"
    r"\*\*(?P<prompt>.*)\*\*"
    r"(?: - (?P<image>Image #\d)| - (?P<deed>[^<*]*?) by| -)"
    r"(?: <@!?(?P<user_id>\d+)>)?"
    r"(?: \[\(Open on website[^\]]*\]\(<?https?://[^)>]+>?\))?"
    r"(?: \((?P<percent>\d{1,3})%\))?"
    r"(?: \((?P<state>Waiting to start|Stopped|paused|(?:fast|relaxed|relax|turbo)"
    r"(?:, ?stealth)?)\))*"
    r"\s*",
    re.DOTALL,
)
"""Source: wire notes 4.1, grammar and regex kit."""

_FOOTER = re.compile(r"(?:\n-# [^\n]*)+\s*\Z")
"""Small print that the bot appends. Source: wire notes 4.1, others."""

_INTERIM = ("Displaying...", "Animating...")
"""Source: wire notes 4.1, others."""

_DEEDS = {"upscaling": "upscaled", "remix": "variations"}
"""First words that mean the same. Source: wire notes 4.1, upscale and variations."""


def caption_of(content: str) -> Caption | None:
    """Read a message's content, None when it is no caption."""
    match = _CAPTION.fullmatch(_FOOTER.sub("", content))
    if match is None:
        return None
    percent = match["percent"]
    return Caption(
        prompt=match["prompt"],
        deed=_deed(match["image"] or match["deed"] or match["opening"] or ""),
        user_id=match["user_id"],
        percent=None if percent is None else min(int(percent), 100),
        state=match["state"],
    )


def _deed(text: str) -> str:
    words = text.casefold().split()
    if words[:1] == ["making"]:
        return "variations"
    if words[:2] == ["upscaling", "image"]:
        return f"image {words[2]}"
    if words[:1] == ["creating"]:
        return ""
    return " ".join([_DEEDS.get(word, word) for word in words[:1]] + words[1:])


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
    own = (prompt for prompt in asked if prompt_key(prompt) == drawn)
    return next(own, caption.prompt)


def prompt_key(prompt: str) -> str:
    """Return what two prompts have in common when the bot cannot be told apart by them.

    The bot replaces links, collapses spaces and rewrites parameters (wire notes 4.1), so these do
    not count.
    """
    text = _PARAMETERS.sub("", f" {prompt}")
    return " ".join(_LINK.sub("", text).split()).casefold()
