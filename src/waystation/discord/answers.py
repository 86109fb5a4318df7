"""Answers of Discord's REST API: what a status and a body mean.

How it works: for a submission the answer becomes an outcome (R12): 2xx is Accepted, a definite 4xx
is Refused with the kind of the first row of `REFUSALS` that fits, and everything that leaves open
whether it was executed is Unknown. For reads and uploads, which may be repeated, it becomes an
error.

Sources: wire notes 1.2, 1.7 and 1.8.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from waystation.actions import Accepted, Outcome, Refused, Unknown
from waystation.errors import (
    HumanCheckRequired,
    NotAuthorised,
    RequestRefused,
    TransportError,
    Unreachable,
)

__all__ = ["BODY_LIMIT", "REFUSALS", "Answer", "error_of", "kind_of", "outcome_of", "refused"]

BODY_LIMIT: Final = 2000
"""Characters of an answer that are kept (`actions.Refused`)."""

_OUTDATED: Final = "This command is outdated"
"""Source: wire notes 1.2, first error row."""

_DEAD_TOKEN_CODES: Final = frozenset({"40001", "50014"})
"""Unauthorized, and invalid authentication token."""

_PERSON_CODES: Final = frozenset({"10008", "40002"})
"""With status 403: the anti-abuse block that calls itself Unknown Message, and verification."""

_UNCLEAR_STATUSES: Final = frozenset({408, 499})
"""4xx that a machine in between says about time, not Discord about the request."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    fields: Mapping[str, msgspec.Raw] | None = field(init=False, repr=False)
    """The body's JSON object by key, None when it is none."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", None if self.ok else _fields(self.body))

    @property
    def ok(self) -> bool:
        """Whether Discord did what was asked."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as Discord sent it, cut to `BODY_LIMIT` characters."""
        return self.body.decode("utf-8", "replace")[:BODY_LIMIT]

    @property
    def code(self) -> str:
        """Discord's own error code, empty when there is none."""
        raw = (self.fields or {}).get("code")
        return "" if raw is None else bytes(raw).decode("utf-8", "replace").strip('"')

    def has(self, key: str) -> bool:
        """Tell whether the body's JSON object has that key."""
        return self.fields is not None and key in self.fields


REFUSALS: Final[Sequence[tuple[str, Callable[[Answer], bool]]]] = (
    ("rate_limited", lambda answer: answer.status == 429),
    ("captcha", lambda answer: answer.has("captcha_key")),
    ("unauthorized", lambda answer: answer.status == 401 or answer.code in _DEAD_TOKEN_CODES),
    ("forbidden", lambda answer: answer.status == 403),
    ("outdated", lambda answer: answer.status == 400 and _OUTDATED in answer.text),
    ("invalid", lambda answer: True),
)
"""(kind, whether it fits): the first that fits names the refusal."""


def kind_of(answer: Answer) -> str:
    """Return the kind of a refusal, as `actions.Refused` lists them."""
    return next(kind for kind, fits in REFUSALS if fits(answer))


def outcome_of(answer: Answer, retry_after_s: float | None) -> Outcome:
    """Return how a submission ended.

    Args: retry_after_s: the wait that the answer's limits ask for, None for none
    """
    if answer.ok:
        return Accepted()
    if not 400 <= answer.status < 500 or answer.status in _UNCLEAR_STATUSES:
        return Unknown(f"Discord answered with HTTP status {answer.status}")
    return refused(answer, retry_after_s)


def refused(answer: Answer, retry_after_s: float | None) -> Refused:
    """Return a definite refusal in the words of `actions`."""
    kind = kind_of(answer)
    wait_s = retry_after_s if kind == "rate_limited" else None
    return Refused(answer.status, answer.text, kind, wait_s)


def error_of(answer: Answer) -> TransportError:
    """Return the error of a read or an upload that was not answered with 2xx."""
    if answer.status == 429 or answer.status in _UNCLEAR_STATUSES or answer.status >= 500:
        return Unreachable(
            f"Discord answered with HTTP status {answer.status}", details=answer.text
        )
    kind = kind_of(answer)
    if kind == "unauthorized":
        return NotAuthorised(details=answer.text)
    if kind == "captcha" or (kind == "forbidden" and _wants_person(answer)):
        return HumanCheckRequired(details=answer.text)
    return RequestRefused(answer.status, answer.text)


def _wants_person(answer: Answer) -> bool:
    # no JSON: a page of the network in front of Discord (wire notes 1.8)
    return answer.fields is None or answer.code in _PERSON_CODES


def _fields(body: bytes) -> Mapping[str, msgspec.Raw] | None:
    try:
        return msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        return None
