"""ServiceLimits: the numbers of the callers' use cases, from the settings.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from waystation.engine.intake import MOST_URLS

__all__ = ["QueueLimits", "ServiceLimits"]


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """Numbers from the settings."""

    wait: timedelta
    """How long a job may wait."""
    per_user: int
    """Jobs of one user that may wait."""


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """Numbers from the settings."""

    first_answer_s: float
    first_edit_s: float
    """How long a POST waits for the first edit of an empty first message (R2)."""
    lane: int
    a_minute: int | None
    """Jobs that one account takes within a minute; None: any number."""
    pictures_per_user: int
    """Pictures of one user that are taken in at once."""
    pictures: int
    picture_bytes: int
    """Of the largest picture that is fetched."""
    input_bytes: int
    """Of pictures that one user may have waiting to be sent."""
    queue: QueueLimits

    @property
    def fetched_bytes(self) -> tuple[int, int]:
        """Bytes of fetched pictures that are not asked yet: most of one user, most in all.

        One request can have all its pictures, however large they are, while nobody else has any.
        """
        per_user = max(self.pictures_per_user, MOST_URLS)
        in_all = max(self.pictures, 2 * per_user)
        return per_user * self.picture_bytes, in_all * self.picture_bytes
