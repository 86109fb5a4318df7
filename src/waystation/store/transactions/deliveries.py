"""StoreDeliveries: what users may know and decide of the callbacks of their jobs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import islice
from typing import Final

from waystation.callbacks import Attempt, Callback, CallbackStatus
from waystation.ports import Delivery, LoggedAttempt, Place, SigningSecret
from waystation.receivers import Receiver
from waystation.store.columns import Values, instant, micros
from waystation.store.rows import CALLBACKS, DELIVERIES, RECEIVERS, SIGNING_SECRETS
from waystation.store.transactions.database import Database, Query, Reading, Reads, Writing
from waystation.store.transactions.receivers import enable, is_disabled

__all__ = [
    "REPLAYED_AT_ONCE",
    "StoreDeliveries",
    "ask",
    "find",
    "page",
    "purge",
    "redeliver",
    "replace_signing_secret",
    "replay",
]

REPLAYED_AT_ONCE: Final = 500
"""Callbacks that one transaction of a replay looks at: other writers wait for it."""

_HOUR: Final = timedelta(hours=1)
_FIRST: Final = Place(datetime(1970, 1, 1, tzinfo=UTC), "")
_LAST: Final = Place(datetime(9999, 1, 1, tzinfo=UTC), "")

_MISSING: Final = (CallbackStatus.GIVEN_UP, CallbackStatus.PENDING, CallbackStatus.DISABLED)
"""Statuses of what nobody has taken; progress that was superseded is nobody's loss."""


class StoreDeliveries:
    """`ports.Deliveries` on the doors of a store."""

    def __init__(self, writer: Writing, near: Reading, far: Reading) -> None:
        self._writer = writer
        self._near = near
        self._far = far

    async def signing_secrets(self, user_id: int, at: datetime) -> Sequence[SigningSecret]:
        values: Values = {"user_id": user_id, "at": micros(at)}
        rows = await self._near.run(Query("signing_secrets", values))
        return [SIGNING_SECRETS.read(row) for row in rows]

    async def replace_signing_secret(
        self, secret: SigningSecret, former_until: datetime, most: int
    ) -> bool:
        return await self._writer.run(
            lambda database: replace_signing_secret(database, secret, former_until, most)
        )

    async def page(
        self,
        user_id: int,
        jobid: str | None,
        status: CallbackStatus | None,
        before: Place | None,
        limit: int,
    ) -> Sequence[Delivery]:
        return await self._far.run(lambda reads: page(reads, user_id, jobid, status, before, limit))

    async def find(
        self, user_id: int, callback_id: str
    ) -> tuple[Delivery, Sequence[LoggedAttempt]] | None:
        return await self._near.run(lambda reads: find(reads, user_id, callback_id))

    async def add_ping(self, ping: Callback) -> None:
        await self._writer.run(
            lambda database: database.run("insert_callback", CALLBACKS.values(ping))
        )

    async def receivers(self, user_id: int, limit: int) -> Sequence[Receiver]:
        values: Values = {"user_id": user_id, "limit": limit}
        rows = await self._near.run(Query("receivers", values))
        return [RECEIVERS.read(row) for row in rows]

    async def enable(self, user_id: int, url: str) -> None:
        await self._writer.run(lambda database: enable(database, user_id, url))

    async def is_disabled(self, user_id: int, url: str) -> bool:
        return await self._writer.run(lambda database: is_disabled(database, user_id, url))

    async def redeliver(self, user_id: int, callback_id: str, at: datetime, soon: datetime) -> bool:
        return await self._writer.run(
            lambda database: redeliver(database, user_id, callback_id, at, soon)
        )

    async def replay(
        self, user_id: int, since: datetime, at: datetime, soon: datetime, after: Place | None
    ) -> tuple[int, Place | None]:
        return await self._writer.run(
            lambda database: replay(database, user_id, since, at, soon, after)
        )

    async def ask(self, user_id: int, kind: str, at: datetime, most: int) -> bool:
        return await self._writer.run(lambda database: ask(database, user_id, kind, at, most))

    async def purge(self, at: datetime, before: datetime) -> None:
        await self._writer.run(lambda database: purge(database, at, before))


def replace_signing_secret(
    database: Database, secret: SigningSecret, former_until: datetime, most: int
) -> bool:
    """Let a new secret sign beside those before it; False when `most` sign already."""
    database.lock(users=[secret.user_id])
    at = micros(secret.made_at)
    signing = database.all("signing_secrets", {"user_id": secret.user_id, "at": at})
    if len(signing) >= most:
        return False
    database.run("end_signing_secret", {"user_id": secret.user_id, "ends_at": micros(former_until)})
    database.run("insert_signing_secret", SIGNING_SECRETS.values(secret))
    return True


def find(
    reads: Reads, user_id: int, callback_id: str
) -> tuple[Delivery, Sequence[LoggedAttempt]] | None:
    """Return one callback of a user, and the log of its attempts."""
    named: Values = {"callback_id": callback_id}
    row = reads.one("delivery", {**named, "user_id": user_id})
    if row is None:
        return None
    attempts = [
        LoggedAttempt(number, instant(at), Attempt(status, reason, duration_s))
        for number, at, status, reason, duration_s in reads.all("attempts", named)
    ]
    return DELIVERIES.read(row), attempts


def page(
    reads: Reads,
    user_id: int,
    jobid: str | None,
    status: CallbackStatus | None,
    before: Place | None,
    limit: int,
) -> Sequence[Delivery]:
    """Return a user's callbacks, newest first.

    The index has the status before the time, so that few of many are found; all are merged.
    """
    values: Values = {"user_id": user_id, "limit": limit, **_place(before or _LAST)}
    if jobid is not None:
        named: Values = {"jobid": jobid, "status": status}
        return _read(reads, "deliveries_of_job", {**values, **named})
    wanted = CallbackStatus if status is None else (status,)
    found = (_read(reads, "deliveries", {**values, "status": one}) for one in wanted)
    return list(islice(merge(*found, key=place_of, reverse=True), limit))


def redeliver(
    database: Database, user_id: int, callback_id: str, at: datetime, soon: datetime
) -> bool:
    """Let the end of a job be due again; False when it is on its way."""
    values: Values = {"user_id": user_id, "callback_id": callback_id}
    return bool(database.run("redeliver", {**values, "at": micros(at), "soon": micros(soon)}))


def replay(
    database: Database,
    user_id: int,
    since: datetime,
    at: datetime,
    soon: datetime,
    after: Place | None,
) -> tuple[int, Place | None]:
    """Redeliver some of what nobody has taken; return how many, and where to go on."""
    values: Values = {
        "user_id": user_id,
        "since": micros(since),
        "soon": micros(soon),
        "limit": REPLAYED_AT_ONCE,
        **_place(after or _FIRST),
    }
    found = (_read(database, "missing", {**values, "status": one}) for one in _MISSING)
    missing = list(islice(merge(*found, key=place_of), REPLAYED_AT_ONCE))
    count = sum(
        redeliver(database, user_id, one.callback_id, at, soon)
        for one in missing
        if not is_disabled(database, user_id, one.url)
    )
    return count, place_of(missing[-1]) if len(missing) == REPLAYED_AT_ONCE else None


def ask(database: Database, user_id: int, kind: str, at: datetime, most: int) -> bool:
    """Note that a user asks for something, unless they did `most` times within an hour."""
    database.lock(users=[user_id])
    named: Values = {"user_id": user_id, "kind": kind}
    asked = database.one("asked_since", {**named, "since": micros(at - _HOUR)})
    assert asked is not None
    if asked[0] >= most:
        return False
    database.run("note_asked", {**named, "at": micros(at)})
    return True


def purge(database: Database, at: datetime, before: datetime) -> None:
    """Delete what is over."""
    database.run("purge_signing_secrets", {"at": micros(at)})
    database.run("purge_asked", {"since": micros(at - _HOUR)})
    database.run("purge_pings", {"before": micros(before)})
    database.run("purge_receivers", {"before": micros(before)})


def place_of(delivery: Delivery) -> Place:
    """Return the place of a callback."""
    return Place(delivery.created_at, delivery.callback_id)


def _read(reads: Reads, query: str, values: Values) -> Sequence[Delivery]:
    return [DELIVERIES.read(row) for row in reads.all(query, values)]


def _place(place: Place) -> Values:
    return {"created_at": micros(place.created_at), "callback_id": place.callback_id}
