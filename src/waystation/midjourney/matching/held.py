"""HeldPictures: finished pictures that name no job, until elimination gives them to one.

Each keeps who could own it when it came, because nobody who asked later can. Elimination says whose
it is; nobody gets one of a group about which nothing more can be learnt (R20).

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from waystation.gateway_events import SeenAs
from waystation.jobs import JobId
from waystation.midjourney.matching.candidates import Candidates
from waystation.midjourney.matching.elimination import Works, decided, groups, hopeless
from waystation.midjourney.matching.match import Matched, match_by_sign
from waystation.midjourney.matching.works import works
from waystation.midjourney.memory import HELD, SPENT, Memory, Plain
from waystation.midjourney.reading import Reading, read
from waystation.wire.message import Message

__all__ = ["Counted", "HeldPicture", "HeldPictures"]


@dataclass(frozen=True, slots=True)
class HeldPicture:
    """One picture that waits."""

    seen_as: SeenAs
    message: Message
    reading: Reading
    asks: frozenset[str]
    """The asks that could own the picture when it came; no later ask can."""


class _Kept(msgspec.Struct, frozen=True, rename={"seen_as": "step"}):
    """The part of a held picture that cannot be read from its message."""

    seen_as: SeenAs
    message: Message
    asks: frozenset[str]


class _Form:
    """A held picture as bytes: what was read from its message is read again."""

    def encode(self, value: HeldPicture) -> bytes:
        return msgspec.json.encode(_Kept(value.seen_as, value.message, value.asks))

    def decode(self, body: bytes) -> HeldPicture:
        kept = msgspec.json.decode(body, type=_Kept)
        return HeldPicture(kept.seen_as, kept.message, read(kept.message), kept.asks)


@dataclass(frozen=True, slots=True)
class Counted:
    """The pictures that wait, and all works, as they were when they were counted."""

    pictures: Mapping[str, HeldPicture]
    works: Works

    def of(self, asks: frozenset[str]) -> Sequence[Message]:
        """Return the messages that may be one of these asks'."""
        owners = self.works.pictures
        return tuple(held.message for one, held in self.pictures.items() if asks & owners[one])

    @property
    def asks(self) -> frozenset[str]:
        """The asks that could own one of the pictures."""
        return frozenset().union(*self.works.pictures.values())

    def beside(self, jobid: JobId) -> frozenset[str]:
        """Return the asks with whom a job shares pictures, directly or by others; itself, too."""
        together = (asks for _, asks in groups(self.works) if jobid in asks)
        return frozenset().union(*together)

    def decided(self) -> Iterator[tuple[HeldPicture, str]]:
        """Yield each picture that has one possible owner, with it."""
        for message_id, ask in decided(self.works):
            yield self.pictures[message_id], ask

    def hopeless(self) -> Iterator[frozenset[str]]:
        """Yield the asks of each group about which nothing more can be learnt."""
        return hopeless(self.works)


_NOTHING = Counted({}, Works({}))


class HeldPictures:
    """The pictures of one conversation that wait to be told apart, by message id."""

    def __init__(self, candidates: Candidates, memory: Memory | None = None) -> None:
        self._candidates = candidates
        memory = memory or Memory()
        self._held = memory.table(HELD, _Form())
        self._spent = memory.table(SPENT, Plain(bool))

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, picture: HeldPicture) -> None:
        """Let a picture wait; one that waits already stays as it came."""
        if picture.message.id not in self._held:
            self._held[picture.message.id] = picture

    def count(self) -> Counted:
        """Return what waits, counted against the asks.

        A picture without a possible owner is dropped.
        """
        if not self._held:
            # each event asks: what was begun says nothing without a picture
            return _NOTHING
        owners = {one: self._asks_of(held) for one, held in self._held.items()}
        for message_id, asks in owners.items():
            if not asks:
                self._candidates.take(self._held[message_id].reading, self._held[message_id].asks)
                self.discard(message_id)
        pictures = {one: self._held[one] for one in owners if one in self._held}
        readings = {one: held.reading for one, held in pictures.items()}
        all_ = works(self._candidates, readings, {one: owners[one] for one in readings})
        return Counted(pictures, all_)

    def is_told(self, picture: HeldPicture) -> bool:
        """Tell whether what a picture says was heard of a job meanwhile."""
        return match_by_sign(picture.reading, self._candidates) is not None

    def is_evident(self, picture: HeldPicture, jobid: JobId) -> bool:
        """Tell whether anything of a picture speaks for the job that alone could own it."""
        return self.is_told(picture) or self._candidates.agrees(jobid, picture.reading)

    def begun(self, picture: HeldPicture) -> Sequence[str]:
        """Return the messages that surely are a picture's progress, which nobody could claim."""
        begun = self._candidates.others.strangers.begun_as(picture.reading)
        return [one.message_id for one in begun]

    def settle(self, owned: Container[str]) -> None:
        """Let go of those whose owner is known by now. Args: owned: messages of jobs"""
        for message_id, held in list(self._held.items()):
            if message_id in owned or self._candidates.others.is_settled(held.reading):
                del self._held[message_id]

    def finish(self, picture: HeldPicture, stranger: str) -> None:
        """Give a picture to somebody else than us."""
        self._candidates.end_stranger(stranger, picture.reading)
        self.discard(picture.message.id)

    def is_spent(self, jobid: JobId) -> bool:
        """Tell whether a ghost's picture may be among those that nobody got.

        It owns what comes later as well as before. But of what looks like it there is more than one
        now, and no picture is surely its (R20).
        """
        return jobid in self._spent

    def _spend(self, asks: Iterable[str], *others: str) -> None:
        index = self._candidates.index
        ghosts = (one for one in asks if one in index and index[JobId(one)].final)
        for jobid in sorted({*ghosts, *others}):
            self._spent[jobid] = True

    def close(self, asks: frozenset[str]) -> None:
        """Let nobody have the pictures of a hopeless group; its strangers are done."""
        for message_id, held in list(self._held.items()):
            if held.asks & asks:
                self._spend(held.asks)
                self._candidates.others.strangers.close(held.reading, asks)
                self.discard(message_id)
        for ask in asks:
            self._candidates.others.by_hand.answered(ask)

    def give_up(self, jobid: JobId) -> None:
        """Let nobody have the pictures that could have been a failed job's."""
        for asks in self.count().hopeless():
            if jobid in asks:
                self.close(asks)
        all_ = self.count().works
        left = (group for group, asks in groups(all_) if jobid in asks)
        # a contested picture goes to a job only if no other picture could
        unsure = {one for group in left for one, asks in group.items() if asks & all_.unsure}
        for message_id, held in list(self._held.items()):
            if jobid in held.asks or message_id in unsure:
                self._spend(held.asks, jobid)
                self.discard(message_id)

    def discard(self, message_id: str) -> None:
        """Let nobody have a picture, if it waits."""
        held = self._held.pop(message_id, None)
        if held is not None:
            self._candidates.others.discard(held.reading)

    def _asks_of(self, held: HeldPicture) -> frozenset[str]:
        known = match_by_sign(held.reading, self._candidates)
        if isinstance(known, Matched):
            # what it says was heard of a job meanwhile
            return frozenset({known.jobid})
        return self._candidates.still_asks(held.reading, held.asks)
