"""Outcomes: the end of a job whose request Discord has refused, or that could not be sent.

The meaning of a refusal is told by status and code (discord_refusals.py). A transport error says by
its class, and by Discord's status where there was one, what it means.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from waystation import sentences
from waystation.actions import Refused
from waystation.discord_refusals import MEANINGS, TOKEN_REJECTED
from waystation.errors import (
    HumanCheckRequired,
    NotAuthorised,
    RequestRefused,
    TransportError,
    Unreachable,
)
from waystation.jobs import Failed
from waystation.jobs import Refused as RefusedEvent
from waystation.sidelining import Cause

__all__ = ["End", "is_for_now", "not_sent", "refused"]


@dataclass(frozen=True, slots=True)
class End:
    """The end of a job, and what becomes of its account."""

    event: RefusedEvent | Failed
    halt: str | None = None
    """Text of the halt, None for none (R34)."""
    token_rejected: bool = False
    """True: a new token is the mend of the halt (R33)."""
    cause: Cause | None = None
    """Refusal of the account, None for one of what was asked, or of a person (R50)."""


_TOO_LARGE: Final = 413
_TOO_MANY: Final = 429
_OF_THE_SERVER: Final = 500


def refused(answer: Refused, *, opened: bool = False) -> End:
    """Return what a definite refusal of Discord means (R6).

    An outdated command ends a job when it was outdated twice (R13).

    Args: opened: it refuses the answer to what a press has opened, and the press was executed
    """
    meaning = MEANINGS[answer.kind]
    failed = Failed.by(meaning.error, answer.body, status=answer.status)
    # a press that Discord has executed is not refused any more (R25)
    event = failed if opened else RefusedEvent(failed.code, failed.error, failed.details)
    halt = None
    if meaning.halt is not None:
        halt = meaning.halt.format(error=failed.error, body=answer.body)
    return End(event, halt, meaning.token_rejected, _cause(answer))


def not_sent(error: TransportError) -> End:
    """Return what it means that a request, or a picture before it, could not be sent."""
    match error:
        case NotAuthorised():
            return End(Failed(596, error.message, error.details), TOKEN_REJECTED, True)
        case HumanCheckRequired():
            return End(Failed(596, error.message, error.details), error.message)
        case RequestRefused(status=status) if status == _TOO_LARGE:
            return End(Failed.by(sentences.UPLOAD_TOO_LARGE, error.details))
        case RequestRefused():
            return End(Failed(502, error.message, error.details), cause=_cause(error))
        case _:
            return End(Failed(502, error.message, error.details))


def is_for_now(error: TransportError) -> bool:
    """Tell whether what could not be sent may be sent a little later."""
    if isinstance(error, RequestRefused):
        return error.status == _TOO_MANY or error.status >= _OF_THE_SERVER
    return isinstance(error, Unreachable)


def _cause(answer: Refused | RequestRefused) -> Cause | None:
    if not MEANINGS[answer.kind].of_account:
        return None
    return Cause(answer.status, answer.discord_code, answer.body)
