"""The command index: which commands exist, as Discord lists them.

Discord and the bot name a command by id; ids are stable, versions change. The index also lists a
second application whose `/info` comes before the bot's, because a client that looks by name alone
must fail. The first row is `/imagine`: one client takes that row whatever it asks for.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from dataclasses import dataclass

from waystation.simulator.discord.languages import name_in
from waystation.simulator.options import ENGLISH
from waystation.simulator.payload import Payload
from waystation.wire.interaction import MIDJOURNEY_APPLICATION_ID

__all__ = [
    "ATTACHMENT",
    "COMMANDS",
    "DECOY_APPLICATION_ID",
    "MESSAGE_MENU",
    "STRING",
    "SUB_COMMAND",
    "SUB_GROUP",
    "Command",
    "Option",
    "applications",
    "command_of",
    "index",
    "index_version",
]

DECOY_APPLICATION_ID = "1000000000000000001"
"""Another bot of the guild that owns an `/info` too. Source: the trap of wire notes 1.3."""

_INDEX_VERSION = 1240021480897511445
_CONTEXTS = [0, 1, 2]
CHAT_INPUT = 1
MESSAGE_MENU = 3
"""Kinds of commands: typed, or chosen from the menu of a message."""
SUB_COMMAND = 1
SUB_GROUP = 2
STRING = 3
ATTACHMENT = 11
"""Kinds of options."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a command: a value, or a command of its own below it."""

    type: int
    name: str
    description: str
    required: bool = False
    options: tuple[Option, ...] = ()
    choices: tuple[tuple[str, str], ...] = ()
    """Name and value."""

    def payload(self, locale: str) -> Payload:
        """Write the option as the index lists it in a language."""
        body: Payload = {"type": self.type, "description": self.description}
        body |= name_in(locale, self.name)
        if self.type in (SUB_COMMAND, SUB_GROUP):
            return body | {"options": [option.payload(locale) for option in self.options]}
        body["required"] = self.required
        if self.choices:
            body["choices"] = [{"name": name, "value": value} for name, value in self.choices]
        return body


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Source: ids and versions of the index snapshot of 2024-05-14, wire notes 3.1.
    """

    name: str
    id: str
    version: int
    description: str
    options: tuple[Option, ...] = ()
    type: int = CHAT_INPUT
    application_id: str = MIDJOURNEY_APPLICATION_ID

    @property
    def verbs(self) -> tuple[str, ...]:
        """Return what the book calls it: its name, or the names of the commands below it."""
        return tuple(" ".join((self.name, *path)) for path in _paths(self.options)) or (self.name,)

    def version_at(self, generation: int) -> str:
        """Return the version after so many changes of the index."""
        return str(self.version + generation)

    def payload(self, generation: int, locale: str) -> Payload:
        """Write the command as the index lists it in a language."""
        return name_in(locale, self.name) | {
            "id": self.id,
            "application_id": self.application_id,
            "version": self.version_at(generation),
            "default_member_permissions": None,
            "type": self.type,
            "description": self.description,
            "dm_permission": True,
            "contexts": _CONTEXTS,
            "integration_types": [0, 1],
            "global_popularity_rank": 1,
            "options": [option.payload(locale) for option in self.options],
        }


def _paths(options: tuple[Option, ...]) -> list[tuple[str, ...]]:
    """Return the names that lead to each command below a command."""
    paths: list[tuple[str, ...]] = []
    for option in options:
        if option.type in (SUB_COMMAND, SUB_GROUP):
            deeper = _paths(option.options) or [()]
            paths += [(option.name, *path) for path in deeper]
    return paths


_PROMPT = Option(STRING, "prompt", "The prompt to imagine", required=True)
_BLEND = (
    Option(ATTACHMENT, "image1", "First image to add to the blend", required=True),
    Option(ATTACHMENT, "image2", "Second image to add to the blend", required=True),
    Option(
        STRING,
        "dimensions",
        "The dimensions of the image. If not specified, the image will be square.",
        choices=(("Portrait", "--ar 2:3"), ("Square", "--ar 1:1"), ("Landscape", "--ar 3:2")),
    ),
    *(Option(ATTACHMENT, f"image{n}", f"Image {n} to add to the blend") for n in (3, 4, 5)),
)
_PREFER = (
    Option(
        SUB_GROUP,
        "option",
        "Custom options",
        options=(
            Option(
                SUB_COMMAND,
                "set",
                "Set a custom option.",
                options=(
                    Option(STRING, "option", "The name of the option", required=True),
                    Option(STRING, "value", "The value of the option"),
                ),
            ),
            Option(SUB_COMMAND, "list", "View your current custom options."),
        ),
    ),
    Option(SUB_COMMAND, "auto_dm", "Whether to send you results directly."),
    Option(
        SUB_COMMAND,
        "suffix",
        "Suffix to put behind every prompt. Leave empty to remove.",
        options=(Option(STRING, "new_value", "The suffix"),),
    ),
    Option(SUB_COMMAND, "remix", "Toggle remix mode."),
    Option(SUB_COMMAND, "variability", "Toggle high variability mode."),
)

COMMANDS: tuple[Command, ...] = (
    Command(
        "imagine", "938956540159881230", 1237876415471554623, "Make images of a prompt", (_PROMPT,)
    ),
    Command("blend", "1062880104792997970", 1237876415471554623, "Blend images together", _BLEND),
    Command(
        "describe",
        "1092492867185950852",
        1237876415471554625,
        "Writes a prompt based on your image.",
        (
            Option(ATTACHMENT, "image", "The image to describe"),
            Option(STRING, "link", "The link of the image to describe"),
        ),
    ),
    Command(
        "shorten",
        "1121575372539039774",
        1237876415471554626,
        "Analyzes and shortens a prompt.",
        (Option(STRING, "prompt", "The prompt to shorten", required=True),),
    ),
    Command(
        "show",
        "1169435442328911902",
        1237876415471554630,
        "Shows a job by its id.",
        (Option(STRING, "job_id", "The id of the job", required=True),),
    ),
    Command(
        "info",
        "1000000000000000002",
        1237876415471550000,
        "Someone else's info",
        application_id=DECOY_APPLICATION_ID,
    ),
    Command("info", "972289487818334209", 1237876415735660565, "View information about you."),
    Command("stealth", "1065569343456419860", 1237876415735660569, "Switch to stealth mode"),
    Command("public", "972289487818334211", 1237876415735660571, "Switch to public mode"),
    Command("fast", "972289487818334212", 1237876415735660572, "Switch to fast mode"),
    Command("relax", "972289487818334213", 1237876415735660573, "Switch to relax mode"),
    Command("turbo", "1124132684143271996", 1237876415790055474, "Switch to turbo mode"),
    Command("settings", "1000850743479255081", 1237876415790055475, "View and change settings."),
    Command("prefer", "984273800587776053", 1237876415790055476, "Set your preferences.", _PREFER),
    Command("Cancel Job", "987795925764280352", 1237876415790055477, "", type=MESSAGE_MENU),
)
"""Every command of the index; one row each, its script is a row of `scripts.SCRIPTS`."""


def command_of(application_id: str, command_id: str) -> Command | None:
    """Return the command of an application by its id."""
    for command in COMMANDS:
        if (command.application_id, command.id) == (application_id, command_id):
            return command
    return None


def applications() -> list[Payload]:
    """Write the applications that own the commands."""
    return [
        _application(MIDJOURNEY_APPLICATION_ID, "Midjourney Bot"),
        _application(DECOY_APPLICATION_ID, "Other Bot"),
    ]


def index_version(generation: int) -> str:
    """Return the version of the whole index."""
    return str(_INDEX_VERSION + generation)


def index(generation: int, application_id: str | None = None, locale: str = ENGLISH) -> Payload:
    """Write the index in a language, of all applications or of one."""
    return {
        "applications": [app for app in applications() if application_id in (None, app["id"])],
        "application_commands": [
            command.payload(generation, locale)
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
