"""Limits of a service whose operator has set nothing; a test puts other numbers into their place.

`Settings()` alone has the defaults, so that a test of a part has no numbers of its own to go stale.
"""

from __future__ import annotations

from datetime import timedelta

from waystation.app import limits
from waystation.discord.buckets import Breaker
from waystation.settings import Settings

__all__ = [
    "BODY",
    "BOUNDS",
    "BREAKER",
    "FETCH",
    "GHOST_AGE",
    "OWNER",
    "PATIENCE",
    "RETENTION",
    "SERVICE",
]

_SETTINGS = Settings()

BODY = limits.body_limits(_SETTINGS)
BOUNDS = limits.bounds(_SETTINGS)
BREAKER = Breaker(_SETTINGS.breaker_invalid)
FETCH = limits.fetch_limits(_SETTINGS)
GHOST_AGE = timedelta(seconds=_SETTINGS.ghost_life_s)
OWNER = limits.owner_limits(_SETTINGS)
PATIENCE = timedelta(days=_SETTINGS.receiver_patience_days)
RETENTION = limits.retention(_SETTINGS)
SERVICE = limits.service_limits(_SETTINGS)
