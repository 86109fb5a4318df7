"""Idempotency: a request that its caller repeats under one key makes one job (R11).

A key is kept in the job's own transaction, so what made no job does not use it up. The job says
whether the first request was answered: no process remembers it, and after a crash the next one
answers as this one would have.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import math
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from waystation import sentences
from waystation.engine.answering import Answering
from waystation.engine.request import JobRequest
from waystation.errors import InvalidRequest, NotAnsweredYet, Unavailable
from waystation.jobs import Job
from waystation.midjourney.commands import COMMANDS
from waystation.ports import Clock, Jobs, RequestKey, User

__all__ = ["Idempotency", "KeyUsed", "request_key"]

_LONGEST_WAIT_S: Final = 5.0
"""Longest `Retry-After` for a request that is not answered yet: most are within seconds."""

_encode = msgspec.json.Encoder(order="deterministic").encode


_TRIES: Final = 2


class KeyUsed(Exception):
    """Another request with the key has made a job meanwhile."""


class Idempotency:
    """Finds the jobs of repeated requests."""

    def __init__(self, store: Jobs, answering: Answering, clock: Clock) -> None:
        self._store = store
        self._answering = answering
        self._clock = clock

    async def once(
        self, user: User, key: RequestKey, submit: Callable[[], Awaitable[Job]]
    ) -> tuple[Job, bool]:
        """Return the job of a request, and whether an earlier request has made it.

        Args: submit: makes the job; it raises KeyUsed where another request is faster
        Raises: InvalidRequest, NotAnsweredYet; Unavailable: others take the key again and again
        """
        for _ in range(_TRIES):
            job = await self.earlier(user, key)
            if job is not None:
                return job, True
            # its job may have been purged between the conflict and the look for it
            with contextlib.suppress(KeyUsed):
                return await submit(), False
        raise Unavailable

    async def earlier(self, user: User, key: RequestKey) -> Job | None:
        """Return the job that the first request with a key has made; None: this is the first.

        Raises: InvalidRequest: it was another request; NotAnsweredYet
        """
        now = self._clock.now()
        taken = await self._store.key_holder(user.user_id, key, now)
        if taken is None:
            return None
        if taken.digest != key.digest:
            raise InvalidRequest(sentences.KEY_OF_OTHER_REQUEST.text)
        job = await self._store.get_job(taken.jobid, user.user_id)
        if job is None:
            return None
        left_s = self._answering.left_s(job, COMMANDS[job.verb], now)
        if left_s > 0:
            raise NotAnsweredYet(math.ceil(min(left_s, _LONGEST_WAIT_S)))
        return job


async def request_key(key: str, request: JobRequest) -> RequestKey:
    """Return a caller's key for a request, which it stands for by its fields and files."""
    return RequestKey(request.verb, key, await asyncio.to_thread(_digest, request))


def _digest(request: JobRequest) -> bytes:
    files = {name: hashlib.sha256(part.data).hexdigest() for name, part in request.files.items()}
    fields = [
        *(request.channel, request.max_jobs, request.reply_url, request.reply_ref),
        *(request.reply_progress, request.mode, request.era_a),
        # keys of before there was a queue stand for the same requests
        *(() if (request.queue, request.priority) == (None, None) else (request.queue,)),
        *(() if request.priority is None else (request.priority,)),
    ]
    return hashlib.sha256(_encode([fields, dict(request.params), files])).digest()
