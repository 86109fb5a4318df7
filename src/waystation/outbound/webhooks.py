"""Sender: POST one delivery attempt to the caller's replyUrl (R41, R42)."""

from __future__ import annotations

import asyncio
from typing import Final

import aiohttp
import structlog

from waystation.deliveries import Attempt, Delivery
from waystation.outbound.connector import USER_AGENT, reason_of
from waystation.outbound.guard import objection, read_url
from waystation.ports import Clock

__all__ = ["WebhookSender"]

MAX_ANSWER_BYTES: Final = 4096
"""Read so that the receiver can finish writing; the text is not used."""
ANSWER_WAIT_S: Final = 2.0
"""How long the body of an answer is waited for, the status being known."""

_log = structlog.get_logger(__name__)


class WebhookSender:
    """Implements `ports.Sender` on a guarded session."""

    def __init__(
        self, session: aiohttp.ClientSession, clock: Clock, timeout_s: float = 15.0
    ) -> None:
        self._session = session
        self._clock = clock
        self._timeout_s = timeout_s

    async def send(self, delivery: Delivery) -> Attempt:
        started = self._clock.monotonic()
        status, reason = await self._post(delivery)
        return Attempt(status, reason, self._clock.monotonic() - started)

    async def _post(self, delivery: Delivery) -> tuple[int | None, str | None]:
        """Return the receiver's status, or None and why there is none."""
        if (reason := objection(delivery.url)) is not None:
            return None, reason
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._session.post(
                    read_url(delivery.url),
                    data=delivery.body,
                    headers=self._headers(delivery),
                    allow_redirects=False,
                )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            _log.debug(
                "delivery.unanswered",
                delivery_id=delivery.delivery_id,
                error=type(error).__name__,
            )
            return None, reason_of(error)
        async with response:
            await _hear_out(response)
        return response.status, None

    def _headers(self, delivery: Delivery) -> dict[str, str]:
        """Return headers that let a receiver deduplicate and see a replay.

        Source: Standard Webhooks, `webhook-id` and `webhook-timestamp`.
        """
        return {
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            "webhook-id": delivery.delivery_id,
            "webhook-timestamp": str(int(self._clock.wall().timestamp())),
        }


async def _hear_out(response: aiohttp.ClientResponse) -> None:
    """Read the answer's body up to its limits; whatever it does, the status stands."""
    left = MAX_ANSWER_BYTES
    try:
        async with asyncio.timeout(ANSWER_WAIT_S):
            while left > 0 and (chunk := await response.content.read(left)):
                left -= len(chunk)
    except (aiohttp.ClientError, OSError):
        pass
