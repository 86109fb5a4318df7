"""Answers of Discord's REST API: what a status and a body mean.

How it works: for a submission the answer becomes an outcome (R12): 2xx is Accepted, a definite 4xx
is Refused with the kind of the first row of `REFUSALS` that fits (discord_refusals.py), and
everything that leaves open whether it was executed is Unknown. For reads and uploads, which may be
repeated, it becomes an error.

Sources: wire notes 1.2, 1.7 and 1.8; R51.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from waystation import sentences
from waystation.actions import Accepted, Outcome, Refused, Unknown
from waystation.discord_refusals import REFUSALS, Refusal
from waystation.errors import (
    HumanCheckRequired,
    NotAuthorised,
    RequestRefused,
    TransportError,
    Unreachable,
)

__all__ = [
    "BODY_LIMIT",
    "Answer",
    "error_of",
    "kind_of",
    "outcome_of",
    "refused",
]

BODY_LIMIT: Final = 2000
"""Characters of an answer that are kept (`actions.Refused`)."""

_CODE_DIGITS: Final = 10
"""Discord's numbers have five or six."""

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
        """True when Discord did what was asked."""
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

    @property
    def number(self) -> str:
        """The same where it is a number of a believable length, else empty."""
        code = self.code
        return code if code.isdecimal() and len(code) <= _CODE_DIGITS else ""

    @property
    def codes(self) -> frozenset[str]:
        """The code of the body, and the codes that `errors` nests."""
        return frozenset((self.code, *_nested_codes((self.fields or {}).get("errors"))))

    def has(self, key: str) -> bool:
        """Tell whether the body's JSON object has that key."""
        return self.fields is not None and key in self.fields


def kind_of(answer: Answer) -> str:
    """Return the kind of a refusal, as `actions.Refused` lists them."""
    return next(row.meaning.kind for row in REFUSALS if _fits(row, answer))


def _fits(row: Refusal, answer: Answer) -> bool:
    return (
        (not row.statuses or answer.status in row.statuses)
        and (not row.codes or not row.codes.isdisjoint(answer.codes))
        and (row.key is None or answer.has(row.key))
        and not (row.no_json and answer.fields is not None)
    )


def outcome_of(answer: Answer, retry_after_s: float | None) -> Outcome:
    """Return how a submission ended.

    Args: retry_after_s: the wait that the answer's limits ask for, None for none
    """
    if answer.ok:
        return Accepted()
    if not 400 <= answer.status < 500 or answer.status in _UNCLEAR_STATUSES:
        return Unknown(sentences.DISCORD_STATUS.said(status=answer.status))
    return refused(answer, retry_after_s)


def refused(answer: Answer, retry_after_s: float | None) -> Refused:
    """Return a definite refusal in the words of `actions`."""
    kind = kind_of(answer)
    wait_s = retry_after_s if kind == "rate_limited" else None
    return Refused(answer.status, answer.text, kind, wait_s, answer.number)


def error_of(answer: Answer) -> TransportError:
    """Return the error of a read or an upload that was not answered with 2xx."""
    kind = kind_of(answer)
    if kind == "unauthorized":
        return NotAuthorised(details=answer.text)
    if kind in ("captcha", "blocked"):
        return HumanCheckRequired(details=answer.text)
    passes = answer.status in _UNCLEAR_STATUSES or answer.status >= 500
    if kind == "rate_limited" or passes:
        return Unreachable(sentences.DISCORD_STATUS.said(status=answer.status), details=answer.text)
    return RequestRefused(answer.status, answer.text, kind, answer.number)


def _fields(body: bytes) -> Mapping[str, msgspec.Raw] | None:
    try:
        return msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None


def _nested_codes(errors: msgspec.Raw | None) -> Iterator[str]:
    """Yield the names of what is wrong with a form. Source: Discord, Error Messages."""
    try:
        left: list[object] = [] if errors is None else [msgspec.json.decode(errors)]
    except (msgspec.DecodeError, RecursionError, ValueError):  # the rest was only skipped over
        return
    while left:
        one = left.pop()
        if isinstance(one, dict):
            if isinstance(one.get("code"), str):
                yield one["code"]
            left.extend(one.values())
        elif isinstance(one, list):
            left.extend(one)
