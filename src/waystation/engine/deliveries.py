"""Deliveries: what a caller may know and decide of the callbacks of their jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from waystation import sentences
from waystation.callbacks import Callback, CallbackStatus
from waystation.contract import ping_json
from waystation.engine.outbox.signing import TABLE
from waystation.errors import Conflict, InvalidRequest, NotFound, Throttled
from waystation.ports import (
    Clock,
    Delivery,
    IdSource,
    LoggedAttempt,
    Place,
    Sealer,
    SigningSecret,
    User,
    wall_ahead,
)
from waystation.ports import Deliveries as Store
from waystation.receivers import Receiver
from waystation.secret import Secret
from waystation.signatures import SECRET_BYTES, as_text

__all__ = [
    "FORMER_SIGNS",
    "LISTED_RECEIVERS",
    "PINGS",
    "REDELIVERIES",
    "REPLAYED",
    "REPLAYS",
    "SIGNING_AT_ONCE",
    "Deliveries",
]

FORMER_SIGNS: Final = timedelta(hours=24)
"""How long a secret that was replaced signs, too: so long a receiver may take to learn the new one.
"""
SIGNING_AT_ONCE: Final = 6
"""Secrets of one user: each is a signature in a header of each attempt."""
LISTED_RECEIVERS: Final = 100
"""Of those that fail (R48)."""
PINGS: Final = 60
"""Of one user in an hour."""
REDELIVERIES: Final = 600
"""Of one user in an hour."""
REPLAYS: Final = 60
"""Of one user in an hour."""
REPLAYED: Final = 10_000
"""Callbacks of one replay."""


class Deliveries:
    """The caller's side of callbacks.

    Args: claim: how long a callback may be on its way. nudge: tells that callbacks are due
    """

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        clock: Clock,
        ids: IdSource,
        claim: timedelta,
        nudge: Callable[[], None],
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._clock = clock
        self._ids = ids
        self._claim = claim
        self._nudge = nudge

    def shown(self, moment: datetime) -> datetime:
        """Return an instant of the service's own time as people's clocks show it (R28)."""
        return moment + wall_ahead(self._clock)

    # ── secrets ──

    async def secrets(self, user: User) -> Sequence[SigningSecret]:
        """Return the secrets that sign the caller's callbacks, the newest first."""
        return await self._store.signing_secrets(user.user_id, self._clock.now())

    async def new_secret(self, user: User) -> Secret:
        """Make the secret that signs the caller's callbacks from now on, and return its text.

        It is never shown again. Those before it sign, too, for `FORMER_SIGNS`.

        Raises: Throttled
        """
        now = self._clock.now()
        secret = self._ids.token(SECRET_BYTES).encode()
        secret_id = self._ids.token(18)
        sealed = self._sealer.seal(TABLE, secret_id, secret)
        row = SigningSecret(secret_id, user.user_id, sealed, now)
        former_until = now + FORMER_SIGNS
        if not await self._store.replace_signing_secret(row, former_until, SIGNING_AT_ONCE):
            raise Throttled(
                sentences.SECRETS_AT_ONCE.said(limit=SIGNING_AT_ONCE), retry_after_s=3600
            )
        return Secret(as_text(secret))

    # ── the log ──

    async def page(
        self,
        user: User,
        *,
        jobid: str | None,
        status: CallbackStatus | None,
        before: Place | None,
        limit: int,
    ) -> Sequence[Delivery]:
        """Return the caller's callbacks, newest first, and one more where there are more."""
        return await self._store.page(user.user_id, jobid, status, before, limit + 1)

    async def find(self, user: User, callback_id: str) -> tuple[Delivery, Sequence[LoggedAttempt]]:
        """Return a callback of the caller with its attempts. Raises: NotFound."""
        found = await self._store.find(user.user_id, callback_id)
        if found is None:
            raise NotFound(sentences.UNKNOWN_DELIVERY.said(id=callback_id))
        return found

    # ── asking again ──

    async def redeliver(self, user: User, callback_id: str) -> Delivery:
        """Send the end of a job again, now, whether it was taken or not.

        One that is on its way goes on. The attempts are as many as for a new one.

        Raises: NotFound; InvalidRequest: it tells no end; Conflict: its receiver is disabled;
        Throttled
        """
        delivery, _ = await self.find(user, callback_id)
        if not delivery.is_final:
            raise InvalidRequest(sentences.NO_END.text)
        if await self._store.is_disabled(user.user_id, delivery.url):
            raise Conflict(sentences.RECEIVER_DISABLED.text)
        now = self._clock.now()
        if not await self._store.ask(user.user_id, "redeliver", now, REDELIVERIES):
            raise Throttled(
                sentences.REDELIVERIES_AN_HOUR.said(limit=REDELIVERIES), retry_after_s=600
            )
        await self._store.redeliver(user.user_id, callback_id, now, now + self._claim)
        self._nudge()
        delivery, _ = await self.find(user, callback_id)
        return delivery

    async def replay(self, user: User, since: datetime) -> tuple[int, bool]:
        """Send again, now, what was owed since a moment and was not taken.

        Callbacks to disabled receivers are passed over.

        Args: since: as people's clocks show it
        Returns: how many callbacks; whether there may be more, for another replay
        Raises: InvalidRequest: no such moment; Throttled
        """
        now = self._clock.now()
        try:
            since -= wall_ahead(self._clock)
        except OverflowError:
            raise InvalidRequest(sentences.NO_MOMENT.said(field="since")) from None
        if not await self._store.ask(user.user_id, "replay", now, REPLAYS):
            raise Throttled(sentences.REPLAYS_AN_HOUR.said(limit=REPLAYS), retry_after_s=600)
        count, place = 0, None
        while count < REPLAYED:
            more, place = await self._store.replay(
                user.user_id, since, now, now + self._claim, place
            )
            count += more
            self._nudge()
            if place is None:
                break
        return count, place is not None

    async def ping(self, user: User, url: str) -> Delivery:
        """Send a test to a URL, once. Raises: Throttled."""
        now = self._clock.now()
        if not await self._store.ask(user.user_id, "ping", now, PINGS):
            raise Throttled(sentences.PINGS_AN_HOUR.said(limit=PINGS), retry_after_s=600)
        callback_id = self._ids.token(18)
        body = ping_json(callback_id, url, self.shown(now))
        await self._store.add_ping(
            Callback(callback_id, None, user.user_id, url, body, now, now, is_final=False)
        )
        self._nudge()
        delivery, _ = await self.find(user, callback_id)
        return delivery

    # ── receivers ──

    async def receivers(self, user: User) -> Sequence[Receiver]:
        """Return the caller's receivers that fail, those that failed last first."""
        return await self._store.receivers(user.user_id, LISTED_RECEIVERS)

    async def enable(self, user: User, url: str) -> None:
        """Let callbacks be sent to a receiver again; nothing where it is not disabled."""
        await self._store.enable(user.user_id, url)
