"""A script's rows in time, and the ways in which a fault bends them.

`after_s` is the bot's own delay at speed 1: it is varied by the seed and divided by the speed.
`wait_s` is added by faults, in real seconds. Every function takes a timeline and returns another.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass, replace
from enum import Enum, StrEnum, auto
from typing import assert_never

from waystation.simulator.bot.gallery import Paint, finished, preview
from waystation.simulator.bot.job import Ending, Job, Write
from waystation.simulator.discord.messages import Draft
from waystation.simulator.discord.sessions import Disturbance
from waystation.simulator.payload import Payload

__all__ = [
    "At",
    "Kind",
    "PERCENTS",
    "Step",
    "Timeline",
    "Who",
    "acknowledge",
    "before_acknowledgement",
    "deleted_first",
    "drawn",
    "duplicated",
    "finish",
    "insert",
    "late_result",
    "opening",
    "queued",
    "replying",
    "thinned",
    "through_acknowledgement",
    "without_result",
]


PERCENTS = (0, 15, 31, 46, 62, 78, 93)
"""Progress that the bot may report; it shows 3 to 6 of these. Units: percent."""


class Kind(Enum):
    """The deed of a step."""

    INTERACTION_CREATE = auto()
    INTERACTION_SUCCESS = auto()
    INTERACTION_FAILURE = auto()
    CREATE = auto()
    """A new message."""
    UPDATE = auto()
    """An edit of the acknowledgement."""
    DELETE = auto()
    """The acknowledgement is deleted."""
    ANNOUNCE = auto()
    """The create event of the acknowledgement, sent late."""
    RESULT = auto()
    """A new message that is the result."""
    WITHDRAW = auto()
    """The result is deleted."""
    REVISE = auto()
    """An edit of the message whose button was pressed."""
    REMOVE = auto()
    """The message whose button was pressed is deleted."""
    DIRECT = auto()
    """A new message in the user's direct channel with the bot."""
    EVENT = auto()
    """Another gateway event for the asking user."""
    GATEWAY = auto()
    """Something happens to the asking user's gateway sessions."""
    BYSTANDER = auto()
    """Somebody else asks the bot for the same."""
    BRANCH = auto()
    """The other jobs begin that one press asked for."""
    STOP = auto()
    """The job of the pressed message is given up."""
    SLOT = auto()
    """Wait until the account has a free slot."""
    PAUSE = auto()
    """Nothing happens but time."""


class Who(Enum):
    """The writer of a message, or another person who asks."""

    BOT = 1
    IMPOSTOR = 2
    OWNER = 3
    FOREIGNER = 4


class At(StrEnum):
    """Moments of a job that a fault can name."""

    RECEIVED = "received"
    ACKNOWLEDGED = "acknowledged"
    BEFORE_FINAL = "before_final"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class Step:
    """One row of a timeline."""

    kind: Kind
    after_s: float = 0.0
    wait_s: float = 0.0
    write: Write | None = None
    first: bool = False
    """This message is the acknowledgement."""
    nonce: bool = False
    refers: bool = False
    """The message refers to the acknowledgement."""
    ends: Ending | None = None
    published: bool = True
    """False: history has it, the gateway never said it."""
    times: int = 1
    partial: bool = False
    """An update that carries only what changed."""
    who: Who = Who.BOT
    alike: bool = False
    """Whoever else asks is answered under the same hazards."""
    event: tuple[str, Callable[[Job], Payload]] | None = None
    disturb: tuple[Disturbance, int] | None = None
    link_life_s: float | None = None
    paint: Paint | None = None
    """The pictures that are drawn before the message is written."""
    progress: bool = False
    """A progress report; the bot leaves some out."""
    traced: bool = True
    """The message names the interaction that it answers."""
    discloses: bool = True
    """A progress report shows the job's uuid, in its button and its file's name."""
    replies: bool = False
    """A result that refers to its own acknowledgement."""


Timeline = tuple[Step, ...]


def opening(interaction_s: float = 0.15) -> Timeline:
    """Return what Discord itself says after an interaction. Source: wire notes 2.7."""
    return (
        Step(Kind.INTERACTION_CREATE, after_s=interaction_s),
        Step(Kind.INTERACTION_SUCCESS, after_s=0.1),
    )


def acknowledge(flags: int, after_s: float = 0.25) -> Step:
    """Return the bot's first message: empty, "thinking", with the nonce."""
    return Step(
        Kind.CREATE,
        after_s=after_s,
        write=lambda job, scene: Draft(flags=flags),
        first=True,
        nonce=True,
    )


def finish(write: Write, after_s: float) -> Step:
    """Return the edit of the acknowledgement that brings the result."""
    return Step(Kind.UPDATE, after_s=after_s, write=write, ends=Ending.COMPLETED)


def drawn(waiting: Write, running: Callable[[int], Write], result: Write) -> Timeline:
    """Return the way of a picture: it waits, grows, is there, and its progress goes.

    About 36 s at speed 1. Source: wire notes 4.3; the order of wire notes 11.16.
    """
    reports = (
        Step(
            Kind.UPDATE,
            after_s=4.5,
            write=running(percent),
            paint=preview(percent) if percent else None,
            progress=True,
        )
        for percent in PERCENTS
    )
    return (
        *opening(),
        Step(Kind.CREATE, after_s=0.25, write=waiting, first=True, nonce=True),
        *reports,
        Step(Kind.RESULT, after_s=3.0, write=result, paint=finished, ends=Ending.COMPLETED),
        Step(Kind.DELETE, after_s=0.3),
    )


def thinned(timeline: Timeline, left_out: Container[int]) -> Timeline:
    """Leave out progress reports by their number, from 0."""
    reports = [step for step in timeline if step.progress]
    gone = [step for number, step in enumerate(reports) if number in left_out]
    return tuple(step for step in timeline if step not in gone)


def deleted_first(timeline: Timeline) -> Timeline:
    """Delete the progress before the result comes, not after."""
    deletions = [step for step in timeline if step.kind is Kind.DELETE]
    kept = tuple(step for step in timeline if step.kind is not Kind.DELETE)
    return insert(kept, At.BEFORE_FINAL, *deletions)


def replying(timeline: Timeline) -> Timeline:
    """Let the result refer to its own progress."""
    return tuple(
        replace(step, replies=True) if step.kind is Kind.RESULT else step for step in timeline
    )


def before_acknowledgement(timeline: Timeline) -> Timeline:
    """Keep what happens before the bot speaks."""
    return timeline[: _first(timeline)]


def through_acknowledgement(timeline: Timeline) -> Timeline:
    """Keep everything up to the bot's first message."""
    return timeline[: _first(timeline) + 1]


def without_result(timeline: Timeline) -> Timeline:
    """Leave out the step that ends the job, what follows it, and the end of its progress."""
    return tuple(step for step in timeline[: _last(timeline)] if step.kind is not Kind.DELETE)


def late_result(timeline: Timeline, seconds: float) -> Timeline:
    """Let the result come later, in real seconds."""
    return tuple(replace(step, wait_s=seconds) if step.ends else step for step in timeline)


def duplicated(timeline: Timeline, times: int) -> Timeline:
    """Say every message event more than once."""
    spoken = (Kind.CREATE, Kind.UPDATE, Kind.RESULT, Kind.REVISE)
    return tuple(replace(step, times=times) if step.kind in spoken else step for step in timeline)


def insert(timeline: Timeline, at: At, *steps: Step) -> Timeline:
    """Put steps at a moment of the job; right after the moment, or before it if it says so."""
    match at:
        case At.RECEIVED:
            index = 0
        case At.ACKNOWLEDGED:
            index = _first(timeline) + 1
        case At.BEFORE_FINAL:
            index = _last(timeline)
        case At.FINAL:
            index = _last(timeline) + 1
        case _:
            assert_never(at)
    return (*timeline[:index], *steps, *timeline[index:])


def queued(timeline: Timeline, notice: Write, start_after_s: float | None = None) -> Timeline:
    """Say "Job queued" with the nonce, then start later without it.

    Args: start_after_s: None waits for a free slot
    Source: wire notes 6.2, row "Job queued"
    """
    index = _first(timeline)
    told = Step(Kind.CREATE, after_s=0.25, write=notice, nonce=True)
    wait = Step(Kind.SLOT) if start_after_s is None else Step(Kind.PAUSE, wait_s=start_after_s)
    start = replace(timeline[index], nonce=False)
    return (*timeline[:index], told, wait, start, *timeline[index + 1 :])


def _first(timeline: Timeline) -> int:
    for index, step in enumerate(timeline):
        if step.first:
            return index
    return len(timeline)


def _last(timeline: Timeline) -> int:
    for index in range(len(timeline) - 1, -1, -1):
        if timeline[index].ends:
            return index
    return len(timeline)
