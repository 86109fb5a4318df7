"""Others: of other people's asks, what one conversation has seen.

The account's owner works by hand in the same channel (R23). Nothing of his is known beforehand: his
messages carry a nonce that is not ours, and what follows carries none. Jobs that are done are
others as well: whoever looks like them, what was theirs stays theirs.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Iterable

from waystation.jobs import Job
from waystation.midjourney.buttons import BUTTONS
from waystation.midjourney.commands import COMMANDS
from waystation.midjourney.matching.asks_by_hand import AsksByHand, is_within_life
from waystation.midjourney.matching.evidence import Key
from waystation.midjourney.matching.likeness import DRAWN
from waystation.midjourney.matching.strangers import Strangers
from waystation.midjourney.memory import BEGUN, BY_HAND, PRESSED, SETTLED, Memory, Plain
from waystation.midjourney.reading import Reading
from waystation.midjourney.recent import KnownBy
from waystation.midjourney.refusals import Ending
from waystation.midjourney.replies import ReplyKind
from waystation.wire.snowflake import is_newer

__all__ = ["Others"]


class Others:
    """Uuids and messages that are no waiting job's."""

    def __init__(self, memory: Memory) -> None:
        self._disowned = memory.table(BY_HAND, Plain(bool))
        self._settled = KnownBy(memory, SETTLED)
        """By what jobs that are done were known: whoever else looks alike, it is theirs."""
        self.strangers = Strangers(memory)
        self.by_hand = AsksByHand(memory)
        """Asks of which nothing but the interaction is known."""
        self._begun = memory.table(BEGUN, Plain(bool))
        """Messages that were taken for the answer to one of them; whether more may come of it."""
        self._pressed = memory.table(PRESSED, Plain(str))
        """Messages that were pressed by hand, with the newest message that came of it."""

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

    def hear(self, reading: Reading) -> None:
        """Remember what a message that is no job's tells of the asks by hand."""
        if self.is_settled(reading):
            return
        message_id = reading.shown.message_id
        names = (reading.nonce, reading.interaction_id, message_id)
        is_open = reading.kind is ReplyKind.ACKNOWLEDGED and _may_draw(reading.command)
        if is_open or _is_queued(reading):
            # which prompt it will draw, its edit says, or its start
            known = self.by_hand.find(*names)
            if known is not None or reading.nonce is not None:
                self.by_hand.speaks(known or reading.interaction_id or message_id, *names)
        else:
            self.by_hand.answered(*names)
        named = (reading.nonce, reading.interaction_id) != (None, None)
        if reading.kind in DRAWN and named and reading.reference_id is not None:
            self._pressed[reading.reference_id] = message_id

    def answers(self, reading: Reading) -> None:
        """Take a message that names nobody for the answer to an ask by hand.

        It counts once. An end does not count if it may finish an ask that was already counted.
        """
        message_id = reading.shown.message_id
        if message_id in self._begun:
            return
        if reading.kind in _ENDS:
            self._ended_by(message_id)
        else:
            self.by_hand.answered_by(message_id)
        self._begun[message_id] = reading.kind is ReplyKind.PROGRESS

    def _ended_by(self, message_id: str) -> None:
        """Forget the newest ask by hand that a picture or an error may end, if none has begun."""
        begun = (
            one
            for one, starts in self._begun.items()
            if starts and is_newer(message_id, one) and is_within_life(one, message_id)
        )
        if all(self.strangers.is_over(one) for one in begun):
            self.by_hand.answered_by(message_id)

    def several(self, reading: Reading) -> frozenset[str]:
        """Return names for the pictures of a press by hand, if one may be what replies there."""
        target = reading.reference_id or ""
        last = self._pressed.get(target)
        if last is None or not is_within_life(last, reading.shown.message_id):
            return frozenset()
        return frozenset(f"press {target} {number}" for number in range(_MOST))

    def may_answer(self, reading: Reading) -> None:
        """Take a message that names nobody, and is not ours, for the answer to an ask by hand."""
        ours = reading.addressee is not None or reading.ephemeral
        if reading.kind in _ANSWERS and ours and not _is_queued(reading):
            self.answers(reading)


_ANSWERS = DRAWN | {ReplyKind.ERROR, ReplyKind.RATED, ReplyKind.DONE, ReplyKind.TOGGLED}
"""By which an ask by hand is answered, also where they name nobody."""

_MOST = max(row.results for row in BUTTONS.values())
"""Pictures that one press brings."""

_ENDS = frozenset({ReplyKind.PICTURE, ReplyKind.ERROR})
"""By which an ask ends that may have shown a start before."""


def _is_queued(reading: Reading) -> bool:
    """Tell whether the bot says that an ask is still to be run: its start is to come (R31)."""
    return reading.meaning is not None and reading.meaning.ending is Ending.QUEUED


def _may_draw(slash: str | None) -> bool:
    """Tell whether a command, or a press, may bring a picture."""
    rows = [row for row in COMMANDS.values() if slash is not None and row.slash == slash]
    return not rows or any(ReplyKind.PICTURE in row.finished_by for row in rows)
