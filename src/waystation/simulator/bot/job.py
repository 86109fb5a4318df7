"""An ask of the bot, and the bot's notes while it works on the ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from random import Random

from waystation.simulator.bot.buttons import Button
from waystation.simulator.bot.gallery import Drawn
from waystation.simulator.bot.works import Work, Works
from waystation.simulator.discord.files import Files, Picture
from waystation.simulator.discord.ids import Now
from waystation.simulator.discord.messages import Draft
from waystation.simulator.discord.world import Account, Channel, User, World
from waystation.simulator.drawing.pictures import Look
from waystation.simulator.payload import Payload

__all__ = ["Ask", "Caption", "Ending", "Job", "Press", "Scene", "Write"]


class Ending(StrEnum):
    """How the book says that a job ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    MODERATED = "moderated"
    HALTED = "halted"
    """The bot wants a person before anything else."""
    VANISHED = "vanished"
    """The acknowledgement was deleted and no result came."""
    CANCELLED = "cancelled"
    OPENED = "opened"
    """A form or an iframe; what somebody makes of it has a page of its own."""


@dataclass(frozen=True, slots=True)
class Press:
    """A button that was pressed, or a form that it opened and somebody filled in."""

    message: Payload
    """The message that holds the button, as history keeps it."""
    button: Button
    label: str
    custom_id: str
    values: tuple[str, ...] = ()
    """The entry that was chosen from a menu."""
    text: str | None = None
    """The text of the form; None before the form was opened."""
    mask: bytes | None = None
    """The mask that was painted in the iframe of Vary (Region)."""
    opened_by: str | None = None
    """Interaction id of the press that opened the form."""

    def filled(self, text: str | None, opened_by: str, mask: bytes | None = None) -> Press:
        """Return the same press with what somebody made of the form or iframe it opened."""
        return replace(self, text=text, mask=mask, opened_by=opened_by)


@dataclass(frozen=True, slots=True)
class Ask:
    """One interaction that Discord passed on to the bot."""

    user: User
    account: Account | None
    """None when a passer-by asks."""
    channel: Channel
    verb: str
    command_id: str
    nonce: str | None = None
    session_id: str | None = None
    picture: Picture | None = None
    link: str | None = None
    by_hand: bool = False
    """Typed into Discord by a person, not sent by the client under test."""
    pictures: tuple[Picture, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    """Options that are texts, by name."""
    press: Press | None = None


@dataclass(frozen=True, slots=True)
class Caption:
    """The words around a prompt. Source: wire notes 4.1."""

    opening: str = ""
    """Before the prompt while the job waits."""
    running: str = ""
    """Between the prompt and the user, as is `final`."""
    final: str = ""
    names_mode: bool = True
    names_user: bool = True
    is_video: bool = False


@dataclass(slots=True)
class Job:
    """One ask in work."""

    ask: Ask
    number: int
    """Counts all jobs of the run; with the seed it fixes delays, prompts and ids."""
    interaction_id: str
    uuid: str
    rng: Random
    seed: int
    entry: Payload
    """Its page in the book."""
    ephemeral: bool = False
    look: Look | None = None
    link_life_s: float | None = None
    discloses: bool = True
    """True when the message that is written next may show the uuid."""
    acknowledgement: Payload | None = None
    """The first message, as history keeps it."""
    birth: Payload | None = None
    """The first message as it was announced, with its nonce."""
    result: Payload | None = None
    """The message that holds the result, as history keeps it."""
    prompt: str = ""
    """The prompt that the messages repeat between their stars."""
    mode: str = "Fast"
    work: Work | None = None
    """The work, if the job draws."""
    caption: Caption = Caption()
    drawn: tuple[Drawn, ...] = ()
    """The pictures of the message that is written next."""
    edited: tuple[Picture | None, ...] = ()
    """The pictures behind the links of `--edit`; None where nothing is."""
    model: str = "8.2"
    """The tools of a passer-by who draws."""
    form: Payload | None = None
    """The form that it has opened."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The things that a writer of messages may look at beside the job."""

    world: World
    files: Files
    now: Now
    new_id: Callable[[], str]
    works: Works


Write = Callable[[Job, Scene], Draft]
"""Words of one message of the bot."""
