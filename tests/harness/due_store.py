"""A store of callbacks and mails only, in memory, that can be told to fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar, cast

from tests.build import replace
from tests.fakes import START
from waystation.callbacks import Attempt, Callback, CallbackStatus
from waystation.errors import StoreError
from waystation.jobs import JobId
from waystation.ports import Mail, Store

__all__ = ["DueStore", "callback", "mail"]

Thing = TypeVar("Thing", Callback, Mail)


def callback(
    number: int = 1, url: str = "http://a.test/hook", attempts: int = 0, at: datetime = START
) -> Callback:
    """Return a callback that is due at once."""
    return Callback(
        callback_id=f"callback-{number}",
        jobid=JobId(f"job:{number}"),
        user_id=1,
        url=url,
        body=b'{"jobid":"job:%d"}' % number,
        created_at=at,
        next_attempt_at=at,
        attempts=attempts,
    )


def mail(number: int = 1, at: datetime = START, attempts: int = 0) -> Mail:
    """Return a mail that is due at once."""
    return Mail(
        mail_id=f"mail-{number}",
        to="owner@example.test",
        subject="An account was halted",
        body="text",
        created_at=at,
        next_attempt_at=at,
        attempts=attempts,
    )


class DueStore:
    """The methods of `ports.Store` that the delivering loops call."""

    def __init__(self) -> None:
        self.callbacks: dict[str, Callback] = {}
        self.mails: dict[str, Mail] = {}
        self.sent_mails: list[str] = []
        self.given_up_mails: list[str] = []
        self.attempts: list[tuple[Callback, Attempt, datetime | None]] = []
        self.claims: list[int] = []
        self.owes_mail = False
        self.failing = 0
        """How many of the next calls fail."""
        self._claimed_until: dict[str, datetime] = {}
        self._changed = asyncio.Condition()

    @property
    def port(self) -> Store:
        """The same object, as the type the engine asks for."""
        return cast(Store, self)

    def add(self, *things: Callback | Mail) -> None:
        for thing in things:
            if isinstance(thing, Callback):
                self.callbacks[thing.callback_id] = thing
            else:
                self.mails[thing.mail_id] = thing

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something recorded makes the condition true."""
        async with asyncio.timeout(30), self._changed:
            await self._changed.wait_for(condition)

    async def claim_callbacks(
        self, at: datetime, until: datetime, limit: int
    ) -> Sequence[Callback]:
        await self._maybe_fail()
        waiting = [
            one
            for one in self.callbacks.values()
            if one.status is CallbackStatus.PENDING and self._free(one.callback_id, at)
        ]
        claimed = self._claim(waiting, until, limit, at)
        self.claims.append(len(claimed))
        await self._notify()
        return claimed

    async def record_attempt(
        self,
        callback: Callback,
        attempt: Attempt,
        at: datetime,
        next_at: datetime | None,
        patience: timedelta,
    ) -> bool:
        await self._maybe_fail()
        self.attempts.append((callback, attempt, next_at))
        self._claimed_until.pop(callback.callback_id, None)
        status = CallbackStatus.PENDING
        if attempt.delivered:
            status = CallbackStatus.DELIVERED
        elif next_at is None:
            status = CallbackStatus.GIVEN_UP
        self.callbacks[callback.callback_id] = replace(
            callback,
            attempts=callback.attempts + 1,
            status=status,
            next_attempt_at=next_at or callback.next_attempt_at,
        )
        await self._notify()
        return self.owes_mail

    async def claim_mails(self, at: datetime, until: datetime, limit: int) -> Sequence[Mail]:
        await self._maybe_fail()
        waiting = [one for one in self.mails.values() if self._free(one.mail_id, at)]
        claimed = self._claim(waiting, until, limit, at)
        await self._notify()
        return claimed

    async def record_mail(
        self, mail: Mail, sent: bool, at: datetime, next_at: datetime | None
    ) -> None:
        await self._maybe_fail()
        self._claimed_until.pop(mail.mail_id, None)
        if sent or next_at is None:
            (self.sent_mails if sent else self.given_up_mails).append(mail.mail_id)
            del self.mails[mail.mail_id]
        else:
            self.mails[mail.mail_id] = replace(
                mail, attempts=mail.attempts + 1, next_attempt_at=next_at
            )
        await self._notify()

    async def next_due(self) -> datetime | None:
        await self._maybe_fail()
        pending = [one for one in self.callbacks.values() if one.status is CallbackStatus.PENDING]
        times = [self._due(one.callback_id, one.next_attempt_at) for one in pending]
        times += [self._due(one.mail_id, one.next_attempt_at) for one in self.mails.values()]
        return min(times, default=None)

    def _free(self, name: str, at: datetime) -> bool:
        return self._claimed_until.get(name, at) <= at

    def _due(self, name: str, at: datetime) -> datetime:
        return max(at, self._claimed_until.get(name, at))

    def _claim(
        self, waiting: Sequence[Thing], until: datetime, limit: int, at: datetime
    ) -> list[Thing]:
        due = sorted(
            (one for one in waiting if one.next_attempt_at <= at),
            key=lambda one: one.next_attempt_at,
        )[:limit]
        for one in due:
            self._claimed_until[_name(one)] = until
        return due

    async def _maybe_fail(self) -> None:
        await asyncio.sleep(0)
        if self.failing:
            self.failing -= 1
            raise StoreError

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def _name(thing: Callback | Mail) -> str:
    return thing.callback_id if isinstance(thing, Callback) else thing.mail_id
