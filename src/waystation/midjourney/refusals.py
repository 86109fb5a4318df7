"""ERRORS: what the bot's refusals mean in v2's words, one row per wording (R6).

Halts need a title or a structural sign, never a word of a description, which may echo the prompt
(R22). A wording that no row knows is left to the caller: it fails the job and is kept.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from waystation.wire.interaction import MIDJOURNEY_APPLICATION_ID, IframeModalCreated
from waystation.wire.message import Embed

__all__ = [
    "CODES",
    "ERRORS",
    "GIVEN_UP",
    "HUMAN_CHECK",
    "Ending",
    "ErrorRow",
    "Meaning",
    "content_meaning",
    "embed_meaning",
    "is_human_check",
    "plain",
]


class Ending(StrEnum):
    """The meaning of a bot's error for the job (classes of wire notes 6.2, outcomes of R6)."""

    MODERATED = "moderated"
    BAD_INPUT = "bad_input"
    TRANSIENT = "transient"
    BUSY = "busy"
    QUEUED = "queued"
    HALT = "halt"
    STOPPED = "stopped"


CODES: Mapping[Ending, int] = {
    Ending.MODERATED: 422,
    Ending.BAD_INPUT: 400,
    Ending.TRANSIENT: 502,
    Ending.BUSY: 429,
    Ending.QUEUED: 504,
    Ending.HALT: 596,
    Ending.STOPPED: 200,
}


@dataclass(frozen=True, slots=True)
class Meaning:
    """An error in v2's words: title in `error`, description in `details` (R6)."""

    ending: Ending
    error: str
    details: str | None

    @property
    def code(self) -> int:
        """v2's code."""
        return CODES[self.ending]


# ── what the bot's errors mean ──


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One wording. `titles` are compared without case and closing punctuation.

    `body` narrows the row to descriptions that match; rows of one title go from narrow to wide.
    """

    ending: Ending
    titles: Sequence[str]
    body: str | None = None
    source: str = "wire notes 6.2"


ERRORS: Sequence[ErrorRow] = (
    ErrorRow(Ending.MODERATED, ("Invalid link",), body=r"\bfilters?\b", source="v2 notes 3, 422"),
    ErrorRow(Ending.BAD_INPUT, ("Invalid link",)),
    ErrorRow(
        Ending.BAD_INPUT,
        (
            "Invalid parameter",
            "Invalid prompt",
            "Invalid request",
            "Empty prompt",
            "Duplicate images detected",
            "Job action restricted",
        ),
    ),
    ErrorRow(
        Ending.MODERATED,
        (
            "Banned prompt",
            "Banned prompt detected",
            "Banned image prompt",
            "Action needed to continue",
            "Image denied",
            "Request cancelled due to image filters",
            "Request cancelled due to output filters",
        ),
    ),
    ErrorRow(
        Ending.TRANSIENT,
        (
            "Sorry, something went wrong",
            "Sorry! Could not complete the job",
            "Internal error",
            "Internal server error",
            "There was an error processing your request",
            "Bad response",
        ),
    ),
    ErrorRow(Ending.QUEUED, ("Job queued",)),
    ErrorRow(Ending.BUSY, ("Queue full", "Slow Down")),
    ErrorRow(Ending.STOPPED, ("Job Cancelled",)),
    ErrorRow(
        Ending.HALT,
        (
            "Pending mod message",
            "Blocked",
            "Plan Cancelled",
            "Subscription required",
            "Subscription paused",
            "Credits exhausted",
            "Tos not accepted",
            "Action required to continue",
            "Please complete the task",
            "You are not allowed to DM with slash commands",
        ),
    ),
)

HUMAN_CHECK = "Action required to continue"
"""Title of a human check. Source: wire notes 6.3."""

_TRANSIENT_CONTENT = "failed to process your command"
"""Content of an application error; more text follows. Source: wire notes 6.2."""

GIVEN_UP = "Job Cancelled"
"""Title that the bot has for a job that was given up. Source: wire notes 6.2."""

_STOPPED = re.compile(r"\(Stopped\)\s*\Z", re.IGNORECASE)
"""The end of a stopped job's content; a prompt stands before it. Source: wire notes 4.1, 6.2."""

_INVALID = "invalid "
"""How titles begin that no row has and that all complain of the input. Source: wire notes 6.2."""

_DECLINE_FOOTER = "decline-"
"""A footer that makes an internal error a moderation. Source: wire notes 6.2."""

_CAPTCHA_PATH = "/captcha/"
"""Source: wire notes 6.3."""


def plain(title: str) -> str:
    """Return a title as it is compared: without case and closing punctuation."""
    return title.strip().rstrip(".!").casefold()


def embed_meaning(embed: Embed) -> Meaning | None:
    """Return what an error embed means, None for a title that no row knows."""
    footer = embed.footer.text if embed.footer else None
    title = embed.title or ""
    ending = _ending(title, embed.description or "", footer or "")
    if ending is None and plain(title).startswith(_INVALID):
        ending = Ending.BAD_INPUT
    return None if ending is None else Meaning(ending, title, embed.description)


def content_meaning(content: str) -> Meaning | None:
    """Return what an error in plain content means, None when it is no error."""
    if _STOPPED.search(content):
        return Meaning(Ending.STOPPED, GIVEN_UP, content)
    title, _, rest = content.partition("\n")
    if title.casefold().startswith(_TRANSIENT_CONTENT):
        return Meaning(Ending.TRANSIENT, title.strip(), rest or None)
    ending = _ending(title, rest, "")
    return None if ending is None else Meaning(ending, title.strip(), rest or None)


def is_human_check(iframe: IframeModalCreated) -> bool:
    """Tell a human check of the bot from the region editor. Source: wire notes 6.3."""
    if iframe.application is not None and iframe.application.id != MIDJOURNEY_APPLICATION_ID:
        return False
    return plain(iframe.title) == plain(HUMAN_CHECK) or iframe.iframe_path.startswith(_CAPTCHA_PATH)


def _rows_by_title() -> Mapping[str, Sequence[ErrorRow]]:
    rows: dict[str, list[ErrorRow]] = {}
    for row in ERRORS:
        for title in row.titles:
            rows.setdefault(plain(title), []).append(row)
    return rows


_BY_TITLE = _rows_by_title()


def _ending(title: str, body: str, footer: str) -> Ending | None:
    for row in _BY_TITLE.get(plain(title), ()):
        if row.body is not None and not re.search(row.body, body, re.IGNORECASE):
            continue
        if row.ending is Ending.TRANSIENT and footer.startswith(_DECLINE_FOOTER):
            return Ending.MODERATED
        return row.ending
    return None
