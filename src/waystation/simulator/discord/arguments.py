"""Arguments: what was given to a command, checked against the options that it has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from waystation.simulator.discord.call import Call
from waystation.simulator.discord.commands import (
    ATTACHMENT,
    SUB_COMMAND,
    SUB_GROUP,
    Command,
    Option,
)
from waystation.simulator.discord.files import Files, Picture
from waystation.simulator.discord.languages import default_name
from waystation.simulator.discord.refusals import invalid_form
from waystation.simulator.payload import Payload, objects

__all__ = ["Arguments", "read_arguments"]

_MAX_STRING_CHARS = 6000
"""Source: Discord, limit of a text option."""


@dataclass(slots=True)
class Arguments:
    """Values by the kind of option they came in."""

    verb: str
    """The command's name with those of the commands below it, as the bot calls it."""
    texts: dict[str, str] = field(default_factory=dict)
    pictures: list[Picture] = field(default_factory=list)
    """In the order in which they were given."""


def read_arguments(command: Command, data: Payload, call: Call, files: Files) -> Arguments:
    """Read the options of a command.

    Raises: Refused: an option of another name or type, one that is missing, or a file that was
        never uploaded
    """
    path, known, given = [command.name], command.options, objects(data, "options")
    while known and known[0].type in (SUB_COMMAND, SUB_GROUP):
        chosen = _only(known, given)
        path.append(chosen.name)
        known, given = chosen.options, objects(given[0], "options")
    arguments = Arguments(" ".join(path))
    for option, value in _matched(known, given):
        if option.type == ATTACHMENT:
            arguments.pictures.append(_attachment(data, str(value), call, files))
        else:
            arguments.texts[option.name] = _text(value)
    return arguments


def _only(known: tuple[Option, ...], given: list[Payload]) -> Option:
    """Return the command below a command that was chosen."""
    found = [
        option for option in known if given and option.name == default_name(given[0].get("name"))
    ]
    if len(given) != 1 or not found or found[0].type != given[0].get("type"):
        raise invalid_form("data.options", "BASE_TYPE_CHOICES", "Unknown option.")
    return found[0]


def _matched(known: tuple[Option, ...], given: list[Payload]) -> Iterator[tuple[Option, object]]:
    by_name = {option.name: option for option in known}
    names = {default_name(one.get("name")) for one in given}
    if any(option.required and option.name not in names for option in known):
        raise invalid_form("data.options", "BASE_TYPE_REQUIRED", "This field is required")
    for one in given:
        option = by_name.get(str(default_name(one.get("name"))))
        if option is None or one.get("type") != option.type:
            raise invalid_form("data.options", "BASE_TYPE_CHOICES", "Unknown option.")
        yield option, one.get("value")


def _text(value: object) -> str:
    text = str(value)
    if len(text) > _MAX_STRING_CHARS:
        raise invalid_form("data.options", "BASE_TYPE_MAX_LENGTH", "Must be 6000 or fewer.")
    return text


def _attachment(data: Payload, number: str, call: Call, files: Files) -> Picture:
    """Find the file that an option names by the number of its attachment."""
    part = call.body.files.get(f"files[{number}]")
    if part is not None:
        return files.keep(part.filename, part.data, part.content_type, call.caller.user_id)
    for attachment in objects(data, "attachments"):
        if str(attachment.get("id")) == number:
            slot = files.slot(str(attachment.get("uploaded_filename")))
            if slot is not None and slot.picture is not None:
                return slot.picture
    raise invalid_form("data.attachments", "UPLOADED_FILE_NOT_FOUND", "File was not uploaded.")
