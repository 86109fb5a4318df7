"""Rotation: which of the waiting jobs an account takes next.

How it works: the highest priority goes first. Within one class of priority the users have turns by
weight, and of one user the oldest job goes first. Each account counts its own turns: a turn begins
where the newest turn of the account has begun, or where the user's own last one ends, whichever is
later, and lasts 1 / weight. The turn that would begin first is next. So nobody saves turns up while
nothing of theirs waits, and nobody waits for more than one turn of each other user of the same
weight. This is start-time fair queueing (Goyal, Vin and Cheng, 1996).

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

__all__ = [
    "HIGHEST_PRIORITY",
    "LOWEST_PRIORITY",
    "MOST_WEIGHT",
    "USUAL_PRIORITY",
    "Head",
    "Turn",
    "first",
    "highest",
    "next_turn",
]

LOWEST_PRIORITY: Final = 1
USUAL_PRIORITY: Final = 3
HIGHEST_PRIORITY: Final = 5

MOST_WEIGHT: Final = 100


@dataclass(frozen=True, slots=True)
class Head:
    """The first job of a user that an account could take now."""

    jobid: str
    user_id: int
    priority: int
    number: int
    """Counts the jobs of the queue; a smaller one is older."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The last turn of a user on one account, in one class of priority."""

    user_id: int
    number: int
    """Counts the turns of that account and class."""
    began: float
    ends: float


def highest(heads: Sequence[Head]) -> Sequence[Head]:
    """Return the heads of the highest priority."""
    top = max((head.priority for head in heads), default=0)
    return [head for head in heads if head.priority == top]


def first(heads: Sequence[Head], turns: Sequence[Turn]) -> Head | None:
    """Return the job that is next; None without any.

    Args: heads: one per user, all of one priority; turns: the last ones of that class
    """
    last = {turn.user_id: turn for turn in turns}

    def order(head: Head) -> tuple[float, int, int]:
        turn = last.get(head.user_id)
        return _begins(turns, turn), 0 if turn is None else turn.number, head.number

    return min(heads, key=order, default=None)


def next_turn(turns: Sequence[Turn], user_id: int, weight: int) -> Turn:
    """Return the turn that a user takes now. Args: turns: the last ones of the class"""
    own = next((turn for turn in turns if turn.user_id == user_id), None)
    newest = max((turn.number for turn in turns), default=0)
    began = _begins(turns, own)
    return Turn(user_id, newest + 1, began, began + 1 / weight)


def _begins(turns: Sequence[Turn], own: Turn | None) -> float:
    """Return where a user's next turn begins. Args: own: the last one, None for none"""
    newest = max(turns, key=lambda turn: turn.number, default=None)
    reached = 0.0 if newest is None else newest.began
    return reached if own is None else max(reached, own.ends)
