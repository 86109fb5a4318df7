"""Tracing: the attempts of a callback as spans of its job's trace, which the receiver may go on."""

from __future__ import annotations

from collections.abc import Mapping

from structlog.contextvars import bind_contextvars

from waystation.callbacks import Attempt, Callback
from waystation.errors import StoreError
from waystation.ports import Jobs, Sender, Traces
from waystation.receivers import receiver_of

__all__ = ["TracedSender"]


class TracedSender:
    """Implements `ports.Sender` on another, with a `traceparent` in each attempt that is traced."""

    def __init__(self, sender: Sender, jobs: Jobs, traces: Traces) -> None:
        self._sender = sender
        self._jobs = jobs
        self._traces = traces

    async def send(self, callback: Callback, headers: Mapping[str, str]) -> Attempt:
        with self._traces.begin(
            "callback.attempt",
            await self._context(callback),
            asks=True,
            callback_id=callback.callback_id,
            attempt=callback.attempts + 1,
            receiver=receiver_of(callback.url),
        ) as span:
            if callback.jobid is not None:
                span.note(jobid=callback.jobid)
            if span.context is not None:
                headers = {**headers, "traceparent": span.context}
                # of this attempt's own task, which logs what came of it
                bind_contextvars(trace_id=span.trace_id)
            attempt = await self._sender.send(callback, headers)
            span.note(status=attempt.status)
            if not attempt.delivered:
                span.fail()
            return attempt

    async def _context(self, callback: Callback) -> str | None:
        """Return the trace of the callback's job, whichever process has begun it."""
        if callback.jobid is None:
            return None
        try:
            job = await self._jobs.get_job(callback.jobid, None)
        except StoreError:
            return None  # an attempt that is not traced is better than none
        return None if job is None else job.trace
