"""Action: the few things that can be asked of Discord, in its nouns.

More variants (press, modal answer, message menu, reaction) join with the verbs that need them.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from waystation.jobs import Nonce

__all__ = [
    "Accepted",
    "Action",
    "Option",
    "Outcome",
    "Refused",
    "Slash",
    "Submission",
    "Unknown",
    "Upload",
    "Uploaded",
]


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a slash command.

    `type` is Discord's option type: 3 text, 11 attachment; an attachment's value is the index into
    the command's uploads.
    """

    type: int
    name: str
    value: str | int


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to be put where Discord's applications can read it."""

    filename: str
    content_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file that Discord holds, ready to be named in an interaction."""

    filename: str
    uploaded_filename: str


@dataclass(frozen=True, slots=True)
class Slash:
    """A chat-input command of the bot. Its id and version come from the command index."""

    name: str
    options: Sequence[Option] = ()
    attachments: Sequence[Uploaded] = ()


Action = Slash


@dataclass(frozen=True, slots=True)
class Submission:
    """An action with its nonce and place, as handed to Discord at most once."""

    nonce: Nonce
    channel: str
    guild_id: str | None
    """None in the bot's direct messages."""
    action: Action


@dataclass(frozen=True, slots=True)
class Accepted:
    """Discord answered 2xx: it passed the interaction to the bot. No more than that."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A definite Discord 4xx: nothing was executed (R12).

    `body` is Discord's answer as text, cut to 2,000 characters. `kind` is what it means.
    """

    status: int
    body: str
    kind: str
    """`rate_limited` | `captcha` | `unauthorized` | `forbidden` | `outdated` | `invalid`."""
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may have been executed: 5xx, reset or time-out. Looked up, never sent again (R12)."""

    reason: str


Outcome = Accepted | Refused | Unknown
