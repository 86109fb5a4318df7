"""Repeating: a POST of a job whose answer was lost, so that it makes one job at most.

How it works: each POST carries an Idempotency-Key of its own. Where the answer is lost, the POST is
repeated with the same key, but only when the service describes this header for the route: one that
does not know it would make a second job. Else, or where the second answer is lost too, nobody can
tell whether there is a job, and the error says so. The client needs nothing of the service, so that
it makes its keys itself.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable

from waystation.client.connection import Connection
from waystation.errors import (
    NotAnsweredYet,
    Unanswered,
    Unreachable,
    WaystationError,
)

__all__ = ["MAYBE", "UNKNOWN", "asked_once"]

MAYBE = "the job may have been accepted"
UNKNOWN = "Look at your jobs before you ask for it again: asking again would make a second one."

_HEADER = "Idempotency-Key"

_Send = Callable[[dict[str, str]], Awaitable[object]]


async def asked_once(
    connection: Connection,
    path: str,
    send: _Send,
    sleep: Callable[[float], Awaitable[object]],
    patience_s: float,
) -> object:
    """Return the answer to a POST, which `send` sends with some headers, repeated if need be.

    Args: patience_s: how long the second one waits for the first, which may still be under way
    Raises: Unanswered: nobody can tell whether there is a job; what `send` raises
    """
    headers = {_HEADER: secrets.token_hex(16)}
    try:
        return await send(headers)
    except Unanswered as lost:
        if not lost.broken or not await _knows_keys(connection, path):
            raise _unknown(lost) from lost
    waited_s = 0.0
    while True:
        try:
            return await send(headers)
        except NotAnsweredYet as first:
            if waited_s + first.retry_after_s > patience_s:
                raise _unknown(first) from first
            waited_s += first.retry_after_s
            await sleep(first.retry_after_s)
        except Unreachable as lost:
            raise _unknown(lost) from lost


def _unknown(lost: WaystationError) -> Unanswered:
    return Unanswered(f"{lost.message}; {MAYBE}", UNKNOWN)


async def _knows_keys(connection: Connection, path: str) -> bool:
    """Tell whether the service describes the header for a path."""
    try:
        document = await connection.ask("GET", "/openapi.json")
    except WaystationError:
        return False
    match document:
        case {"paths": {**paths}}:
            operation = paths.get(path)
        case _:
            return False
    match operation:
        case {"post": {"parameters": [*parameters]}}:
            return any(isinstance(one, dict) and one.get("name") == _HEADER for one in parameters)
        case _:
            return False
