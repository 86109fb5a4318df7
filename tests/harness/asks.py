"""Asks: jobs and readings for the tests of matching."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.build import replace
from tests.fakes import START
from tests.harness.play import new_job
from waystation.jobs import Job, JobId, MessageRole, Nonce, Shown
from waystation.midjourney.captions import Caption
from waystation.midjourney.reading import Reading
from waystation.midjourney.replies import ReplyKind
from waystation.wire.snowflake import snowflake_at

__all__ = ["A", "B", "a_job", "a_press", "a_reading", "an_answer"]

A, B = JobId("a"), JobId("b")


def a_job(name: str, **fields: Any) -> Job:
    """Return a job that has a nonce."""
    return replace(new_job(name), nonce=Nonce(f"nonce-{name}"), **fields)


def a_reading(
    message_id: str = "900", kind: ReplyKind = ReplyKind.DESCRIBED, **fields: Any
) -> Reading:
    """Return a reading."""
    hash_ = fields.pop("hash", None)
    names = ("addressee", "nonce", "interaction_id", "command", "reference_id", "upload_name")
    seed_hash = fields.pop("seed_hash", None)
    return Reading(
        kind=kind,
        shown=Shown(message_id, hash=hash_),
        from_bot=True,
        ephemeral=False,
        says_something=True,
        meaning=None,
        seed_hash=seed_hash,
        **{name: fields.get(name) for name in names},
    )


def a_press(name: str, button: str, **fields: Any) -> Job:
    """Return a press on message 500."""
    pressed = {"messages": {"500": MessageRole.TARGET}, "submitted_at": START, **fields}
    job = replace(a_job(name, **pressed), verb="button")
    return replace(job, params={"parentJobId": "parent", "button": button})


def an_answer(deed: str, *, kind: ReplyKind = ReplyKind.PICTURE, after_s: int = 1) -> Reading:
    """Return a reading that replies to message 500."""
    said_at = snowflake_at(START + timedelta(seconds=after_s))
    reading = a_reading(said_at, kind, reference_id="500")
    return replace(reading, caption=Caption("a red fox", deed))
