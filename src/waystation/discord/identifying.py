"""Pauses between the IDENTIFYs of one Discord user, over all its sessions.

How it works: Discord allows one IDENTIFY in five seconds, and resets a token after 1,000 in a day.
A session that can be resumed needs none. A Discord user may begin many sessions all the same: its
account is set up again and again, or Discord forgets each session. After three hundred IDENTIFYs in
a day the pause between two is ten minutes, so that a day has 444 at most. No person has to act.

Sources: wire notes 2.4; the three hundred and the ten minutes are our choice.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

__all__ = ["A_DAY", "FREE", "GAP", "LONG_GAP", "MOST_A_DAY", "pause", "waiting"]

A_DAY: Final = timedelta(days=1)
"""Span in which Discord counts IDENTIFYs."""

GAP: Final = timedelta(seconds=5)
"""Discord allows one IDENTIFY in this time. Source: wire notes 2.4."""

FREE: Final = 300
"""IDENTIFYs of a Discord user and day after which the pause is long."""

LONG_GAP: Final = timedelta(minutes=10)
"""Pause after that many."""

MOST_A_DAY: Final = FREE + A_DAY // LONG_GAP
"""IDENTIFYs of a Discord user in any day, at most."""


def pause(sent: Sequence[datetime], now: datetime) -> timedelta:
    """Return how long a Discord user must wait before it sends IDENTIFY; zero: it may now.

    Args: sent: its IDENTIFYs, oldest first; those after `now` are of a wrong clock
    """
    recent = [at for at in sent if now - A_DAY < at <= now]
    if not recent:
        return timedelta()
    gap = GAP if len(recent) < FREE else LONG_GAP
    return max(timedelta(), recent[-1] + gap - now)


def waiting(wait: timedelta) -> str:
    """Say why an account is not connected that must wait before its next session."""
    return (
        f"Waystation has begun {FREE} sessions or more of this Discord user within 24 h. It begins "
        f"the next one in {math.ceil(wait.total_seconds() / 60)} min, so that Discord does not "
        "reset the token"
    )
