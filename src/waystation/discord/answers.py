"""Answers of Discord's REST API: what a status and a body mean.

How it works: for a submission the answer becomes an outcome (R12): 2xx is Accepted, a definite 4xx
is Refused with the kind of the first row of `REFUSALS` that fits (R51), and everything that leaves
open whether it was executed is Unknown. For reads and uploads, which may be repeated, it becomes
an error.

Sources: wire notes 1.2, 1.7 and 1.8; R51.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from waystation import sentences
from waystation.actions import Accepted, Outcome, Refused, Unknown
from waystation.errors import (
    HumanCheckRequired,
    NotAuthorised,
    RequestRefused,
    TransportError,
    Unreachable,
)

__all__ = [
    "BODY_LIMIT",
    "REFUSALS",
    "Answer",
    "Refusal",
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


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row: what an answer means that fits. Empty sets fit whatever is there.

    `codes` are Discord's numeric code or the names that `errors` nests, never its words: they are
    in the account's language.
    """

    kind: str
    statuses: frozenset[int] = frozenset()
    codes: frozenset[str] = frozenset()
    key: str | None = None
    """A field that the body must have."""
    no_json: bool = False
    """The body is no JSON object: a page of the network in front of Discord (wire notes 1.8)."""

    def fits(self, answer: Answer) -> bool:
        """Tell whether the row speaks of this answer."""
        return (
            (not self.statuses or answer.status in self.statuses)
            and (not self.codes or not self.codes.isdisjoint(answer.codes))
            and (self.key is None or answer.has(self.key))
            and not (self.no_json and answer.fields is not None)
        )


def _row(kind: str, *statuses: int, codes: str = "") -> Refusal:
    return Refusal(kind, frozenset(statuses), frozenset(codes.split()))


REFUSALS: Final[Sequence[Refusal]] = (
    # a person is asked for; before all else, whatever it is dressed in
    Refusal("captcha", key="captcha_key"),
    _row("unauthorized", 401),
    _row("unauthorized", codes="40001 50014"),
    _row("blocked", 403, codes="10008 40002"),
    Refusal("blocked", frozenset({403}), no_json=True),
    # to be tried again
    _row("rate_limited", 429),
    _row("rate_limited", codes="40062"),
    _row("outdated", codes="INTERACTION_APPLICATION_COMMAND_INVALID_VERSION 10063"),
    # what the caller has named is gone
    _row("target", 400, 404, codes="10005 10008"),
    _row("target", codes="10062 COMPONENT_VALIDATION_FAILED"),
    # the account may not, here
    _row("account", codes="10003 10004 50001 50007 50013 INVALID_PERMISSIONS"),
    _row("account", 403),
    _row("invalid"),
)
"""Meaning of a definite 4xx, by status and code; the first row that fits. Source: R51."""


def kind_of(answer: Answer) -> str:
    """Return the kind of a refusal, as `actions.Refused` lists them."""
    return next(row.kind for row in REFUSALS if row.fits(answer))


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
