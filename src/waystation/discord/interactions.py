"""Interactions: which commands a place offers, and the body that asks one of them.

Rules: ids and versions of commands are only ever taken from the index, because versions change
(wire notes 3.1). An index lists other applications' commands too, under the same names.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import UNSET

from waystation.actions import Slash, Submission
from waystation.wire.interaction import (
    ApplicationCommand,
    CommandAttachment,
    CommandData,
    CommandIndex,
    CommandInteraction,
    CommandOption,
    InteractionType,
)

__all__ = ["commands_by_name", "encode_interaction"]

_CHAT_INPUT: Final = 1
"""Slash commands; 2 and 3 are context menus. Source: Discord, Application Command Types."""


def commands_by_name(index: CommandIndex, application_id: str) -> Mapping[str, ApplicationCommand]:
    """Return an application's slash commands by their unlocalised name."""
    return {
        command.name_default or command.name: command
        for command in index.application_commands
        if command.application_id == application_id and command.type == _CHAT_INPUT
    }


def encode_interaction(
    submission: Submission, command: ApplicationCommand, session_id: str
) -> bytes:
    """Return the body of POST /interactions.

    Args: session_id: of the live gateway session, which gets the interaction's events
    """
    slash: Slash = submission.action
    interaction = CommandInteraction(
        type=InteractionType.APPLICATION_COMMAND,
        application_id=command.application_id,
        guild_id=UNSET if submission.guild_id is None else submission.guild_id,
        channel_id=submission.channel,
        session_id=session_id,
        nonce=submission.nonce,
        data=CommandData(
            version=command.version,
            id=command.id,
            name=slash.name,
            type=command.type,
            options=[CommandOption(o.type, o.name, o.value) for o in slash.options],
            attachments=[
                CommandAttachment(str(number), file.filename, file.uploaded_filename)
                for number, file in enumerate(slash.attachments)
            ],
        ),
    )
    return msgspec.json.encode(interaction)
