"""Likeness: by what two jobs look alike, and who else in the channel does what we do.

A picture without nonce, interaction or known uuid can only be told by its prompt, or by the message
that it replies to and the deed in its caption. Both can be repeated by anyone, so a likeness names
a job only when nobody else has it (R20, R23).

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from waystation.jobs import Job
from waystation.midjourney.buttons import button_row
from waystation.midjourney.captions import prompt_key
from waystation.midjourney.commands import COMMANDS
from waystation.midjourney.replies import Reading, ReplyKind
from waystation.wire.snowflake import snowflake_time

__all__ = ["DRAWN", "Likeness", "Strangers", "likeness_of", "likenesses", "too_early"]

Likeness = tuple[str, str, str]
"""Kind, and what is alike: `("prompt", key, "")`, `("reply", message id, deed)`,
`("press", parent, deed)` or `("seed", parent, "")`."""

DRAWN = frozenset({ReplyKind.PROGRESS, ReplyKind.PICTURE})

_ANY_DEED = "*"

_CAPACITY = 1000
"""Strangers remembered; far more than a channel says while one job runs."""

_CLOCK_SKEW = timedelta(seconds=5)
"""How far Discord's clock may be behind ours."""


def likenesses(job: Job) -> Iterator[Likeness]:
    """Yield by what a job's messages may be known when nothing better is said."""
    prompt = job.params.get("prompt")
    if job.verb == "blend":
        yield ("prompt", "", "")
    elif job.button is None and prompt is not None:
        yield ("prompt", prompt_key(str(prompt)), "")
    if COMMANDS[job.verb].reaction is not None and job.parent_jobid is not None:
        yield ("seed", job.parent_jobid, "")
    if job.button is not None:
        for deed in button_row(job.button).shows or (_ANY_DEED,):
            if job.parent_jobid is not None:
                # known before it is pressed: two that look alike wait for each other (R15)
                yield ("press", job.parent_jobid, deed)
            if job.target is not None:
                yield ("reply", job.target, deed)


def likeness_of(reading: Reading) -> tuple[Likeness, ...]:
    """Return by what a message may be known, nothing when it is not about a picture."""
    if reading.kind not in DRAWN or reading.caption is None:
        return ()
    if reading.reference_id is not None:
        replied = reading.reference_id
        return (("reply", replied, reading.caption.deed), ("reply", replied, _ANY_DEED))
    return (("prompt", prompt_key(reading.caption.prompt), ""),)


def too_early(job: Job, reading: Reading) -> bool:
    """Tell whether a message is older than the ask."""
    said_at = snowflake_time(reading.shown.message_id)
    return job.submitted_at is None or said_at < job.submitted_at - _CLOCK_SKEW


class Strangers:
    """Pictures in the channel, addressed to us, that no job of ours asked for. Bounded."""

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self._capacity = capacity
        self._seen: dict[str, tuple[tuple[Likeness, ...], str | None]] = {}

    def note(self, reading: Reading) -> None:
        """Remember an unmatched message, with its uuid as soon as it shows one."""
        alike = likeness_of(reading)
        if not alike:
            return
        message_id, hash_ = reading.shown.message_id, reading.shown.hash
        _, known = self._seen.pop(message_id, ((), None))
        self._seen[message_id] = (alike, hash_ or known)
        if len(self._seen) > self._capacity:
            del self._seen[next(iter(self._seen))]

    def owns(self, reading: Reading) -> bool:
        """Tell whether a message shows a uuid that a stranger has, or is a stranger's."""
        hash_ = reading.shown.hash
        known = self._seen.get(reading.shown.message_id)
        return known is not None or (
            hash_ is not None and any(one == hash_ for _, one in self._seen.values())
        )

    def may_own(self, reading: Reading) -> bool:
        """Tell whether a stranger without a known uuid looks the same."""
        alike = set(likeness_of(reading))
        return any(hash_ is None and alike & set(keys) for keys, hash_ in self._seen.values())
