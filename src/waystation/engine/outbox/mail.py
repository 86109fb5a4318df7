"""Mailing: due mails → Mailer → recorded (R34).

A mail is tried for a week. Without an SMTP server it is kept and looked at again each hour, and the
log says once that it could not go out.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final

import structlog

from waystation.engine.outbox.due import DueLoop
from waystation.errors import Unreachable
from waystation.ports import Clock, IdSource, Mail, Mailer, Outbox

__all__ = ["MAIL_AGAIN_S", "MAIL_KEPT", "MAIL_WAITS_S", "Mailing", "next_mail_at"]

MAIL_AGAIN_S: Final = (60, 300, 1800, 7200, 21600)
"""Seconds after each failed try; the last repeats."""
MAIL_KEPT: Final = timedelta(days=7)
"""How long a mail is worth sending: by then its halt has been seen, or nobody looks."""
UNCONFIGURED_AGAIN_S: Final = 3600
MAIL_WAITS_S: Final = (0, *(max(wait_s, UNCONFIGURED_AGAIN_S) * 1.1 for wait_s in MAIL_AGAIN_S))
"""Longest waits, by the number of tries before."""
IN_FLIGHT: Final = 4
"""Connections at once; mail servers take few from one client."""
CLAIM_SIZE: Final = 16

_log = structlog.get_logger(__name__)


class Mailing:
    """Mails, sent by its `loop` until that is stopped.

    Args: send_timeout_s: how long one mail may take; it waits as long for its place, and its claim
    outlives both by as much again. drain_s: how long mails under way may go on after `stop`
    """

    def __init__(
        self,
        store: Outbox,
        mailer: Mailer,
        clock: Clock,
        ids: IdSource,
        *,
        send_timeout_s: float,
        drain_s: float,
    ) -> None:
        self._store = store
        self._mailer = mailer
        self._clock = clock
        self._ids = ids
        self._send_timeout_s = send_timeout_s
        self.loop = DueLoop("mail", store, clock, self._take, drain_s)
        self._places = asyncio.Semaphore(IN_FLIGHT)

    async def _take(self) -> tuple[int, bool]:
        now = self._clock.now()
        send_before = self._clock.monotonic() + self._send_timeout_s
        claimed_until = now + timedelta(seconds=3 * self._send_timeout_s)
        mails = await self._store.claim_mails(now, claimed_until, CLAIM_SIZE)
        for mail in mails:
            self.loop.start(self._settle(mail, send_before))
        return len(mails), len(mails) == CLAIM_SIZE

    async def _settle(self, mail: Mail, send_before: float) -> None:
        """Try one mail and record how that ended."""
        if not self._mailer.configured:
            await self._keep(mail)
            return
        async with self._places:
            if self.loop.stopping or self._clock.monotonic() > send_before:
                return
            reason = await self._send(mail)
        now = self._clock.now()
        if reason is None:
            _log.info("mail.sent", mail_id=mail.mail_id, attempt=mail.attempts + 1)
            await self._store.record_mail(mail, True, now, None)
            return
        next_at = next_mail_at(mail, now, self._ids.fraction())
        _log.warning(
            "mail.failed",
            mail_id=mail.mail_id,
            attempt=mail.attempts + 1,
            reason=reason,
            given_up=next_at is None,
        )
        await self._put_off(mail, now, next_at)

    async def _send(self, mail: Mail) -> str | None:
        """Return None when the mail is on its way, else why not."""
        try:
            # The mailer keeps this limit by itself; a claim must not depend on that.
            async with asyncio.timeout(self._send_timeout_s + 1):
                await self._mailer.send(mail)
        except Unreachable as error:
            return error.message
        except TimeoutError:
            return "a time-out"
        return None

    async def _keep(self, mail: Mail) -> None:
        """Put off a mail that has nowhere to go; the first time is said aloud."""
        if mail.attempts == 0:
            _log.warning("mail.not_configured", mail_id=mail.mail_id, setting="WAYSTATION_SMTP_URL")
        now = self._clock.now()
        await self._put_off(mail, now, now + timedelta(seconds=UNCONFIGURED_AGAIN_S))

    async def _put_off(self, mail: Mail, now: datetime, next_at: datetime | None) -> None:
        await self._store.record_mail(mail, False, now, next_at)
        if next_at is not None:
            self.loop.expect(next_at)


def next_mail_at(mail: Mail, now: datetime, jitter: float) -> datetime | None:
    """Return when to try again after one more failed try, or None to give up.

    Args: jitter: 0 to 1; adds up to a tenth of the wait
    """
    wait_s = MAIL_AGAIN_S[min(mail.attempts, len(MAIL_AGAIN_S) - 1)] * (1 + jitter / 10)
    next_at = now + timedelta(seconds=wait_s)
    return next_at if next_at <= mail.created_at + MAIL_KEPT else None
