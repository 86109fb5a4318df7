"""Durable state of callbacks as their users see it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from waystation.callbacks import Callback, CallbackStatus
from waystation.ports.records import Delivery, LoggedAttempt, Place, SigningSecret
from waystation.receivers import Receiver

__all__ = ["Deliveries"]


class Deliveries(Protocol):
    """Deliveries: what users may know and decide of the callbacks of their jobs."""

    async def signing_secrets(self, user_id: int, at: datetime) -> Sequence[SigningSecret]:
        """Return the secrets of a user that sign at that moment, the newest first."""
        ...

    async def replace_signing_secret(
        self, secret: SigningSecret, former_until: datetime, most: int
    ) -> bool:
        """Let a new secret of a user sign, and the one before it until `former_until`.

        Args: most: how many of one user may sign at once; False when as many do already
        """
        ...

    async def page(
        self,
        user_id: int,
        jobid: str | None,
        status: CallbackStatus | None,
        before: Place | None,
        limit: int,
    ) -> Sequence[Delivery]:
        """Return a user's callbacks, newest first; of one job, or with one status, if named."""
        ...

    async def find(
        self, user_id: int, callback_id: str
    ) -> tuple[Delivery, Sequence[LoggedAttempt]] | None:
        """Return a callback of that user with its newest attempts."""
        ...

    async def add_ping(self, ping: Callback) -> None:
        """Owe a callback that is of no job."""
        ...

    async def receivers(self, user_id: int, limit: int) -> Sequence[Receiver]:
        """Return a user's receivers that fail, those that failed last first."""
        ...

    async def enable(self, user_id: int, url: str) -> None:
        """Let callbacks be sent to the receiver of a URL, and to the URL itself."""
        ...

    async def is_disabled(self, user_id: int, url: str) -> bool:
        """Tell whether nothing is sent to a URL."""
        ...

    async def redeliver(self, user_id: int, callback_id: str, at: datetime, soon: datetime) -> bool:
        """Let the end of a job be due at `at`, with all its attempts again.

        Returns: False when it is on its way: pending, and due before `soon`
        """
        ...

    async def replay(
        self, user_id: int, since: datetime, at: datetime, soon: datetime, after: Place | None
    ) -> tuple[int, Place | None]:
        """Redeliver ends that were owed since a moment and that nobody has taken, oldest first.

        Those to disabled receivers are passed over.

        Bounded, so that no write takes long: who wants all goes on.

        Returns: how many; the place to go on behind, None at the end
        """
        ...

    async def ask(self, user_id: int, kind: str, at: datetime, most: int) -> bool:
        """Note that a user asks for something; False when they did `most` times within an hour."""
        ...

    async def purge(self, at: datetime, before: datetime) -> None:
        """Delete what is over at that moment.

        Args: before: pings of then are not kept, nor receivers that failed last then
        """
        ...
