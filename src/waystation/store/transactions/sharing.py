"""StoreSharing: `ports.Sharing`; each change has a row in the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from waystation.errors import Conflict, NotFound
from waystation.ports import Account, Clock, Share
from waystation.store.columns import Values, instant, micros
from waystation.store.rows import ACCOUNTS
from waystation.store.transactions.audit import HOST, note_account
from waystation.store.transactions.database import Database, Reading, Writing

__all__ = ["StoreSharing", "share", "unshare"]


class StoreSharing:
    """Accounts and the users with whom an admin has shared them."""

    def __init__(self, writer: Writing, reads: Reading, clock: Clock) -> None:
        self._writer = writer
        self._reads = reads
        self._clock = clock

    async def account_in(self, channel: str) -> Account | None:
        named: Values = {"channel": channel}
        row = await self._reads.run(lambda reads: reads.one("account_in", named))
        return None if row is None else ACCOUNTS.read(row)

    async def share(self, account_id: str, user_id: int) -> None:
        wall = self._clock.wall()
        await self._writer.run(lambda database: share(database, account_id, user_id, wall))

    async def unshare(self, account_id: str, user_id: int) -> None:
        wall = self._clock.wall()
        await self._writer.run(lambda database: unshare(database, account_id, user_id, wall))

    async def shares(self) -> Sequence[Share]:
        rows = await self._reads.run(lambda reads: reads.all("account_shares"))
        return [Share(channel, user, email, instant(at)) for channel, user, email, at in rows]


def share(database: Database, account_id: str, user_id: int, wall: datetime) -> None:
    """Let a user use an account. Raises: NotFound; Conflict: the user owns it."""
    owner = database.one("owner_of_account", {"account_id": account_id})
    if owner is None or database.one("user_by_id", {"user_id": user_id}) is None:
        raise NotFound("There is no such account or user.")
    if owner[0] == user_id:
        raise Conflict("The user owns the account.")
    named: Values = {"account_id": account_id, "user_id": user_id}
    if database.run("share_account", {**named, "since": micros(wall)}):
        note_account(database, wall, account_id, "account shared", HOST, f"with user:{user_id}")


def unshare(database: Database, account_id: str, user_id: int, wall: datetime) -> None:
    """Let a user use an account no more. Raises: NotFound: it was not shared with them."""
    if not database.run("unshare_account", {"account_id": account_id, "user_id": user_id}):
        raise NotFound("The account is not shared with this user.")
    details = f"with user:{user_id}"
    note_account(database, wall, account_id, "account no longer shared", HOST, details)
