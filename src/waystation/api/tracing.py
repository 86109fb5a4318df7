"""Tracing: the POST of a job as the first span of the job's trace."""

from __future__ import annotations

from structlog.contextvars import bind_contextvars

from waystation.api.answer import Answer
from waystation.api.body import HungUp
from waystation.api.call import Call
from waystation.api.resource import UserHandler
from waystation.errors import WaystationError
from waystation.ports import Traces, User

__all__ = ["traced"]


def traced(traces: Traces, verb: str, handler: UserHandler) -> UserHandler:
    """Return a handler whose requests are spans, those that are refused too.

    The caller is known before, so that a stranger makes no span (R43).
    """
    name = f"POST /v2/jobs/{verb}"

    async def handle(call: Call, user: User) -> Answer:
        span = call.span = traces.accept(name, call.header(b"traceparent"), verb=verb)
        if span.trace_id is not None:
            bind_contextvars(trace_id=span.trace_id)
        status: int | None = 500
        try:
            answer = await handler(call, user)
            status = answer.status
            return answer
        except HungUp:
            status = None
            raise
        except WaystationError as error:
            status = error.status_hint
            raise
        finally:
            span.note(status=status)
            if status is not None and status >= 500:
                span.fail()
            span.end()

    return handle
