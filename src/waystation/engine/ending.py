"""Ending: the end of a job that was not asked: it waits in the queue, or another node has it.

The version of the row decides between the end and an ask of the account's node (ADR 28).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from waystation.contract import callbacks_of
from waystation.jobs import Job, JobEvent
from waystation.midjourney.machine import apply
from waystation.ports import IdSource, JobChange, Queue

__all__ = ["end_waiting"]


async def end_waiting(
    queue: Queue, ids: IdSource, job: Job, now: datetime, *events: JobEvent
) -> Job | None:
    """End a job that was not asked, and owe its callback; None when it has changed meanwhile.

    Nothing was asked for it, so its end is definite.

    Raises: StoreError
    """
    ended = job
    for event in events:
        ended = apply(ended, event, now, timedelta())
    callbacks = callbacks_of(ended, lambda: ids.token(18), now)
    change = JobChange(ended, events, callbacks)
    return ended if await queue.end(change, now) else None
