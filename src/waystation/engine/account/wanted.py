"""Wanted: what is to be read back of a channel's history, and for whom.

It decides nothing: whoever finds that something was missed notes it here, and `recovery` reads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from waystation.gateway_events import SessionState
from waystation.jobs import JobId

__all__ = ["Wanted"]


class Wanted:
    """Readings that one account waits for: of jobs, of gaps, and late ones."""

    def __init__(self) -> None:
        self.jobids: set[JobId] = set()
        self.is_due = False
        """True: a job is judged after the reading."""
        self.bell = asyncio.Event()
        """Set when something is wanted for what lives."""
        self.session: SessionState | None = None
        """The session after a gap that is not bridged yet."""
        self.gaps = 0
        """Gaps so far."""
        self.late = asyncio.Event()
        """Set while history is to be read for ghosts, or for what was asked before."""

    def begin(self) -> None:
        """Begin anew with a new hold; what was wanted under an old one is found again."""
        self.jobids.clear()
        self.is_due, self.session = False, None
        self.bell.clear()
        self.late.clear()

    def want(self, jobids: Iterable[JobId], *, is_due: bool) -> None:
        """Read history for these jobs soon.

        Args: is_due: a job is judged after it
        """
        self.jobids.update(jobids)
        self.is_due = self.is_due or is_due
        self.bell.set()

    def taken(self) -> frozenset[JobId]:
        """Return the jobs whose reading begins now; it is due no more."""
        jobids = frozenset(self.jobids)
        self.jobids.clear()
        self.is_due = False
        return jobids

    def want_late(self) -> None:
        """Read history for ghosts that have missed something, and for what was asked before."""
        self.late.set()

    def torn(self) -> None:
        """Note that something was missed: a reading that is under way does not have it."""
        self.gaps += 1

    def missed(self, session: SessionState) -> None:
        """Read back what was missed before this session; `torn` was called before."""
        self.session = session
        self.bell.set()

    def applied(self, sequence: int | None) -> None:
        """Remember the last gateway event that was applied while a gap is read back."""
        if self.session is not None and sequence is not None:
            latest = max(sequence, self.session.sequence)
            self.session = replace(self.session, sequence=latest)

    @property
    def gap(self) -> bool:
        """Tell whether something was missed that is not read back yet."""
        return self.session is not None
