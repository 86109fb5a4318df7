"""Discord's time-ordered 64-bit ids.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NewType

__all__ = [
    "DISCORD_EPOCH",
    "NO_SNOWFLAKE",
    "Snowflake",
    "is_newer",
    "is_snowflake",
    "newest",
    "snowflake_at",
    "snowflake_order",
    "snowflake_time",
]

Snowflake = NewType("Snowflake", str)
"""A Discord id: a decimal string on the wire and inside."""

DISCORD_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
"""Zero of the time part. Source: Discord API reference, heading Snowflakes."""

NO_SNOWFLAKE = Snowflake("0")
"""Older than every id."""

_TIME_SHIFT = 22
"""The low 22 bits are worker, process and increment. Source: Discord, heading Snowflakes."""


def snowflake_time(snowflake: str) -> datetime:
    """Return when the id was made.

    Returns: aware UTC instant, millisecond resolution
    Raises: ValueError: not a decimal number
    """
    return DISCORD_EPOCH + timedelta(milliseconds=int(snowflake) >> _TIME_SHIFT)


def snowflake_at(moment: datetime, increment: int = 0) -> Snowflake:
    """Return the id that stands for an instant.

    Args: increment: low 22 bits, told apart ids of one millisecond
    """
    elapsed_ms = (moment - DISCORD_EPOCH) // timedelta(milliseconds=1)
    return Snowflake(str((elapsed_ms << _TIME_SHIFT) | (increment & ((1 << _TIME_SHIFT) - 1))))


def snowflake_order(one: str) -> tuple[int, str]:
    """Return by what decimal ids are sorted, the oldest first."""
    return len(one), one


def is_newer(one: str, other: str) -> bool:
    """Tell whether an id was made after another; both are decimal, the larger is the newer."""
    return snowflake_order(one) > snowflake_order(other)


def newest(*ids: str | None) -> Snowflake:
    """Return the newest of several decimal ids; `NO_SNOWFLAKE` when there is none."""
    there = (one for one in ids if one is not None)
    return Snowflake(max(there, key=snowflake_order, default=NO_SNOWFLAKE))


def is_snowflake(text: str) -> bool:
    """Tell whether a caller's text has the form of a Discord id (17 to 20 digits)."""
    return text.isascii() and text.isdigit() and 17 <= len(text) <= 20
