"""The log and the book: what the simulator saw, and what became of it.

The log has one entry for each request and each gateway frame received. The book has one entry for
each interaction that the bot executed, and says which messages and which result belong to it.
Nothing is redacted: all of it is test data.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator

from waystation.simulator.book.evidence import mark_twins
from waystation.simulator.discord.ids import Now
from waystation.simulator.payload import Payload, timestamp

__all__ = ["Book", "Log"]


class Log:
    """A bounded list of entries, each with a number `n` that only grows."""

    def __init__(self, limit: int, now: Now) -> None:
        self._entries: deque[Payload] = deque(maxlen=limit)
        self._now = now
        self._next = 1

    def add(self, kind: str, **facts: object) -> Payload:
        """Write one entry down; the caller may add facts to it later."""
        entry: Payload = {"n": self._next, "at": timestamp(self._now()), "kind": kind, **facts}
        self._next += 1
        self._entries.append(entry)
        return entry

    def entries(self, since: int = 0, kind: str | None = None) -> list[Payload]:
        """Return the entries numbered above `since`, oldest first."""
        return [
            entry
            for entry in self._newer(since)
            if kind is None or entry["kind"] in kind.split(",")
        ]

    def _newer(self, since: int) -> Iterator[Payload]:
        first = self._entries[0]["n"] if self._entries else self._next
        for index in range(max(0, since + 1 - first), len(self._entries)):
            yield self._entries[index]

    def clear(self) -> None:
        """Forget the entries; numbering goes on."""
        self._entries.clear()


class Book:
    """The results by their interactions."""

    def __init__(self, limit: int) -> None:
        self._entries: OrderedDict[int, Payload] = OrderedDict()
        self._limit = limit

    def open(self, entry: Payload) -> Payload:
        """Begin the entry of one executed interaction."""
        self._entries[entry["number"]] = entry
        if len(self._entries) > self._limit:
            self._entries.popitem(last=False)
        return entry

    def entries(self) -> list[Payload]:
        """Return all entries, oldest first, with their twins marked."""
        entries = list(self._entries.values())
        mark_twins(entries)
        return entries

    def clear(self) -> None:
        """Forget all entries."""
        self._entries.clear()
