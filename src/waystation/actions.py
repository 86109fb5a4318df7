"""Action: the few things that can be asked of Discord, in its nouns.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from waystation.jobs import Nonce

__all__ = [
    "Accepted",
    "Action",
    "AnswerModal",
    "Option",
    "Outcome",
    "Paint",
    "Press",
    "React",
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

    `type` is Discord's option type: 1 subcommand, 3 text, 11 attachment. An attachment's value is
    the index into the command's uploads; a subcommand has options instead of a value.
    """

    type: int
    name: str
    value: str | int | None = None
    options: Sequence[Option] = ()


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


@dataclass(frozen=True, slots=True)
class Press:
    """A press of a button of a bot message; all of it is copied from that message."""

    message_id: str
    message_flags: int
    custom_id: str
    value: str | None = None
    """The choice, where a menu is used and no button (wire notes 3.3)."""


@dataclass(frozen=True, slots=True)
class AnswerModal:
    """A filled-in modal; all ids are copied from the event that opened it (wire notes 3.5)."""

    modal_id: str
    custom_id: str
    values: Mapping[str, str]
    """Text by the custom_id of the text input."""


@dataclass(frozen=True, slots=True)
class React:
    """An emoji put under a message; the envelope makes the bot send a seed (wire notes 4.10)."""

    message_id: str
    emoji: str


@dataclass(frozen=True, slots=True)
class Paint:
    """The area to paint anew, sent to the activity that a press opened (wire notes 3.6).

    `mask` is a PNG or WebP; white is painted anew, which no source states and is our reading.
    """

    token: str
    mask: bytes
    prompt: str


Action = Slash | Press | AnswerModal | React | Paint


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
    """Meaning of the refusal (R51).

    `captcha`, `unauthorized`, `blocked`: a person is asked for. `rate_limited`. `outdated`: our
    command index is. `target`: what the caller has named is gone. `account`: it may not do this
    here. `invalid`: all else.
    """
    retry_after_s: float | None = None
    discord_code: str = ""
    """Discord's own number for it, empty for none."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may have been executed: 5xx, reset or time-out. Looked up, never sent again (R12)."""

    reason: str


Outcome = Accepted | Refused | Unknown
