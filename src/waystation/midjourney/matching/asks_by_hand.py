"""AsksByHand: asks by hand of which nothing but their interaction is known (R20, R23).

Discord tells an interaction's id and nonce, and nothing of what was asked. Until the bot answers
it, a picture that names nobody may be its own, whatever the prompt. An answer is a message with its
id or nonce, or the form that it opens. A message that names nobody answers one of them too; which
one makes no difference, since nothing is known of any.

A session hears of the interactions that name it, so that few are by hand (wire notes 1.2).

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import islice

from waystation.midjourney.memory import UNHEARD, Memory, Plain
from waystation.wire.snowflake import is_newer, snowflake_time

__all__ = ["AsksByHand", "is_within_life"]

_LIFE = timedelta(hours=24)
"""How long the bot may take for one, as for a ghost of ours (R19)."""

_SPEAKS = "speaks"
"""Stands beside the ids of an ask that is answered by a message, not by an edit."""


class AsksByHand:
    """Asks by hand that nothing has answered yet, by the id of their interaction. Bounded."""

    def __init__(self, memory: Memory | None = None) -> None:
        self._asks = (memory or Memory()).table(UNHEARD, Plain(tuple[str, ...]))
        """Interaction → by what else it is known: its nonce, a first message that says nothing."""

    def told(self, interaction_id: str, *known_by: str | None) -> None:
        """Remember an ask, and by what else an answer may name it."""
        if not interaction_id.isdecimal():
            return
        known = {one for one in known_by if one is not None}
        self._asks[interaction_id] = tuple(sorted(known | {*self._asks.get(interaction_id, ())}))

    def speaks(self, interaction_id: str, *known_by: str | None) -> None:
        """Remember an ask that has a message of its own, which does not end it."""
        self.told(interaction_id, *known_by, _SPEAKS)

    def may_press(self, message_id: str, newest: str) -> Sequence[str]:
        """Return the asks that may be a press on a message, which answers it by its edit.

        Args: newest: the newest id that was seen
        """
        return [
            ask
            for ask, known in self._asks.items()
            if is_newer(ask, message_id) and _SPEAKS not in known and is_within_life(ask, newest)
        ]

    def find(self, *ids: str | None) -> str | None:
        """Return the ask that is known by one of these ids."""
        named = frozenset(ids)
        found = (ask for ask, known in self._asks.items() if not named.isdisjoint((ask, *known)))
        return next(found, None)

    def answered(self, *ids: str | None) -> None:
        """Forget the ask that is known by one of these ids."""
        if (ask := self.find(*ids)) is not None:
            del self._asks[ask]

    def answered_by(self, message_id: str) -> None:
        """Forget the newest ask to which a message that names nobody may be the answer."""
        self._forget(reversed(self.before(message_id)))

    def answered_by_edit(self, message_id: str) -> None:
        """Forget the newest ask that may be a press on a message which was edited now."""
        pressed = (ask for ask, known in self._asks.items() if _SPEAKS not in known)
        self._forget(ask for ask in reversed([*pressed]) if is_newer(ask, message_id))

    def _forget(self, asks: Iterable[str]) -> None:
        for ask in islice(asks, 1):
            del self._asks[ask]

    def before(self, message_id: str) -> Sequence[str]:
        """Return the asks whose answer a message may be, oldest first."""
        if not message_id.isdecimal():
            return []
        return [
            ask
            for ask in self._asks
            if is_newer(message_id, ask) and is_within_life(ask, message_id)
        ]


def is_within_life(ask: str, message_id: str) -> bool:
    """Tell whether a message is not too young for the answer to what has an older id."""
    return snowflake_time(message_id) - snowflake_time(ask) < _LIFE
