"""REPLIES: the kinds of bot messages, and how to tell them.

A row looks at `Facts` only, and knows no other row. Where several fit, the first one counts: their
order is their precedence.
What a message says beside its kind is in reading.py, what the bot's refusals mean in refusals.py.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from msgspec import UNSET

from waystation.midjourney.buttons import CANCEL_JOB, all_components, names_job
from waystation.midjourney.captions import Caption, caption_of, is_interim, is_under_way
from waystation.midjourney.refusals import (
    GIVEN_UP,
    HUMAN_CHECK,
    Ending,
    Meaning,
    content_meaning,
    embed_meaning,
)
from waystation.midjourney.results import (
    info_result,
    seed_of,
    seed_result,
    settings_result,
    shorten_result,
)
from waystation.wire.message import Embed, Message, MessageFlag

__all__ = ["REPLIES", "Facts", "Reply", "ReplyKind", "facts", "meaning_of", "rich_embeds"]


class ReplyKind(StrEnum):
    """The kind of a bot message."""

    ACKNOWLEDGED = "acknowledged"
    INFO = "info"
    DESCRIBED = "described"
    DONE = "done"
    TOGGLED = "toggled"
    PREFERRED = "preferred"
    SETTINGS = "settings"
    SHORTENED = "shortened"
    SEED = "seed"
    RATED = "rated"
    PROGRESS = "progress"
    PICTURE = "picture"
    ERROR = "error"
    WARNING = "warning"
    UNRECOGNISED = "unrecognised"


@dataclass(frozen=True, slots=True)
class Facts:
    """The parts of a message that the rows look at."""

    content: str
    embed: Embed | None
    """Of several, the one that says most (`_rank`)."""
    has_attachments: bool
    previews: bool
    """True when all attachments are named as the bot names what is not finished."""
    results: bool
    """True when all attachments are named after a job, and none as a preview."""
    custom_ids: frozenset[str]
    answers: bool
    """True when it is the response to an interaction."""
    command: str
    """The slash command's name, empty when not known."""
    caption: Caption | None
    says_content: bool
    """True when the message said anything at all about content or embeds."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One kind of bot message."""

    kind: ReplyKind
    fits: Callable[[Facts], bool]
    source: str
    result: Callable[[Message], Mapping[str, object]] | None = None
    """Reads what the answer means, for the job form."""


_CAPTCHA_COMPONENT = "MJ::Captcha"
"""Source: wire notes 6.3."""

_WARNING_COLOURS = frozenset({16776960, 16239475})
"""Yellow and orange embeds warn and end nothing. Source: wire notes 6.1."""

_RICH = (None, "rich")
"""Types of embeds that a bot writes; Discord adds others when it unfolds links (notes 2.7)."""

_PREVIEW_NAME = re.compile(r"(?:[0-9a-f-]{36}_)?(?:grid_\d+|\d+_step_\d+)\.\w+", re.IGNORECASE)
"""A finished picture's name begins with the user's. Source: wire notes 4.2, file names."""

_SHORTEN_BUTTON = "MJ::Job::PromptAnalyzer"
_SETTINGS_BUTTON = "MJ::Settings::"
"""How custom_ids begin. Source: wire notes 3.4."""

_SWITCHED = re.compile(r"\bturned (?:on|off)\b")
"""Source: wire notes 4.8."""

_KEYCAP_ONE = "1\N{VARIATION SELECTOR-16}\N{COMBINING ENCLOSING KEYCAP}"


def _has_captcha(facts: Facts) -> bool:
    return any(custom_id.startswith(_CAPTCHA_COMPONENT) for custom_id in facts.custom_ids)


def _is_stopped(facts: Facts) -> bool:
    """Tell whether the job was given up."""
    if facts.caption is not None and facts.caption.stopped:
        return True
    known = content_meaning(facts.content)
    return known is not None and known.ending is Ending.STOPPED


def _is_cut_short(facts: Facts) -> bool:
    return _has_captcha(facts) or _is_stopped(facts)


def _is_info_embed(embed: Embed) -> bool:
    return "your info" in (embed.title or "").casefold()


def _is_info(facts: Facts) -> bool:
    return facts.embed is not None and _is_info_embed(facts.embed)


def _is_shortened_embed(embed: Embed) -> bool:
    return embed.footer is not None and "shortened prompts" in (embed.footer.text or "")


def _is_shortened(facts: Facts) -> bool:
    if facts.embed is None:
        return False
    return _is_shortened_embed(facts.embed) or _has_button(facts, _SHORTEN_BUTTON)


def _is_described_embed(embed: Embed) -> bool:
    if embed.title or not embed.description:
        return False
    return embed.description.startswith(_KEYCAP_ONE) or embed.image is not None


def _is_described(facts: Facts) -> bool:
    return facts.embed is not None and _is_described_embed(facts.embed)


def _is_bare(facts: Facts) -> bool:
    """Tell whether it has nothing but content and components."""
    return facts.embed is None and not facts.has_attachments


def _is_settings(facts: Facts) -> bool:
    return _is_bare(facts) and _has_button(facts, _SETTINGS_BUTTON)


def _is_seed(facts: Facts) -> bool:
    return facts.embed is None and seed_of(facts.content) is not None


def _is_known_error(facts: Facts) -> bool:
    if facts.embed is not None and embed_meaning(facts.embed) is not None:
        return True
    return not facts.has_attachments and content_meaning(facts.content) is not None


def _is_acknowledged(facts: Facts) -> bool:
    return facts.answers and facts.says_content and not facts.content and _is_bare(facts)


def _is_sentence(facts: Facts) -> bool:
    """Tell whether it says something, and nothing but content."""
    return _is_bare(facts) and facts.caption is None


def _is_done(facts: Facts) -> bool:
    return _is_sentence(facts) and facts.content.startswith("Done!")


def _is_rated(facts: Facts) -> bool:
    return _is_sentence(facts) and facts.content.startswith("You have successfully rated ")


def _is_toggled(facts: Facts) -> bool:
    return _is_sentence(facts) and _SWITCHED.search(facts.content) is not None


def _is_preferred(facts: Facts) -> bool:
    said = facts.command.startswith("prefer ") and bool(facts.content)
    return _is_sentence(facts) and said


def _is_finished(facts: Facts) -> bool:
    """Tell a finished picture from a preview.

    The caption says so when it reports no progress; a button to press says so, if it is not the one
    that gives the job up; and without any button, so does a file that is not named as a preview.
    """
    if facts.caption is not None and facts.caption.unfinished:
        return False
    if any(not custom_id.startswith(CANCEL_JOB) for custom_id in facts.custom_ids):
        return True
    if facts.custom_ids:
        return False
    if facts.caption is not None:
        return not facts.previews
    # a sentence of a new form; who is meant is known by an id or not at all
    silent = not facts.says_content or is_interim(facts.content)
    return facts.results and not silent and not is_under_way(facts.content)


def _is_picture(facts: Facts) -> bool:
    return facts.has_attachments and _is_finished(facts)


def _warns(facts: Facts) -> bool:
    """Tell whether its embed has the colour of warnings."""
    return facts.embed is not None and facts.embed.color in _WARNING_COLOURS


def _is_progress(facts: Facts) -> bool:
    shown = facts.caption is not None or is_interim(facts.content)
    return shown and (facts.embed is None or _warns(facts))


def _is_warning(facts: Facts) -> bool:
    return _warns(facts)


def _is_strange_embed(facts: Facts) -> bool:
    """Tell whether it has an embed that no row above knows: such are the bot's complaints."""
    return facts.embed is not None and not (facts.has_attachments and facts.caption is None)


def _has_button(facts: Facts, beginning: str) -> bool:
    return any(custom_id.startswith(beginning) for custom_id in facts.custom_ids)


REPLIES: Sequence[Reply] = (
    # whatever else it shows
    Reply(ReplyKind.ERROR, _is_cut_short, "wire notes 6.3, 4.1: a human check, or (Stopped)"),
    Reply(
        ReplyKind.INFO,
        _is_info,
        "wire notes 5.2: embed titled Your info",
        lambda message: info_result(_embed(message)),
    ),
    Reply(
        ReplyKind.SHORTENED,
        _is_shortened,
        "wire notes 5.3: footer names the shortened prompts",
        lambda message: shorten_result(_embed(message)),
    ),
    Reply(ReplyKind.DESCRIBED, _is_described, "wire notes 5.1: untitled embed, four paragraphs"),
    Reply(
        ReplyKind.SETTINGS,
        _is_settings,
        "wire notes 5.4: only components",
        lambda message: settings_result(message.components or ()),
    ),
    Reply(
        ReplyKind.SEED,
        _is_seed,
        "wire notes 4.10: direct message with job uuid and seed",
        lambda message: seed_result(message.content or ""),
    ),
    # before pictures, because an error may have the picture that it complains of
    Reply(ReplyKind.ERROR, _is_known_error, "wire notes 6.1, 6.2: a title of ERRORS"),
    Reply(ReplyKind.ACKNOWLEDGED, _is_acknowledged, "wire notes 5.1, 5.2: empty first message"),
    Reply(ReplyKind.DONE, _is_done, "wire notes 4.7: content begins Done!"),
    Reply(ReplyKind.RATED, _is_rated, "wire notes 4.4: the answer to a heart"),
    Reply(ReplyKind.TOGGLED, _is_toggled, "wire notes 4.8; v2 notes 6.7: turned on or off"),
    Reply(ReplyKind.PREFERRED, _is_preferred, "wire notes 3.2: any word on /prefer; not captured"),
    Reply(ReplyKind.PICTURE, _is_picture, "wire notes 4.2: decisive final test"),
    Reply(ReplyKind.PROGRESS, _is_progress, "wire notes 4.1: unfinished caption"),
    Reply(ReplyKind.WARNING, _is_warning, "wire notes 6.1: yellow or orange embed"),
    Reply(ReplyKind.ERROR, _is_strange_embed, "wire notes 6.1: an embed of another title"),
)
"""The first row that fits says what a message is: what is sure stands before what is wide."""


def facts(message: Message) -> Facts:
    """Return what the rows look at. Args: message: as `unfolded` gives it"""
    return Facts(
        content=message.content or "",
        embed=_embed(message),
        has_attachments=bool(message.attachments),
        previews=all(
            _PREVIEW_NAME.fullmatch(attachment.filename) is not None
            for attachment in message.attachments or ()
        ),
        results=all(
            names_job(attachment.filename) and not _PREVIEW_NAME.fullmatch(attachment.filename)
            for attachment in message.attachments or ()
        ),
        custom_ids=frozenset(
            one.custom_id for one in all_components(message.components or ()) if one.custom_id
        ),
        answers=message.nonce is not None
        or message.interaction is not None
        or message.interaction_metadata is not None
        or bool((message.flags or 0) & MessageFlag.LOADING),
        command=_command(message) or "",
        caption=caption_of(message.content or ""),
        says_content=message.content is not UNSET or message.embeds is not UNSET,
    )


def rich_embeds(message: Message) -> tuple[Embed, ...]:
    """Return the embeds that the bot wrote itself."""
    return tuple(embed for embed in message.embeds or () if embed.type in _RICH)


def _embed(message: Message) -> Embed | None:
    return min(rich_embeds(message), key=_rank, default=None)


def _rank(embed: Embed) -> int:
    """Return how little an embed says beside others: an error outweighs a warning before it."""
    meaning = embed_meaning(embed)
    if meaning is not None:
        return 0 if meaning.ending is Ending.HALT else 1
    if _is_info_embed(embed) or _is_shortened_embed(embed) or _is_described_embed(embed):
        return 2
    return 4 if embed.color in _WARNING_COLOURS else 3


def _command(message: Message) -> str | None:
    if message.interaction is not None and message.interaction.name:
        return message.interaction.name
    return message.interaction_metadata.name if message.interaction_metadata else None


def meaning_of(facts: Facts) -> Meaning:
    """Return what a message means that the row of errors claims."""
    embed = facts.embed
    if _has_captcha(facts):
        return Meaning(
            Ending.HALT,
            (embed.title if embed else None) or HUMAN_CHECK,
            (embed.description if embed else None) or facts.content or None,
        )
    if _is_stopped(facts):
        return Meaning(Ending.STOPPED, GIVEN_UP, facts.content)
    known = content_meaning(facts.content) or (embed_meaning(embed) if embed else None)
    if known is not None:
        return known
    assert embed is not None, "no row of errors claims unknown content"
    return Meaning(Ending.TRANSIENT, embed.title or "Unknown answer of the bot", embed.description)
