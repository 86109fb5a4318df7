"""Read what one bot message says, before knowing whose it is.

`read` is tolerant: fields may be missing or unknown, and a partial update says only what it holds.
The rows of REPLIES name the kind; exactly one row claims a message, so their order hides nothing.
The rows of ERRORS say what the bot's refusals mean in v2's words (R6). Halts need a title or a
structural sign, never a word of a description, which may echo the prompt (R22).

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import unquote, urlsplit

from msgspec import UNSET

from waystation.jobs import Shown
from waystation.wire.interaction import MIDJOURNEY_APPLICATION_ID, IframeModalCreated
from waystation.wire.message import Component, Embed, Message, MessageFlag

__all__ = [
    "ERRORS",
    "REPLIES",
    "Ending",
    "ErrorRow",
    "Meaning",
    "Reading",
    "Reply",
    "ReplyKind",
    "is_human_check",
    "read",
]


class ReplyKind(StrEnum):
    """What a bot message is."""

    ACKNOWLEDGED = "acknowledged"
    INFO = "info"
    DESCRIBED = "described"
    ERROR = "error"
    WARNING = "warning"
    UNRECOGNISED = "unrecognised"


class Ending(StrEnum):
    """What an error of the bot means for the job (classes of wire notes 6.2, outcomes of R6)."""

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


@dataclass(frozen=True, slots=True)
class Reading:
    """What one message says."""

    kind: ReplyKind
    shown: Shown
    from_bot: bool | None
    """Whether Midjourney sent it; None when a partial update does not say (R18)."""
    addressee: str | None
    """The Discord user it answers, when it says so."""
    nonce: str | None
    interaction_id: str | None
    command: str | None
    """The slash command's name, for a command's response."""
    reference_id: str | None
    """The message it replies to."""
    upload_name: str | None
    """File name of the picture that an answer shows again."""
    meaning: Meaning | None
    """Set for errors."""


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
    ErrorRow(Ending.MODERATED, ("Invalid link",), body=r"\bfilters?\b", source="seed, 422"),
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
        ),
    ),
)

_TRANSIENT_CONTENT = "failed to process your command"
"""Content of an application error; more text follows. Source: wire notes 6.2."""

_DECLINE_FOOTER = "decline-"
"""A footer that makes an internal error a moderation. Source: wire notes 6.2."""

_CAPTCHA_COMPONENT = "MJ::Captcha"
"""Source: wire notes 6.3."""

_CAPTCHA_PATH = "/captcha/"
"""Source: wire notes 6.3."""

_WARNING_COLOURS = frozenset({16776960, 16239475})
"""Yellow and orange embeds warn and end nothing. Source: wire notes 6.1."""

HUMAN_CHECK = "Action required to continue"


def _plain(title: str) -> str:
    return title.strip().rstrip(".!").casefold()


def _rows_by_title() -> Mapping[str, Sequence[ErrorRow]]:
    rows: dict[str, list[ErrorRow]] = {}
    for row in ERRORS:
        for title in row.titles:
            rows.setdefault(_plain(title), []).append(row)
    return rows


_BY_TITLE = _rows_by_title()


def _ending(title: str, body: str | None, footer: str | None) -> Ending | None:
    for row in _BY_TITLE.get(_plain(title), ()):
        if row.body is not None and not re.search(row.body, body or "", re.IGNORECASE):
            continue
        if row.ending is Ending.TRANSIENT and (footer or "").startswith(_DECLINE_FOOTER):
            return Ending.MODERATED
        return row.ending
    return None


# ── kinds ──


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the rows look at."""

    content: str
    embed: Embed | None
    has_attachments: bool
    custom_ids: frozenset[str]
    answers: bool
    """Whether it is the response to an interaction."""
    says_content: bool
    """Whether the message said anything at all about content or embeds."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One kind of bot message."""

    kind: ReplyKind
    fits: Callable[[_Facts], bool]
    source: str


_KEYCAP_ONE = "1\N{VARIATION SELECTOR-16}\N{COMBINING ENCLOSING KEYCAP}"


def _is_info(facts: _Facts) -> bool:
    return facts.embed is not None and "your info" in (facts.embed.title or "").casefold()


def _is_described(facts: _Facts) -> bool:
    embed = facts.embed
    if embed is None or embed.title or not embed.description:
        return False
    return embed.description.startswith(_KEYCAP_ONE) or embed.image is not None


def _has_captcha(facts: _Facts) -> bool:
    return any(custom_id.startswith(_CAPTCHA_COMPONENT) for custom_id in facts.custom_ids)


def _is_answer(facts: _Facts) -> bool:
    return _is_info(facts) or _is_described(facts)


def _is_warning(facts: _Facts) -> bool:
    embed = facts.embed
    return (
        embed is not None
        and embed.color in _WARNING_COLOURS
        and not _is_answer(facts)
        and not _has_captcha(facts)
        and _ending(embed.title or "", embed.description, None) is None
    )


def _is_error(facts: _Facts) -> bool:
    if _has_captcha(facts):
        return True
    if facts.has_attachments or _is_answer(facts) or _is_warning(facts):
        return False
    return facts.embed is not None or _content_error(facts.content) is not None


def _is_acknowledged(facts: _Facts) -> bool:
    return (
        facts.answers
        and facts.says_content
        and not facts.content
        and facts.embed is None
        and not facts.has_attachments
        and not _has_captcha(facts)
    )


REPLIES: Sequence[Reply] = (
    Reply(ReplyKind.ACKNOWLEDGED, _is_acknowledged, "wire notes 5.1, 5.2: empty first message"),
    Reply(ReplyKind.INFO, _is_info, "wire notes 5.2: embed titled Your info"),
    Reply(ReplyKind.DESCRIBED, _is_described, "wire notes 5.1: untitled embed, four paragraphs"),
    Reply(ReplyKind.WARNING, _is_warning, "wire notes 6.1: yellow or orange embed"),
    Reply(ReplyKind.ERROR, _is_error, "wire notes 6.1, 6.2: titled embed or error content"),
)


def read(message: Message) -> Reading:
    """Read one message.

    Returns: a reading of kind UNRECOGNISED when no row fits
    """
    facts = _facts(message)
    kind = next((row.kind for row in REPLIES if row.fits(facts)), ReplyKind.UNRECOGNISED)
    interaction = message.interaction_metadata or message.interaction
    return Reading(
        kind=kind,
        shown=_info_shown(message) if kind is ReplyKind.INFO else _shown(message),
        from_bot=_from_bot(message),
        addressee=_addressee(message),
        nonce=None if message.nonce is None else str(message.nonce),
        interaction_id=None if interaction is None else interaction.id,
        command=_command(message),
        reference_id=(
            None if message.message_reference is None else message.message_reference.message_id
        ),
        upload_name=_upload_name(facts.embed),
        meaning=_meaning(facts) if kind is ReplyKind.ERROR else None,
    )


def is_human_check(iframe: IframeModalCreated) -> bool:
    """Tell a human check from the region editor. Source: wire notes 6.3."""
    return _plain(iframe.title) == _plain(HUMAN_CHECK) or iframe.iframe_path.startswith(
        _CAPTCHA_PATH
    )


def _facts(message: Message) -> _Facts:
    embeds = message.embeds or ()
    return _Facts(
        content=message.content or "",
        embed=embeds[0] if embeds else None,
        has_attachments=bool(message.attachments),
        custom_ids=frozenset(_custom_ids(message.components or ())),
        answers=message.nonce is not None
        or message.interaction is not None
        or message.interaction_metadata is not None
        or bool((message.flags or 0) & MessageFlag.LOADING),
        says_content=message.content is not UNSET or message.embeds is not UNSET,
    )


def _custom_ids(components: Sequence[Component]) -> Iterator[str]:
    for component in components:
        if component.custom_id:
            yield component.custom_id
        yield from _custom_ids(component.components)


def _content_error(content: str) -> Meaning | None:
    title, _, rest = content.partition("\n")
    if title.casefold().startswith(_TRANSIENT_CONTENT):
        return Meaning(Ending.TRANSIENT, title.strip(), rest or None)
    ending = _ending(title, rest, None) if title else None
    return None if ending is None else Meaning(ending, title.strip(), rest or None)


def _meaning(facts: _Facts) -> Meaning:
    embed = facts.embed
    if _has_captcha(facts):
        return Meaning(
            Ending.HALT,
            (embed.title if embed else None) or HUMAN_CHECK,
            (embed.description if embed else None) or facts.content or None,
        )
    if embed is None:
        known = _content_error(facts.content)
        return known or Meaning(Ending.TRANSIENT, facts.content, None)
    footer = embed.footer.text if embed.footer else None
    title = embed.title or ""
    ending = _ending(title, embed.description, footer) or Ending.TRANSIENT
    return Meaning(ending, title or "Unknown answer of the bot", embed.description)


def _shown(message: Message) -> Shown:
    return Shown(
        message_id=message.id,
        timestamp=message.timestamp or None,
        content=None if message.content is UNSET else message.content,
        embeds=tuple(message.embeds or ()),
        attachments=tuple(message.attachments or ()),
    )


def _info_shown(message: Message) -> Shown:
    """Show the embed's text as content too. Source: seed POST jobs/info, `content`."""
    shown = _shown(message)
    if shown.content or not shown.embeds:
        return shown
    return replace(shown, content=shown.embeds[0].description)


def _from_bot(message: Message) -> bool | None:
    if message.application_id is not None:
        return message.application_id == MIDJOURNEY_APPLICATION_ID and (
            message.author is UNSET or message.author.id == MIDJOURNEY_APPLICATION_ID
        )
    if message.author is UNSET:
        return None
    return message.author.id == MIDJOURNEY_APPLICATION_ID


def _addressee(message: Message) -> str | None:
    for interaction in (message.interaction_metadata, message.interaction):
        if interaction is not None and interaction.user is not None:
            return interaction.user.id
    mentions = message.mentions or ()
    return mentions[0].id if len(mentions) == 1 else None


def _command(message: Message) -> str | None:
    if message.interaction is not None and message.interaction.name:
        return message.interaction.name
    return message.interaction_metadata.name if message.interaction_metadata else None


def _upload_name(embed: Embed | None) -> str | None:
    if embed is None or embed.image is None or not embed.image.url:
        return None
    try:
        path = urlsplit(embed.image.url).path
    except ValueError:
        return None
    return unquote(path.rpartition("/")[2]) or None
