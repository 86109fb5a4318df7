"""COMMANDS: one row per verb; what a caller may ask for, how it is asked, and how it ends.

From a row come the REST route, its validation, the CLI subcommand, the deadlines and the docs.
Command ids and versions are never here: they change, so `discord.rest` asks Discord's index.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from waystation.jobs import Job
from waystation.midjourney.replies import ReplyKind
from waystation.midjourney.results import mode_shown, remix_shown, remix_switched

__all__ = [
    "COMMANDS",
    "MAX_JOBS",
    "MAX_LANE",
    "MODES",
    "MODE_VERBS",
    "REMIX_VERBS",
    "SHOWN_AGAIN",
    "AnswersAt",
    "Command",
    "Param",
    "ParamKind",
]

MAX_JOBS: Final = 15
"""Most jobs with a slot on one account. Source: v2 notes 5, Pro and Mega plans."""

MAX_LANE: Final = 50
"""Most jobs without a slot that wait on one account (R16)."""


class AnswersAt(StrEnum):
    """When the POST answers (R2)."""

    ASKED = "asked"
    """Where no first message comes before the result."""
    STARTED = "started"
    FINAL = "final"


class ParamKind(StrEnum):
    """The kind of a verb's own field."""

    PICTURE = "picture"
    """A URL that Waystation fetches, or a file part of a form in its place; becomes an upload."""
    PICTURES = "pictures"
    """Several of them: a list of URLs, numbered file parts, or both; URLs first."""
    TEXT = "text"
    CHOICE = "choice"
    """One of the keys of `choices`; its value is what the bot is told."""
    MASK = "mask"
    """A PNG or WebP in base64, with or without a data: prefix."""
    PARENT = "parent"
    """The jobid of an earlier job; the job keeps and shows it as `parentJobId`."""


_INPUTS = (ParamKind.PICTURE, ParamKind.PICTURES, ParamKind.PARENT)


@dataclass(frozen=True, slots=True)
class Param:
    """A verb's own field.

    `option` is the name of the bot's option that it becomes, None when it becomes none. What goes
    into an option that has a text already is appended to it. `file_part` is the form's file part
    that may stand in for a picture (an addition to v2); those of PICTURES are numbered from 1.

    Units: `longest` characters of a text; `fewest` and `most` pictures
    """

    name: str
    kind: ParamKind
    required: bool
    option: str | None
    file_part: str | None
    help: str
    longest: int = 5000
    fewest: int = 1
    most: int = 1
    choices: Mapping[str, str] = field(default_factory=dict)
    beside: str | None = None
    """Another field, without which this one means nothing."""
    draws: bool = False
    """A text that pictures are drawn from, or that ends one."""
    is_suffix: bool = False
    """The text ends each later prompt."""


@dataclass(frozen=True, slots=True)
class Command:
    """One verb."""

    verb: str
    slash: str | None
    """The bot's command name in the index, and its subcommands after spaces; None when a job of the
    caller is pressed or reacted to."""
    help: str
    answers_at: AnswersAt
    finished_by: frozenset[ReplyKind]
    """Reply kinds that complete it."""
    takes_slot: bool
    """True when it counts against maxJobs; verbs without share one lane per account (R16)."""
    reply_in_history: bool
    """True when the reply can be read back; ephemeral replies cannot (R29)."""
    bad_input_status: int
    """HTTP status for bad replyUrl, replyRef and maxJobs: 412 on describe, else 400 (R5)."""
    source: str
    params: Sequence[Param] = ()
    replies_progress: bool = False
    """True when what comes before the end is delivered too, unless the request says otherwise."""
    reaction: str | None = None
    """The emoji that asks, put under the parent's message."""
    shows_own: bool = True
    """True when its result is its own; `show` shows that of another job, and takes no uuid (I1)."""
    shows_prompt: bool = True
    """True when the captions of its pictures have a prompt; a blend has none (wire notes 4.5)."""
    of_its_account: bool = False
    """True when the bot finds what it names for the account alone that has drawn it."""
    tells_mode: Callable[[Job], str | None] | None = None
    """Reads from a completed job in which mode the account is: fast, relax or turbo."""
    tells_remix: Callable[[Job], bool] | None = None
    """Reads from a completed job whether the account is in remix mode."""

    @property
    def needs_inputs(self) -> bool:
        """Tell whether more is needed to ask than its params: pictures, or a message."""
        return any(param.kind in _INPUTS for param in self.params)


def _saying(
    verb: str,
    slash: str,
    kind: ReplyKind,
    help: str,
    source: str,
    *params: Param,
    tells_mode: Callable[[Job], str | None] | None = None,
    tells_remix: Callable[[Job], bool] | None = None,
) -> Command:
    """Return the row of a verb that is answered at once, to the asking user only."""
    return Command(
        verb=verb,
        slash=slash,
        help=help,
        answers_at=AnswersAt.FINAL,
        finished_by=frozenset({kind}),
        takes_slot=False,
        reply_in_history=False,
        bad_input_status=400,
        source=source,
        params=params,
        tells_mode=tells_mode,
        tells_remix=tells_remix,
    )


def _switching(mode: str) -> Command:
    """Return the row of a verb that switches the account to a mode."""
    return _saying(
        mode,
        mode,
        ReplyKind.DONE,
        f"Switch the account to {mode} mode.",
        "v2 notes 6.7; wire notes 4.7",
        tells_mode=lambda job: mode,
    )


def _drawing(
    verb: str,
    slash: str | None,
    help: str,
    source: str,
    *params: Param,
    shows_prompt: bool = True,
) -> Command:
    """Return the row of a verb that makes pictures."""
    return Command(
        verb=verb,
        slash=slash,
        help=help,
        answers_at=AnswersAt.STARTED,
        finished_by=frozenset({ReplyKind.PICTURE}),
        takes_slot=True,
        reply_in_history=True,
        bad_input_status=400,
        source=source,
        params=params,
        shows_prompt=shows_prompt,
    )


def _text(
    name: str, option: str | None, help: str, *, required: bool = True, draws: bool = False
) -> Param:
    return Param(name, ParamKind.TEXT, required, option, None, help, draws=draws)


_PARENT = Param(
    name="jobid",
    kind=ParamKind.PARENT,
    required=True,
    option=None,
    file_part=None,
    help="The completed job that is meant",
    longest=256,
)

MODES: Mapping[str, str] = {"fast": "--fast", "relax": "--relax", "turbo": "--turbo"}
"""v2's word for a mode → how a prompt asks for it."""


def _mode(option: str | None, help: str) -> Param:
    return Param("mode", ParamKind.CHOICE, False, option, None, help, choices=MODES)


_ROWS = (
    _drawing(
        "imagine",
        "imagine",
        "Draw four pictures from a prompt.",
        "v2 notes 6.1; wire notes 4.3",
        _text("prompt", "prompt", "The picture in words, with Midjourney's parameters", draws=True),
        _mode("prompt", "fast, relax or turbo for this job only (an addition to v2)"),
    ),
    _drawing(
        "blend",
        "blend",
        "Draw four pictures from two to five.",
        "v2 notes 6.2; wire notes 3.2, 4.5",
        Param(
            name="blendUrls",
            kind=ParamKind.PICTURES,
            required=True,
            option="image",
            file_part="blendFile_",
            help="URLs of the pictures to blend",
            fewest=2,
            most=5,
        ),
        Param(
            name="blendDimensions",
            kind=ParamKind.CHOICE,
            required=False,
            option="dimensions",
            file_part=None,
            help="Portrait, Square or Landscape",
            choices={"Portrait": "--ar 2:3", "Square": "--ar 1:1", "Landscape": "--ar 3:2"},
        ),
        shows_prompt=False,
    ),
    _drawing(
        "button",
        None,
        "Press a button of a completed job.",
        "v2 notes 6.4, 12, 15; wire notes 4.4",
        _PARENT,
        Param(
            name="button",
            kind=ParamKind.TEXT,
            required=True,
            option=None,
            file_part=None,
            help="The button's label, as the job's buttons list it",
            longest=100,
        ),
        _text(
            "prompt",
            None,
            "The text for a button that asks for one",
            required=False,
            draws=True,
        ),
        _mode(None, "fast, relax or turbo, where a form opens that takes a prompt (an addition)"),
        Param(
            name="mask",
            kind=ParamKind.MASK,
            required=False,
            option=None,
            file_part=None,
            help="For Vary (Region): base64 PNG or WebP of the picture's size; white is redrawn",
        ),
    ),
    Command(
        verb="describe",
        slash="describe",
        help="Let Midjourney write four prompts for a picture.",
        answers_at=AnswersAt.STARTED,
        finished_by=frozenset({ReplyKind.DESCRIBED}),
        takes_slot=True,
        reply_in_history=True,
        bad_input_status=412,
        source="v2 notes 6.3; wire notes 5.1",
        params=(
            Param(
                name="describeUrl",
                kind=ParamKind.PICTURE,
                required=True,
                option="image",
                file_part="describeFile",
                help="URL of the picture to describe",
            ),
        ),
    ),
    Command(
        verb="shorten",
        slash="shorten",
        help="Let Midjourney shorten a prompt (an addition to v2).",
        answers_at=AnswersAt.FINAL,
        finished_by=frozenset({ReplyKind.SHORTENED}),
        takes_slot=False,
        reply_in_history=True,
        bad_input_status=400,
        source="wire notes 3.2, 5.3",
        params=(_text("prompt", "prompt", "The prompt to shorten"),),
    ),
    Command(
        verb="show",
        slash="show",
        help="Recover a job by Midjourney's job uuid (an addition to v2).",
        answers_at=AnswersAt.FINAL,
        finished_by=frozenset({ReplyKind.PICTURE}),
        takes_slot=False,
        reply_in_history=True,
        bad_input_status=400,
        source="wire notes 3.2, 4.9",
        params=(
            Param(
                name="uuid",
                kind=ParamKind.TEXT,
                required=True,
                option="job_id",
                file_part=None,
                help="Midjourney's job uuid",
                longest=36,
            ),
        ),
        shows_own=False,
        of_its_account=True,
    ),
    _saying(
        "info",
        "info",
        ReplyKind.INFO,
        "Show the account's plan, hours left and running jobs.",
        "v2 notes 6.6; wire notes 5.2",
        tells_mode=mode_shown,
    ),
    _saying(
        "settings",
        "settings",
        ReplyKind.SETTINGS,
        "Show the account's Midjourney settings, or change one (an addition to v2).",
        "wire notes 3.3, 3.4, 5.4",
        _text(
            "option", None, "The label of the option to press, as buttons lists it", required=False
        ),
        Param(
            name="state",
            kind=ParamKind.CHOICE,
            required=False,
            option=None,
            file_part=None,
            help="on or off: press only an option that is not so yet",
            choices={"on": "on", "off": "off"},
            beside="option",
        ),
        tells_mode=mode_shown,
        tells_remix=remix_shown,
    ),
    _switching("fast"),
    _switching("relax"),
    _switching("turbo"),
    _saying(
        "stealth",
        "stealth",
        ReplyKind.DONE,
        "Hide the account's pictures (an addition to v2).",
        "wire notes 3.2, 4.7",
    ),
    _saying(
        "public",
        "public",
        ReplyKind.DONE,
        "Show the account's pictures to everyone (an addition to v2).",
        "wire notes 3.2, 4.7",
    ),
    _saying(
        "remix",
        "prefer remix",
        ReplyKind.TOGGLED,
        "Turn remix mode on or off; the answer says which.",
        "v2 notes 6.7; wire notes 3.2, 4.8",
        tells_remix=remix_switched,
    ),
    _saying(
        "variability",
        "prefer variability",
        ReplyKind.TOGGLED,
        "Turn high variability mode on or off; the answer says which.",
        "v2 notes 6.7; wire notes 3.2, 4.8",
    ),
    _saying(
        "prefer_auto_dm",
        "prefer auto_dm",
        ReplyKind.TOGGLED,
        "Turn results by direct message on or off (an addition to v2).",
        "wire notes 3.2",
    ),
    _saying(
        "prefer_suffix",
        "prefer suffix",
        ReplyKind.PREFERRED,
        "Set the text that ends every prompt; without one, clear it (an addition to v2).",
        "wire notes 3.2",
        replace(
            _text("suffix", "new_value", "The text, for example --v 7", required=False, draws=True),
            is_suffix=True,
        ),
    ),
)

_ENVELOPE = "\N{ENVELOPE}\N{VARIATION SELECTOR-16}"
"""Source: wire notes 4.10."""


def _seed(verb: str, answers_at: AnswersAt) -> Command:
    return Command(
        verb=verb,
        slash=None,
        help="Ask for the seed of a completed job.",
        answers_at=answers_at,
        finished_by=frozenset({ReplyKind.SEED}),
        takes_slot=False,
        # it comes into the direct messages, whichever channel the job is in
        reply_in_history=False,
        bad_input_status=400,
        source="v2 notes 6.5; wire notes 4.10",
        params=(_PARENT,),
        reaction=_ENVELOPE,
        shows_own=False,
        replies_progress=answers_at is AnswersAt.ASKED,
    )


_SEEDS = (_seed("seed", AnswersAt.FINAL), _seed("seed_async", AnswersAt.ASKED))

COMMANDS: Mapping[str, Command] = {row.verb: row for row in (*_ROWS, *_SEEDS)}

MODE_VERBS: Final = tuple(row.verb for row in COMMANDS.values() if row.tells_mode is not None)
REMIX_VERBS: Final = tuple(row.verb for row in COMMANDS.values() if row.tells_remix is not None)
SHOWN_AGAIN: Final = frozenset(
    row.slash for row in COMMANDS.values() if row.slash is not None and not row.shows_own
)
"""The bot's commands that show another job's result."""
