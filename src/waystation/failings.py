"""Failings: ends of jobs by which an account is drawn less often for a while.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from waystation import sentences
from waystation.jobs import Expired, Failed, Job, JobEvent, Lost, Refused
from waystation.sentences import Sentence

__all__ = ["FAILING_SPAN", "is_failing"]

FAILING_SPAN: Final = timedelta(minutes=15)
"""How long a failing counts."""

_CODES = frozenset({429, 502, 504})
"""Ends that Discord, the bot or the account has made; 400 and 422 are the prompt's."""

_OURS: Sequence[Sentence] = (
    sentences.NOT_SENT,
    sentences.NO_TURN,
    sentences.LOOK_ALIKE_WAITS,
    sentences.JOB_FAULT,
    sentences.DOWN_AT_TURN,
    sentences.INPUTS_GONE,
    sentences.REMOVED_BEFORE,
    sentences.SET_UP_ANEW,
    sentences.RESTORED,
    sentences.NOT_TOLD_APART,
    sentences.ACCOUNT_REMOVED,
    sentences.BREAKER_OPEN,
    sentences.NO_MASK,
)
"""Ends with such a code that tell nothing of the account."""

_BEGINNINGS = tuple(one.text.partition("<")[0] for one in _OURS)


def is_failing(job: Job, events: Sequence[JobEvent]) -> bool:
    """Tell whether a job has just ended by a fault of Discord, the bot or its account.

    Args: events: those that have led to the job as it is now
    """
    if not any(isinstance(event, Failed | Refused | Lost | Expired) for event in events):
        return False
    return job.code in _CODES and not (job.error or "").startswith(_BEGINNINGS)
