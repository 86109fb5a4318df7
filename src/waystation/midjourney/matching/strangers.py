"""Strangers: asks of other people in the channel that look like ours.

What a message that no job of ours can claim shows is remembered: by its likeness, its uuid and its
interaction it may own a picture that names nobody (R20, R23).

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from waystation.jobs import Job
from waystation.midjourney.matching.likeness import (
    ENDS,
    Likeness,
    agreement,
    asked_after,
    is_before,
    likeness_of,
    look_alike,
    may_be_shortened,
)
from waystation.midjourney.memory import STRANGERS, Memory, Plain
from waystation.midjourney.reading import Reading
from waystation.midjourney.replies import ReplyKind
from waystation.wire.snowflake import is_newer

__all__ = ["Begun", "Strangers", "begun_with"]

_NAMELESS = "stranger "
"""Begins the name of somebody of whom only a message is known; the message's id follows."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A progress that nobody could claim: that of a job which has shown none, or of a stranger."""

    message_id: str
    alike: frozenset[Likeness]
    hash: str | None
    interaction_id: str | None

    @property
    def stranger(self) -> str:
        """The name of the stranger whose it is, if it is no job's."""
        return f"{_NAMELESS}{self.message_id}"

    def may_become(self, reading: Reading) -> bool:
        """Tell whether a picture, of which nothing says with what it began, may be of this work."""
        return (
            (self.hash is None or reading.shown.hash is None)
            and not is_newer(self.message_id, reading.shown.message_id)
            and (
                self.interaction_id is None or reading.interaction_id in (None, self.interaction_id)
            )
            and look_alike(likeness_of(reading), self.alike)
        )


def begun_with(ask: str) -> str | None:
    """Return the message of somebody of whom only that is known, None for anybody else."""
    return ask.removeprefix(_NAMELESS) if ask.startswith(_NAMELESS) else None


@dataclass(frozen=True, slots=True)
class _Stranger:
    """One ask that is not ours, by its messages."""

    alike: frozenset[Likeness]
    hash: str | None
    over: bool
    unclaimed: bool
    """It may be a job of ours all the same: more than one could have begun so."""
    interaction_id: str | None = None
    orphan: bool = False
    """It resembles no ask and says nothing of who asked: it may be anybody's, ours too (R20)."""
    finished: bool = False
    """The message shows a finished picture: what replies to it answers a press on it."""


class Strangers:
    """Pictures in the channel, addressed to us, that no job of ours asked for. Bounded."""

    def __init__(self, memory: Memory | None = None) -> None:
        self._seen = (memory or Memory()).table(STRANGERS, Plain(_Stranger))

    def note(
        self,
        reading: Reading,
        *,
        unclaimed: bool = False,
        orphan: bool = False,
    ) -> None:
        """Remember an unmatched message, with its uuid as soon as it shows one."""
        alike = frozenset(likeness_of(reading))
        if not (alike or orphan) and reading.shown.message_id not in self._seen:
            return
        hash_, over = reading.shown.hash, _is_over(reading)
        if over:
            # its progress was another message
            self._end(reading)
        message_id, interaction_id = reading.shown.message_id, reading.interaction_id
        finished = reading.kind is ReplyKind.PICTURE
        known = self._seen.get(message_id)
        if known is not None:
            finished = finished or known.finished
            hash_, over, alike = hash_ or known.hash, over or known.over, alike | known.alike
            interaction_id, orphan = interaction_id or known.interaction_id, orphan and known.orphan
        self._seen[message_id] = _Stranger(
            alike, hash_, over, unclaimed, interaction_id, orphan, finished
        )

    def is_finished(self, message_id: str) -> bool:
        """Tell whether a message is a finished picture that no job of ours has got."""
        return message_id in self._seen and self._seen[message_id].finished

    def is_over(self, message_id: str) -> bool:
        """Tell whether the ask that began with a message has ended."""
        return message_id in self._seen and self._seen[message_id].over

    def has_orphan_since(self, job: Job) -> bool:
        """Tell whether anything was seen since a job was asked that may be its, for all it says."""
        return any(one.orphan and not is_before(job, seen) for seen, one in self._seen.items())

    def interactions_since(self, job: Job) -> Iterator[str]:
        """Yield the interactions younger than an ask that began something of nobody's."""
        after = asked_after(job)
        told = (one.interaction_id for one in self._seen.values())
        return (one for one in told if one is not None and is_newer(one, after))

    def _end(self, reading: Reading) -> None:
        hash_, named, alike = (reading.shown.hash, reading.interaction_id, likeness_of(reading))
        for message_id, one in list(self._seen.items()):
            is_same = hash_ is not None and one.hash == hash_
            is_ask = named is not None and one.interaction_id == named
            if (
                message_id == reading.reference_id
                or is_same
                or (is_ask and look_alike(alike, one.alike))
            ):
                self._seen[message_id] = replace(one, over=True)

    def forget(self, message_ids: Iterable[str]) -> None:
        """Take out messages that are a job's after all."""
        for message_id in message_ids:
            self._seen.pop(message_id, None)

    def finish(self, message_id: str, reading: Reading) -> None:
        """Take a picture for the result of the stranger with that progress message."""
        if message_id in self._seen:
            hash_ = reading.shown.hash
            seen = self._seen[message_id]
            self._seen[message_id] = replace(seen, hash=hash_, over=True, unclaimed=False)
        self._claim(one for one in self._owners(reading))

    def close(self, reading: Reading, message_ids: Iterable[str]) -> None:
        """Remember that all who could own a picture are done, whichever was theirs."""
        alike = likeness_of(reading)
        self._claim(
            message_id
            for message_id, one in self._seen.items()
            if message_id in message_ids or (one.unclaimed and look_alike(alike, one.alike))
        )

    def claim(
        self, likenesses: Iterable[Likeness], message_id: str, hash_: str | None, *, silent: bool
    ) -> None:
        """Take away the progress of a job that has got its picture.

        Args: silent: the job has shown no progress of its own: one that shows no uuid was its
        """
        mine = [one for one, seen in self._seen.items() if seen.unclaimed and seen.hash == hash_]
        self._claim(mine or (self._begun(likenesses, message_id) if silent else ()))

    def take(self, reading: Reading) -> None:
        """Give a picture that no job can own to whoever may have begun it."""
        owners = list(self._owners(reading))
        if not owners:
            alike, said = likeness_of(reading), reading.shown.message_id
            owners = self._begun(alike, said, reading.interaction_id)
        self._claim(owners)

    def _begun(
        self, likenesses: Iterable[Likeness], message_id: str, interaction_id: str | None = None
    ) -> list[str]:
        """Return the first progress without uuid from which a picture may have come."""
        alike = tuple(likenesses)
        found = (
            one
            for one, seen in self._seen.items()
            if seen.unclaimed
            and seen.hash is None
            and not is_newer(one, message_id)
            and (interaction_id is None or seen.interaction_id in (None, interaction_id))
            and look_alike(alike, seen.alike)
        )
        return list(islice(found, 1))

    def _claim(self, message_ids: Iterable[str]) -> None:
        for message_id in list(message_ids):
            self._seen[message_id] = replace(self._seen[message_id], over=True, unclaimed=False)

    def owns(self, reading: Reading) -> bool:
        """Tell whether a message is a stranger's: by its id, its uuid, or what it replies to."""
        return any(not self._seen[one].unclaimed for one in self._owners(reading))

    def draws(self, reading: Reading) -> bool:
        """Tell whether a progress of somebody else has shown a picture's uuid."""
        hash_ = reading.shown.hash
        return hash_ is not None and any(
            one.hash == hash_ and not (one.unclaimed or one.finished) for one in self._seen.values()
        )

    def has(self, ask: str) -> bool:
        """Tell whether somebody has begun with this message."""
        return ask in self._seen

    def names(self, reading: Reading) -> bool:
        """Tell whether a message surely belongs to another person."""
        owners = [self._seen[one] for one in self._owners(reading)]
        return any(not (one.unclaimed or one.orphan) for one in owners)

    def interaction_of(self, reading: Reading) -> str | None:
        """Return to what interaction a message answers, by itself or by what it goes on with."""
        told = (self._seen[one].interaction_id for one in self._owners(reading))
        return reading.interaction_id or next(filter(None, told), None)

    def has_unclaimed(self, likenesses: Iterable[Likeness]) -> bool:
        """Tell whether there is a progress that looks so and that nobody could claim."""
        alike = tuple(likenesses)
        return any(one.unclaimed and agreement(one.alike, alike) for one in self._seen.values())

    def begun(self) -> Iterator[Begun]:
        """Yield each progress that nobody could claim and whose picture is not known."""
        for message_id, one in self._seen.items():
            if one.unclaimed and not one.over:
                yield _as_begun(message_id, one)

    def begun_as(self, reading: Reading) -> Sequence[Begun]:
        """Return the progress with which a picture has begun, where nobody could claim it."""
        known = ((one, self._seen[one]) for one in self._owners(reading))
        return [_as_begun(message_id, one) for message_id, one in known if one.unclaimed]

    def _owners(self, reading: Reading) -> Iterator[str]:
        hash_ = reading.shown.hash
        for message_id, one in self._seen.items():
            replies = message_id == reading.reference_id and not one.over
            is_same = hash_ is not None and hash_ == one.hash
            if message_id == reading.shown.message_id or replies or is_same:
                yield message_id

    def open_alike(
        self, reading: Reading, *, shortened: bool = False, is_ours: bool = True
    ) -> frozenset[str]:
        """Return the strangers, by their messages, whose picture this one could be.

        One that names an interaction is that ask's alone: of one that no message told of, if of
        none that did (R23).

        Args: shortened: count those, too, from whose prompt its may have been shortened;
        is_ours: it may be a job's
        """
        alike, named = likeness_of(reading), reading.interaction_id
        found = {
            message_id: one.interaction_id
            for message_id, one in self._seen.items()
            if one.hash is None
            and not (one.over or one.unclaimed)
            and (named is None or one.interaction_id in (None, named))
            and (look_alike(alike, one.alike) or (shortened and may_be_shortened(alike, one.alike)))
        }
        if named is not None and (named in found.values() or not is_ours):
            return frozenset(one for one, told in found.items() if told == named)
        return frozenset(found)


def _as_begun(message_id: str, one: _Stranger) -> Begun:
    return Begun(message_id, one.alike, one.hash, one.interaction_id)


def _is_over(reading: Reading) -> bool:
    stopped = reading.caption is not None and reading.caption.stopped
    return stopped or reading.kind in ENDS
