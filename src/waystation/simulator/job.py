"""What somebody asked of the bot, and what the bot keeps in mind while it works on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

from waystation.simulator.files import Files, Picture
from waystation.simulator.ids import Now
from waystation.simulator.payload import Payload
from waystation.simulator.pictures import Look
from waystation.simulator.world import Account, Channel, User, World

__all__ = ["Ask", "Draft", "Ending", "Job", "Scene", "Write"]


class Ending(StrEnum):
    """How the book says that a job ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    MODERATED = "moderated"
    HALTED = "halted"
    """The bot wants a person before anything else."""
    VANISHED = "vanished"
    """The acknowledgement was deleted and no result came."""


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


@dataclass(frozen=True, slots=True)
class Draft:
    """What a message says, before it has an id, a time and an author."""

    content: str = ""
    embeds: tuple[Payload, ...] = ()
    components: tuple[Payload, ...] = ()
    flags: int = 0


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
    acknowledgement: Payload | None = None
    """The first message, as history keeps it."""
    birth: Payload | None = None
    """The first message as it was announced, with its nonce."""
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Scene:
    """What a writer of messages may look at beside the job."""

    world: World
    files: Files
    now: Now
    new_id: Callable[[], str]


Write = Callable[[Job, Scene], Draft]
"""Words of one message of the bot."""
