"""Sidelining: when an account that Discord keeps refusing is no longer drawn (R50).

How it works: refusals *of the account* are counted while they are the same and nothing is done
between. The third one sidelines it for ten minutes: it is drawn only when no other account is
usable. After them it is on trial: whatever is done brings it back, the next such refusal sidelines
it for twice as long. A refusal that it gets while it is sidelined changes nothing.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar

__all__ = [
    "FIRST_SPAN",
    "IN_A_ROW",
    "LONGEST_SPAN",
    "TOLD_AGAIN",
    "Cause",
    "Trouble",
    "is_sidelined",
    "preferred",
    "trouble_after",
]

IN_A_ROW: Final = 3
"""Refusals that sideline an account (R50)."""

FIRST_SPAN: Final = timedelta(minutes=10)
"""How long the first time (R50)."""

LONGEST_SPAN: Final = timedelta(hours=6)
"""No time is longer (R50)."""

TOLD_AGAIN: Final = timedelta(days=1)
"""A cause that had gone is told anew after so long. Our choice: one that comes and goes is quiet.
"""


@dataclass(frozen=True, slots=True)
class Cause:
    """A refusal of the account; two are the same when status and code are.

    `code` is Discord's own number, empty for none; `text` its answer, cut to 2,000 characters, in
    the account's language.
    """

    status: int
    code: str
    text: str = field(compare=False)

    def __str__(self) -> str:
        """Return the words for people."""
        code = f" with code {self.code}" if self.code else ""
        return f"Discord refuses what this account sends: HTTP status {self.status}{code}"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Memory of how Discord refused an account."""

    cause: Cause | None = None
    """The last refusal; None once something was done."""
    in_a_row: int = 0
    since: datetime | None = None
    """When it was sidelined; None before."""
    span: timedelta = timedelta()
    told: tuple[tuple[Cause, datetime], ...] = ()
    """Causes that its owner was told, and when."""

    @property
    def until(self) -> datetime | None:
        """The instant from which it is on trial; None unless it was sidelined."""
        return None if self.since is None else self.since + self.span

    @property
    def is_new(self) -> bool:
        """Tell whether its owner is told of this cause with this change."""
        return self.since is not None and (self.cause, self.since) in self.told


def trouble_after(trouble: Trouble | None, cause: Cause | None, now: datetime) -> Trouble | None:
    """Return what is remembered after a send; None when that is nothing.

    Args: cause: how Discord refused the account; None: it did what was asked
    """
    before = trouble or Trouble()
    if cause is None:
        told = tuple(each for each in before.told if now - each[1] < TOLD_AGAIN)
        return Trouble(told=told) if told else None
    if is_sidelined(before, now):
        return before
    if before.since is None:
        in_a_row = before.in_a_row + 1 if cause == before.cause else 1
        counted = replace(before, cause=cause, in_a_row=in_a_row)
        return counted if in_a_row < IN_A_ROW else _sidelined(counted, FIRST_SPAN, now)
    on_trial = replace(before, cause=cause, in_a_row=before.in_a_row + 1)
    return _sidelined(on_trial, min(2 * before.span, LONGEST_SPAN), now)


def is_sidelined(trouble: Trouble | None, now: datetime) -> bool:
    """Tell whether the account is not drawn while another is usable.

    An instant that lies ahead is of another time and counts as over (R28).
    """
    if trouble is None or trouble.since is None:
        return False
    return trouble.since <= now < trouble.since + trouble.span


class _HasTrouble(Protocol):
    """An account, whatever else is known of it."""

    @property
    def trouble(self) -> Trouble | None: ...


_Account = TypeVar("_Account", bound=_HasTrouble)


def preferred(accounts: Sequence[_Account], now: datetime) -> Sequence[_Account]:
    """Return the accounts that are not sidelined; all of them where each one is (R50).

    Args: accounts: those of one user that may be used
    """
    return [one for one in accounts if not is_sidelined(one.trouble, now)] or accounts


def _sidelined(trouble: Trouble, span: timedelta, now: datetime) -> Trouble:
    told = trouble.told
    if trouble.cause is not None and trouble.cause not in (cause for cause, _ in told):
        told = (*told, (trouble.cause, now))
    return replace(trouble, since=now, span=span, told=told)
