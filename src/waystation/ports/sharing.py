"""Sharing: which accounts may be used by whom beside their owner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from waystation.ports.records import Account

__all__ = ["Share", "Sharing"]


@dataclass(frozen=True, slots=True)
class Share:
    """One user with whom an account is shared."""

    channel: str
    """Of the account."""
    user_id: int
    email: str
    since: datetime


class Sharing(Protocol):
    """Accounts and the users with whom an admin has shared them (R32)."""

    async def account_in(self, channel: str) -> Account | None:
        """Return the account of a channel, whoever owns it; None where it is removed, too."""
        ...

    async def share(self, account_id: str, user_id: int) -> None:
        """Let a user use an account; nothing where it is so already.

        Raises: NotFound: there is no such account or user; Conflict: the user owns it
        """
        ...

    async def unshare(self, account_id: str, user_id: int) -> None:
        """Let a user use an account no more. Raises: NotFound: it was not shared with them."""
        ...

    async def shares(self) -> Sequence[Share]:
        """Return what is shared with whom, by channel and user."""
        ...
