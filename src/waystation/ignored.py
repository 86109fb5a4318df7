"""Ignored: the reasons why a message changes no job, one for each such message.

A message is counted under its reason once, when the gateway tells it; history counts nothing. The
log line `message.ignored` has it at `debug`, with the message and its channel. Messages that are
foreign or unreadable are counted, and have no such line.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Ignored"]


class Ignored(StrEnum):
    """Reason why a message changes no job."""

    # ── it is not for the account ──
    FOREIGN = "foreign"
    """Of another author or channel, or for another user, told by its first fields (sieve.py)."""
    OTHER_CHANNEL = "other_channel"
    """A direct message, and it is no seed, or nobody waits for one."""
    OTHER_AUTHOR = "other_author"
    """A person's or another bot's, read back from history."""
    OTHER_USER = "other_user"
    """The bot answers another Discord user."""
    AUTHORLESS = "authorless"
    """An edit that does not say who wrote it, of a message that is no job's (R18)."""

    # ── nobody of ours owns it ──
    SETTLED = "settled"
    """Of a job that is done."""
    BY_HAND = "by_hand"
    """The account's owner asked for it by hand: its nonce or its interaction is not ours (R23)."""
    CONTRADICTED = "contradicted"
    """It names a job, or looks like one, but shows another interaction or another uuid (R20)."""
    STRANGERS = "strangers"
    """It goes on with what somebody began who is no job of ours (R23)."""
    BEFORE_ASK = "before_ask"
    """It looks like a job, but is older than its ask or than its first answer (R28)."""
    NO_ASK = "no_ask"
    """Nothing that waits can own it."""
    UNKNOWN_WORDS = "unknown_words"
    """No row of REPLIES claims it, and it names no job (R24)."""

    # ── more is to be known first ──
    TWO_OWNERS = "two_owners"
    """It names two jobs: history is read, and nothing is guessed (R20)."""
    UNDECIDED = "undecided"
    """A picture that could be of several: it is held until they are told apart (R20)."""
    UNCLAIMED = "unclaimed"
    """A progress that looks like a job's and names none: whose it is, its picture tells."""

    # ── its job learns nothing from it ──
    NOTHING_NEW = "nothing_new"
    """It says nothing that is not known of its job (R36)."""
    TOO_SOON = "too_soon"
    """Progress within a second of the last (R37)."""
    BEFORE_PRESS = "before_press"
    """An edit is waited for, and it says what the message said before the press (R21)."""
    ECHO = "echo"
    """A pressed message that changes its colours (R21)."""
    PREVIEW = "preview"
    """A preview of one of several results."""
    STILL_QUEUED = "still_queued"
    """The bot says of a job that has ended that it is still to be run (R31)."""
    OVER = "over"
    """Its job has ended, and so has what came late."""

    # ── it could not be taken in ──
    UUID_TAKEN = "uuid_taken"
    """The store knows its uuid as that of another job (I1)."""
    UNREADABLE = "unreadable"
    """It has not the form that Discord documents; `gateway.unreadable` in the log."""
    NOT_APPLIED = "not_applied"
    """A fault of Waystation; `gateway.event_not_applied` in the log has it."""
