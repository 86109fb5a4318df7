"""REFUSALS: the meaning of what Discord answers with a 4xx, by HTTP status and Discord's codes.

Rows look at numbers and names of codes, never at words: those are in the account's language. The
first row that fits counts (R51). What a meaning does to a job and to its account stands with it
(R6).

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from waystation import sentences
from waystation.sentences import Sentence

__all__ = ["MEANINGS", "REFUSALS", "TOKEN_REJECTED", "Meaning", "Refusal"]


@dataclass(frozen=True, slots=True)
class Meaning:
    """One kind of refusal: the error of the job which it ends, and what becomes of the account."""

    kind: str
    error: Sentence
    halt: str | None = None
    """Text of the halt, where a person must look at the account (R34). `{error}` is the job's,
    `{body}` what Discord said."""
    token_rejected: bool = False
    """True: a new token is the mend of the halt (R33)."""
    of_account: bool = False
    """True: the account may not, whatever is asked, so that it may be put aside (R50)."""


TOKEN_REJECTED: Final = "Discord rejected the account's token (HTTP status 401)"  # noqa: S105 - a text
"""The text of a halt by an HTTP answer that rejects the token."""

CAPTCHA: Final = Meaning("captcha", sentences.CAPTCHA, halt="{error}")
UNAUTHORIZED: Final = Meaning(
    "unauthorized", sentences.INTERACTION_HALTS, halt=TOKEN_REJECTED, token_rejected=True
)
BLOCKED: Final = Meaning("blocked", sentences.INTERACTION_HALTS, halt="{error}: {body}")
RATE_LIMITED: Final = Meaning("rate_limited", sentences.RATE_LIMITED)
OUTDATED: Final = Meaning("outdated", sentences.INTERACTION_FAILED)
"""Our command index is: it is asked again once (R13)."""
TARGET: Final = Meaning("target", sentences.PRESS_GONE)
"""The target that the caller named is gone."""
ACCOUNT: Final = Meaning("account", sentences.INTERACTION_FAILED, of_account=True)
INVALID: Final = Meaning("invalid", sentences.INTERACTION_FAILED)
"""All else."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row: what an answer means that fits. Empty sets fit whatever is there.

    `codes` are Discord's numeric code or the names that `errors` nests.
    """

    meaning: Meaning
    statuses: frozenset[int] = frozenset()
    codes: frozenset[str] = frozenset()
    key: str | None = None
    """A field that the body must have."""
    no_json: bool = False
    """The body is no JSON object: a page of the network in front of Discord (wire notes 1.8)."""


def _row(meaning: Meaning, *statuses: int, codes: str = "") -> Refusal:
    return Refusal(meaning, frozenset(statuses), frozenset(codes.split()))


REFUSALS: Final[Sequence[Refusal]] = (
    # a person is asked for; before all else, whatever it is dressed in
    Refusal(CAPTCHA, key="captcha_key"),
    _row(UNAUTHORIZED, 401),
    _row(UNAUTHORIZED, codes="40001 50014"),
    _row(BLOCKED, 403, codes="10008 40002"),
    Refusal(BLOCKED, frozenset({403}), no_json=True),
    # to be tried again
    _row(RATE_LIMITED, 429),
    _row(RATE_LIMITED, codes="40062"),
    _row(OUTDATED, codes="INTERACTION_APPLICATION_COMMAND_INVALID_VERSION 10063"),
    # what the caller has named is gone
    _row(TARGET, 400, 404, codes="10005 10008"),
    _row(TARGET, codes="10062 COMPONENT_VALIDATION_FAILED"),
    # the account may not, here
    _row(ACCOUNT, codes="10003 10004 50001 50007 50013 INVALID_PERMISSIONS"),
    _row(ACCOUNT, 403),
    _row(INVALID),
)
"""Meaning of a definite 4xx; the first row that fits. Source: R51."""

MEANINGS: Final[Mapping[str, Meaning]] = {row.meaning.kind: row.meaning for row in REFUSALS}
"""By kind, as `actions.Refused` names it."""
