"""COMMANDS: one row per verb; what a caller may ask for, how it is asked, and how it ends.

From a row come the REST route, its validation, the CLI subcommand, the deadlines and the docs.
Command ids and versions are never here: they change, so `discord.rest` asks Discord's index.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from waystation.actions import Option, Slash, Uploaded
from waystation.midjourney.replies import ReplyKind

__all__ = ["COMMANDS", "AnswersAt", "Command", "Param", "ParamKind", "action_for"]


class AnswersAt(StrEnum):
    """When the POST answers (R2)."""

    STARTED = "started"
    FINAL = "final"


class ParamKind(StrEnum):
    """What a verb's own field holds."""

    PICTURE = "picture"
    """A URL that Waystation fetches, or a file part of a form in its place; becomes an upload."""


@dataclass(frozen=True, slots=True)
class Param:
    """A verb's own field.

    `option` is the name of the bot's option that it becomes; `file_part` the form's file part that
    may stand in for it (an addition to v2).
    """

    name: str
    kind: ParamKind
    required: bool
    option: str
    file_part: str | None
    help: str


@dataclass(frozen=True, slots=True)
class Command:
    """One verb.

    Units: `finish_within_s` None means the job time-out setting
    """

    verb: str
    slash: str
    """The bot's command name in the index."""
    help: str
    answers_at: AnswersAt
    finished_by: frozenset[ReplyKind]
    """Reply kinds that complete it."""
    takes_slot: bool
    """Whether it counts against maxJobs; verbs without share one lane per account (R16)."""
    reply_in_history: bool
    """Whether the reply can be read back; ephemeral replies cannot (R29)."""
    bad_input_status: int
    """HTTP status for bad replyUrl, replyRef and maxJobs: 412 on describe, else 400 (R5)."""
    source: str
    params: Sequence[Param] = ()


_ROWS = (
    Command(
        verb="info",
        slash="info",
        help="Show the account's plan, hours left and running jobs.",
        answers_at=AnswersAt.FINAL,
        finished_by=frozenset({ReplyKind.INFO}),
        takes_slot=False,
        reply_in_history=False,
        bad_input_status=400,
        source="seed: POST jobs/info; wire notes 5.2",
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
        source="seed: POST jobs/describe; wire notes 5.1",
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
)

COMMANDS: Mapping[str, Command] = {row.verb: row for row in _ROWS}

_ATTACHMENT_OPTION = 11
"""Discord's option type for a file. Source: application command option types."""


def action_for(command: Command, uploads: Sequence[Uploaded]) -> Slash:
    """Return what to ask of Discord.

    Args: uploads: one per picture of the command, in the order of its params
    """
    options = tuple(
        Option(type=_ATTACHMENT_OPTION, name=param.option, value=index)
        for index, param in enumerate(command.params)
    )
    return Slash(name=command.slash, options=options, attachments=tuple(uploads))
