"""Claims: the right to send callbacks, taken by the commit that writes them.

How it works: a commit writes its callbacks as claimed by this process, which then sends them at
once. A process that dies between the two leaves them to the end of their claim; the next start ends
claims of first attempts at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from waystation.callbacks import Callback

__all__ = ["UNCLAIMED", "Claim", "Claims", "Unclaimed"]


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to send some callbacks.

    Args: until: when another may claim them; None: they are due, for anybody; send_before: seconds
    of the monotonic clock after which none of them is sent any more, so that its request ends
    before the claim does
    """

    until: datetime | None
    send_before: float


UNCLAIMED = Claim(None, 0.0)
"""Callbacks are written as due."""


class Claims(Protocol):
    """The side of `Callbacks` that a commit knows."""

    def claiming(self) -> Claim:
        """Return the claim for callbacks that are about to be written."""
        ...

    def take(self, claimed: Sequence[Callback], claim: Claim) -> None:
        """Send callbacks that were written under a claim."""
        ...


class Unclaimed:
    """Claims nothing: callbacks are written as due."""

    def claiming(self) -> Claim:
        """Return no claim."""
        return UNCLAIMED

    def take(self, claimed: Sequence[Callback], claim: Claim) -> None:
        """Do nothing: nothing is claimed."""
