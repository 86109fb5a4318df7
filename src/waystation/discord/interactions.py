"""Interactions: which commands a place offers, and the body that asks one of them.

Rules: ids and versions of commands are only ever taken from the index, because versions change
(wire notes 3.1). An index lists other applications' commands too, under the same names.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET

from waystation.actions import AnswerModal, Option, Paint, Press, React, Slash, Submission
from waystation.errors import LocalProtocolError
from waystation.wire.interaction import (
    ApplicationCommand,
    CommandAttachment,
    CommandData,
    CommandIndex,
    CommandInteraction,
    CommandOption,
    ComponentData,
    ComponentInteraction,
    InteractionType,
    ModalData,
    ModalInteraction,
    ModalRow,
    ModalText,
)
from waystation.wire.message import ComponentType

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
    submission: Submission,
    command: ApplicationCommand | None,
    session_id: str,
    application_id: str,
) -> bytes:
    """Return the body of POST /interactions.

    Args: command: the index's entry of a slash command, None for other actions; session_id: of the
    live gateway session, which gets the interaction's events
    """
    place: dict[str, Any] = {
        "application_id": application_id,
        "guild_id": UNSET if submission.guild_id is None else submission.guild_id,
        "channel_id": submission.channel,
        "session_id": session_id,
        "nonce": submission.nonce,
    }
    match submission.action:
        case React() | Paint():
            raise LocalProtocolError("a reaction or a mask is no interaction")
        case Slash() as slash:
            assert command is not None, "a slash command has an entry"
            return msgspec.json.encode(
                CommandInteraction(
                    InteractionType.APPLICATION_COMMAND, data=_command(slash, command), **place
                )
            )
        case Press(message_id, flags) as press:
            return msgspec.json.encode(
                ComponentInteraction(
                    InteractionType.MESSAGE_COMPONENT,
                    message_id=message_id,
                    message_flags=flags,
                    data=_component(press),
                    **place,
                )
            )
        case answer:
            return msgspec.json.encode(
                ModalInteraction(InteractionType.MODAL_SUBMIT, data=_modal(answer), **place)
            )


def _component(press: Press) -> ComponentData:
    if press.value is None:
        return ComponentData(ComponentType.BUTTON, press.custom_id)
    select = ComponentType.SELECT
    return ComponentData(select, press.custom_id, type=select, values=(press.value,))


def _modal(answer: AnswerModal) -> ModalData:
    rows = [ModalRow([ModalText(name, value)]) for name, value in answer.values.items()]
    return ModalData(answer.modal_id, answer.custom_id, rows)


def _command(slash: Slash, command: ApplicationCommand) -> CommandData:
    return CommandData(
        version=command.version,
        id=command.id,
        name=slash.name,
        type=command.type,
        options=[_option(option) for option in slash.options],
        attachments=[
            CommandAttachment(str(number), file.filename, file.uploaded_filename)
            for number, file in enumerate(slash.attachments)
        ],
    )


def _option(option: Option) -> CommandOption:
    if option.value is None:
        inner = [_option(one) for one in option.options]
        return CommandOption(option.type, option.name, options=inner)
    return CommandOption(option.type, option.name, option.value)
