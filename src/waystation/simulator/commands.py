"""The command index: which slash commands exist, as Discord lists them.

Discord and the bot name a command by id; ids are stable, versions change. The index also lists a
second application whose `/info` comes first, because a client that looks by name alone must fail.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from dataclasses import dataclass

from waystation.simulator.payload import Payload
from waystation.wire.interaction import MIDJOURNEY_APPLICATION_ID

__all__ = [
    "COMMANDS",
    "DECOY_APPLICATION_ID",
    "Command",
    "applications",
    "command_of",
    "index",
    "index_version",
]

DECOY_APPLICATION_ID = "1000000000000000001"
"""Another bot of the guild that owns an `/info` too. Source: the trap of wire notes 1.3."""

_INDEX_VERSION = 1240021480897511445
_CONTEXTS = [0, 1, 2]
_CHAT_INPUT = 1
_STRING = 3
_ATTACHMENT = 11


@dataclass(frozen=True, slots=True)
class Command:
    """One slash command.

    Source: ids and versions of the index snapshot of 2024-05-14, wire notes 3.1.
    """

    name: str
    id: str
    version: int
    description: str
    options: tuple[tuple[int, str, str, bool], ...] = ()
    """Option type, name, description, required."""
    application_id: str = MIDJOURNEY_APPLICATION_ID

    def version_at(self, generation: int) -> str:
        """Return the version after so many changes of the index."""
        return str(self.version + generation)

    def payload(self, generation: int) -> Payload:
        """Write the command as the index lists it."""
        return {
            "id": self.id,
            "application_id": self.application_id,
            "version": self.version_at(generation),
            "default_member_permissions": None,
            "type": _CHAT_INPUT,
            "name": self.name,
            "description": self.description,
            "dm_permission": True,
            "contexts": _CONTEXTS,
            "integration_types": [0, 1],
            "global_popularity_rank": 1,
            "options": [
                {"type": kind, "name": name, "description": about, "required": required}
                for kind, name, about, required in self.options
            ],
        }


COMMANDS: tuple[Command, ...] = (
    Command(
        "info",
        "1000000000000000002",
        1237876415471550000,
        "Someone else's info",
        application_id=DECOY_APPLICATION_ID,
    ),
    Command(
        "describe",
        "1092492867185950852",
        1237876415471554625,
        "Writes a prompt based on your image.",
        (
            (_ATTACHMENT, "image", "The image to describe", False),
            (_STRING, "link", "The link of the image to describe", False),
        ),
    ),
    Command("info", "972289487818334209", 1237876415735660565, "View information about you."),
)
"""Every command of the index; one row each, its script is the row of `bot.SCRIPTS`."""


def command_of(application_id: str, command_id: str) -> Command | None:
    """Return the command of an application by its id."""
    for command in COMMANDS:
        if (command.application_id, command.id) == (application_id, command_id):
            return command
    return None


def applications() -> list[Payload]:
    """Write the applications that own the commands."""
    return [
        _application(DECOY_APPLICATION_ID, "Other Bot"),
        _application(MIDJOURNEY_APPLICATION_ID, "Midjourney Bot"),
    ]


def index_version(generation: int) -> str:
    """Return the version of the whole index."""
    return str(_INDEX_VERSION + generation)


def index(generation: int, application_id: str | None = None) -> Payload:
    """Write the index, of all applications or of one."""
    return {
        "applications": [app for app in applications() if application_id in (None, app["id"])],
        "application_commands": [
            command.payload(generation)
            for command in COMMANDS
            if application_id in (None, command.application_id)
        ],
        "version": index_version(generation),
    }


def _application(application_id: str, name: str) -> Payload:
    return {
        "id": application_id,
        "name": name,
        "description": "",
        "icon": None,
        "bot_id": application_id,
        "flags": "8953856",
    }
