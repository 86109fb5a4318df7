"""Others: of other people's asks, what one conversation has seen.

The account's owner works by hand in the same channel (R23). Nothing of his is known beforehand: his
messages carry a nonce that is not ours, and what follows carries none. Jobs that are done are
others as well: whoever looks like them, what was theirs stays theirs.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Iterable

from waystation.jobs import Job
from waystation.midjourney.commands import COMMANDS
from waystation.midjourney.matching.asks_by_hand import AsksByHand
from waystation.midjourney.matching.evidence import Key
from waystation.midjourney.matching.likeness import DRAWN, Strangers, is_nameless
from waystation.midjourney.memory import BY_HAND, SETTLED, Memory, Plain
from waystation.midjourney.reading import Reading
from waystation.midjourney.recent import KnownBy
from waystation.midjourney.replies import ReplyKind

__all__ = ["Others"]


class Others:
    """What is known not to be a job's that waits."""

    def __init__(self, memory: Memory) -> None:
        self._disowned = memory.table(BY_HAND, Plain(bool))
        self._settled = KnownBy(memory, SETTLED)
        """By what jobs that are done were known: whoever else looks alike, it is theirs."""
        self.strangers = Strangers(memory)
        self.by_hand = AsksByHand(memory)
        """Asks of which nothing but the interaction is known."""

    def settle(self, job: Job, earlier: Iterable[Key] = ()) -> None:
        """Remember what a job that is done was known by. Args: earlier: its keys of before"""
        late = None if job.late is None else job.late.hash
        before = (one for _, one in earlier)
        known = (job.nonce, job.interaction_id, job.hash, late, *job.messages, *before)
        target = job.target
        self._settled.add(job.jobid, (one for one in known if one and one != target))

    def discard(self, reading: Reading) -> None:
        """Remember a picture that nobody will get."""
        message_id = reading.shown.message_id
        self._settled.add(message_id, filter(None, (message_id, reading.shown.hash)))

    def is_settled(self, reading: Reading) -> bool:
        """Tell whether a message is known to be another job's, one that is done."""
        shown = reading.shown
        known_by = (shown.message_id, shown.hash, reading.nonce, reading.interaction_id)
        return any(one in self._settled for one in known_by)

    def disown(self, *ids: str | None) -> None:
        """Remember messages or interactions that carried a nonce which is not a job's."""
        for one in ids:
            if one is not None:
                self._disowned[one] = True

    def owns(self, reading: Reading) -> bool:
        """Tell whether a message is known to be none of a job that waits."""
        return self.is_settled(reading) or self.strangers.owns(reading)

    def is_settled_id(self, one: str) -> bool:
        """Tell whether a message or an interaction is that of a job that is done."""
        return one in self._settled

    def is_disowned(self, *ids: str | None) -> bool:
        """Tell whether one of these messages or interactions is known to be by hand."""
        return any(one in self._disowned for one in ids)

    def asked_by_hand(self, interaction_id: str, nonce: str) -> None:
        """Remember an interaction that no job has asked for, once, until it is answered."""
        if not any(
            one in self._disowned or one in self._settled for one in (interaction_id, nonce)
        ):
            self.by_hand.told(interaction_id, nonce)
        self.disown(interaction_id)

    def end_by_hand(self, asks: Iterable[str], message_id: str) -> None:
        """Remember that those who asked by hand, of these asks, have got their pictures."""
        for ask in asks:
            if is_nameless(ask):
                self.by_hand.answered_by(message_id)
            else:
                self.by_hand.answered(ask)

    def hear(self, reading: Reading) -> None:
        """Remember what a message that is no job's tells of the asks by hand."""
        if self.is_settled(reading):
            return
        message_id = reading.shown.message_id
        names = (reading.nonce, reading.interaction_id, message_id)
        if reading.kind is ReplyKind.ACKNOWLEDGED and _may_draw(reading.command):
            # which prompt it will draw, its edit says
            known = self.by_hand.find(*names)
            if known is not None or reading.nonce is not None:
                self.by_hand.told(known or reading.interaction_id or message_id, *names)
        else:
            self.by_hand.answered(*names)

    def may_answer(self, reading: Reading) -> None:
        """Take a message that names nobody, and is not ours, for the answer to an ask by hand."""
        if reading.kind in _ANSWERS and (reading.addressee is not None or reading.ephemeral):
            self.by_hand.answered_by(reading.shown.message_id)


_ANSWERS = DRAWN | {ReplyKind.ERROR, ReplyKind.RATED, ReplyKind.DONE, ReplyKind.TOGGLED}
"""By which an ask by hand is answered, also where they name nobody."""


def _may_draw(slash: str | None) -> bool:
    """Tell whether a command, or a press, may bring a picture."""
    rows = [row for row in COMMANDS.values() if slash is not None and row.slash == slash]
    return not rows or any(ReplyKind.PICTURE in row.finished_by for row in rows)
